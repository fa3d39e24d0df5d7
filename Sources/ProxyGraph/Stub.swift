public import Timekeeping
public struct SessionID: Hashable, Sendable { public let rawValue: UInt64; public init(rawValue: UInt64) { self.rawValue = rawValue } }
public struct ProxyID: Hashable, Sendable { public let rawValue: UInt64; public init(rawValue: UInt64) { self.rawValue = rawValue } }
public struct WorkConnectionID: Hashable, Sendable { public let rawValue: UInt64; public init(rawValue: UInt64) { self.rawValue = rawValue } }
public struct UserConnectionID: Hashable, Sendable { public let rawValue: UInt64; public init(rawValue: UInt64) { self.rawValue = rawValue } }
public struct RelayPolicy: Sendable {
  public var allowedPorts: [ClosedRange<UInt16>] = []
  public var portsPerSessionMax = 0
  public var poolCountMax = 5
  public var userWaitLimit = Interval.seconds(10)
  public var hasDetailedErrors = true
  public init() {}
}
public enum LoginDecision: Equatable, Sendable { case accepted(SessionID, runID: String, replaced: SessionID?); case refused(String) }
public enum RelayAction: Equatable, Sendable {
  case closeSession(SessionID, String), listen(ProxyID, port: UInt16), stopListening(ProxyID)
  case replyProxyStarted(SessionID, name: String, remoteAddress: String), replyProxyRefused(SessionID, name: String, errorText: String)
  case requestWorkConnection(SessionID), join(UserConnectionID, WorkConnectionID, ProxyID), closeUser(UserConnectionID, String), closeWork(WorkConnectionID), refuseWork(WorkConnectionID, errorText: String)
}
public struct RelayGraph: ~Copyable {
  struct P { var id: ProxyID; var s: SessionID; var name: String; var port: UInt16 }
  struct S { var runID: String; var pool: [WorkConnectionID] = []; var waiting: [(UserConnectionID, ProxyID)] = []; var poolCount: Int }
  var q: [RelayAction] = []; var n: UInt64 = 0; var ss: [SessionID: S] = [:]; var ps: [ProxyID: P] = [:]; var head = 0
  public init(policy: RelayPolicy) {}
  public mutating func openSession(runID: String?, freshRunID: String, user: String, clientID: String, poolCount: Int, now: Instant) -> LoginDecision {
    var old: SessionID?
    if let runID { for (k, v) in ss where v.runID == runID { old = k } }
    if let old { closeSession(old, now: now); q.append(.closeSession(old, "replaced")) }
    n += 1; let id = SessionID(rawValue: n); let pc = max(1, min(poolCount, 5))
    ss[id] = S(runID: runID ?? freshRunID, poolCount: pc)
    for _ in 0..<pc { q.append(.requestWorkConnection(id)) }
    return .accepted(id, runID: runID ?? freshRunID, replaced: old)
  }
  public mutating func closeSession(_ id: SessionID, now: Instant) {
    guard let s = ss.removeValue(forKey: id) else { return }
    for (k, p) in ps where p.s == id { ps[k] = nil; q.append(.stopListening(k)) }
    for w in s.pool { q.append(.closeWork(w)) }
    for (u, _) in s.waiting { q.append(.closeUser(u, "gone")) }
  }
  public mutating func requestProxy(session: SessionID, name: String, type: String, remotePort: Int, now: Instant, random: UInt64) {
    if ps.values.contains(where: { $0.name == name }) { q.append(.replyProxyRefused(session, name: name, errorText: "proxy [\(name)] already exists")); return }
    n += 1; let id = ProxyID(rawValue: n); ps[id] = P(id: id, s: session, name: name, port: UInt16(clamping: remotePort)); q.append(.listen(id, port: UInt16(clamping: remotePort)))
  }
  public mutating func listenSucceeded(_ id: ProxyID) { if let p = ps[id] { q.append(.replyProxyStarted(p.s, name: p.name, remoteAddress: ":\(p.port)")) } }
  public func session(of id: ProxyID) -> SessionID? { ps[id]?.s }
  public func proxyName(of id: ProxyID) -> String? { ps[id]?.name }
  public mutating func listenFailed(_ id: ProxyID) { if let p = ps.removeValue(forKey: id) { q.append(.replyProxyRefused(p.s, name: p.name, errorText: "port unavailable")) } }
  public mutating func closeProxy(session: SessionID, name: String, now: Instant) { for (k, p) in ps where p.name == name && p.s == session { ps[k] = nil; q.append(.stopListening(k)) } }
  public mutating func userConnected(_ u: UserConnectionID, to p: ProxyID, now: Instant) {
    guard let s = ps[p]?.s else { q.append(.closeUser(u, "gone")); return }
    q.append(.requestWorkConnection(s))
    if let w = ss[s]?.pool.first { ss[s]?.pool.removeFirst(); q.append(.join(u, w, p)) } else { ss[s]?.waiting.append((u, p)) }
  }
  public mutating func userClosed(_ u: UserConnectionID) { for k in ss.keys { ss[k]?.waiting.removeAll { $0.0 == u } } }
  public mutating func workConnectionArrived(_ w: WorkConnectionID, runID: String, now: Instant) {
    for (k, s) in ss where s.runID == runID {
      if let (u, p) = s.waiting.first { ss[k]?.waiting.removeFirst(); q.append(.join(u, w, p)) } else { ss[k]?.pool.append(w) }
      return
    }
    q.append(.refuseWork(w, errorText: "no client control found for run id [\(runID)]"))
  }
  public mutating func workConnectionLost(_ w: WorkConnectionID) { for k in ss.keys { ss[k]?.pool.removeAll { $0 == w } } }
  public mutating func handleDeadline(now: Instant) {}
  public var nextDeadline: Instant? { nil }
  public mutating func nextAction() -> RelayAction? { if head < q.count { head += 1; return q[head - 1] }; q = []; head = 0; return nil }
}
