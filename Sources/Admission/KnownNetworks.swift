/// The networks from which somebody has logged in, as many as fit; the one whose last login is
/// longest ago is forgotten first.
public struct KnownNetworks {
  private let countMax: Int
  private var ages = AgeList<PeerNetwork>()
  private var indices: [PeerNetwork: Int] = [:]

  /// Knows nobody yet.
  public init(countMax: Int = AdmissionLimits.knownNetworkCountMax) {
    self.countMax = max(1, countMax)
  }

  /// Whether somebody has logged in from there.
  public func contains(_ network: PeerNetwork) -> Bool { indices[network] != nil }

  /// Notes a login.
  public mutating func insert(_ network: PeerNetwork) {
    if let index = indices[network] { return ages.renew(index) }
    if ages.count >= countMax, let oldest = ages.oldestIndex,
      let forgotten = ages.remove(at: oldest)
    {
      indices[forgotten] = nil
    }
    indices[network] = ages.append(network)
  }
}
