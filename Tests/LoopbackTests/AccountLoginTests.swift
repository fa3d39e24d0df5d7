import Configuration
import LinuxSystem
import Reactor
import RelayServer
import TestKit
import Testing
import Timekeeping
import WireProtocol

/// Users of the users file: who gets in, what he may, and when he has to go.
@Suite(.serialized) struct AccountLoginTests {
  static let bare = Stack(isTLS: false, isMux: false)

  /// Takes accounts, beside the shared token or without it.
  static func accounts(
    _ accounts: Account..., sharedToken: String = Rig.token
  ) -> @Sendable (inout ServerConfiguration) -> Void {
    {
      $0.usersFilePath = "users"
      $0.accounts = accounts
      $0.authentication.token = Secret(sharedToken)
    }
  }

  static func account(
    _ name: String, _ change: (inout Account) -> Void = { _ in }
  ) -> Account {
    var account = Account(name: name, token: Secret("token of \(name)"))
    change(&account)
    return account
  }

  /// Logs in as a user, with his token unless told otherwise.
  private func logIn(
    _ server: LoneServer, _ user: String, token: String? = nil, runID: String = ""
  ) throws -> (peer: RawPeer, answer: LoginResponse) {
    let peer = try RawPeer(server.port)
    let token = token ?? "token of \(user)"
    let login = RawPeer.login(token: token, runID: runID, user: user)
    return (peer, try peer.logIn(login, token: token))
  }

  private static let mismatch = "token in login doesn't match token from configuration"

  @Test func everyUserHasHisToken() throws {
    let server = try LoneServer(
      Self.bare, Self.accounts(Self.account("alice"), Self.account("bob")))
    #expect(try logIn(server, "alice").answer.error.isEmpty)
    #expect(try logIn(server, "bob").answer.error.isEmpty)
    // The shared token is for those who are not in the file.
    #expect(try logIn(server, "", token: Rig.token).answer.error.isEmpty)
    #expect(try logIn(server, "carol", token: Rig.token).answer.error.isEmpty)
    for (user, token) in [("alice", Rig.token), ("alice", "token of bob"), ("", "token of bob")] {
      #expect(try logIn(server, user, token: token).answer.error == Self.mismatch)
    }
    #expect(try logIn(server, "carol").answer.error == Self.mismatch)
    try server.stop()
  }

  @Test func emptySharedTokenLetsNobodyInBesideAUsersFile() throws {
    let server = try LoneServer(
      Self.bare, Self.accounts(Self.account("alice"), sharedToken: ""))
    #expect(try logIn(server, "carol", token: "").answer.error == Self.mismatch)
    #expect(try logIn(server, "", token: "").answer.error == Self.mismatch)
    #expect(try logIn(server, "alice").answer.error.isEmpty)
    try server.stop()
  }

  @Test func rightsAreThoseOfTheUser() throws {
    let ports = PortRanges([try makeFreePort()...65_535])
    let alice = Self.account("alice") {
      $0.allowedPorts = ports
      $0.proxyKinds = [.tcp]
      $0.proxyNames = (try? NamePatterns(["web*"])) ?? .all
      $0.portCountMax = 2
    }
    let server = try LoneServer(Self.bare, Self.accounts(alice, Self.account("bob")))
    let (peer, _) = try logIn(server, "alice")
    let foreign = "proxy name [NAME] not allowed for this user"
    for name in ["web", "bob.web", "alice.db", "alice", "alicia.web"] {
      #expect(try peer.ask(name).error == foreign.replacing("NAME", with: name))
    }
    #expect(
      try peer.ask("alice.web", type: "http").error == "proxy type [http] not allowed for this user"
    )
    #expect(try peer.ask("alice.web", type: "gopher").error == "unknown proxy type: gopher")
    #expect(try peer.ask("alice.web", port: 1).error == "port not allowed")
    let chosen = try peer.ask("alice.web1")
    #expect(chosen.error.isEmpty)
    #expect(UInt16(chosen.remoteAddress.dropFirst()).map(ports.contains) == true)
    // Ports are counted over all clients of the user.
    let (other, _) = try logIn(server, "alice")
    #expect(try other.ask("alice.web2").error.isEmpty)
    #expect(try peer.ask("alice.web3").error == "exceed the max_ports of the user")
    // Nobody else takes his names, not even with the shared token.
    let (stranger, _) = try logIn(server, "", token: Rig.token)
    #expect(try stranger.ask("bob.web").error == foreign.replacing("NAME", with: "bob.web"))
    #expect(try stranger.ask("web").error.isEmpty)
    try server.stop()
  }

  @Test(arguments: Stack.transports) func ordinaryClientIsServed(_ stack: Stack) throws {
    let service = try EchoServer()
    defer { service.stop() }
    let server = try LoneServer(stack, Self.accounts(Self.account("alice"), sharedToken: ""))
    let client = try Rig.Client(stack, bindPort: server.port, localPort: service.port) {
      $0.user = "alice"
      $0.authentication.token = Secret("token of alice")
      $0.proxies[0].usesEncryption = true
    }
    #expect(try waitUntil { try server.publicPort("alice.web") != nil })
    let user = try TestSocket.connect(try server.publicPort("alice.web") ?? 0)
    try user.send("encrypted with the user's key")
    #expect(try user.receive(exactly: 29) == Array("encrypted with the user's key".utf8))
    // Removed: whoever is served is cut off, and the client is not let in again.
    try server.reload(stack, Self.accounts(Self.account("bob"), sharedToken: ""))
    #expect(user.isReset(within: .seconds(5)))
    #expect(try waitUntil { try server.counters().refusedLogins > 0 })
    #expect(try server.sessionCount() == 0)
    try client.stop()
    try server.stop()
  }

  @Test func onlySessionsOfChangedUsersEnd() throws {
    let server = try LoneServer(
      Self.bare,
      Self.accounts(Self.account("alice"), Self.account("bob"), Self.account("carol")))
    let alice = try logIn(server, "alice").peer
    let bob = try logIn(server, "bob").peer
    let carol = try logIn(server, "carol").peer
    let (shared, dave) = (
      try logIn(server, "", token: Rig.token).peer,
      try logIn(server, "dave", token: Rig.token).peer
    )
    #expect(try alice.ask("alice.web").error.isEmpty)
    // Alice stays, bob is changed, carol is removed, and dave gets a token of his own.
    try server.reload(
      Self.bare,
      Self.accounts(
        Self.account("alice"), Self.account("bob") { $0.portCountMax = 1 }, Self.account("dave")))
    for peer in [bob, carol, dave] {
      #expect(throws: (any Error).self) { while true { _ = try peer.receive() } }
    }
    #expect(try server.sessionCount() == 2)
    #expect(try alice.ask("alice.web2").error.isEmpty)
    #expect(try shared.ask("web").error.isEmpty)
    #expect(try server.publicPort("alice.web") != nil)
    #expect(try logIn(server, "bob").answer.error.isEmpty)
    #expect(try logIn(server, "carol").answer.error == Self.mismatch)
    try server.stop()
  }

  @Test func usersExpireWhileTheyAreLoggedIn() throws {
    let expiry = HostSystem.unixSeconds + 3
    let server = try LoneServer(
      Self.bare, Self.accounts(Self.account("alice") { $0.expiry = expiry }, Self.account("bob")))
    let alice = try logIn(server, "alice").peer
    let bob = try logIn(server, "bob").peer
    #expect(try server.sessionCount() == 2)
    #expect(throws: (any Error).self) { while true { _ = try alice.receive() } }
    #expect(HostSystem.unixSeconds >= expiry)
    #expect(try server.sessionCount() == 1)
    #expect(try logIn(server, "alice").answer.error == "user [alice] is not let in any more")
    // With a wrong token nobody learns that.
    #expect(try logIn(server, "alice", token: "x").answer.error == Self.mismatch)
    try server.reload(
      Self.bare, Self.accounts(Self.account("bob") { $0.isEnabled = false }))
    #expect(throws: (any Error).self) { while true { _ = try bob.receive() } }
    #expect(try logIn(server, "bob").answer.error == "user [bob] is not let in any more")
    try server.stop()
  }

  @Test func clientsAndConnectionsOfAUserAreCounted() throws {
    let alice = Self.account("alice") {
      $0.clientCountMax = 1
      $0.connectionCountMax = 1
    }
    let server = try LoneServer(Self.bare, Self.accounts(alice))
    let (peer, answer) = try logIn(server, "alice")
    let tooMany = "user [alice] has as many clients as it may have"
    #expect(try logIn(server, "alice").answer.error == tooMany)
    let ports = try ["alice.a", "alice.b"].map { name in
      UInt16(try peer.ask(name).remoteAddress.dropFirst()) ?? 0
    }
    let first = try TestSocket.connect(ports[0])
    let relay = server.server
    #expect(try waitUntil { try server.thread.run { relay.on($0).userConnectionCount } == 1 })
    #expect(TestSocket.isRefused(ports[1]))
    #expect(try server.counters().usersOverAccountMax == 1)
    first.abort()
    #expect(try waitUntil { try server.thread.run { relay.on($0).userConnectionCount } == 0 })
    let next = try TestSocket.connect(ports[1])
    #expect(try waitUntil { try server.thread.run { relay.on($0).userConnectionCount } == 1 })
    next.abort()
    // One that comes back with its run ID takes its own place.
    #expect(try logIn(server, "alice", runID: answer.runID).answer.runID == answer.runID)
    try server.stop()
  }

  // Who knows a run ID of another user's client has nothing of it.
  @Test func runIDsOfOtherUsersAreNotReplaced() throws {
    let server = try LoneServer(
      Self.bare, Self.accounts(Self.account("alice"), Self.account("bob")))
    let (alice, answer) = try logIn(server, "alice")
    let (thief, other) = try logIn(server, "bob", runID: answer.runID)
    #expect(other.error.isEmpty && other.runID != answer.runID)
    #expect(try server.sessionCount() == 2)
    #expect(try alice.ask("alice.web").error.isEmpty)
    #expect(try thief.ask("bob.web").error.isEmpty)
    try server.stop()
  }
}
