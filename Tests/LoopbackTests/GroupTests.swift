import Configuration
import Foundation
import LinuxSystem
import RelayServer
import TestKit
import Testing
import Timekeeping
import TunnelClient
import WireProtocol

/// Proxies that share one address: who is served by whom, and what becomes of a member that fails.
@Suite struct GroupTests {
  /// Says its name to everybody.
  private static func service(_ name: String) throws -> TestServer {
    try TestServer { socket in
      try socket.send(name)
      _ = try socket.receiveToEnd()
    }
  }

  /// Accepts, and closes without a word.
  private static func mute() throws -> TestServer {
    try TestServer { _ in }
  }

  private static func tcp(_ name: String, _ localPort: UInt16) -> ProxyConfiguration {
    Rig.proxy(name, .tcp(TCPProxyConfiguration(remotePort: 0)), localPort, "g")
  }

  private func ask(_ port: UInt16, _ opening: [UInt8] = []) throws -> String {
    let user = try TestSocket.connect(port)
    defer { user.close() }
    try user.send(opening)
    do {
      return String(decoding: try user.receive(exactly: 1), as: UTF8.self)
    } catch TestSocketError.endOfStream, TestSocketError.failed {
      return "-"
    }
  }

  private func ask(_ count: Int, _ port: UInt16, _ opening: [UInt8] = []) throws -> String {
    try (0..<count).map { _ in try ask(port, opening) }.joined()
  }

  @Test func connectionsTakeTurnsAndMembersComeAndGo() throws {
    let services = try ["a", "b", "c"].map { try Self.service($0) }
    defer { for service in services { service.stop() } }
    let rig = try Rig.hosts([
      Self.tcp("one", services[0].port), Self.tcp("two", services[1].port),
    ])
    let port = try rig.publicPort("one")
    #expect(try rig.publicPort("two") == port)
    #expect(try ask(4, port) == "abab")
    // Another client joins, whose credential is the same, but not one with another key.
    let other = try Rig.Client(Stack(), bindPort: rig.bindPort) {
      $0.proxies = [Self.tcp("three", services[2].port)]
    }
    #expect(try waitUntil { try Set(ask(3, port)) == ["a", "b", "c"] })
    let stranger = try Rig.Client(Stack(), bindPort: rig.bindPort) {
      var proxy = Self.tcp("four", services[2].port)
      proxy.loadBalancing?.key = Secret("x")
      $0.proxies = [proxy]
    }
    let refused = stranger.client
    #expect(
      try waitUntil {
        try stranger.thread.run { refused.on($0).status.first?.error == "group auth failed" }
      })
    try stranger.stop()
    // The first member, whose name the port has, goes; then its session.
    let client = rig.client
    try rig.clientThread.run { loop in
      var configuration = Rig.clientConfiguration(Stack(), bindPort: rig.bindPort, localPort: 9)
      configuration.proxies = [Self.tcp("two", services[1].port)]
      _ = client.on(loop).reload(configuration)
    }
    #expect(try waitUntil { try Set(ask(2, port)) == ["b", "c"] })
    try rig.clientThread.run { loop in
      client.on(loop).stop()
      client.on(loop).stop()
    }
    #expect(try waitUntil { try ask(2, port) == "cc" })
    try other.stop()
    #expect(waitUntil { (try? TestSocket.connect(port)) == nil })
    try rig.stop()
  }

  @Test func hostsHaveGroupsToo() throws {
    let services = try ["a", "b"].map { try Self.service($0) }
    defer { for service in services { service.stop() } }
    let names = ["one", "two"]
    let rig = try Rig.hosts(
      zip(names, services).map { Rig.https($0, ["a.test"], localPort: $1.port, group: "g") }
        + zip(names, services).map {
          Rig.tcpmux("\($0)-mux", ["a.test"], localPort: $1.port, group: "g")
        })
    let hello = HandMadeHello.make("a.test")
    #expect(try ask(4, try rig.hostPort(.https), hello) == "abab")
    let mux = try rig.hostPort(.tcpmux)
    let answers = try (0..<4).map { _ in
      let user = try TestSocket.connect(mux)
      defer { user.close() }
      try user.send("CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\n")
      return try user.receive(exactly: 39).last
    }
    #expect(answers == [97, 98, 97, 98])
    try rig.stop()
  }

  @Test(arguments: [Stack(), Stack(isTLS: false, isMux: false)])
  func failingMemberIsLeftOut(_ stack: Stack) throws {
    let services = try ["a", "b", "c"].map { try Self.service($0) }
    let mute = try Self.mute()
    defer { for service in services + [mute] { service.stop() } }
    let rig = try Rig.hosts(
      over: stack,
      [
        Self.tcp("one", services[0].port), Self.tcp("two", mute.port),
        Self.tcp("three", services[1].port), Self.tcp("four", services[2].port),
      ],
      server: { $0.groups.failureCountMax = 3 })
    let port = try rig.publicPort("one")
    var failedCount = 0
    for _ in 0..<200 where try ask(port) == "-" { failedCount += 1 }
    #expect(failedCount == 3)
    #expect(mute.acceptCount == 3)
    try rig.stop()
  }

  /// Four members, one of which fails, in two groups: one with settings of its own, and one without
  /// them, which shows how many connections such a member gets. `FRP_GROUP_CONNECTIONS` is the
  /// number of connections after the third failure.
  @Test(arguments: [Stack(), Stack(isTLS: false, isMux: false)])
  func failingMemberGetsLessThanOnePerCent(_ stack: Stack) throws {
    let wanted = ProcessInfo.processInfo.environment["FRP_GROUP_CONNECTIONS"].flatMap(Int.init)
    let count = wanted ?? 2_000
    let good = try Self.service("a")
    let mutes = try [Self.mute(), Self.mute()]
    defer { for service in [good] + mutes { service.stop() } }
    let proxies = zip(["kept", "even"], mutes).flatMap { group, mute in
      [good.port, mute.port, good.port, good.port].enumerated().map {
        Rig.proxy("\(group)\($0)", .tcp(TCPProxyConfiguration(remotePort: 0)), $1, group)
      }
    }
    let rig = try Rig.hosts(
      over: stack, proxies,
      server: {
        var settings = GroupConfiguration()
        settings.failureCountMax = 3
        $0.namedGroups = ["kept": settings]
      })
    let kept = try rig.publicPort("kept0")
    for _ in 0..<12 { _ = try ask(kept) }
    #expect(mutes[0].acceptCount == 3)
    let start = HostSystem.monotonicNanoseconds
    var failedCount = 0
    for _ in 0..<count where try ask(kept) == "-" { failedCount += 1 }
    let late = mutes[0].acceptCount - 3
    #expect(late * 100 < count && failedCount == late)
    // The same load without the setting.
    let even = try rig.publicPort("even0")
    for _ in 0..<200 { _ = try ask(even) }
    #expect(mutes[1].acceptCount == 50)
    let milliseconds = (HostSystem.monotonicNanoseconds - start) / 1_000_000
    Console.writeLine(
      "\(stack.testDescription): after 3 failures \(count) connections in \(milliseconds) ms, "
        + "\(late) of them to the member that fails")
    try rig.stop()
  }

  // Who leaves before the service has said anything tells nothing about it.
  @Test(arguments: [Stack(), Stack(isTLS: false, isMux: false)])
  func usersWhoLeaveAreNoFailures(_ stack: Stack) throws {
    let services = try ["a", "b"].map { name in
      try TestServer { socket in
        if try !socket.receiveSome().isEmpty { try socket.send(name) }
      }
    }
    defer { for service in services { service.stop() } }
    let rig = try Rig.hosts(
      over: stack, [Self.tcp("one", services[0].port), Self.tcp("two", services[1].port)],
      server: { $0.groups.failureCountMax = 1 })
    let port = try rig.publicPort("one")
    for number in 1...6 {
      let user = try TestSocket.connect(port)
      #expect(
        waitUntil { services.reduce(0) { $0 + $1.acceptCount } == number }, "user \(number)")
      if number.isMultiple(of: 2) { user.abort() } else { user.close() }
    }
    #expect(try waitUntil { try rig.userCount() == 0 })
    #expect(try ask(4, port, [1]) == "abab")
    try rig.stop()
  }

  // The member that he waits for is withdrawn before it has opened a work connection.
  @Test func userWhoWaitsGoesToAnotherMember() throws {
    let service = try Self.service("a")
    defer { service.stop() }
    let server = try LoneServer(Stack(isTLS: false, isMux: false))
    let peer = try RawPeer(server.port)
    try peer.logIn()
    var request = NewProxy(proxyName: "one", proxyType: "tcp", group: "g")
    request.groupKey = ""
    try peer.send(.newProxy(request))
    guard case .newProxyResponse(let answer) = try peer.receiveAnswer(), answer.error.isEmpty,
      let port = UInt16(answer.remoteAddress.dropFirst())
    else {
      Issue.record("no answer")
      return
    }
    let user = try TestSocket.connect(port)
    let confined = server.server
    #expect(
      try waitUntil { try server.thread.run { confined.on($0).userConnectionCount == 1 } })
    let other = try Rig.Client(Stack(isTLS: false, isMux: false), bindPort: server.port) {
      $0.proxies = [Self.tcp("two", service.port)]
    }
    let client = other.client
    #expect(
      try waitUntil {
        try other.thread.run { client.on($0).status.first?.phase == .running }
      })
    try peer.send(.closeProxy(CloseProxy(proxyName: "one")))
    #expect(try user.receive(exactly: 1) == Array("a".utf8))
    user.close()
    #expect(
      try waitUntil { try server.thread.run { confined.on($0).userConnectionCount == 0 } })
    try other.stop()
    try server.stop()
  }

  // Without the setting it is as with frp.
  @Test func failingMemberKeepsItsTurnUnlessToldOtherwise() throws {
    let service = try Self.service("a")
    let mute = try Self.mute()
    defer {
      service.stop()
      mute.stop()
    }
    let rig = try Rig.hosts([Self.tcp("one", service.port), Self.tcp("two", mute.port)])
    #expect(try ask(20, try rig.publicPort("one")) == String(repeating: "a-", count: 10))
    try rig.stop()
  }

  @Test func policiesAreFollowedAndChange() throws {
    let services = try ["a", "b"].map { try Self.service($0) }
    defer { for service in services { service.stop() } }
    var heavy = Self.tcp("two", services[1].port)
    heavy.metadata = ["weight": "3"]
    let rig = try Rig.hosts(
      [Self.tcp("one", services[0].port), heavy],
      server: { $0.groups.weightKey = "weight" })
    let port = try rig.publicPort("one")
    #expect(try ask(8, port).count { $0 == "b" } == 6)
    let server = rig.server
    try rig.serverThread.run { loop in
      var configuration = Rig.serverConfiguration(Stack())
      configuration.httpsPort = 0
      configuration.httpConnectPort = 0
      configuration.groups.policy = .sourceHash
      configuration.groups.weightKey = "weight"
      _ = server.on(loop).reload(configuration)
    }
    #expect(Set(try ask(8, port)).count == 1, "one address, one member")
    try rig.serverThread.run { loop in
      var configuration = Rig.serverConfiguration(Stack())
      configuration.httpsPort = 0
      configuration.httpConnectPort = 0
      configuration.groups.policy = .leastConnections
      configuration.groups.weightKey = "weight"
      _ = server.on(loop).reload(configuration)
    }
    // Four users who stay: three of them with the heavy member.
    #expect(try waitUntil { try rig.userCount() == 0 })
    let users = try (0..<4).map { _ in try TestSocket.connect(port) }
    let names = try users.map { String(decoding: try $0.receive(exactly: 1), as: UTF8.self) }
    #expect(names.count { $0 == "b" } == 3)
    for user in users { user.close() }
    try rig.stop()
  }

  // Members, their users and the route stay; only the way to choose changes, and only in one group.
  @Test func reloadChangesOneGroup() throws {
    let services = try ["a", "b"].map { try Self.service($0) }
    defer { for service in services { service.stop() } }
    let proxies = ["g", "h"].flatMap { group in
      services.enumerated().map { index, service in
        var proxy = Rig.proxy(
          "\(group)\(index)", .tcp(TCPProxyConfiguration(remotePort: 0)), service.port, group)
        proxy.metadata = ["weight": "\(1 + 2 * index)"]
        return proxy
      }
    }
    let rig = try Rig.hosts(proxies)
    let ports = (try rig.publicPort("g0"), try rig.publicPort("h0"))
    #expect(try ask(4, ports.0) == "abab")
    let user = try TestSocket.connect(ports.0)
    #expect(try user.receive(exactly: 1) == Array("a".utf8))
    let server = rig.server
    func reload(_ named: [String: GroupConfiguration]) throws {
      try rig.serverThread.run { loop in
        var configuration = Rig.serverConfiguration(Stack())
        configuration.httpsPort = 0
        configuration.httpConnectPort = 0
        configuration.namedGroups = named
        #expect(server.on(loop).reload(configuration).restartKeys.isEmpty)
      }
    }
    var settings = GroupConfiguration()
    settings.weightKey = "weight"
    try reload(["g": settings])
    #expect(try ask(8, ports.0).count { $0 == "b" } == 6)
    #expect(try ask(8, ports.1).count { $0 == "b" } == 4)
    settings.policy = .sourceHash
    try reload(["g": settings])
    #expect(Set(try ask(8, ports.0)).count == 1)
    try reload([:])
    #expect(try ask(8, ports.0).count { $0 == "b" } == 4)
    #expect(try rig.publicPort("g1") == ports.0)
    user.close()
    try rig.stop()
  }
}
