import Configuration
import LinuxSystem
import Reactor
import RelayServer
import TestKit
import Testing
import Timekeeping
import TunnelClient

extension Rig.Client {
  /// Goes on with the configuration that `change` makes of `settings`.
  func reload(
    _ settings: ClientConfiguration, _ change: (inout ClientConfiguration) -> Void
  ) throws -> ReloadOutcome {
    var configuration = settings
    change(&configuration)
    let new = configuration
    let client = self.client
    return try thread.run { client.on($0).reload(new) }
  }

  func runID() throws -> String {
    let client = self.client
    return try thread.run { client.on($0).runID }
  }

  func status() throws -> [ProxyStatus] {
    let client = self.client
    return try thread.run { client.on($0).status }
  }
}

/// The client goes on with other proxies.
@Suite(.serialized) struct ClientReloadTests {
  private func proxy(_ name: String, _ port: UInt16) -> ProxyConfiguration {
    var proxy = ProxyConfiguration(
      name: name, service: .tcp(TCPProxyConfiguration(remotePort: 0)))
    proxy.localPort = port
    return proxy
  }

  private func talk(_ user: TestSocket, _ text: String = "ping") throws {
    try user.send(text)
    #expect(try user.receive(exactly: text.utf8.count) == Array(text.utf8))
  }

  /// A local service that says its name, then echoes.
  private func service(_ name: String) throws -> TestServer {
    try TestServer { socket in
      try socket.send(name)
      while true {
        let bytes = try socket.receiveSome()
        if bytes.isEmpty { return }
        try socket.send(bytes)
      }
    }
  }

  private func greeting(_ port: UInt16) throws -> (TestSocket, String) {
    let user = try TestSocket.connect(port)
    return (user, String(decoding: try user.receive(exactly: 1), as: UTF8.self))
  }

  @Test(arguments: Stack.transports) func proxiesComeGoAndChange(_ stack: Stack) throws {
    let (x, y) = (try service("x"), try service("y"))
    defer {
      x.stop()
      y.stop()
    }
    let server = try LoneServer(stack)
    var settings = Rig.clientConfiguration(stack, bindPort: server.port, localPort: x.port)
    settings.proxies = ["changed", "removed", "same"].map { proxy($0, x.port) }
    let proxies = settings.proxies
    let client = try Rig.Client(stack, bindPort: server.port) { $0.proxies = proxies }
    #expect(try waitUntil { try proxies.allSatisfy { try server.publicPort($0.name) != nil } })
    let ports = try proxies.map { try server.publicPort($0.name) ?? 0 }
    let users = try ports.map { try greeting($0).0 }
    let outcome = try client.reload(settings) {
      $0.proxies = [proxy("added", y.port), proxy("changed", y.port), proxy("same", x.port)]
    }
    #expect(outcome == ReloadOutcome())
    #expect(
      try waitUntil {
        try client.status().count { $0.phase == .running } == 3
          && server.publicPort("removed") == nil
      })
    // Whoever was there goes on with the service that he was joined with.
    for user in users { try talk(user) }
    #expect(try server.publicPort("same") == ports[2])
    #expect(try greeting(ports[2]).1 == "x")
    #expect(try greeting(server.publicPort("changed") ?? 0).1 == "y")
    #expect(try greeting(server.publicPort("added") ?? 0).1 == "y")
    #expect(throws: TestSocketError.self) { try greeting(ports[1]) }
    try client.stop()
    try server.stop()
  }

  @Test func whatNeedsARestartIsNamedAndStays() throws {
    let server = try LoneServer(Stack())
    let settings = Rig.clientConfiguration(Stack(), bindPort: server.port, localPort: 9)
    let client = try Rig.Client(Stack(), bindPort: server.port)
    #expect(try waitUntil { try client.status().first?.phase == .running })
    let runID = try client.runID()
    let outcome = try client.reload(settings) {
      $0.serverPort = 9
      $0.authentication.token = Secret("other")
      $0.user = "me"
    }
    #expect(outcome.restartKeys == ["user", "server_port", "token"])
    #expect(try client.isLoggedIn() && client.status().map(\.name) == ["web"])
    #expect(try client.runID() == runID)
    try client.stop()
    try server.stop()
  }

  // Before the login there is nothing to withdraw, and afterwards the new proxies are there.
  @Test func reloadBeforeTheLoginCounts() throws {
    let port = try makeFreePort()
    let client = try Rig.Client(Stack(), bindPort: port)
    let settings = Rig.clientConfiguration(Stack(), bindPort: port, localPort: 9)
    #expect(try client.status().isEmpty)
    _ = try client.reload(settings) { $0.proxies = [proxy("late", 9)] }
    let server = try LoneServer(Stack()) { $0.bindPort = port }
    #expect(try waitUntil { try server.publicPort("late") != nil })
    #expect(try server.publicPort("web") == nil)
    try client.stop()
    try server.stop()
  }

  // A hundred in a row, with the answers still under way: the last one holds.
  @Test func reloadsOvertakeAnswers() throws {
    let server = try LoneServer(Stack())
    let client = try Rig.Client(Stack(), bindPort: server.port)
    let settings = Rig.clientConfiguration(Stack(), bindPort: server.port, localPort: 9)
    #expect(try waitUntil { try client.isLoggedIn() })
    for round in 1...100 as ClosedRange<UInt16> {
      _ = try client.reload(settings) {
        $0.proxies = [proxy("even", round / 2 + 1)] + (round % 3 == 0 ? [proxy("third", 3)] : [])
      }
    }
    #expect(
      try waitUntil {
        try client.status().map(\.phase) == [.running] && server.publicPort("even") != nil
          && server.publicPort("third") == nil
      })
    #expect(try client.status().first?.localAddress == "127.0.0.1:51")
    try client.stop()
    try server.stop()
  }

  @Test func statusSaysWhereProxiesAreAndWhatIsWrong() throws {
    let taken = try EchoServer()
    defer { taken.stop() }
    let server = try LoneServer(Stack())
    let client = try Rig.Client(Stack(), bindPort: server.port) {
      $0.user = "me"
      var bad = ProxyConfiguration(
        name: "bad", service: .tcp(TCPProxyConfiguration(remotePort: taken.port)))
      bad.localPort = 0
      $0.proxies = [bad] + $0.proxies
    }
    #expect(
      try waitUntil {
        try client.status().map(\.phase)
          == [.startError("port unavailable"), .running]
      })
    let port = try #require(try server.publicPort("me.web"))
    let status = try client.status()
    #expect(
      status[1]
        == ProxyStatus(
          name: "web", kind: .tcp, phase: .running, error: "", localAddress: "127.0.0.1:9",
          remoteAddress: "127.0.0.1:\(port)"))
    #expect(status[0].error == "port unavailable" && status[0].phase.name == "start error")
    #expect(status[0].localAddress.isEmpty && status[0].remoteAddress.isEmpty)
    try client.stop()
    try server.stop()
  }
}
