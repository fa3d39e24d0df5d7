import Configuration
import Foundation
import LinuxSystem
import RelayServer
import TestKit
import Testing
import Timekeeping
import TunnelClient

/// Requests to virtual hosts of HTTP, through both programs.
@Suite struct HTTPHostTests {
  /// Answers each request with a name, the head that it got, and its body.
  private static func service(_ name: String) throws -> TestServer {
    try TestServer { socket in
      var bytes: [UInt8] = []
      while true {
        let more = try socket.receiveSome(within: .seconds(60))
        if more.isEmpty { return }
        bytes += more
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.firstRange(of: "\r\n\r\n")?.upperBound else { continue }
        let head = text[..<end]
        let length = head.split(separator: "\r\n").compactMap { line in
          line.lowercased().hasPrefix("content-length: ") ? Int(line.dropFirst(16)) : nil
        }.first
        guard text[end...].utf8.count >= length ?? 0 else { continue }
        let body = "\(name)\n\(text)"
        try socket.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        bytes = []
      }
    }
  }

  private static func http(
    _ name: String, _ hosts: [String], _ localPort: UInt16, group: String = "",
    _ change: (inout HTTPProxyConfiguration) -> Void = { _ in }
  ) -> ProxyConfiguration {
    var service = HTTPProxyConfiguration(domains: ProxyDomains(custom: hosts))
    change(&service)
    return Rig.proxy(name, .http(service), localPort, group)
  }

  private static func rig(
    over stack: Stack = Stack(), _ proxies: [ProxyConfiguration],
    server change: @escaping @Sendable (inout ServerConfiguration) -> Void = { _ in }
  ) throws -> Rig {
    try Rig.hosts(
      over: stack, proxies,
      server: {
        $0.httpPort = 0
        change(&$0)
      })
  }

  private func ask(
    _ port: UInt16, _ host: String, _ path: String = "/", _ fields: String = ""
  ) throws -> String {
    let user = try TestSocket.connect(port)
    defer { user.close() }
    try user.send("GET \(path) HTTP/1.1\r\nHost: \(host)\r\n\(fields)Connection: close\r\n\r\n")
    return String(decoding: try user.receiveToEnd(), as: UTF8.self)
  }

  @Test(arguments: Stack.allCases)
  func requestsPassThroughEveryStack(_ stack: Stack) throws {
    let service = try Self.service("a")
    defer { service.stop() }
    var proxy = Self.http("one", ["a.test"], service.port)
    proxy.usesEncryption = stack.isEncrypted
    proxy.usesCompression = stack.isCompressed
    let rig = try Self.rig(over: stack, [proxy])
    let port = try rig.hostPort(.http)
    let user = try TestSocket.connect(port)
    let body = String(repeating: "0123456789", count: 20_000)
    for number in 0..<5 {
      try user.send(
        "POST /\(number) HTTP/1.1\r\nHost: a.test\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
          + body)
      var text = ""
      while !text.hasSuffix(body) {
        text += String(decoding: try user.receiveSome(), as: UTF8.self)
      }
      #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(text.contains("POST /\(number) HTTP/1.1\r\n"))
      #expect(text.contains("X-Forwarded-For: 127.0.0.1\r\n"))
    }
    // One stream served them all.
    #expect(service.acceptCount == 1)
    user.close()
    try rig.stop()
  }

  @Test func requestsFindTheirWay() throws {
    let services = try ["a", "b", "c", "d"].map { try Self.service($0) }
    defer { for service in services { service.stop() } }
    let rig = try Self.rig([
      Self.http("plain", ["a.test"], services[0].port),
      Self.http("api", ["a.test"], services[1].port) { $0.locations = ["/api"] },
      Self.http("wild", ["*.wild.test"], services[2].port) {
        $0.hostHeaderRewrite = "lan.test"
        $0.requestHeaders = ["X-From-Where": "frp"]
        $0.responseHeaders = ["X-Set": "1"]
      },
      Self.http("known", ["a.test"], services[3].port) {
        $0.routeByUser = "u"
        $0.user = "u"
        $0.password = Secret("p")
      },
    ])
    let port = try rig.hostPort(.http)
    #expect(try ask(port, "A.test:\(port)").contains("\r\n\r\na\nGET / HTTP/1.1"))
    #expect(try ask(port, "a.test", "/api/x").contains("\r\n\r\nb\n"))
    let wild = try ask(port, "x.wild.test")
    #expect(wild.contains("\r\n\r\nc\n") && wild.contains("Host: lan.test\r\n"))
    #expect(wild.contains("X-From-Where: frp\r\n") && wild.contains("X-Set: 1\r\n"))
    #expect(wild.contains("X-Forwarded-Host: x.wild.test\r\n"))
    let known = try ask(port, "a.test", "/", "Authorization: Basic dTpw\r\n")
    #expect(known.contains("\r\n\r\nd\n"))
    #expect(
      try ask(port, "a.test", "/", "Authorization: Basic dTp4\r\n").hasPrefix("HTTP/1.1 401 "))
    #expect(try ask(port, "b.test").hasPrefix("HTTP/1.1 404 "))
    try rig.stop()
  }

  @Test func membersOfAGroupTakeTurnsByRequests() throws {
    let services = try ["a", "b", "c"].map { try Self.service($0) }
    defer { for service in services { service.stop() } }
    let rig = try Self.rig(
      ["one", "two", "three"].enumerated().map {
        Self.http($1, ["a.test"], services[$0].port, group: "g")
      })
    let port = try rig.hostPort(.http)
    let names = try (0..<9).map { _ in
      let answer = try ask(port, "a.test")
      return answer.firstRange(of: "\r\n\r\n").map { String(answer[$0.upperBound...].prefix(1)) }
    }
    // Beginning with the second, as with frp.
    #expect(names.compactMap(\.self).joined() == "bcabcabca")
    try rig.stop()
  }

  /// A member that refuses is left out after three failures.
  @Test func failingMembersAreLeftOut() throws {
    let services = try ["a", "b", "c"].map { try Self.service($0) }
    defer { for service in services { service.stop() } }
    let ports = services.map(\.port) + [9]
    let rig = try Self.rig(
      ports.enumerated().map { Self.http("p\($0)", ["a.test"], $1, group: "g") },
      server: { $0.groups.failureCountMax = 3 })
    let port = try rig.hostPort(.http)
    var failureCount = 0
    for _ in 0..<400 {
      if try ask(port, "a.test").hasPrefix("HTTP/1.1 404 ") { failureCount += 1 }
    }
    #expect(failureCount == 3)
    try rig.stop()
  }

  @Test func proxiesThatEndTakeTheirStreamsAlong() throws {
    let service = try Self.service("a")
    defer { service.stop() }
    let rig = try Self.rig([])
    let port = try rig.hostPort(.http)
    let client = try Rig.Client(Stack(), bindPort: rig.bindPort) {
      $0.proxies = [Self.http("one", ["a.test"], service.port)]
    }
    #expect(try waitUntil { try ask(port, "a.test").contains(" 200 ") })
    #expect(service.activeCount == 1)
    // The client leaves: its proxy is gone, and the connection to the local service.
    try client.stop()
    #expect(waitUntil { service.activeCount == 0 })
    #expect(try waitUntil { try ask(port, "a.test").hasPrefix("HTTP/1.1 404 ") })
    try rig.stop()
  }

  /// Idle streams do not keep a relay from stopping.
  @Test func relaysWithIdleStreamsStopAtOnce() throws {
    let service = try Self.service("a")
    defer { service.stop() }
    let rig = try Self.rig(
      [Self.http("one", ["a.test"], service.port)],
      server: { $0.shutdownGrace = .seconds(60) })
    #expect(try ask(try rig.hostPort(.http), "a.test").contains(" 200 "))
    let server = rig.server
    #expect(try rig.serverThread.run { server.on($0).userConnectionCount } == 1)
    try rig.serverThread.run { server.on($0).stop() }
    #expect(
      try waitUntil { try rig.serverThread.run { server.on($0).userConnectionCount } == 0 })
    #expect(waitUntil { service.activeCount == 0 })
    try rig.stop()
  }

  @Test(arguments: [AccessLogConfiguration.Form.common, .json])
  func requestsAreLogged(_ form: AccessLogConfiguration.Form) throws {
    let service = try Self.service("a")
    defer { service.stop() }
    let folder = try TemporaryFolder()
    let path = folder.path + "/access.log"
    let rig = try Self.rig(
      [Self.http("one", ["a.test"], service.port)],
      server: { $0.accessLog = AccessLogConfiguration(path: path, form: form) })
    let port = try rig.hostPort(.http)
    _ = try ask(port, "a.test", "/x?y=1")
    _ = try ask(port, "b.test", "/z")
    var lines: [Substring] = []
    let isWritten = waitUntil {
      let bytes = (try? HostSystem.readFile(path, byteCountMax: 65536)) ?? []
      lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
      return lines.count == 2
    }
    #expect(isWritten)
    switch form {
    case .common:
      #expect(lines.first?.contains("\"GET /x?y=1 HTTP/1.1\" 200 ") == true)
      #expect(lines.last?.contains("\"GET /z HTTP/1.1\" 404 ") == true)
    case .json:
      #expect(lines.first?.contains("\"target\":\"/x?y=1\"") == true)
      #expect(lines.last?.contains("\"status\":404") == true)
    }
    try rig.stop()
  }

  /// Who takes up places and asks for nothing keeps nobody out, whatever the others come for.
  @Test func silentVisitorsMakeRoom() throws {
    let service = try Self.service("a")
    defer { service.stop() }
    var plain = Rig.proxy(
      "two", .tcp(TCPProxyConfiguration(remotePort: 0)), service.port, "")
    plain.localPort = service.port
    let rig = try Self.rig([Self.http("one", ["a.test"], service.port), plain]) {
      $0.connectionLimits.total = 3
    }
    let port = try rig.hostPort(.http)
    let request = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
    let busy = try TestSocket.connect(port)
    try busy.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\r\n")
    #expect(waitUntil { service.activeCount == 1 })
    let silent = try (0..<2).map { _ in try TestSocket.connect(port) }
    #expect(try waitUntil { try rig.visitorCount() == 3 })
    #expect(try ask(port, "a.test").contains(" 200 "))
    #expect(silent[0].isOver())
    #expect(try waitUntil { try rig.visitorCount() == 2 })
    // A user of a port, as soon as there is no place left.
    let third = try TestSocket.connect(port)
    #expect(try waitUntil { try rig.visitorCount() == 3 })
    let user = try TestSocket.connect(try rig.publicPort("two"))
    try user.send(request)
    #expect(try String(decoding: user.receive(exactly: 15), as: UTF8.self) == "HTTP/1.1 200 OK")
    #expect(silent[1].isOver())
    #expect(try rig.counters().evictedVisitors == 2)
    // Those who are served stay.
    try busy.send("x")
    #expect(try String(decoding: busy.receive(exactly: 15), as: UTF8.self) == "HTTP/1.1 200 OK")
    for socket in [busy, third, user] { socket.close() }
    try rig.stop()
  }

  @Test func visitorsOfOneAddressAreBounded() throws {
    let service = try Self.service("a")
    defer { service.stop() }
    let rig = try Self.rig([Self.http("one", ["a.test"], service.port)]) {
      $0.connectionLimits.perAddress = 2
    }
    let port = try rig.hostPort(.http)
    let request = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
    // One that says nothing counts like one that is served, and the streams of both do not.
    let silent = try TestSocket.connect(port)
    let served = try TestSocket.connect(port)
    try served.send(request)
    #expect(try String(decoding: served.receive(exactly: 15), as: UTF8.self) == "HTTP/1.1 200 OK")
    // The reset may be there before the connect has returned.
    let third = try? TestSocket.connect(port)
    try? third?.send(request)
    #expect(third?.isOver() ?? true)
    silent.close()
    #expect(waitUntil { (try? ask(port, "a.test").hasPrefix("HTTP/1.1 200 OK")) == true })
    served.close()
    #expect(waitUntil { (try? ask(port, "a.test").hasPrefix("HTTP/1.1 200 OK")) == true })
    try rig.stop()
  }

  /// A visitor that others wrote: two requests on one connection, a body, credentials, no route.
  @Test func curlIsServed() throws {
    let service = try Self.service("a")
    defer { service.stop() }
    let rig = try Self.rig([
      Self.http("one", ["a.test"], service.port) {
        $0.user = "u"
        $0.password = Secret("p")
      }
    ])
    let port = try rig.hostPort(.http)
    let folder = try TemporaryFolder()
    let large = try folder.write("large", String(repeating: "x", count: 300_000))
    let written = "%{http_code} %{num_connects} %{size_upload}\n"
    let common = ["-s", "-o", "/dev/null", "-w", written, "--resolve", "a.test:\(port):127.0.0.1"]
    let page = "http://a.test:\(port)/"
    let output = try Self.output(
      of: "/usr/bin/curl",
      common + ["-u", "u:p", page, "--next"] + common + ["-u", "u:p", page, "--next"] + common
        + ["-u", "u:p", "-T", large, page, "--next"] + common + [page])
    #expect(output == "200 1 0\n200 0 0\n200 0 300000\n401 0 0\n")
    try rig.stop()
  }

  private static func output(of program: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The local service does not answer in time.
  @Test func silentServicesTimeOut() throws {
    let service = try TestServer { socket in
      while try !socket.receiveSome(within: .seconds(60)).isEmpty {}
    }
    defer { service.stop() }
    let rig = try Self.rig(
      [Self.http("one", ["a.test"], service.port)],
      server: { $0.httpResponseTimeout = .milliseconds(100) })
    let port = try rig.hostPort(.http)
    #expect(try ask(port, "a.test").hasPrefix("HTTP/1.1 504 "))
    try rig.stop()
  }
}
