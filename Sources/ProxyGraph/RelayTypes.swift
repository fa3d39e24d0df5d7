public import Timekeeping
public import WireProtocol

/// The maxima of this module.
public enum ProxyGraphLimits {
  /// Logged-in clients.
  public static let sessionCountMax = 65_536
  /// Proxies of one session.
  public static let proxiesPerSessionMax = 16_384
  /// Users of one session who wait for a work connection; further ones are closed.
  public static let waitingUsersPerSessionMax = 8_192
  /// Idle work connections beyond those asked for (wire-protocol.md 6.2).
  public static let poolReserve = 10
  /// Names whose last port is remembered; the oldest released one is forgotten first.
  public static let rememberedPortCountMax = 65_536
  /// Ports tried when the server chooses (behaviour.md 3).
  public static let portCandidateCountMax = 5
  /// Announcements that wait until it is known whether the session that has their proxy is alive.
  public static let contendersPerSessionMax = 16_384
  /// Members of one group.
  public static let groupMemberCountMax = 1024
  /// The largest weight of a member of a group.
  public static let groupWeightMax = 256
}

/// Names a logged-in client; never used again.
public struct SessionID: Hashable, Sendable {
  /// The number.
  public let rawValue: UInt64
}

/// Names a proxy; never used again.
public struct ProxyID: Hashable, Sendable {
  /// The number.
  public let rawValue: UInt64

  /// Wraps the number of a proxy.
  public init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// Names an accepted user; given by the server.
public struct UserConnectionID: Hashable, Sendable {
  /// The number.
  public let rawValue: UInt64

  /// Wraps a number that the server uses once.
  public init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// Names a work connection; given by the server.
public struct WorkConnectionID: Hashable, Sendable {
  let rawValue: UInt64

  /// Wraps a number that the server uses once.
  public init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// The rules that the configuration sets.
public struct RelayPolicy: Equatable, Sendable {
  /// Ports that proxies may use, ascending.
  public var allowedPorts: [ClosedRange<UInt16>] = [1...65_535]
  /// Ports of one session; 0 for no limit.
  public var portsPerSessionMax = 0
  /// Idle work connections that a client may ask for.
  public var poolCountMax = 5
  /// How long a user waits for a work connection.
  public var userWaitLimit = Interval.seconds(10)
  /// How long a proxy's last port is remembered after its release.
  public var portMemory = Interval.seconds(24 * 3600)
  /// How long the port of a proxy whose client was lost is kept for it.
  public var portReservation = Interval.seconds(30)
  /// The ports of virtual hosts; proxies of a kind that has none are refused.
  public var hostPorts: [VirtualHostKind: UInt16] = [:]
  /// The domain under which subdomains are given out; empty for none.
  public var subdomainHost = ""
  /// How groups choose.
  public var groups = GroupPolicies()

  /// frp's rules.
  public init() {}
}

/// What became of a login.
public enum LoginDecision: Equatable, Sendable {
  /// A session was made; the one that it replaces is closed by an action.
  case accepted(SessionID, runID: String)
  /// The login is refused, for this reason.
  case refused(ControlErrorText)
  /// The login is refused for this reason if that session is alive; if it is not, it is to be
  /// closed, and the login decided anew.
  case contested(by: SessionID, ControlErrorText)
}

/// Why a user is closed without having been served.
public enum UserRefusal: Equatable, Sendable, CustomStringConvertible {
  /// No work connection came in time.
  case timedOut
  /// The session or the proxy is gone, or the proxy is not open yet.
  case proxyGone
  /// Too many users wait already.
  case tooManyWaiting

  /// The text of the log line.
  public var description: String {
    switch self {
    case .timedOut: "timeout trying to get work connection"
    case .proxyGone: "the proxy was closed while a user waited"
    case .tooManyWaiting: "too many users wait for a work connection"
    }
  }
}

/// What the server is to do, in this order.
public enum RelayAction: Equatable, Sendable {
  /// Close the control connection and everything on its carrier: it was replaced.
  case closeSession(SessionID)
  /// Find out at once whether the client of a session is alive, as another one wants its proxy:
  /// call `sessionDidAnswer` or `closeSession`.
  case probeSession(SessionID)
  /// Listen on the port, and say how it went.
  case listen(RouteID, port: UInt16)
  /// Close the public port; running connections go on.
  case stopListening(RouteID)
  /// Serve users of the proxy from now on, and tell its client that it is open.
  case openProxy(ProxyID, remoteAddress: String)
  /// Nobody new comes to the proxy; running connections go on.
  case closeProxy(ProxyID)
  /// Tell the client that its proxy is refused.
  case replyProxyRefused(SessionID, name: String, ControlErrorText)
  /// Ask the client for one more work connection.
  case requestWorkConnection(SessionID)
  /// Tell the work connection about the user, and join them.
  case join(UserConnectionID, WorkConnectionID, ProxyID)
  /// Close a user who cannot be served.
  case closeUser(UserConnectionID, UserRefusal)
  /// Close an idle work connection.
  case closeWork(WorkConnectionID)
  /// Refuse a work connection with a text.
  case refuseWork(WorkConnectionID, ControlErrorText)
}
