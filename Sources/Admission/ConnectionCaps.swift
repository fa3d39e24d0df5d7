/// How many user connections there may be: of one network, of one proxy, of one session, of one
/// account, in all.
/// What is not bounded is not counted either, but for the total.
///
/// A user of a port and his work connection are one connection here. A visitor of HTTP, whose
/// requests go to several proxies, has a place for his address and in the total, and each work
/// connection that serves him one for its proxy, session and account.
public struct ConnectionCaps {
  /// The maxima; `nil` for none.
  public struct Maxima: Equatable, Sendable {
    /// Of one network (`PeerNetwork`).
    public var perNetwork: Int?
    /// Of one proxy.
    public var perProxy: Int?
    /// Of one session.
    public var perSession: Int?
    /// In all.
    public var total: Int?

    /// No maxima.
    public init() {}
  }

  /// Which maximum is reached.
  public enum Cause: Hashable, Sendable, CaseIterable, CustomStringConvertible {
    /// That of the user's network.
    case network
    /// That of the proxy.
    case proxy
    /// That of the session.
    case session
    /// That of the session's account.
    case account
    /// That of all.
    case total

    /// What the log says.
    public var description: String {
      switch self {
      case .network: "its address has as many connections as one may have"
      case .proxy: "the proxy has as many connections as one may have"
      case .session: "the client has as many connections as one may have"
      case .account: "the client's user has as many connections as one may have"
      case .total: "there are as many connections as there may be"
      }
    }
  }

  /// A connection that was let in; gives its place back with `release`.
  public struct Place: Sendable {
    /// `nil` when it is not counted for an address, nor in the total.
    let network: PeerNetwork?
    /// `nil` when it is not counted for a proxy.
    let proxy: UInt64?
    /// `nil` when it is not counted for a session.
    let session: UInt64?
    /// `nil` when the account has no maximum.
    let account: UInt64?
  }

  /// An account with a maximum of its own.
  public struct AccountShare: Sendable {
    let id: UInt64
    let countMax: Int

    /// Names the account.
    public init(id: UInt64, countMax: Int) {
      self.id = id
      self.countMax = countMax
    }
  }

  /// The maxima now in force.
  public private(set) var maxima: Maxima
  private var networks: [PeerNetwork: Int] = [:]
  private var proxies: [UInt64: Int] = [:]
  private var sessions: [UInt64: Int] = [:]
  private var accounts: [UInt64: Int] = [:]

  /// Whether there are as many in all as there may be.
  public var isFull: Bool { maxima.total.map { totalCount >= $0 } ?? false }

  /// How many connections are in.
  public private(set) var totalCount = 0

  /// Lets nobody in yet.
  public init(_ maxima: Maxima) {
    self.maxima = maxima
  }

  /// Follows other maxima from now on. Whoever is in stays in, and counts.
  ///
  /// - Parameter places: those of all connections that are in.
  public mutating func setMaxima(_ new: Maxima, places: some Sequence<Place>) {
    maxima = new
    networks = [:]
    proxies = [:]
    sessions = [:]
    for place in places { count(place, by: 1) }
  }

  /// Lets a connection in, or says which maximum forbids it.
  ///
  /// - Parameters:
  ///   - network: where it comes from; `nil` when it serves one that is counted itself.
  ///   - proxy: names the proxy; `nil` when it has none of its own.
  ///   - session: names the session; `nil` when it has none of its own.
  ///   - account: whose session it is, if there is a maximum for him.
  public mutating func admit(
    from network: PeerNetwork?, proxy: UInt64?, session: UInt64?, account: AccountShare? = nil
  ) -> Result<Place, Refusal> {
    if let cause = cause(network, proxy, session) { return .failure(Refusal(cause: cause)) }
    if let account, accounts[account.id, default: 0] >= account.countMax {
      return .failure(Refusal(cause: .account))
    }
    let place = Place(network: network, proxy: proxy, session: session, account: account?.id)
    change(place, by: 1)
    return .success(place)
  }

  /// Why a connection is not let in.
  public struct Refusal: Error, Equatable, Sendable {
    /// The maximum that is reached.
    public let cause: Cause
  }

  /// A connection that was let in is over.
  public mutating func release(_ place: Place) {
    change(place, by: -1)
  }

  private func cause(_ network: PeerNetwork?, _ proxy: UInt64?, _ session: UInt64?) -> Cause? {
    if network != nil, let total = maxima.total, totalCount >= total { return .total }
    if Self.isFull(networks, network, maxima.perNetwork) { return .network }
    if Self.isFull(proxies, proxy, maxima.perProxy) { return .proxy }
    if Self.isFull(sessions, session, maxima.perSession) { return .session }
    return nil
  }

  private static func isFull<Key>(_ counts: [Key: Int], _ key: Key?, _ most: Int?) -> Bool {
    guard let key, let most else { return false }
    return counts[key, default: 0] >= most
  }

  private mutating func change(_ place: Place, by step: Int) {
    if place.network != nil { totalCount += step }
    if let account = place.account { Self.change(&accounts, account, by: step) }
    count(place, by: step)
  }

  private mutating func count(_ place: Place, by step: Int) {
    if maxima.perNetwork != nil, let network = place.network {
      Self.change(&networks, network, by: step)
    }
    if maxima.perProxy != nil, let proxy = place.proxy { Self.change(&proxies, proxy, by: step) }
    if maxima.perSession != nil, let session = place.session {
      Self.change(&sessions, session, by: step)
    }
  }

  private static func change<Key>(_ counts: inout [Key: Int], _ key: Key, by step: Int) {
    let count = counts[key, default: 0] + step
    counts[key] = count == 0 ? nil : count
  }

  /// Networks, proxies and sessions that are counted, for tests.
  var keyCount: Int { networks.count + proxies.count + sessions.count + accounts.count }
}
