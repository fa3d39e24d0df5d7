import Foundation
import TestKit
import Testing
import Timekeeping

/// TLS that ends at the relay or at nginx, front proxies, and CONNECT, with curl, nginx, haproxy.
@Suite(
  .serialized, .enabled(if: WebPeer.areInstalled(webRigPeers), WebPeer.missing(webRigPeers)))
struct WebPeerTunnelTests {
  private static let withHaproxy = webRigPeers + [.haproxy]

  // MARK: TLS

  @Test func tlsEndsAtTheRelay() throws {
    let folder = try TemporaryFolder()
    let keys = try WebRig.certificates(folder, ["a.test", "_.wild.test"])
    let rig = try WebRig(in: folder, server: keys) { plain, _, _ in
      """
      [web]
      type = http
      local_port = \(plain)
      custom_domains = a.test, *.wild.test

      """
    }
    func ask(_ host: String, _ path: String, _ name: String, _ more: [String]) throws
      -> FinishedPeer
    {
      try rig.curl(
        ["--cacert", "\(rig.folder.path)/certs/\(name).crt"] + more
          + ["https://\(host):\(rig.https)\(path)"])
    }
    for version in ["1.2", "1.3"] {
      let versions = ["--tlsv\(version)", "--tls-max", version]
      for (host, name) in [("a.test", "a.test"), ("x.wild.test", "_.wild.test")] {
        let run = try ask(host, "/who", name, versions)
        let who = try #require(WebRig.Who(run.output), "\(run.errors)")
        #expect(who.host == host && who.forwardedProtocol == "https")
        #expect(who.forwardedHost == "\(host):\(rig.https)" && who.forwardedFor == "127.0.0.1")
      }
    }
    // The certificate is that of the name alone.
    #expect(try ask("a.test", "/who", "_.wild.test", []).code == 60)
    // Bodies of both directions, on one connection.
    let original = try rig.write("long", byteCount: 8 << 20)
    let sum = try WebRig.sum(original.path)
    for number in 0..<10 {
      // Also with a body that is on its way before the request was read.
      let arguments = number == 0 ? [] : ["-H", "Expect:"]
      let path = "/put/up\(number)"
      let put = try ask("a.test", path, "a.test", arguments + ["-T", original.path])
      #expect(put.code == 0, "\(put.errors)")
      #expect(try WebRig.sum(rig.root + path) == sum)
    }
    let copy = rig.folder.path + "/copy"
    #expect(try ask("a.test", "/files/long", "a.test", ["-o", copy]).code == 0)
    #expect(try WebRig.sum(copy) == sum)
    // A name without certificate and without proxy.
    let unknown = try ask("b.test", "/", "a.test", [])
    #expect(unknown.code == 35 && unknown.errors.contains("unrecognized name"), "\(unknown.errors)")
  }

  /// What nginx and curl agree on, HTTP/2 too, is nothing to the relay.
  @Test func tlsPassesThrough() throws {
    let rig = try WebRig { _, secure, _ in
      "[secure]\ntype = https\nlocal_port = \(secure)\ncustom_domains = s.test\n"
    }
    let common = ["-sS", "--cacert", rig.folder.path + "/nginx.crt"] + rig.hosts
    let page = "https://s.test:\(rig.https)"
    for (arguments, answer) in [
      (["--http1.1", "--tls-max", "1.2"], "s.test TLSv1.2 HTTP/1.1\n"),
      (["--http1.1", "--tlsv1.3"], "s.test TLSv1.3 HTTP/1.1\n"),
      (["--http2"], "s.test TLSv1.3 HTTP/2.0\n"),
    ] {
      let run = try FinishedPeer(.curl, common + arguments + [page + "/"])
      #expect(run.output == answer, "\(run.errors)")
    }
    let original = try rig.write("long", byteCount: 16 << 20)
    let copy = rig.folder.path + "/copy"
    let run = try FinishedPeer(.curl, common + ["-o", copy, page + "/files/long"])
    #expect(run.code == 0, "\(run.errors)")
    #expect(try WebRig.sum(copy) == WebRig.sum(original.path))
  }

  // MARK: Front proxies

  private static func front(_ port: UInt16, _ target: UInt16, _ words: String) -> String {
    """
    listen front\(port)
      bind 127.0.0.1:\(port)
      server relay 127.0.0.1:\(target) \(words)

    """
  }

  private static func startHaproxy(
    _ folder: TemporaryFolder, _ fronts: String
  ) throws -> RunningPeer {
    let configuration = try folder.write(
      "haproxy.cfg",
      """
      defaults
        mode tcp
        timeout connect 10s
        timeout client 60s
        timeout server 60s

      \(fronts)
      """)
    return try RunningPeer(.haproxy, ["-db", "-f", configuration])
  }

  /// haproxy before the relay says who the visitor is, and nginx behind it hears of him.
  @Test(.enabled(if: WebPeer.areInstalled(withHaproxy), WebPeer.missing(withHaproxy)))
  func addressesSurviveFrontProxies() throws {
    let rig = try WebRig(server: "trusted_proxies = 127.0.0.1") { _, _, fronted in
      """
      [web]
      type = http
      local_port = \(fronted)
      custom_domains = a.test
      proxy_protocol_version = v2

      [old]
      type = http
      local_port = \(fronted)
      custom_domains = b.test
      proxy_protocol_version = v1

      [tunnel]
      type = tcpmux
      multiplexer = httpconnect
      local_port = \(fronted)
      custom_domains = c.test
      proxy_protocol_version = v2

      """
    }
    let (first, second, tunnels) = (try makeFreePort(), try makeFreePort(), try makeFreePort())
    let haproxy = try Self.startHaproxy(
      rig.folder,
      Self.front(first, rig.http, "send-proxy") + Self.front(second, rig.http, "send-proxy-v2")
        + Self.front(tunnels, rig.mux, "send-proxy-v2"))
    #expect(haproxy.waitForPort(tunnels), "\(haproxy.log)")
    for (number, port) in [first, second].enumerated() {
      for host in ["a.test", "b.test"] {
        let address = "127.0.\(number + 1).\(host == "a.test" ? 1 : 2)"
        let run = try FinishedPeer(
          .curl,
          ["-sS", "--interface", address] + rig.hosts + ["http://\(host):\(port)/who?\(number)"])
        let who = try #require(WebRig.Who(run.output), "\(run.errors) \(haproxy.log)")
        #expect(who.forwardedFor == address)
      }
    }
    let tunnelled = try FinishedPeer(
      .curl,
      [
        "-sS", "--interface", "127.0.3.1", "-p", "-x", "http://127.0.0.1:\(tunnels)",
        "http://c.test/who?tunnel",
      ])
    #expect(WebRig.Who(tunnelled.output)?.host == "c.test", "\(tunnelled.errors)")
    // Those of the first front are the ones for whom the streams to nginx were opened.
    let log = rig.folder.path + "/fronted.log"
    let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
    for line in ["127.0.1.1 GET /who?0", "127.0.1.2 GET /who?0", "127.0.3.1 GET /who?tunnel"] {
      #expect(text.contains("\(line) HTTP/1.1\n"), "\(line) in \(text)")
    }
    // curl says it of itself; without a header nobody is served.
    let own = try rig.curl(["--haproxy-protocol", rig.page("/who")])
    #expect(WebRig.Who(own.output)?.forwardedFor == "127.0.0.1", "\(own.errors)")
    #expect(try rig.curl([rig.page("/who")]).code != 0)
  }

  // MARK: CONNECT

  @Test func curlTunnels() throws {
    let banner = try TestServer { socket in
      try socket.send("SSH-2.0-service\r\n")
      var text = ""
      while text.utf8.last != 0x0a {
        text += String(decoding: try socket.receiveSome(within: .seconds(60)), as: UTF8.self)
      }
      try socket.send("heard \(text)")
    }
    defer { banner.stop() }
    let rig = try WebRig { plain, secure, _ in
      """
      [open]
      type = tcpmux
      multiplexer = httpconnect
      local_port = \(plain)
      custom_domains = a.test, *.wild.test

      [secure]
      type = tcpmux
      multiplexer = httpconnect
      local_port = \(secure)
      custom_domains = s.test
      http_user = u
      http_pwd = p

      [shell]
      type = tcpmux
      multiplexer = httpconnect
      local_port = \(banner.port)
      custom_domains = ssh.test

      """
    }
    let proxy = ["-sS", "--http1.1", "-p", "-x", "http://127.0.0.1:\(rig.mux)"]
    for host in ["a.test", "x.wild.test"] {
      let run = try FinishedPeer(.curl, proxy + ["http://\(host)/who", "http://\(host)/who"])
      let lines = run.output.split(separator: "\n").compactMap { WebRig.Who(String($0)) }
      #expect(lines.map(\.host) == [host, host], "\(run.errors)")
      #expect(lines.map(\.requestNumber) == [1, 2] && lines.map(\.forwardedFor) == ["", ""])
    }
    // TLS inside, with the credentials of the proxy.
    let secure = proxy + ["--cacert", rig.folder.path + "/nginx.crt"]
    let served = try FinishedPeer(.curl, secure + ["-U", "u:p", "https://s.test/"])
    #expect(served.output == "s.test TLSv1.3 HTTP/1.1\n", "\(served.errors)")
    let code = ["-o", "/dev/null", "-w", "%{http_connect}"]
    #expect(try FinishedPeer(.curl, secure + code + ["https://s.test/"]).output == "407")
    let wrong = try FinishedPeer(.curl, secure + code + ["-U", "u:x", "https://s.test/"])
    #expect(wrong.output == "407")
    #expect(try FinishedPeer(.curl, proxy + code + ["http://b.test/"]).output == "404")
    // One side speaks at once behind its request, the other as soon as it is connected.
    let user = try TestSocket.connect(rig.mux)
    try user.send("CONNECT ssh.test:22 HTTP/1.1\r\nHost: ssh.test:22\r\n\r\nSSH-2.0-user\r\n")
    let answer = String(decoding: try user.receiveToEnd(), as: UTF8.self)
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(answer.hasSuffix("\r\n\r\nSSH-2.0-service\r\nheard SSH-2.0-user\r\n"))
  }
}
