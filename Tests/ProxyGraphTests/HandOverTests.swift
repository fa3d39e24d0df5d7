import ProxyGraph
import Testing
import Timekeeping
import WireProtocol

/// Who gets a proxy and its port while it is not known whether the client that has them is alive,
/// and after it was lost.
@Suite struct HandOverTests {
  private static func refused(_ session: SessionID, _ name: String = "web") -> RelayAction {
    .replyProxyRefused(session, name: name, .proxyAlreadyExists(name))
  }

  @Test func silentSessionGivesWayToItsClientsNewOne() throws {
    var rig = GraphRig()
    let (old, _) = try rig.logIn(user: "u", poolCount: 0)
    let proxy = try rig.open(old)
    let (new, _) = try rig.logIn(user: "u", poolCount: 0)
    #expect(rig.announce(new) == [.probeSession(old)])
    // One that is announced again meanwhile is answered once, and a probe is under way already.
    #expect(rig.announce(new).isEmpty)
    rig.graph.closeSession(old, isLost: true, now: rig.now)
    let actions = rig.drain()
    #expect(actions.dropLast() == [.stopListening(proxy.madeRoute), .closeProxy(proxy)])
    guard case .listen(let fresh, port: 6000) = actions.last else {
      Issue.record("not handed over")
      return
    }
    rig.graph.listenSucceeded(fresh)
    let heir = try #require(fresh.proxy(in: rig.drain()))
    #expect(rig.graph.session(of: heir) == new)
  }

  @Test func sessionThatAnswersKeepsWhatItHas() throws {
    var rig = GraphRig()
    let (owner, _) = try rig.logIn(poolCount: 0)
    _ = try rig.open(owner)
    let (other, _) = try rig.logIn(poolCount: 0)
    let (third, _) = try rig.logIn(poolCount: 0)
    #expect(rig.announce(other) == [.probeSession(owner)])
    #expect(rig.announce(third).isEmpty)
    rig.graph.sessionDidAnswer(owner)
    #expect(rig.drain() == [Self.refused(other), Self.refused(third)])
    // Asked again, it is probed again.
    #expect(rig.announce(other) == [.probeSession(owner)])
  }

  @Test func firstOfSeveralGetsIt() throws {
    var rig = GraphRig()
    let (owner, _) = try rig.logIn(poolCount: 0)
    _ = try rig.open(owner)
    let (first, _) = try rig.logIn(poolCount: 0)
    let (second, _) = try rig.logIn(poolCount: 0)
    _ = rig.announce(first)
    _ = rig.announce(second)
    rig.graph.closeSession(owner, isLost: true, now: rig.now)
    let actions = rig.drain()
    #expect(actions.last == .probeSession(first), "the second one asks for the first one's now")
    rig.graph.sessionDidAnswer(first)
    #expect(rig.drain() == [Self.refused(second)])
  }

  @Test func oneWhoLeavesWhileItWaitsGetsNothing() throws {
    var rig = GraphRig()
    let (owner, _) = try rig.logIn(poolCount: 0)
    let proxy = try rig.open(owner)
    let (other, _) = try rig.logIn(poolCount: 0)
    _ = rig.announce(other)
    rig.graph.closeSession(other, isLost: false, now: rig.now)
    rig.graph.closeSession(owner, isLost: true, now: rig.now)
    #expect(rig.drain() == [.stopListening(proxy.madeRoute), .closeProxy(proxy)])
  }

  @Test func sessionThatIsReplacedByItsOwnClientIsAlive() throws {
    var rig = GraphRig()
    let (old, runID) = try rig.logIn(poolCount: 0)
    let proxy = try rig.open(old)
    let (other, _) = try rig.logIn(poolCount: 0)
    _ = rig.announce(other)
    _ = try rig.logIn(runID: runID, poolCount: 0)
    #expect(
      rig.drain() == [
        Self.refused(other), .stopListening(proxy.madeRoute), .closeProxy(proxy),
        .closeSession(old),
      ])
  }

  @Test func anotherUsersProxyIsNotContested() throws {
    var rig = GraphRig()
    let (owner, _) = try rig.logIn(user: "u", poolCount: 0)
    _ = try rig.open(owner)
    let (other, _) = try rig.logIn(user: "v", poolCount: 0)
    #expect(rig.announce(other) == [Self.refused(other)])
    // Nor is a port under another name.
    let (same, _) = try rig.logIn(user: "u", poolCount: 0)
    #expect(
      rig.announce(same, "other")
        == [.replyProxyRefused(same, name: "other", .portAlreadyUsed("other"))])
  }

  @Test func clientIDIsContestedToo() throws {
    var rig = GraphRig()
    let (owner, _) = try rig.logIn(user: "u", clientID: "c", poolCount: 0)
    func logIn() -> LoginDecision {
      rig.graph.openSession(
        runID: "", freshRunID: "fresh", user: "u", clientID: "c", host: "", poolCount: 0,
        now: rig.now)
    }
    #expect(logIn() == .contested(by: owner, .clientAlreadyOnline(clientID: "c", user: "u")))
    rig.graph.closeSession(owner, isLost: true, now: rig.now)
    guard case .accepted = logIn() else {
      Issue.record("not accepted")
      return
    }
  }

  // MARK: Reservations

  @Test func lostPortIsKeptForItsProxyForAWhile() throws {
    var rig = GraphRig { $0.allowedPorts = [6000...6001] }
    let (owner, _) = try rig.logIn(host: "192.0.2.1", poolCount: 0)
    _ = try rig.open(owner)
    rig.graph.closeSession(owner, isLost: true, now: rig.now)
    _ = rig.drain()
    let (stranger, _) = try rig.logIn(host: "192.0.2.2", poolCount: 0)
    #expect(
      rig.announce(stranger, "other")
        == [.replyProxyRefused(stranger, name: "other", .portAlreadyUsed("other"))])
    // The server does not choose it either.
    for random in 0..<10 as Range<UInt64> {
      let actions = rig.announce(stranger, "any\(random)", port: 0, random: random)
      guard case .listen(let id, let port) = actions.first else { continue }
      #expect(port == 6001)
      rig.graph.listenFailed(id, now: rig.now)
      _ = rig.drain()
    }
    // Its own proxy gets it, wherever the client is now.
    let (heir, _) = try rig.logIn(host: "192.0.2.3", poolCount: 0)
    #expect(try rig.graph.session(of: rig.open(heir)) == heir)
  }

  @Test func reservationEndsAfterItsTimeAndWithItsOwner() throws {
    var rig = GraphRig()
    let (owner, _) = try rig.logIn(host: "192.0.2.1", poolCount: 0)
    _ = try rig.open(owner)
    rig.graph.closeSession(owner, isLost: true, now: rig.now)
    _ = rig.drain()
    rig.now = rig.now + .seconds(31)
    let (other, _) = try rig.logIn(host: "192.0.2.2", poolCount: 0)
    _ = try rig.open(other, "other")
    // A client that says good-bye keeps nothing.
    rig.graph.closeSession(other, isLost: false, now: rig.now)
    _ = rig.drain()
    let (third, _) = try rig.logIn(host: "192.0.2.3", poolCount: 0)
    _ = try rig.open(third, "third")
  }

  @Test func clientsOfTheSameHostAreNoStrangers() throws {
    var rig = GraphRig()
    let (owner, _) = try rig.logIn(host: "192.0.2.1", poolCount: 0)
    _ = try rig.open(owner)
    rig.graph.closeSession(owner, isLost: true, now: rig.now)
    _ = rig.drain()
    let (renamed, _) = try rig.logIn(host: "192.0.2.1", poolCount: 0)
    _ = try rig.open(renamed, "renamed")
  }
}
