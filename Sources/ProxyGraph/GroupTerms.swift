public import Timekeeping
internal import WireProtocol

/// What all members of a group have to agree on (behaviour.md 7).
public enum GroupTerms: Equatable, Sendable {
  /// The port that was asked for; 0 for one of the server's choice.
  case tcp(remotePort: Int)
  /// One host, one location, one user.
  case http(host: String, location: String, user: String)
  /// One host.
  case https(host: String)
  /// One host, one user, and the same credentials.
  case tcpmux(host: String, user: String, httpUser: String, httpPassword: String)

  /// The terms of a proxy of type http; `nil` when it has more than one host or location, with
  /// which it cannot join a group.
  public static func http(hosts: [String], locations: [String], user: String) -> GroupTerms? {
    guard hosts.count == 1, locations.count <= 1 else { return nil }
    return .http(host: hosts[0].lowercased(), location: locations.first ?? "", user: user)
  }

  /// Why a proxy with the terms `other` may not join a group with these; `nil` if it may.
  func refusal(of other: GroupTerms, proxyName: String) -> ControlErrorText? {
    switch (self, other) {
    case (.tcp(let port), .tcp(let otherPort)):
      port == otherPort ? nil : .groupPortDiffers(proxyName)
    case (.tcp, _), (.http, _), (.https, _), (.tcpmux, _):
      self == other ? nil : .groupParametersDiffer(proxyName)
    }
  }

  /// Whether the first choice falls on the second member, as with frp.
  var startsWithSecond: Bool {
    switch self {
    case .http: true
    case .tcp, .https, .tcpmux: false
    }
  }
}

/// Which member of a group gets the next connection or request.
public enum GroupPolicy: Equatable, Sendable {
  /// In turns, heavier members more often, spread evenly: what frp does where all weigh the same.
  case roundRobin
  /// By chance, in proportion to the weights.
  case random
  /// The one with the fewest connections in proportion to its weight; in turns among equals.
  case leastConnections
  /// The same member for the same visitor's address as long as it is there; when members come and
  /// go, only the visitors concerned change.
  case sourceHash
}

/// How a group chooses, and when it stops to choose somebody. The defaults are frp's behaviour.
public struct GroupSettings: Equatable, Sendable {
  /// Who is next.
  public var policy = GroupPolicy.roundRobin
  /// Failures in a row after which a member is left out; 0 for never.
  public var failureCountMax = 0
  /// How long a member is left out at first; each further time in a row is twice as long.
  public var ejectionTime = Interval.seconds(10)
  /// The longest time that a member is left out.
  public var ejectionTimeMax = Interval.seconds(300)
  /// How long a member that is new or comes back takes to its full share; zero for at once.
  public var slowStart = Interval.zero
  /// The key of a proxy's metadata with its weight; empty when all weigh the same.
  public var weightKey = ""

  /// frp's behaviour.
  public init() {}

  /// The weight that a proxy's metadata says; 1 when it says nothing that makes sense.
  func weight(by metadata: [String: String]) -> Int {
    guard !weightKey.isEmpty, let text = metadata[weightKey], let weight = Int(text) else {
      return 1
    }
    return min(max(weight, 1), ProxyGraphLimits.groupWeightMax)
  }
}

/// The rules of all groups, by the server's configuration.
public struct GroupPolicies: Equatable, Sendable {
  /// How groups choose that have no settings of their own.
  public var settings = GroupSettings()
  /// The settings of the others, by name; they hold for groups of every type of proxy.
  public var named: [String: GroupSettings] = [:]

  /// frp's behaviour.
  public init() {}

  /// How the group of a name chooses.
  func settings(of name: String) -> GroupSettings { named[name] ?? settings }
}
