import Foundation
import TestKit
import Testing
import Timekeeping

/// curl as the visitor and nginx as the local service: what is said and moved on both sides.
@Suite(
  .serialized, .enabled(if: WebPeer.areInstalled(webRigPeers), WebPeer.missing(webRigPeers)))
struct WebPeerTests {
  /// The codes and the counts of new connections that `-w` was asked for.
  private static let codes = ["-o", "/dev/null", "-w", "%{http_code} %{num_connects}\n"]

  /// Several requests of one curl, which uses a connection again where it may.
  private static func each(_ requests: [[String]], _ common: [String]) -> [String] {
    Array(requests.map { common + $0 }.joined(separator: ["--next", "-sS", "--http1.1"]))
  }

  // MARK: Connections

  /// The visitor's connection stays, and so does the one to nginx, also when nginx is a proxy.
  @Test func connectionsAreKept() throws {
    let rig = try WebRig()
    let common = rig.hosts + Self.codes
    let run = try rig.curl(
      Self.each(
        [
          [rig.page("/files/hello.txt")], ["-I", rig.page("/files/hello.txt")],
          [rig.page("/again/hello.txt")], [rig.page("/nothing")], [rig.page("/packed/hello.txt")],
          ["-X", "DELETE", rig.page("/put/nothing")],
        ], common))
    #expect(run.output == "200 1\n200 0\n200 0\n404 0\n200 0\n404 0\n", "\(run.errors)")
    let first = try rig.who("a.test")
    let second = try rig.who("a.test")
    #expect(first.connection == second.connection)
    #expect(first.requestNumber == 7 && second.requestNumber == 8)
    // One of HTTP/1.0 ends, unless it asks for more.
    let old = try rig.curl(Self.each([["-0", rig.page("/who")], [rig.page("/who")]], common))
    #expect(old.output == "200 1\n200 1\n", "\(old.errors)")
    let kept = ["-0", "-H", "Connection: keep-alive", rig.page("/who")]
    let asked = try rig.curl(Self.each([kept, kept], common))
    #expect(asked.output == "200 1\n200 0\n", "\(asked.errors)")
  }

  // MARK: Answers

  @Test func answersArriveAsNginxGivesThem() throws {
    let rig = try WebRig()
    let page = rig.page("/files/hello.txt")
    #expect(try rig.curl(["-r", "2-4", page]).output == "234")
    #expect(try rig.curl(["-r", "-6", page]).output == "hello\n")
    let many = try rig.curl(["-i", "-r", "0-1,4-5", page]).output
    #expect(many.contains("HTTP/1.1 206 ") && many.contains("multipart/byteranges"))
    #expect(many.contains("Content-Range: bytes 4-5/17\r\n\r\n45\r\n"))
    let beyond = try rig.curl(["-i", "-r", "100-", page]).output
    #expect(beyond.hasPrefix("HTTP/1.1 416 "))
    let head = try rig.curl(["-I", page]).output
    #expect(head.contains("Content-Length: 17\r\n") && head.hasSuffix("\r\n\r\n"))
    let mark = try #require(head.firstMatch(of: /ETag: (\S+)/)?.output.1)
    let same = try rig.curl(["-i", "-H", "If-None-Match: \(mark)", page]).output
    #expect(same.hasPrefix("HTTP/1.1 304 ") && same.hasSuffix("\r\n\r\n"))
    // Packed by nginx, in chunks, and unpacked by nobody but curl.
    let packed = [
      "-i", "-H", "Accept-Encoding: gzip", "--compressed", rig.page("/packed/hello.txt"),
    ]
    let unpacked = try rig.curl(packed).output
    #expect(unpacked.contains("Content-Encoding: gzip\r\n"))
    #expect(unpacked.contains("Transfer-Encoding: chunked\r\n"))
    #expect(unpacked.hasSuffix("\r\n\r\n0123456789 hello\n"))
    let file = rig.folder.path + "/packed"
    let raw = try rig.curl(
      ["-H", "Accept-Encoding: gzip", "-o", file, rig.page("/packed/hello.txt")])
    #expect(raw.code == 0)
    #expect(try Data(contentsOf: URL(fileURLWithPath: file)).starts(with: [0x1f, 0x8b]))
    // An old client gets the same without chunks.
    let old = try rig.curl(["-0"] + packed).output
    #expect(!old.contains("chunked") && old.hasSuffix("\r\n\r\n0123456789 hello\n"))
  }

  /// Goal: every byte of a long answer, at once and in ranges.
  @Test func longAnswersArriveWhole() throws {
    let rig = try WebRig()
    let original = try rig.write("long", byteCount: 32 << 20)
    let copy = rig.folder.path + "/copy"
    let whole = try rig.curl(["-o", copy, rig.page("/files/long")])
    #expect(whole.code == 0, "\(whole.errors)")
    let sum = try WebRig.sum(original.path)
    #expect(try WebRig.sum(copy) == sum)
    // The second half to what a download that was cut off has left.
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: copy))
    try handle.truncate(atOffset: 16 << 20)
    try handle.close()
    let rest = try rig.curl(
      ["-C", "-", "-o", copy, "-w", "%{http_code} %{size_download}", rig.page("/files/long")])
    #expect(rest.output == "206 \(16 << 20)", "\(rest.errors)")
    #expect(try WebRig.sum(copy) == sum)
  }

  // MARK: Bodies of requests

  @Test func uploadsArriveWhole() throws {
    let rig = try WebRig()
    let original = try rig.write("long", byteCount: 48 << 20)
    let sum = try WebRig.sum(original.path)
    let chunked = ["-H", "Transfer-Encoding: chunked"]
    for (number, more) in [[], chunked, ["-H", "Expect:"], chunked + ["-H", "Expect:"]].enumerated()
    {
      let run = try rig.curl(
        more + ["-w", "%{http_code} %{size_upload}", "-T", original.path]
          + [rig.page("/put/\(number)")])
      #expect(run.output.hasPrefix("201 "), "\(more) \(run.errors)")
      #expect(try WebRig.sum("\(rig.root)/put/\(number)") == sum, "\(more)")
    }
    // A body whose length is unknown until its end.
    let piped = try rig.curl(
      ["-w", "%{http_code}", "-T", "-", rig.page("/put/piped")], input: original.path)
    #expect(piped.output == "201", "\(piped.errors)")
    #expect(try WebRig.sum("\(rig.root)/put/piped") == sum)
  }

  /// Whoever waits to be told to go on is told by nginx, or refused without having sent a byte.
  @Test func expectationsReachNginx() throws {
    let rig = try WebRig()
    let original = try rig.write("some", byteCount: 2 << 20)
    // Longer than the test would wait.
    let patient = ["-v", "-H", "Expect: 100-continue", "--expect100-timeout", "600"]
    let told = try rig.curl(
      patient + ["-w", "%{http_code} %{size_upload}", "-T", original.path, rig.page("/put/some")])
    #expect(told.output == "201 \(2 << 20)", "\(told.errors)")
    #expect(told.errors.contains("< HTTP/1.1 100 Continue"))
    let refused = try rig.curl(
      patient + [
        "-o", "/dev/null", "-w", "%{http_code} %{size_upload}", "-T", original.path,
        rig.page("/small/some"),
      ])
    #expect(refused.output == "413 0", "\(refused.errors)")
    #expect(refused.errors.contains("< Connection: close"))
    // One who does not wait is refused, too, and hears of it.
    let hasty = try rig.curl(
      [
        "-H", "Expect:", "-o", "/dev/null", "-w", "%{http_code}", "-T", original.path,
        rig.page("/small/some"),
      ])
    #expect(hasty.output == "413", "\(hasty.errors)")
  }

  // MARK: Routes

  @Test func requestsFindTheirProxies() throws {
    let page = "<h1>nobody here</h1>"
    let folder = try TemporaryFolder()
    let file = try folder.write("404.html", page)
    let rig = try WebRig(in: folder, server: "custom_404_page = \(file)") { plain, _, _ in
      """
      [plain]
      type = http
      local_port = \(plain)
      custom_domains = a.test
      locations = /who, /files
      header_X-Set = plain

      [api]
      type = http
      local_port = \(plain)
      custom_domains = a.test
      locations = /who/api
      header_X-Set = api

      [user]
      type = http
      local_port = \(plain)
      custom_domains = a.test
      route_by_http_user = eve
      header_X-Set = eve

      [wild]
      type = http
      local_port = \(plain)
      custom_domains = *.wild.test
      host_header_rewrite = lan.test
      header_X-Set = wild

      [sub]
      type = http
      local_port = \(plain)
      subdomain = home
      http_user = u
      http_pwd = p w
      header_X-Set = sub

      """
    }
    let own = try rig.who("A.test", ["-H", "X-Forwarded-For: 192.0.2.1"])
    #expect(own.host == "a.test" && own.field == "plain" && own.forwardedProtocol == "http")
    #expect(own.forwardedFor == "192.0.2.1, 127.0.0.1")
    #expect(own.forwardedHost == "A.test:\(rig.http)")
    let api = try rig.curl(["-w", "%{http_code}", rig.page("/who/api")])
    #expect(api.output.hasSuffix("404"))
    #expect(try rig.who("a.test", ["-u", "eve:x"]).field == "eve")
    #expect(try rig.who("a.test", ["-u", "adam:x"]).field == "plain")
    let wild = try rig.who("deep.x.wild.test")
    #expect(wild.host == "lan.test" && wild.field == "wild")
    #expect(wild.forwardedHost == "deep.x.wild.test:\(rig.http)")
    #expect(try rig.who("home.apps.test", ["-u", "u:p w"]).field == "sub")
    let unknown = try rig.curl(["-i", rig.page("/who", at: "home.apps.test")])
    #expect(unknown.output.hasPrefix("HTTP/1.1 401 "))
    #expect(unknown.output.contains("WWW-Authenticate: Basic realm=\"Restricted\"\r\n"))
    let wrong = try rig.curl(
      ["--anyauth", "-u", "u:x", "-o", "/dev/null", "-w", "%{http_code}"]
        + [rig.page("/who", at: "home.apps.test")])
    #expect(wrong.output == "401")
    for host in ["wild.test", "b.test", "apps.test"] {
      let none = try rig.curl(["-w", " %{http_code}", rig.page("/who", at: host)])
      #expect(none.output == "\(page) 404", "\(host)")
    }
    #expect(try rig.curl(["-w", " %{http_code}", rig.page("/other")]).output == "\(page) 404")
  }

  /// Visitors get the page while a local service is not there, and those of its neighbour nginx.
  @Test func serviceMayLeaveAndReturn() throws {
    let other = try makeFreePort()
    let rig = try WebRig { plain, _, _ in
      WebRig.proxies(plain) + "\n[other]\ntype = http\nlocal_port = \(other)\n"
        + "custom_domains = b.test\n"
    }
    let ask = { try rig.curl(Self.codes + [rig.page("/", at: "b.test")]).output }
    #expect(try ask() == "404 1\n")
    let service = try TestServer(port: other) { socket in
      _ = try socket.receiveSome(within: .seconds(60))
      try socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    }
    #expect(try ask() == "200 1\n")
    service.stop()
    #expect(try ask() == "404 1\n")
    #expect(try rig.who("a.test").field.isEmpty)
  }
}
