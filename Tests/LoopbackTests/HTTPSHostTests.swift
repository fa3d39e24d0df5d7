import Configuration
import LinuxSystem
import RelayServer
import TestKit
import Testing
import Timekeeping
import TunnelClient

/// Virtual hosts of https: found by the ClientHello's server name, and passed on from its first
/// byte.
@Suite struct HTTPSHostTests {
  private static let unrecognizedName: [UInt8] = [21, 3, 3, 0, 2, 2, 112]

  /// Sends `bytes`, and expects them and some more back of an echo.
  private func expectEcho(_ port: UInt16, _ bytes: [UInt8]) throws {
    let user = try TestSocket.connect(port)
    try user.send(bytes)
    #expect(try user.receive(exactly: bytes.count) == bytes)
    try user.send("more")
    #expect(try user.receive(exactly: 4) == Array("more".utf8))
    user.shutdownWriting()
    #expect(try user.receiveSome().isEmpty)
  }

  @Test(arguments: Stack.allCases)
  func bytesArePassedOnFromTheFirst(_ stack: Stack) throws {
    let echo = try EchoServer()
    defer { echo.stop() }
    var proxy = Rig.https("web", ["a.test"], localPort: echo.port)
    proxy.usesEncryption = stack.isEncrypted
    proxy.usesCompression = stack.isCompressed
    let rig = try Rig.hosts(over: stack, [proxy])
    let port = try rig.hostPort(.https)
    try expectEcho(port, HandMadeHello.make("a.test"))
    // Larger than a record, and than what two plain sockets send in one piece.
    try expectEcho(port, HandMadeHello.make("A.Test", padding: 30_000))
    try expectEcho(port, HandMadeHello.make("a.test.", padding: 1800, recordByteCountMax: 300))
    #expect(try waitUntil { try rig.userCount() == 0 && rig.arrivalCount() == 0 })
    try rig.stop()
  }

  @Test func limitedProxyGetsTheHelloToo() throws {
    let echo = try EchoServer()
    defer { echo.stop() }
    var proxy = Rig.https("web", ["a.test"], localPort: echo.port)
    proxy.bandwidthLimit = Bandwidth("1MB")
    proxy.bandwidthLimitMode = .server
    let rig = try Rig.hosts([proxy])
    try expectEcho(try rig.hostPort(.https), HandMadeHello.make("a.test", padding: 40_000))
    try rig.stop()
  }

  @Test func helloMayBeCutAnywhere() throws {
    let echo = try EchoServer()
    defer { echo.stop() }
    let rig = try Rig.hosts([Rig.https("web", ["a.test"], localPort: echo.port)])
    let port = try rig.hostPort(.https)
    let hello = HandMadeHello.make("a.test", recordByteCountMax: 40)
    for split in 1..<hello.count {
      let user = try TestSocket.connect(port)
      try user.send(Array(hello[..<split]))
      // What has come is read before the rest comes.
      #expect(try waitUntil { try rig.arrivalCount() == 1 })
      try user.send(Array(hello[split...]))
      #expect(try user.receive(exactly: hello.count) == hello, "cut at \(split)")
      user.close()
    }
    // Each byte by itself.
    let user = try TestSocket.connect(port)
    for byte in hello { try user.send([byte]) }
    #expect(try user.receive(exactly: hello.count) == hello)
    user.close()
    #expect(try waitUntil { try rig.userCount() == 0 && rig.arrivalCount() == 0 })
    try rig.stop()
  }

  @Test func namesLeadWhereTheReferenceSays() throws {
    let services = try ["a", "b", "c", "d"].map { name in
      try TestServer { socket in
        _ = try socket.receiveSome()
        try socket.send(name)
      }
    }
    defer { for service in services { service.stop() } }
    let rig = try Rig.hosts(
      [
        Rig.https("a", ["exact.wild.test"], localPort: services[0].port),
        Rig.https("b", ["*.wild.test"], localPort: services[1].port),
        Rig.https("c", ["*"], localPort: services[2].port),
        Rig.proxy(
          "d", .https(HTTPSProxyConfiguration(domains: ProxyDomains(subdomain: "sub"))),
          services[3].port, ""),
      ], server: { $0.subdomainHost = "apps.test" })
    let port = try rig.hostPort(.https)
    let expected: [(String?, String)] = [
      ("exact.wild.test", "a"), ("EXACT.wild.test.", "a"), ("x.wild.test", "b"),
      ("x.y.wild.test", "b"), ("wild.test", "c"), ("elsewhere", "c"), (nil, "c"),
      ("sub.apps.test", "d"), ("sup.apps.test", "c"),
    ]
    for (name, answer) in expected {
      let user = try TestSocket.connect(port)
      try user.send(HandMadeHello.make(name))
      #expect(try user.receive(exactly: 1) == Array(answer.utf8), "\(name ?? "no name")")
      user.close()
    }
    try rig.stop()
  }

  @Test func unknownNamesAndOtherThingsAreSentAway() throws {
    let echo = try EchoServer()
    defer { echo.stop() }
    let rig = try Rig.hosts([Rig.https("web", ["a.test"], localPort: echo.port)])
    let port = try rig.hostPort(.https)
    func answer(_ bytes: [UInt8]) throws -> [UInt8] {
      let user = try TestSocket.connect(port)
      try user.send(bytes)
      return try user.receiveToEnd()
    }
    #expect(try answer(HandMadeHello.make("b.test")) == Self.unrecognizedName)
    #expect(try answer(HandMadeHello.make(nil)) == Self.unrecognizedName)
    #expect(try answer(Array("GET / HTTP/1.1\r\n".utf8)).isEmpty)
    var broken = HandMadeHello.make("a.test")
    broken[5] = 2
    #expect(try answer(broken) == [21, 3, 3, 0, 2, 2, 10], "no ClientHello: unexpected_message")
    #expect(echo.server.acceptCount == 0)
    #expect(try rig.userCount() == 0)
    try rig.stop()
  }

  @Test func aUserWhoLeavesInTheMiddleLeavesNothing() throws {
    let echo = try EchoServer()
    defer { echo.stop() }
    let rig = try Rig.hosts([Rig.https("web", ["a.test"], localPort: echo.port)])
    let port = try rig.hostPort(.https)
    let hello = HandMadeHello.make("a.test")
    for isReset in [false, true] {
      let user = try TestSocket.connect(port)
      try user.send(Array(hello[..<20]))
      #expect(try waitUntil { try rig.arrivalCount() == 1 })
      if isReset { user.abort() } else { user.close() }
      #expect(try waitUntil { try rig.arrivalCount() == 0 })
    }
    #expect(echo.server.acceptCount == 0)
    try rig.stop()
  }

  @Test func routesEndWithTheirSessionAndComeBack() throws {
    let echo = try EchoServer()
    defer { echo.stop() }
    let proxy = Rig.https("web", ["a.test"], localPort: echo.port)
    let rig = try Rig.hosts([proxy])
    let port = try rig.hostPort(.https)
    let other = try Rig.Client(Stack(), bindPort: rig.bindPort) { $0.proxies = [] }
    let client = rig.client
    let running = try TestSocket.connect(port)
    let hello = HandMadeHello.make("a.test")
    try running.send(hello)
    #expect(try running.receive(exactly: hello.count) == hello)
    // Withdrawn, the proxy's users stay; the next one finds nobody.
    try rig.clientThread.run { loop in
      var configuration = Rig.clientConfiguration(
        Stack(), bindPort: rig.bindPort, localPort: echo.port)
      configuration.proxies = []
      _ = client.on(loop).reload(configuration)
    }
    #expect(try waitUntil { try isSentAway(port, hello) })
    try running.send("still")
    #expect(try running.receive(exactly: 5) == Array("still".utf8))
    try rig.clientThread.run { loop in
      var configuration = Rig.clientConfiguration(
        Stack(), bindPort: rig.bindPort, localPort: echo.port)
      configuration.proxies = [proxy]
      _ = client.on(loop).reload(configuration)
    }
    try rig.expectRunning(1)
    try expectEcho(port, hello)
    // The session's end takes the route away.
    try rig.clientThread.run { loop in
      client.on(loop).stop()
      client.on(loop).stop()
    }
    #expect(try waitUntil { try isSentAway(port, hello) })
    try other.stop()
    try rig.stop()
  }

  private func isSentAway(_ port: UInt16, _ hello: [UInt8]) throws -> Bool {
    let user = try TestSocket.connect(port)
    defer { user.close() }
    try user.send(hello)
    // One whose session ends just then is closed without a word.
    return (try? user.receive(exactly: 7)) == Self.unrecognizedName
  }

  @Test func reloadOfTheRelayKeepsRoutesAndConnections() throws {
    let echo = try EchoServer()
    defer { echo.stop() }
    let rig = try Rig.hosts([Rig.https("web", ["a.test"], localPort: echo.port)])
    let port = try rig.hostPort(.https)
    let hello = HandMadeHello.make("a.test")
    let running = try TestSocket.connect(port)
    try running.send(hello)
    #expect(try running.receive(exactly: hello.count) == hello)
    let server = rig.server
    let outcome = try rig.serverThread.run { loop in
      var configuration = Rig.serverConfiguration(Stack())
      configuration.httpsPort = 1
      configuration.httpConnectPort = 0
      configuration.portsPerClientMax = 3
      return server.on(loop).reload(configuration)
    }
    #expect(outcome.restartKeys == ["vhost_https_port"])
    try expectEcho(port, hello)
    try running.send("still")
    #expect(try running.receive(exactly: 5) == Array("still".utf8))
    try rig.stop()
  }

  // MARK: Limits

  @Test func whoSaysNothingGoesInTime() throws {
    let rig = try Rig.hosts([Rig.https("web", ["a.test"], localPort: 9)])
    let silent = try TestSocket.connect(try rig.hostPort(.https))
    let slow = try TestSocket.connect(try rig.hostPort(.https))
    try slow.send(Array(HandMadeHello.make("a.test")[..<9]))
    let connecting = try TestSocket.connect(try rig.hostPort(.tcpmux))
    try connecting.send("CONNECT a.test HTTP/1.1\r\n")
    #expect(try waitUntil { try rig.arrivalCount() == 3 })
    for user in [silent, slow, connecting] { #expect(user.isReset()) }
    #expect(try rig.arrivalCount() == 0)
    #expect(try rig.counters().latePeers == 3)
    try rig.stop()
  }

  @Test func slowOnesGoAndDoNotDelayOthers() throws {
    let echo = try EchoServer()
    defer { echo.stop() }
    let rig = try Rig.hosts([Rig.https("web", ["a.test"], localPort: echo.port)])
    let port = try rig.hostPort(.https)
    let hello = HandMadeHello.make("a.test")
    var slow: [TestSocket] = []
    for _ in 0..<2000 {
      let user = try TestSocket.connect(port)
      try user.send(Array(hello[..<6]))
      slow.append(user)
    }
    #expect(try waitUntil { try rig.arrivalCount() == RelayServerLimits.arrivalsPerNetworkMax })
    let start = HostSystem.monotonicNanoseconds
    try expectEcho(port, hello)
    #expect(HostSystem.monotonicNanoseconds - start < 1_000_000_000)
    // Whoever came last is still there and may go on; the first one had to go.
    let last = try #require(slow.last)
    try last.send(Array(hello[6...]))
    #expect(try last.receive(exactly: hello.count) == hello)
    #expect(throws: TestSocketError.self) { try slow[0].receive(exactly: 1) }
    for user in slow { user.close() }
    #expect(try waitUntil { try rig.arrivalCount() == 0 })
    try rig.stop()
  }

  @Test func capsOnUsersHoldForHosts() throws {
    let echo = try EchoServer()
    defer { echo.stop() }
    let rig = try Rig.hosts(
      [Rig.https("web", ["a.test"], localPort: echo.port)],
      server: { $0.connectionLimits.perAddress = 1 })
    let port = try rig.hostPort(.https)
    let hello = HandMadeHello.make("a.test")
    let first = try TestSocket.connect(port)
    try first.send(hello)
    #expect(try first.receive(exactly: hello.count) == hello)
    let second = try TestSocket.connect(port)
    try second.send(hello)
    #expect(throws: TestSocketError.self) { try second.receive(exactly: 1) }
    #expect(try rig.counters().usersOverAddressMax == 1)
    try rig.stop()
  }
}
