import ProxyGraph
import Testing
import Timekeeping
import WireProtocol

/// The rules change while there are sessions, proxies and users; and sessions with rules of their
/// own.
@Suite struct PolicyChangeTests {
  private func user(_ number: UInt64) -> UserConnectionID { UserConnectionID(rawValue: number) }

  private func refused(_ session: SessionID, _ name: String, _ text: ControlErrorText)
    -> RelayAction
  {
    .replyProxyRefused(session, name: name, text)
  }

  @Test func openProxiesStayAndNewOnesFollow() throws {
    var rig = GraphRig()
    let (session, _) = try rig.logIn(poolCount: 0)
    let proxy = try rig.open(session, "old", port: 6000)
    var policy = RelayPolicy()
    policy.allowedPorts = [7000...7001]
    policy.portsPerSessionMax = 2
    rig.graph.setPolicy(policy, now: rig.now)
    #expect(rig.drain().isEmpty)
    rig.graph.userConnected(user(1), to: proxy, now: rig.now)
    #expect(rig.drain() == [.requestWorkConnection(session)])
    #expect(
      rig.announce(session, "a", port: 6001) == [refused(session, "a", .portNotAllowed("a"))])
    _ = try rig.open(session, "a", port: 7000)
    #expect(
      rig.announce(session, "b", port: 7001) == [refused(session, "b", .tooManyPorts("b"))])
    // Given up, the port cannot be had again.
    rig.graph.closeProxy(session: session, name: "old", now: rig.now)
    _ = rig.drain()
    #expect(
      rig.announce(session, "old", port: 6000) == [refused(session, "old", .portNotAllowed("old"))])
    guard case .listen(_, port: 7001) = rig.announce(session, "old", port: 0).first else {
      Issue.record("not the only allowed port")
      return
    }
  }

  @Test func usersWaitNoLongerThanTheNewRulesSay() throws {
    var rig = GraphRig { $0.userWaitLimit = .seconds(60) }
    let (session, _) = try rig.logIn(poolCount: 0)
    let proxy = try rig.open(session)
    rig.graph.userConnected(user(1), to: proxy, now: rig.now)
    _ = rig.drain()
    var policy = RelayPolicy()
    policy.userWaitLimit = .seconds(5)
    rig.graph.setPolicy(policy, now: rig.now)
    rig.now = rig.now + .seconds(1)
    rig.graph.userConnected(user(2), to: proxy, now: rig.now)
    _ = rig.drain()
    rig.graph.handleDeadline(now: rig.now + .seconds(4))
    #expect(rig.drain() == [.closeUser(user(1), .timedOut)])
    rig.graph.handleDeadline(now: rig.now + .seconds(5))
    #expect(rig.drain() == [.closeUser(user(2), .timedOut)])
    #expect(rig.graph.nextDeadline == nil)
  }

  @Test func sessionsHavePortsOfTheirOwn() throws {
    var rig = GraphRig { $0.allowedPorts = [5000...6000] }
    let decision = rig.graph.openSession(
      runID: "", freshRunID: "run", user: "", clientID: "", host: "", poolCount: 0,
      ownPorts: [1000...2000, 5998...7000], now: rig.now)
    guard case .accepted(let session, _) = decision else {
      Issue.record("refused")
      return
    }
    for port in [1500, 5500, 6500] {
      #expect(
        rig.announce(session, "a", port: port) == [refused(session, "a", .portNotAllowed("a"))])
    }
    var ports: Set<UInt16> = []
    for name in ["a", "b", "c"] {
      guard case .listen(let id, let port) = rig.announce(session, name, port: 0).first else {
        Issue.record("no port")
        return
      }
      ports.insert(port)
      rig.graph.listenSucceeded(id)
      _ = rig.drain()
    }
    #expect(ports == [5998, 5999, 6000])
    #expect(rig.graph.portCount(of: session) == 3)
    #expect(
      rig.announce(session, "d", port: 0) == [refused(session, "d", .noAvailablePort("d"))])
  }

  // Announced, and withdrawn before it is known whether the owner is alive.
  @Test func withdrawnContenderGetsNothing() throws {
    var rig = GraphRig()
    let (owner, _) = try rig.logIn(poolCount: 0)
    _ = try rig.open(owner)
    let (other, _) = try rig.logIn(poolCount: 0)
    #expect(rig.announce(other) == [.probeSession(owner)])
    rig.graph.closeProxy(session: other, name: "web", now: rig.now)
    #expect(rig.drain().isEmpty)
    rig.graph.closeSession(owner, isLost: false, now: rig.now)
    #expect(rig.drain().count == 2, "the owner's port is closed, and nothing else happens")
    #expect(rig.graph.portCount(of: other) == 0)
  }
}
