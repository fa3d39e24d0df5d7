import Configuration
import LinuxSystem
import TestKit
import Testing
import Timekeeping

@testable import TunnelClient

/// Local services that go away and come back (behaviour.md 8).
@Suite(.serialized) struct HealthCheckTests {
  private static let stack = Stack(isTLS: false, isMux: true)

  private struct Site {
    let server: LoneServer
    let client: Rig.Client

    init(_ localPort: UInt16, _ check: HealthCheckConfiguration) throws {
      server = try LoneServer(HealthCheckTests.stack)
      client = try Rig.Client(HealthCheckTests.stack, bindPort: server.port) {
        var proxy = ProxyConfiguration(
          name: "web", service: .tcp(TCPProxyConfiguration(remotePort: 0)))
        proxy.localPort = localPort
        proxy.healthCheck = check
        $0.proxies = [proxy]
      }
    }

    func waitFor(_ phase: ProxyPhase) throws -> Bool {
      try waitUntil { try client.status().map(\.phase) == [phase] }
    }

    func stop() {
      try? client.stop()
      try? server.stop()
    }

    var publicPort: UInt16 {
      get throws { try #require(try server.publicPort("web")) }
    }
  }

  private static func check(
    _ probe: HealthCheckConfiguration.Probe, failures: Int = 1,
    within timeout: Interval = .seconds(2)
  ) -> HealthCheckConfiguration {
    var check = HealthCheckConfiguration(probe: probe)
    check.interval = .milliseconds(10)
    check.timeout = timeout
    check.failureCountMax = failures
    return check
  }

  @Test func serviceThatGoesAwayIsWithdrawnUntilItIsBack() throws {
    let port = try makeFreePort()
    let site = try Site(port, Self.check(.tcp))
    defer { site.stop() }
    // Not there yet: not announced.
    #expect(try site.waitFor(.new))
    #expect(try site.server.publicPort("web") == nil)
    var service = try EchoServer(port: port)
    #expect(try site.waitFor(.running))
    let user = try TestSocket.connect(try site.publicPort)
    try user.send("ping")
    #expect(try user.receive(exactly: 4) == Array("ping".utf8))
    let former = try site.publicPort
    service.stop()
    #expect(try site.waitFor(.checkFailed))
    // Nobody waits: the port is closed.
    #expect(try waitUntil { try site.server.publicPort("web") == nil })
    #expect(throws: TestSocketError.self) { try TestSocket.connect(former) }
    service = try EchoServer(port: port)
    #expect(try site.waitFor(.running))
    let next = try TestSocket.connect(try site.publicPort)
    try next.send("pong")
    #expect(try next.receive(exactly: 4) == Array("pong".utf8))
    service.stop()
  }

  /// A running connection lives on while its proxy is withdrawn.
  @Test func runningConnectionsGoOn() throws {
    let answer = Locked("200 OK")
    let service = try TestServer { socket in
      let first = try socket.receiveSome()
      if String(decoding: first, as: UTF8.self).hasPrefix("GET ") {
        let status = answer.withLock { $0 }
        return try socket.send("HTTP/1.1 \(status)\r\nContent-Length: 0\r\n\r\n")
      }
      try socket.send(first)
      while true {
        let bytes = try socket.receiveSome()
        if bytes.isEmpty { return }
        try socket.send(bytes)
      }
    }
    defer { service.stop() }
    let site = try Site(service.port, Self.check(.http(path: "/health", headers: []), failures: 3))
    defer { site.stop() }
    #expect(try site.waitFor(.running))
    let user = try TestSocket.connect(try site.publicPort)
    try user.send("ping")
    #expect(try user.receive(exactly: 4) == Array("ping".utf8))
    answer.withLock { $0 = "500 Broken" }
    #expect(try site.waitFor(.checkFailed))
    try user.send("pong")
    #expect(try user.receive(exactly: 4) == Array("pong".utf8))
    answer.withLock { $0 = "204 Fine" }
    #expect(try site.waitFor(.running))
    try user.send("last")
    #expect(try user.receive(exactly: 4) == Array("last".utf8))
  }

  @Test func requestIsThatOfTheConfiguration() throws {
    let heads = Locked<[String]>([])
    let service = try TestServer { socket in
      let head = String(decoding: try socket.receiveSome(), as: UTF8.self)
      heads.withLock { $0.append(head) }
      let isFirst = head.hasPrefix("GET /a?b=c ")
      try socket.send(
        isFirst
          ? "HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n"
          : "HTTP/1.1 200 OK\r\n\r\n")
    }
    defer { service.stop() }
    let headers = [
      NamedValue(name: "Host", value: "inner.example.com"), NamedValue(name: "x-key", value: "v"),
    ]
    let site = try Site(service.port, Self.check(.http(path: "/a?b=c", headers: headers)))
    defer { site.stop() }
    #expect(try site.waitFor(.running))
    let seen = heads.withLock { Array($0.prefix(2)) }
    #expect(
      seen[0] == """
        GET /a?b=c HTTP/1.1\r\nHost: inner.example.com\r\nConnection: close\r\nx-key: v\r\n\r\n
        """)
    #expect(seen[1].hasPrefix("GET /next HTTP/1.1\r\nHost: 127.0.0.1:\(service.port)\r\n"))
    #expect(seen[1].contains("x-key: v\r\n"))
  }

  /// What accepts and never answers is alive for a check by tcp, and dead for one by http.
  @Test func serviceThatNeverAnswersIsDead() throws {
    let isDeaf = Locked(false)
    let service = try TestServer { socket in
      _ = try socket.receiveSome()
      if isDeaf.withLock({ $0 }) {
        _ = try socket.receiveToEnd()
      } else {
        try socket.send("HTTP/1.1 200 OK\r\n\r\n")
      }
    }
    defer { service.stop() }
    let byTCP = try Site(service.port, Self.check(.tcp))
    let check = Self.check(.http(path: "/", headers: []), within: .milliseconds(100))
    let byHTTP = try Site(service.port, check)
    defer {
      byTCP.stop()
      byHTTP.stop()
    }
    #expect(try byTCP.waitFor(.running) && byHTTP.waitFor(.running))
    isDeaf.withLock { $0 = true }
    #expect(try byHTTP.waitFor(.checkFailed))
    #expect(try byTCP.waitFor(.running))
    isDeaf.withLock { $0 = false }
    #expect(try byHTTP.waitFor(.running))
  }

  // MARK: Values

  @Test func failuresCountInARow() {
    var health = ServiceHealth(failureCountMax: 3)
    func handle(_ checks: String) -> String {
      String(
        checks.map { health.handle(isGood: $0 == "+") ? (health.state == .alive ? "A" : "D") : "." }
      )
    }
    // Before the first good one there is nothing to withdraw.
    #expect(handle("-----") == ".....")
    #expect(handle("++--+--+---") == "A.........D")
    #expect(handle("---+--") == "...A..")
    #expect(handle("-+") == "DA")
    var strict = ServiceHealth(failureCountMax: 0)
    let changes = [strict.handle(isGood: true), strict.handle(isGood: false)]
    #expect(changes == [true, true])
  }

  @Test func announcementsFollowTheService() {
    let now = Instant(nanoseconds: 0)
    var proxy = AnnouncedProxy(now: now, isServiceThere: false)
    let isTooEarly = proxy.announceIfDue(now: now)
    #expect(!isTooEarly && proxy.phase == .new)
    proxy.serviceDidAnswer(now: now)
    let isAnnounced = proxy.announceIfDue(now: now)
    #expect(isAnnounced)
    // The answer to an announcement that was withdrawn meanwhile does not count.
    let isKnown = proxy.serviceDidFail()
    #expect(isKnown)
    proxy.handleAnswer(error: "", remoteAddress: ":1", now: now)
    #expect(proxy.phase == .checkFailed && proxy.nextAnnouncement == nil)
    #expect(proxy.remoteAddress.isEmpty)
    proxy.serviceDidAnswer(now: now)
    let isAnnouncedAgain = proxy.announceIfDue(now: now)
    #expect(isAnnouncedAgain)
    proxy.handleAnswer(error: "", remoteAddress: ":2", now: now)
    let isWithdrawn = proxy.serviceDidFail()
    // Where it was is still said while it is withdrawn and announced again, until it is refused.
    #expect(isWithdrawn && proxy.phase == .checkFailed && proxy.remoteAddress == ":2")
    proxy.serviceDidAnswer(now: now)
    let isAnnouncedOnceMore = proxy.announceIfDue(now: now)
    #expect(isAnnouncedOnceMore && proxy.remoteAddress == ":2")
    proxy.handleAnswer(error: "no", remoteAddress: "", now: now)
    #expect(proxy.remoteAddress.isEmpty)
    let isStillKnown = proxy.serviceDidFail()
    #expect(!isStillKnown && proxy.phase == .checkFailed)
  }

  @Test func redirectionsAreFollowed() {
    let here = WebAddress(isTLS: false, host: "10.0.0.1", port: 8080, target: "/a/b?c=d")
    let cases: [(String, String?)] = [
      ("/x?y", "false 10.0.0.1:8080 /x?y"), ("x", "false 10.0.0.1:8080 /a/x"),
      ("?z", "false 10.0.0.1:8080 /a/b?z"), ("http://other", "false other /"),
      ("HTTPS://other/p#q", "true other /p"), ("//other:81?q", "false other:81 /?q"),
      ("https://[::1]:8443/", "true [::1]:8443 /"), ("ftp://other/", nil), ("http://", nil),
      ("http://a:b/", nil),
    ]
    for (location, expected) in cases {
      let next = here.followed(to: location)
      #expect(next.map { "\($0.isTLS) \($0.authority) \($0.target)" } == expected, "\(location)")
    }
  }
}
