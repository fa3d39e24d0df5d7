public import Timekeeping
internal import WireProtocol

/// Who is logged in, which public port or host leads to whom, and who waits for whom. Pure data:
/// events go in, actions come out of `nextAction()`, time and randomness are arguments.
///
/// A proxy's states: opening (a `listen` is out; it has no users), open, gone; one of virtual hosts
/// is open at once. A user's: waiting, joined (the graph has forgotten him). A work connection's:
/// pooled, joined (forgotten). What users reach is a route, which leads to one proxy or to a group.
///
/// A proxy that another session of the same user has is contested: a client that was started anew
/// announces what its former self still has, as far as the relay knows. The announcement waits
/// while the former session is probed, and is answered when that is over or has answered.
///
/// Requests for work connections: each user asks for one when he arrives, which either refills the
/// pool that he took from or serves him (wire-protocol.md 6.2); an arrival that served a waiting
/// user asks for another one while fewer than the pool's target are idle or under way.
public struct RelayGraph: ~Copyable {
  /// A class, because fields of a struct in a dictionary are changed through accessors that
  /// allocate, several times for each user. The graph cannot be copied, so nobody shares them.
  final class Session {
    let runID: String
    let user: String
    let clientKey: String?
    /// The client's host, as text.
    let host: String
    let poolTarget: Int
    /// The only ports that it may have; `nil` for all that are allowed.
    let ownPorts: [ClosedRange<UInt16>]?
    /// Who waits for its proxies, until it is known whether it is alive.
    var contenders: [Contender] = []
    var contenderKeys: Set<Contender.Key> = []
    var proxies: Set<ProxyID> = []
    var portCount = 0
    var pool = Fifo<WorkConnectionID>()
    var idleCount = 0
    var waiting = Fifo<UserConnectionID>()
    var waitingCount = 0
    var requestedCount = 0

    init(
      runID: String, user: String, clientKey: String?, host: String, poolTarget: Int,
      ownPorts: [ClosedRange<UInt16>]?
    ) {
      self.ownPorts = ownPorts
      self.runID = runID
      self.user = user
      self.clientKey = clientKey
      self.host = host
      self.poolTarget = poolTarget
    }
  }

  /// An announcement of a proxy that another session has.
  struct Contender {
    struct Key: Hashable {
      let session: SessionID
      let name: String
    }

    let session: SessionID
    let request: NewProxy
    let random: UInt64
  }

  struct Proxy {
    let session: SessionID
    let name: String
    let route: RouteID
    /// Whether it counts as one of its session's ports.
    let isPort: Bool
    /// What its client says of it, where a group may ask for its weight.
    let metadata: [String: String]
    var isOpen = false
  }

  struct WaitingUser {
    let session: SessionID
    let proxy: ProxyID
    var deadline: Instant
  }

  private(set) var policy: RelayPolicy
  var sessions: [SessionID: Session] = [:]
  var sessionsByRunID: [String: SessionID] = [:]
  var sessionsByClient: [String: SessionID] = [:]
  var proxies: [ProxyID: Proxy] = [:]
  var proxiesByName: [String: ProxyID] = [:]
  var ports: PortAllocator
  var routes: [RouteID: Route] = [:]
  var groups: [GroupKey: RouteID] = [:]
  var hosts: [VirtualHostKind: HostRoutes] = [
    .http: HostRoutes(), .https: HostRoutes(), .tcpmux: HostRoutes(),
  ]
  var users: [UserConnectionID: WaitingUser] = [:]
  var userDeadlines = Fifo<UserConnectionID>()
  var works: [WorkConnectionID: SessionID] = [:]
  private var actions = Fifo<RelayAction>()
  private var nextNumber: UInt64 = 0

  /// Makes an empty graph.
  public init(policy: RelayPolicy) {
    self.policy = policy
    ports = PortAllocator(
      allowed: policy.allowedPorts, memoryTime: policy.portMemory,
      reservationTime: policy.portReservation)
  }

  /// Follows other rules from now on. What is there stays: sessions with their pools, and proxies
  /// on ports that would not be allowed any more. Users who wait do so no longer than the new rules
  /// let a newcomer wait.
  public mutating func setPolicy(_ new: RelayPolicy, now: Instant) {
    policy = new
    ports.allow(new.allowedPorts)
    for route in routes.values {
      guard let name = route.groupKey?.name else { continue }
      let settings = new.groups.settings(of: name)
      route.group?.follow(settings) { settings.weight(by: proxies[$0]?.metadata ?? [:]) }
    }
    // Later deadlines stay behind earlier ones.
    let latest = now + new.userWaitLimit
    for (user, waiting) in users where waiting.deadline > latest { users[user]?.deadline = latest }
  }

  // MARK: Outputs

  /// The next thing to do; `nil` when all is done.
  public mutating func nextAction() -> RelayAction? {
    actions.isEmpty ? nil : actions.removeFirst()
  }

  /// When `handleDeadline` has something to do; `nil` for never.
  public var nextDeadline: Instant? {
    userDeadlines.first.map { users[$0]?.deadline ?? Instant(nanoseconds: 0) }
  }

  /// The session that announced a proxy.
  public func session(of proxy: ProxyID) -> SessionID? { proxies[proxy]?.session }

  /// How users reach a proxy.
  public func route(of proxy: ProxyID) -> RouteID? { proxies[proxy]?.route }

  /// The session with a run ID.
  public func session(ofRunID runID: String) -> SessionID? { sessionsByRunID[runID] }

  /// How many work connections a session's client was asked for and has not opened.
  public func requestedCount(of session: SessionID) -> Int {
    sessions[session]?.requestedCount ?? 0
  }

  /// How many ports a session has; proxies of virtual hosts have none.
  public func portCount(of session: SessionID) -> Int { sessions[session]?.portCount ?? 0 }

  /// The name of a proxy.
  public func name(of proxy: ProxyID) -> String? { proxies[proxy]?.name }

  /// Logged-in clients.
  public var sessionCount: Int { sessions.count }

  /// Users who wait.
  public var waitingUserCount: Int { users.count }

  mutating func queue(_ action: RelayAction) {
    actions.append(action)
  }

  mutating func makeNumber() -> UInt64 {
    nextNumber += 1
    return nextNumber
  }

  // MARK: Sessions

  /// A client with the right credential logs in.
  ///
  /// - Parameters:
  ///   - runID: what the client offers; empty for a new client. The session that has it now is
  ///     replaced: its ports are free when this returns.
  ///   - freshRunID: what a new client gets.
  ///   - host: where the client is.
  ///   - ownPorts: the only ports that it may have, ascending; `nil` for all that are allowed.
  public mutating func openSession(
    runID: String, freshRunID: String, user: String, clientID: String, host: String,
    poolCount: Int, ownPorts: [ClosedRange<UInt16>]? = nil, now: Instant
  ) -> LoginDecision {
    let chosen = runID.isEmpty ? freshRunID : runID
    let old = sessionsByRunID[chosen]
    let clientKey = clientID.isEmpty ? nil : "\(user)\0\(clientID)"
    if let clientKey, let other = sessionsByClient[clientKey], other != old {
      return .contested(by: other, .clientAlreadyOnline(clientID: clientID, user: user))
    }
    if let old {
      // Its client is alive: nobody else gets what it had.
      sessionDidAnswer(old)
      closeSession(old, isLost: false, now: now)
      queue(.closeSession(old))
    }
    guard sessions.count < ProxyGraphLimits.sessionCountMax else {
      return .refused(.serverFull())
    }
    let id = SessionID(rawValue: makeNumber())
    let target = max(0, min(poolCount, policy.poolCountMax))
    sessions[id] = Session(
      runID: chosen, user: user, clientKey: clientKey, host: host, poolTarget: target,
      ownPorts: ownPorts)
    sessionsByRunID[chosen] = id
    if let clientKey { sessionsByClient[clientKey] = id }
    for _ in 0..<target { requestWork(id) }
    return .accepted(id, runID: chosen)
  }

  /// A session's control connection is gone: so is everything of it. No action closes the control
  /// connection itself.
  ///
  /// - Parameter isLost: whether the client did not end it, so that its ports are kept for it.
  public mutating func closeSession(_ id: SessionID, isLost: Bool, now: Instant) {
    guard let session = sessions[id] else { return }
    closeWaitingUsers(of: id) { _ in true }
    for proxy in session.proxies.sorted(by: { $0.rawValue < $1.rawValue }) {
      if isLost { reservePort(of: proxy, host: session.host, now: now) }
      removeProxy(proxy, now: now)
    }
    sessions[id] = nil
    sessionsByRunID[session.runID] = nil
    if let key = session.clientKey { sessionsByClient[key] = nil }
    for work in session.pool.live where works[work] == id {
      works[work] = nil
      queue(.closeWork(work))
    }
    for contender in session.contenders {
      requestProxy(
        session: contender.session, contender.request, now: now, random: contender.random)
    }
  }

  /// A session that `probeSession` asked about is alive: what it has, it keeps.
  public mutating func sessionDidAnswer(_ id: SessionID) {
    guard let session = sessions[id] else { return }
    let contenders = session.contenders
    session.contenders = []
    session.contenderKeys = []
    for contender in contenders where sessions[contender.session] != nil {
      let name = contender.request.proxyName
      refuse(contender.session, name, .proxyAlreadyExists(name))
    }
  }

  private mutating func requestWork(_ id: SessionID) {
    sessions[id]?.requestedCount += 1
    queue(.requestWorkConnection(id))
  }

  // MARK: Users

  /// A user arrived on a proxy's port. Whoever comes before `listenSucceeded` is refused: the proxy
  /// may yet fail, and nobody would remember him.
  public mutating func userConnected(_ user: UserConnectionID, to proxy: ProxyID, now: Instant) {
    guard let open = proxies[proxy], open.isOpen, let session = sessions[open.session] else {
      return queue(.closeUser(user, .proxyGone))
    }
    let id = open.session
    if let work = takeIdle(id) {
      queue(.join(user, work, proxy))
      return requestWork(id)
    }
    guard session.waitingCount < ProxyGraphLimits.waitingUsersPerSessionMax else {
      return queue(.closeUser(user, .tooManyWaiting))
    }
    users[user] = WaitingUser(
      session: id, proxy: proxy, deadline: now + policy.userWaitLimit)
    userDeadlines.append(user)
    sessions[id]?.waiting.append(user)
    sessions[id]?.waitingCount += 1
    requestWork(id)
  }

  private mutating func takeIdle(_ id: SessionID) -> WorkConnectionID? {
    while let work = sessions[id]?.pool.first {
      sessions[id]?.pool.removeFirst()
      guard works.removeValue(forKey: work) != nil else { continue }
      sessions[id]?.idleCount -= 1
      return work
    }
    return nil
  }

  /// A waiting user went away.
  public mutating func userClosed(_ user: UserConnectionID) {
    guard let waiting = users.removeValue(forKey: user) else { return }
    sessions[waiting.session]?.waitingCount -= 1
    let waitingCount = sessions[waiting.session]?.waitingCount ?? 0
    sessions[waiting.session]?.waiting.compact(liveCount: waitingCount) { users[$0] != nil }
    dropStaleDeadlines()
  }

  /// Closes users who have waited long enough.
  public mutating func handleDeadline(now: Instant) {
    dropStaleDeadlines()
    while let user = userDeadlines.first, let waiting = users[user], waiting.deadline <= now {
      userDeadlines.removeFirst()
      users[user] = nil
      sessions[waiting.session]?.waitingCount -= 1
      queue(.closeUser(user, .timedOut))
      dropStaleDeadlines()
    }
  }

  mutating func dropStaleDeadlines() {
    while let user = userDeadlines.first, users[user] == nil { userDeadlines.removeFirst() }
    userDeadlines.compact(liveCount: users.count) { users[$0] != nil }
  }

  // MARK: Work connections

  /// A client opened a work connection.
  ///
  /// - Parameter isWelcome: whether it came from where the session's connections may come from.
  public mutating func workConnectionArrived(
    _ work: WorkConnectionID, runID: String, isWelcome: Bool = true
  ) {
    guard isWelcome, let id = sessionsByRunID[runID], let session = sessions[id] else {
      return queue(.refuseWork(work, .workConnectionRunIDUnknown(runID)))
    }
    if session.requestedCount > 0 { sessions[id]?.requestedCount -= 1 }
    if let (user, proxy) = takeWaiting(id) {
      queue(.join(user, work, proxy))
      let coming = session.idleCount + (sessions[id]?.requestedCount ?? 0)
      let wanted = session.poolTarget + (sessions[id]?.waitingCount ?? 0)
      if coming < wanted { requestWork(id) }
      return
    }
    guard session.idleCount < session.poolTarget + ProxyGraphLimits.poolReserve else {
      return queue(.refuseWork(work, .workConnectionPoolFull()))
    }
    works[work] = id
    sessions[id]?.pool.append(work)
    sessions[id]?.idleCount += 1
  }

  private mutating func takeWaiting(_ id: SessionID) -> (UserConnectionID, ProxyID)? {
    while let user = sessions[id]?.waiting.first {
      sessions[id]?.waiting.removeFirst()
      guard let waiting = users.removeValue(forKey: user) else { continue }
      sessions[id]?.waitingCount -= 1
      dropStaleDeadlines()
      return (user, waiting.proxy)
    }
    return nil
  }

  /// An idle work connection died.
  public mutating func workConnectionLost(_ work: WorkConnectionID) {
    guard let id = works.removeValue(forKey: work), let session = sessions[id] else { return }
    sessions[id]?.idleCount -= 1
    sessions[id]?.pool.compact(liveCount: session.idleCount) { works[$0] != nil }
  }
}
