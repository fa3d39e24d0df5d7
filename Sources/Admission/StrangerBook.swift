/// The peers that have not shown who they are, by age, in all and for each network.
///
/// Whoever comes is let in; when that is one too many for his network or in all, the oldest of the
/// network or of all has to go. So a newcomer has the time that it takes to fill the book, however
/// many others do nothing.
public struct StrangerBook<Peer> {
  /// Names an entry; never again after it has left.
  public struct EntryID: Hashable, Sendable {
    let index: Int
    let generation: UInt64
  }

  private struct Entry {
    let peer: Peer
    let network: PeerNetwork
    let generation: UInt64
    /// Its place among those of its network.
    var networkIndex: Int
  }

  private let countMax: Int
  private var entries = AgeList<Entry>()
  private var networks: [PeerNetwork: AgeList<EntryID>] = [:]
  private var nextGeneration: UInt64 = 0

  /// Makes an empty book.
  public init(countMax: Int = AdmissionLimits.strangerCountMax) {
    self.countMax = max(1, countMax)
  }

  /// How many peers are in the book.
  public var count: Int { entries.count }

  /// How many of them come from `network`.
  public func count(from network: PeerNetwork) -> Int { networks[network]?.count ?? 0 }

  /// Lets a peer in.
  ///
  /// - Parameter networkCountMax: how many of its network may be in the book.
  /// - Returns: its name, and who had to go; they are out of the book already.
  public mutating func admit(
    _ peer: Peer, from network: PeerNetwork,
    networkCountMax: Int = AdmissionLimits.strangersPerNetworkMax
  ) -> (id: EntryID, evicted: [Peer]) {
    var evicted: [Peer] = []
    while count(from: network) >= max(1, networkCountMax), let oldest = oldestEntry(of: network) {
      evicted += remove(oldest).map { [$0] } ?? []
    }
    while entries.count >= countMax, let oldest = removeOldest() { evicted.append(oldest) }
    let generation = nextGeneration
    nextGeneration += 1
    let index = entries.append(
      Entry(peer: peer, network: network, generation: generation, networkIndex: 0))
    let id = EntryID(index: index, generation: generation)
    entries[index]?.networkIndex = networks[network, default: AgeList()].append(id)
    return (id, evicted)
  }

  /// Takes a peer out, because it has shown who it is or has left.
  @discardableResult
  public mutating func remove(_ id: EntryID) -> Peer? {
    guard let entry = entries[id.index], entry.generation == id.generation else { return nil }
    _ = entries.remove(at: id.index)
    _ = networks[entry.network]?.remove(at: entry.networkIndex)
    if networks[entry.network]?.count == 0 { networks[entry.network] = nil }
    return entry.peer
  }

  /// Takes the oldest peer out.
  public mutating func removeOldest() -> Peer? {
    guard let index = entries.oldestIndex, let entry = entries[index] else { return nil }
    return remove(EntryID(index: index, generation: entry.generation))
  }

  private func oldestEntry(of network: PeerNetwork) -> EntryID? {
    guard let list = networks[network], let index = list.oldestIndex else { return nil }
    return list[index]
  }
}
