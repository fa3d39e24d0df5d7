/// What a relay has refused so far, and why. Totals since its start.
public struct RelayCounters: Equatable, Sendable {
  /// Logins that were accepted.
  public var acceptedLogins = 0
  /// Logins that were refused, those without an answer included.
  public var refusedLogins = 0
  /// Refused logins whose answer was held back.
  public var slowedLogins = 0
  /// Refused logins that got no answer, as too many of their address waited for one.
  public var droppedLogins = 0
  /// Peers on the bind port that had to go for newer ones before they had logged in.
  public var evictedPeers = 0
  /// Peers on the bind port that did not log in in time.
  public var latePeers = 0
  /// Peers on the bind port that broke a rule before they had logged in.
  public var rudePeers = 0
  /// Peers on the bind port that were refused because the memory limit was reached.
  public var peersWithoutMemory = 0
  /// Work connections that were refused.
  public var refusedWorkConnections = 0
  /// Users refused because their address had too many connections.
  public var usersOverAddressMax = 0
  /// Users refused because the proxy had too many connections.
  public var usersOverProxyMax = 0
  /// Users refused because the client had too many connections.
  public var usersOverClientMax = 0
  /// Users refused because the account of the client had too many connections.
  public var usersOverAccountMax = 0
  /// Users refused because there were too many connections in all.
  public var usersOverTotalMax = 0
  /// Visitors of HTTP without a request who had to go for other users, as there were too many
  /// connections in all.
  public var evictedVisitors = 0
  /// Users refused because the memory limit was reached.
  public var usersWithoutMemory = 0
  /// Sessions that gave way to a newer one of the same client.
  public var replacedSessions = 0
  /// Sessions that did not answer when another client wanted their proxy, and were ended.
  public var handedOverSessions = 0

  /// Nothing was refused yet.
  public init() {}

  /// Users refused for whatever reason.
  public var refusedUsers: Int {
    usersOverAddressMax + usersOverProxyMax + usersOverClientMax + usersOverAccountMax
      + usersOverTotalMax + usersWithoutMemory
  }
}
