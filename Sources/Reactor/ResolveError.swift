public import Timekeeping

/// Why a name has no addresses.
public enum ResolveError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The name cannot be a host's: empty, too long, or with characters that no name has.
  case invalidName(String)
  /// The name does not exist, or has no address.
  case notFound(String)
  /// No answer in time.
  case timedOut(String, after: Interval)
  /// The name servers could not be asked or did not know; the reason in words.
  case serverFailed(String, reason: String)
  /// Too many names are asked for at the same time.
  case tooManyRequests(String, limit: Int)
  /// The resolver was closed before.
  case closed(String)
  /// This is no address of a name server.
  case invalidServer(String)
  /// More name servers than `limit` are configured.
  case tooManyServers(limit: Int)
  /// The resolver cannot be set up; the reason in words.
  case unavailable(reason: String)

  /// One line for a log.
  public var description: String {
    switch self {
    case .invalidName(let host): "\(host): not a host name"
    case .notFound(let host): "\(host): no such host"
    case .timedOut(let host, let limit):
      "\(host): name servers did not answer within \(limit.inSeconds) s"
    case .serverFailed(let host, let reason): "\(host): cannot be resolved: \(reason)"
    case .tooManyRequests(let host, let limit):
      "\(host): more than \(limit) names are being resolved"
    case .closed(let host): "\(host): the resolver is closed"
    case .invalidServer(let text): "\(text): not the address of a name server"
    case .tooManyServers(let limit): "more than \(limit) name servers"
    case .unavailable(let reason): "name resolution is not available: \(reason)"
    }
  }
}
