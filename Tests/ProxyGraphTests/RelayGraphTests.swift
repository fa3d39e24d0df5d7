import ProxyGraph
import Testing
import Timekeeping
import WireProtocol

private let start = Instant(nanoseconds: 1_000_000_000)

/// One graph with shorthands; every action is collected by `drain`.
struct GraphRig: ~Copyable {
  var graph: RelayGraph
  var now = start
  private var nextRunNumber = 0

  init(_ change: (inout RelayPolicy) -> Void = { _ in }) {
    var policy = RelayPolicy()
    change(&policy)
    graph = RelayGraph(policy: policy)
  }

  mutating func drain() -> [RelayAction] {
    var actions: [RelayAction] = []
    while let action = graph.nextAction() { actions.append(action) }
    #expect(graph.findInconsistencies().isEmpty)
    return actions
  }

  mutating func logIn(
    runID: String = "", user: String = "", clientID: String = "", host: String = "192.0.2.1",
    poolCount: Int = 1
  ) throws -> (SessionID, String) {
    nextRunNumber += 1
    let decision = graph.openSession(
      runID: runID, freshRunID: "run\(nextRunNumber)", user: user, clientID: clientID,
      host: host, poolCount: poolCount, now: now)
    guard case .accepted(let id, let runID) = decision else {
      throw GraphRigError.refused(decision)
    }
    return (id, runID)
  }

  mutating func announce(
    _ session: SessionID, _ name: String = "web", port: Int = 6000, type: String = "tcp",
    random: UInt64 = 1
  ) -> [RelayAction] {
    announce(session, NewProxy(proxyName: name, proxyType: type, remotePort: port), random: random)
  }

  mutating func announce(
    _ session: SessionID, _ request: NewProxy, random: UInt64 = 1
  ) -> [RelayAction] {
    graph.requestProxy(session: session, request, now: now, random: random)
    return drain()
  }

  mutating func choose(_ route: RouteID?, source: [UInt8] = []) -> ProxyID? {
    route.flatMap { graph.chooseProxy(of: $0, source: source, random: 0, now: now) }
  }

  /// Announces, and listens with success; the proxy.
  mutating func open(_ session: SessionID, _ name: String = "web", port: Int = 6000) throws
    -> ProxyID
  {
    guard case .listen(let route, _) = announce(session, name, port: port).first else {
      throw GraphRigError.notListening
    }
    graph.listenSucceeded(route)
    guard case .openProxy(let id, ":\(port)") = drain().first else {
      throw GraphRigError.notListening
    }
    return id
  }
}

extension ProxyID {
  /// A route has the number of the proxy that made it.
  var madeRoute: RouteID { RouteID(rawValue: rawValue) }
}

extension RouteID {
  /// Of a proxy that opens now.
  func proxy(in actions: [RelayAction]) -> ProxyID? {
    for case .openProxy(let id, _) in actions where id.madeRoute == self { return id }
    return nil
  }
}

enum GraphRigError: Error {
  case refused(LoginDecision)
  case notListening
}

@Suite struct RelayGraphTests {
  private func user(_ number: UInt64) -> UserConnectionID { UserConnectionID(rawValue: number) }
  private func work(_ number: UInt64) -> WorkConnectionID { WorkConnectionID(rawValue: number) }

  // MARK: Sessions

  @Test(arguments: [(-5, 0), (0, 0), (1, 1), (5, 5), (1_000_000, 5)])
  func loginFillsThePoolWithinItsLimit(_ asked: Int, _ granted: Int) throws {
    var rig = GraphRig()
    let (session, _) = try rig.logIn(poolCount: asked)
    #expect(
      rig.drain()
        == [RelayAction](repeating: .requestWorkConnection(session), count: granted))
  }

  @Test func replacementFreesEverythingBeforeTheNewSessionBegins() throws {
    var rig = GraphRig()
    let (old, runID) = try rig.logIn()
    _ = rig.drain()
    let proxy = try rig.open(old)
    rig.graph.workConnectionArrived(work(1), runID: runID)
    rig.graph.workConnectionArrived(work(2), runID: runID)
    let (new, same) = try rig.logIn(runID: runID)
    #expect(same == runID && new != old)
    let actions = rig.drain()
    #expect(
      actions == [
        .stopListening(proxy.madeRoute), .closeProxy(proxy), .closeWork(work(1)),
        .closeWork(work(2)), .closeSession(old),
        .requestWorkConnection(new),
      ])
    #expect(try rig.open(new) != proxy)
    #expect(rig.graph.sessionCount == 1)
  }

  @Test func clientIDMayBeOnlineOnce() throws {
    var rig = GraphRig()
    let (_, runID) = try rig.logIn(user: "u", clientID: "c")
    #expect(throws: GraphRigError.self) { try rig.logIn(user: "u", clientID: "c") }
    _ = try rig.logIn(user: "v", clientID: "c")
    _ = try rig.logIn(runID: runID, user: "u", clientID: "c")
    #expect(rig.graph.sessionCount == 2)
  }

  // MARK: Proxies and ports

  @Test func refusalsComeInTheReferencesOrder() throws {
    var rig = GraphRig {
      $0.portsPerSessionMax = 1
      $0.allowedPorts = [6000...6001]
    }
    let (first, _) = try rig.logIn(poolCount: 0)
    let (second, _) = try rig.logIn(poolCount: 0)
    _ = try rig.open(first)
    func refusal(_ text: ControlErrorText, _ session: SessionID, _ name: String) -> [RelayAction] {
      [.replyProxyRefused(session, name: name, text)]
    }
    #expect(
      rig.announce(first, "web", type: "x")
        == refusal(.proxyTypeUnknown("web", type: "x"), first, "web"))
    #expect(rig.announce(first, "web") == refusal(.tooManyPorts("web"), first, "web"))
    // The first one may be dead; it is asked.
    #expect(rig.announce(second, "web") == [.probeSession(first)])
    rig.graph.sessionDidAnswer(first)
    #expect(rig.drain() == refusal(.proxyAlreadyExists("web"), second, "web"))
    #expect(rig.announce(second, "b", port: 6000) == refusal(.portAlreadyUsed("b"), second, "b"))
    #expect(rig.announce(second, "b", port: 7000) == refusal(.portNotAllowed("b"), second, "b"))
    #expect(rig.announce(second, "b", port: -1) == refusal(.portNotAllowed("b"), second, "b"))
    #expect(rig.announce(second, "b", port: .max) == refusal(.portNotAllowed("b"), second, "b"))
  }

  @Test func fixedPortThatCannotBeBoundIsUnavailableAndFreeAgain() throws {
    var rig = GraphRig()
    let (session, _) = try rig.logIn(poolCount: 0)
    guard case .listen(let id, port: 6000) = rig.announce(session).first else {
      Issue.record("no listen")
      return
    }
    rig.graph.listenFailed(id, now: rig.now)
    #expect(rig.drain() == [.replyProxyRefused(session, name: "web", .portUnavailable("web"))])
    _ = try rig.open(session)
  }

  @Test func nobodyIsChosenBeforeThePortIsOpen() throws {
    var rig = GraphRig()
    let (session, _) = try rig.logIn(poolCount: 0)
    guard case .listen(let route, port: 6000) = rig.announce(session).first else {
      Issue.record("no listen")
      return
    }
    #expect(rig.choose(route) == nil)
    rig.graph.listenSucceeded(route)
    let proxy = try #require(route.proxy(in: rig.drain()))
    #expect(rig.choose(route) == proxy)
    rig.graph.closeProxy(session: session, name: "web", now: rig.now)
    #expect(rig.choose(route) == nil)
    _ = rig.drain()
    rig.graph.userConnected(user(1), to: proxy, now: rig.now)
    #expect(rig.drain() == [.closeUser(user(1), .proxyGone)])
  }

  @Test func chosenPortsAreTriedFiveTimes() throws {
    var rig = GraphRig()
    let (session, _) = try rig.logIn(poolCount: 0)
    var actions = rig.announce(session, port: 0)
    var tried: Set<UInt16> = []
    while case .listen(let id, let port) = actions.first {
      #expect(port >= 1024)
      tried.insert(port)
      rig.graph.listenFailed(id, now: rig.now)
      actions = rig.drain()
    }
    #expect(tried.count == ProxyGraphLimits.portCandidateCountMax)
    #expect(actions == [.replyProxyRefused(session, name: "web", .noAvailablePort("web"))])
  }

  @Test func lastPortOfANameIsRememberedForADay() throws {
    var rig = GraphRig { $0.allowedPorts = [5000...65_000] }
    let (session, _) = try rig.logIn(poolCount: 0)
    _ = try rig.open(session, "web", port: 6000)
    rig.graph.closeProxy(session: session, name: "web", now: rig.now)
    _ = rig.drain()
    rig.now = rig.now + .seconds(24 * 3600 - 1)
    guard case .listen(let id, port: 6000) = rig.announce(session, port: 0).first else {
      Issue.record("the port was forgotten too early")
      return
    }
    rig.graph.listenSucceeded(id)
    rig.graph.closeProxy(session: session, name: "web", now: rig.now)
    _ = rig.drain()
    rig.now = rig.now + .seconds(24 * 3600 + 1)
    guard case .listen(_, let port) = rig.announce(session, port: 0).first else {
      Issue.record("no listen")
      return
    }
    #expect(port != 6000)
  }

  @Test func noFreePortIsSaid() throws {
    var rig = GraphRig { $0.allowedPorts = [6000...6000] }
    let (session, _) = try rig.logIn(poolCount: 0)
    _ = try rig.open(session)
    #expect(
      rig.announce(session, "b", port: 0)
        == [.replyProxyRefused(session, name: "b", .noAvailablePort("b"))])
  }

  // MARK: Users and work connections

  @Test func pooledConnectionServesAtOnceAndIsReplaced() throws {
    var rig = GraphRig()
    let (session, runID) = try rig.logIn()
    _ = rig.drain()
    let proxy = try rig.open(session)
    rig.graph.workConnectionArrived(work(1), runID: runID)
    rig.graph.userConnected(user(1), to: proxy, now: rig.now)
    #expect(
      rig.drain() == [.join(user(1), work(1), proxy), .requestWorkConnection(session)])
  }

  @Test func usersAreServedInTheirOrderAndThePoolRefills() throws {
    var rig = GraphRig()
    let (session, runID) = try rig.logIn()
    _ = rig.drain()
    let proxy = try rig.open(session)
    rig.graph.userConnected(user(1), to: proxy, now: rig.now)
    rig.graph.userConnected(user(2), to: proxy, now: rig.now)
    #expect(
      rig.drain() == [.requestWorkConnection(session), .requestWorkConnection(session)])
    rig.graph.userClosed(user(1))
    rig.graph.workConnectionArrived(work(1), runID: runID)
    #expect(rig.drain() == [.join(user(2), work(1), proxy)])
    rig.graph.workConnectionArrived(work(2), runID: runID)
    rig.graph.workConnectionArrived(work(3), runID: runID)
    #expect(rig.drain().isEmpty)
  }

  @Test func userIsClosedWhenHisTimeIsOver() throws {
    var rig = GraphRig()
    let (session, _) = try rig.logIn(poolCount: 0)
    let proxy = try rig.open(session)
    rig.graph.userConnected(user(1), to: proxy, now: rig.now)
    _ = rig.drain()
    let deadline = rig.now + .seconds(10)
    #expect(rig.graph.nextDeadline == deadline)
    rig.graph.handleDeadline(now: deadline + Interval(nanoseconds: -1))
    #expect(rig.drain().isEmpty)
    rig.graph.handleDeadline(now: deadline)
    #expect(rig.drain() == [.closeUser(user(1), .timedOut)])
    #expect(rig.graph.nextDeadline == nil)
  }

  @Test func poolBeyondItsReserveIsRefused() throws {
    var rig = GraphRig()
    let (_, runID) = try rig.logIn()
    _ = rig.drain()
    for number in 1...11 { rig.graph.workConnectionArrived(work(UInt64(number)), runID: runID) }
    #expect(rig.drain().isEmpty)
    rig.graph.workConnectionArrived(work(12), runID: runID)
    #expect(rig.drain() == [.refuseWork(work(12), .workConnectionPoolFull())])
    rig.graph.workConnectionLost(work(3))
    rig.graph.workConnectionArrived(work(13), runID: runID)
    rig.graph.workConnectionArrived(work(14), runID: "nobody")
    #expect(rig.drain() == [.refuseWork(work(14), .workConnectionRunIDUnknown("nobody"))])
  }

  @Test func waitingUsersAreLimited() throws {
    var rig = GraphRig()
    let (session, _) = try rig.logIn(poolCount: 0)
    let proxy = try rig.open(session)
    let limit = UInt64(ProxyGraphLimits.waitingUsersPerSessionMax)
    for number in 0..<limit { rig.graph.userConnected(user(number), to: proxy, now: rig.now) }
    _ = rig.drain()
    rig.graph.userConnected(user(limit), to: proxy, now: rig.now)
    #expect(rig.drain() == [.closeUser(user(limit), .tooManyWaiting)])
  }

  @Test func endOfASessionClosesItsUsersAndPool() throws {
    var rig = GraphRig()
    let (session, runID) = try rig.logIn(poolCount: 0)
    let proxy = try rig.open(session)
    rig.graph.userConnected(user(1), to: proxy, now: rig.now)
    _ = rig.drain()
    rig.graph.closeSession(session, isLost: false, now: rig.now)
    #expect(
      rig.drain() == [
        .closeUser(user(1), .proxyGone), .stopListening(proxy.madeRoute), .closeProxy(proxy),
      ])
    rig.graph.workConnectionArrived(work(1), runID: runID)
    rig.graph.userConnected(user(2), to: proxy, now: rig.now)
    #expect(
      rig.drain() == [
        .refuseWork(work(1), .workConnectionRunIDUnknown(runID)),
        .closeUser(user(2), .proxyGone),
      ])
  }
}
