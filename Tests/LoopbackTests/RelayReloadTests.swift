import Configuration
import Foundation
import LinuxSystem
import Reactor
import RelayServer
import TestKit
import Testing
import Timekeeping
import WireProtocol

/// The relay goes on with another configuration.
@Suite(.serialized) struct RelayReloadTests {
  static let bare = Stack(isTLS: false, isMux: false)

  private func talk(_ user: TestSocket, _ text: String = "ping") throws {
    try user.send(text)
    #expect(try user.receive(exactly: text.utf8.count) == Array(text.utf8))
  }

  @Test(arguments: Stack.allCases.filter { $0.isEncrypted && !$0.isCompressed })
  func newTokenHoldsForNewLoginsOnly(_ stack: Stack) throws {
    let service = try EchoServer()
    defer { service.stop() }
    let server = try LoneServer(stack)
    let client = try Rig.Client(stack, bindPort: server.port, localPort: service.port) {
      $0.proxies[0].usesEncryption = true
    }
    #expect(try waitUntil { try server.publicPort("web") != nil })
    let port = try #require(try server.publicPort("web"))
    let before = try TestSocket.connect(port)
    try talk(before)
    let outcome = try server.reload(stack) { $0.authentication.token = Secret("fresh") }
    #expect(outcome == ReloadOutcome())
    // The session's key is the old one, on both ends.
    try talk(before, "goes on")
    try talk(try TestSocket.connect(port), "new user of the old session")
    let late = try Rig.Client(stack, bindPort: server.port)
    let right = try Rig.Client(stack, bindPort: server.port, localPort: service.port) {
      $0.authentication.token = Secret("fresh")
      $0.proxies[0].name = "fresh"
    }
    #expect(try waitUntil { try server.publicPort("fresh") != nil })
    try talk(try TestSocket.connect(try server.publicPort("fresh") ?? 0))
    #expect(try !late.isLoggedIn() && client.isLoggedIn())
    for client in [client, late, right] { try client.stop() }
    try server.stop()
  }

  // What old sessions prove, they prove with the token that they logged in with.
  @Test func proofsOfOldSessionsStayGood() throws {
    let change: @Sendable (inout ServerConfiguration) -> Void = {
      $0.authentication.authenticatesHeartbeats = true
      $0.authentication.authenticatesNewWorkConnections = true
    }
    let server = try LoneServer(Self.bare, change)
    let peer = try RawPeer(server.port)
    let runID = try peer.logIn().runID
    try server.reload(Self.bare) {
      change(&$0)
      $0.authentication.token = Secret("fresh")
    }
    let proof = RawPeer.login()
    try peer.send(.ping(Ping(privilegeKey: proof.privilegeKey, timestamp: proof.timestamp)))
    #expect(try peer.receiveAnswer() == .pong(Pong()))
    let work = try RawPeer(server.port)
    try work.send(
      .newWorkConnection(
        NewWorkConnection(
          runID: runID, privilegeKey: proof.privilegeKey, timestamp: proof.timestamp)))
    let port = try announce(peer, "web")
    let user = try TestSocket.connect(port)
    guard case .startWorkConnection(let start) = try work.receive() else {
      Issue.record("no StartWorkConn")
      return
    }
    #expect(start.proxyName == "web" && start.error.isEmpty)
    user.close()
    try server.stop()
  }

  @Test func allowedPortsHoldForNewProxiesAndLimitsForNewUsers() throws {
    let server = try LoneServer(Self.bare)
    let peer = try RawPeer(server.port)
    try peer.logIn()
    let port = try announce(peer, "web")
    let first = try TestSocket.connect(port)
    #expect(try waitUntil { try userCount(server) == 1 })
    try server.reload(Self.bare) {
      $0.allowedPorts = PortRanges([1...2])
      $0.portsPerClientMax = 1
      $0.connectionLimits.perAddress = 2
    }
    #expect(try refusal(peer, "b", port: 3) == "exceed the max_ports_per_client")
    // Those who are in count.
    let second = try TestSocket.connect(port)
    #expect(try waitUntil { try userCount(server) == 2 })
    #expect(TestSocket.isRefused(port))
    #expect(try server.counters().usersOverAddressMax == 1)
    try server.reload(Self.bare) { $0.allowedPorts = PortRanges([1...2]) }
    #expect(try refusal(peer, "b", port: 3) == "port not allowed")
    let fourth = try TestSocket.connect(port)
    #expect(try waitUntil { try userCount(server) == 3 })
    for socket in [first, second, fourth] { socket.close() }
    try server.stop()
  }

  @Test func whatNeedsARestartIsNamedAndStays() throws {
    let server = try LoneServer(Self.bare)
    let outcome = try server.reload(Stack(isTLS: false, isMux: true)) {
      $0.bindPort = 9
      $0.proxyBindAddress = "127.0.0.2"
      $0.sendsDetailedErrors = false
    }
    #expect(outcome.restartKeys == ["bind_port", "proxy_bind_addr", "tcp_mux"])
    #expect(outcome.problems.isEmpty)
    let wrong = try RawPeer(server.port)
    #expect(try wrong.logIn(RawPeer.login(token: "no")).error == "register control error")
    try server.stop()
  }

  // A timeout that is new does not end those who do not know of it.
  @Test func heartbeatTimeoutHoldsForNewSessions() throws {
    let server = try LoneServer(Self.bare) { $0.transport.heartbeatTimeout = nil }
    let old = try RawPeer(server.port)
    try old.logIn()
    try server.reload(Self.bare) { $0.transport.heartbeatTimeout = .milliseconds(200) }
    let new = try RawPeer(server.port)
    try new.logIn()
    #expect(throws: (any Error).self) { while true { _ = try new.receive() } }
    #expect(try server.sessionCount() == 1)
    try server.stop()
  }

  @Test func certificateIsExchangedUnderLoggedInClients() throws {
    let (old, new) = (try SecurityTests.Authority(), try SecurityTests.Authority())
    defer {
      old.remove()
      new.remove()
    }
    let (oldPair, newPair) = (old.pair("relay"), new.pair("relay"))
    let server = try LoneServer(Stack()) { $0.transport.tls.certificate = oldPair }
    let first = try client(server, trusting: old)
    #expect(try waitUntil { try first.isLoggedIn() })
    #expect(
      try server.reload { $0.transport.tls.certificate = newPair } == ReloadOutcome())
    let second = try client(server, trusting: new)
    #expect(try waitUntil { try second.isLoggedIn() })
    let late = try client(server, trusting: old)
    #expect(try !waitUntil(within: .seconds(1)) { try late.isLoggedIn() })
    #expect(try first.isLoggedIn() && server.sessionCount() == 2)
    for client in [first, second, late] { try client.stop() }
    try server.stop()
  }

  // Half-written, or of two different pairs: the former one stays, and everything else is taken.
  @Test func pairThatDoesNotFitLeavesTheFormerOneInForce() throws {
    let (old, new) = (try SecurityTests.Authority(), try SecurityTests.Authority())
    defer {
      old.remove()
      new.remove()
    }
    let pair = old.pair("relay")
    let server = try LoneServer(Stack()) { $0.transport.tls.certificate = pair }
    let whole = try #require(FileManager.default.contents(atPath: new.path("relay.pem")))
    for content in [whole, whole.prefix(whole.count / 2)] {
      try content.write(to: URL(fileURLWithPath: pair.certificatePath))
      let outcome = try server.reload {
        $0.transport.tls.certificate = pair
        $0.transport.tls.isRequired = true
        $0.connectionLimits.perProxy = 7
      }
      #expect(outcome.problems.count == 1)
      #expect(outcome.problems.first?.contains("\(old.path("relay")).") == true)
      let user = try client(server, trusting: old)
      #expect(try waitUntil { try user.isLoggedIn() })
      try user.stop()
    }
    // The key comes, too.
    try whole.write(to: URL(fileURLWithPath: pair.certificatePath))
    let key = try #require(FileManager.default.contents(atPath: new.path("relay.key")))
    try key.write(to: URL(fileURLWithPath: pair.keyPath))
    #expect(
      try server.reload { $0.transport.tls.certificate = pair } == ReloadOutcome())
    let user = try client(server, trusting: new)
    #expect(try waitUntil { try user.isLoggedIn() })
    try user.stop()
    try server.stop()
  }

  private func client(_ server: LoneServer, trusting authority: SecurityTests.Authority) throws
    -> Rig.Client
  {
    let path = authority.path("ca.pem")
    return try Rig.Client(Stack(), bindPort: server.port) {
      $0.transport.tls.trustedAuthoritiesPath = path
      $0.transport.tls.serverName = "relay.test"
    }
  }

  private func userCount(_ server: LoneServer) throws -> Int {
    let relay = server.server
    return try server.thread.run { relay.on($0).userConnectionCount }
  }

  private func announce(_ peer: RawPeer, _ name: String) throws -> UInt16 {
    let answer = try peer.ask(name)
    #expect(answer.error.isEmpty, "\(answer.error)")
    return UInt16(answer.remoteAddress.dropFirst()) ?? 0
  }

  private func refusal(_ peer: RawPeer, _ name: String, port: Int) throws -> String {
    try peer.ask(name, port: port).error
  }
}

extension RawPeer {
  /// Announces a proxy, and waits for the answer.
  func ask(_ name: String, port: Int = 0, type: String = "tcp") throws -> NewProxyResponse {
    try send(.newProxy(NewProxy(proxyName: name, proxyType: type, remotePort: port)))
    while true {
      switch try receiveAnswer() {
      case .newProxyResponse(let answer): return answer
      // From a probe whether we are alive.
      case .pong: continue
      case _: throw RawPeerError.unexpected
      }
    }
  }
}

extension TestSocket {
  /// Whether a connection to a port is reset, while it is made or afterwards.
  static func isRefused(_ port: UInt16) -> Bool {
    guard let socket = try? TestSocket.connect(port) else { return true }
    return socket.isReset()
  }
}
