import Configuration
import LinuxSystem
import Reactor
import TestKit
import Testing
import Timekeeping
import WireProtocol

/// Logins, replacement and the answers about proxies.
@Suite(.serialized) struct LoginTests {
  static let bare = Stack(isTLS: false, isMux: false)

  @Test func sameRunIDReplacesTheOlderSessionAtOnce() throws {
    let server = try LoneServer(Self.bare)
    let first = try RawPeer(server.port)
    let runID = try first.logIn().runID
    #expect(runID.count == 16)
    let port = try announce(first, "web", port: 0)
    // The first one never reads again; the second one gets the same name and port.
    let second = try RawPeer(server.port)
    #expect(try second.logIn(RawPeer.login(runID: runID)).runID == runID)
    #expect(try announce(second, "web", port: Int(port)) == port)
    #expect(throws: (any Error).self) { while true { _ = try first.receive() } }
    #expect(try waitUntil { try server.sessionCount() == 1 })
    try server.stop()
  }

  @Test func proxyRefusalsAreInTheRealServersWords() throws {
    let server = try LoneServer(Self.bare) { configuration in
      configuration.portsPerClientMax = 2
      configuration.allowedPorts = PortRanges([20_000...40_000])
    }
    let peer = try RawPeer(server.port)
    try peer.logIn()
    let port = try announce(peer, "a", port: 0)
    #expect(try refusal(peer, "a", port: 0) == "proxy [a] already exists")
    #expect(try refusal(peer, "b", port: 80) == "port not allowed")
    #expect(try refusal(peer, "b", port: -1) == "port not allowed")
    #expect(try refusal(peer, "b", port: 70_000) == "port not allowed")
    #expect(try refusal(peer, "b", port: Int(port)) == "port already used")
    #expect(try refusal(peer, "b", port: 0, type: "gopher") == "unknown proxy type: gopher")
    _ = try announce(peer, "c", port: 0)
    #expect(try refusal(peer, "d", port: 0) == "exceed the max_ports_per_client")
    // A withdrawn proxy gives its port back.
    try peer.send(.closeProxy(CloseProxy(proxyName: "a")))
    #expect(try announce(peer, "e", port: Int(port)) == port)
    try server.stop()
  }

  @Test func portInUseElsewhereIsUnavailable() throws {
    let other = try EchoServer()
    defer { other.stop() }
    let server = try LoneServer(Self.bare)
    let peer = try RawPeer(server.port)
    try peer.logIn()
    #expect(try refusal(peer, "a", port: Int(other.port)) == "port unavailable")
    try server.stop()
  }

  @Test func detailsCanBeKeptFromClients() throws {
    let server = try LoneServer(Self.bare) { $0.sendsDetailedErrors = false }
    let wrong = try RawPeer(server.port)
    #expect(try wrong.logIn(RawPeer.login(token: "no")).error == "register control error")
    let peer = try RawPeer(server.port)
    try peer.logIn()
    #expect(try refusal(peer, "b", port: -1) == "new proxy [b] error")
    try server.stop()
  }

  // A name that had a port gets it again.
  @Test func chosenPortIsRemembered() throws {
    let server = try LoneServer(Self.bare)
    let peer = try RawPeer(server.port)
    try peer.logIn()
    let port = try announce(peer, "web", port: 0)
    try peer.send(.closeProxy(CloseProxy(proxyName: "web")))
    #expect(try announce(peer, "web", port: 0) == port)
    try server.stop()
  }

  @Test func scopesAreChecked() throws {
    let server = try LoneServer(Self.bare) { configuration in
      configuration.authentication.authenticatesHeartbeats = true
      configuration.authentication.authenticatesNewWorkConnections = true
    }
    let peer = try RawPeer(server.port)
    let runID = try peer.logIn().runID
    try peer.send(.ping(Ping()))
    let text = "token in heartbeat doesn't match token from configuration"
    #expect(try peer.receiveAnswer() == .pong(Pong(error: text)))
    let work = try RawPeer(server.port)
    try work.send(.newWorkConnection(NewWorkConnection(runID: runID)))
    let refusal = StartWorkConnection(
      error: "token in NewWorkConn doesn't match token from configuration")
    #expect(try work.receive() == .startWorkConnection(refusal))
    try server.stop()
  }

  // No work connection comes: the user is closed when his time is over, and another one after it
  // is served.
  @Test func userWaitsForAWorkConnectionOnlySoLong() throws {
    let server = try LoneServer(Self.bare) { $0.userConnectionTimeout = .milliseconds(300) }
    let peer = try RawPeer(server.port)
    let runID = try peer.logIn().runID
    let port = try announce(peer, "web", port: 0)
    let user = try TestSocket.connect(port)
    #expect(try user.receiveToEnd(within: .seconds(5)).isEmpty)
    let next = try TestSocket.connect(port)
    let work = try RawPeer(server.port)
    try work.send(.newWorkConnection(NewWorkConnection(runID: runID)))
    guard case .startWorkConnection(let start) = try work.receive() else {
      Issue.record("no StartWorkConn")
      return
    }
    #expect(start.proxyName == "web" && start.sourceAddress == "127.0.0.1")
    #expect(start.sourcePort == next.localAddress?.port && start.destinationPort == port)
    try next.send("hi")
    #expect(try work.socket.receive(exactly: 2) == Array("hi".utf8))
    try server.stop()
  }

  // Without a ping in time the session ends; a ping keeps it.
  @Test func missingHeartbeatsEndTheSession() throws {
    let server = try LoneServer(Self.bare) {
      $0.transport.heartbeatTimeout = .milliseconds(400)
    }
    let quiet = try RawPeer(server.port)
    try quiet.logIn()
    let lively = try RawPeer(server.port)
    try lively.logIn()
    let deadline = HostSystem.monotonicNanoseconds + 1_200_000_000
    while HostSystem.monotonicNanoseconds < deadline {
      try lively.send(.ping(Ping()))
      #expect(try lively.receiveAnswer() == .pong(Pong()))
      _ = waitUntil(within: .milliseconds(50)) { false }
    }
    #expect(try server.sessionCount() == 1)
    #expect(throws: (any Error).self) { while true { _ = try quiet.receive() } }
    try server.stop()
  }

  // A server that answers nothing any more is left, and found again.
  @Test(arguments: [true, false])
  func clientLeavesAServerThatDoesNotAnswerPings(_ isMux: Bool) throws {
    let stack = Stack(isTLS: false, isMux: isMux)
    let server = try LoneServer(stack)
    let client = try Rig.Client(stack, bindPort: server.port) { configuration in
      configuration.transport.heartbeatInterval = .milliseconds(100)
      configuration.transport.heartbeatTimeout = .milliseconds(500)
    }
    #expect(try waitUntil { try client.isLoggedIn() })
    // The relay's loop stands still for a while, as a hung one does.
    server.thread.mailbox.post { _ in
      let end = HostSystem.monotonicNanoseconds + 1_500_000_000
      while HostSystem.monotonicNanoseconds < end {}
    }
    #expect(try waitUntil(within: .seconds(5)) { try !client.isLoggedIn() })
    #expect(try waitUntil(within: .seconds(10)) { try client.isLoggedIn() })
    try client.stop()
    try server.stop()
  }

  private func announce(_ peer: RawPeer, _ name: String, port: Int) throws -> UInt16 {
    let answer = try ask(peer, name, port: port, type: "tcp")
    #expect(answer.error.isEmpty, "\(answer.error)")
    return UInt16(answer.remoteAddress.dropFirst()) ?? 0
  }

  private func refusal(_ peer: RawPeer, _ name: String, port: Int, type: String = "tcp") throws
    -> String
  {
    try ask(peer, name, port: port, type: type).error
  }

  private func ask(_ peer: RawPeer, _ name: String, port: Int, type: String) throws
    -> NewProxyResponse
  {
    try peer.send(.newProxy(NewProxy(proxyName: name, proxyType: type, remotePort: port)))
    guard case .newProxyResponse(let answer) = try peer.receiveAnswer() else {
      throw RawPeerError.unexpected
    }
    return answer
  }
}
