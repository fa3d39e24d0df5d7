/// The peers that have not shown who they are, by age, in all and for each network.
///
/// Whoever comes is let in; when that is one too many for his network or in all, the oldest of the
/// network or of all has to go. Those who have not said anything and those who have are two
/// classes, and half of the places is safe from the other class: neither do many who say nothing
/// drive out one who is in the middle of his login, nor many who never finish one who has just
/// come. So a newcomer has the time that it takes to fill half of the places, however many others
/// do nothing.
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
    var hasSpoken = false
    /// Its places in the list of all and in that of its network.
    var overallIndex = 0
    var networkIndex = 0
  }

  /// Entries by age, in their two classes.
  private struct Line {
    var silent = AgeList<EntryID>()
    var speaking = AgeList<EntryID>()

    var count: Int { silent.count + speaking.count }

    /// Who has to go when the line is full.
    func first(countMax: Int) -> EntryID? {
      let isSilentHalfFull = silent.count * 2 >= countMax
      let list = isSilentHalfFull || speaking.count == 0 ? silent : speaking
      return list.oldestIndex.flatMap { list[$0] }
    }

    mutating func append(_ id: EntryID, hasSpoken: Bool) -> Int {
      hasSpoken ? speaking.append(id) : silent.append(id)
    }

    mutating func remove(at index: Int, hasSpoken: Bool) {
      _ = hasSpoken ? speaking.remove(at: index) : silent.remove(at: index)
    }
  }

  private let countMax: Int
  private var entries = AgeList<Entry>()
  private var overall = Line()
  private var networks: [PeerNetwork: Line] = [:]
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
    let most = max(1, networkCountMax)
    while let line = networks[network], line.count >= most, let first = line.first(countMax: most),
      let peer = remove(first)
    {
      evicted.append(peer)
    }
    while count >= countMax, let peer = removeFirst() { evicted.append(peer) }
    let generation = nextGeneration
    nextGeneration += 1
    let index = entries.append(Entry(peer: peer, network: network, generation: generation))
    let id = EntryID(index: index, generation: generation)
    place(id)
    return (id, evicted)
  }

  /// A peer has said something.
  public mutating func noteSpeech(of id: EntryID) {
    guard let entry = entry(id), !entry.hasSpoken else { return }
    unplace(entry)
    entries[id.index]?.hasSpoken = true
    place(id)
  }

  /// Takes a peer out, because it has shown who it is or has left.
  @discardableResult
  public mutating func remove(_ id: EntryID) -> Peer? {
    guard let entry = entry(id) else { return nil }
    unplace(entry)
    if networks[entry.network]?.count == 0 { networks[entry.network] = nil }
    _ = entries.remove(at: id.index)
    return entry.peer
  }

  /// Takes the peer out that has to go when the book is full.
  public mutating func removeFirst() -> Peer? {
    overall.first(countMax: countMax).flatMap { remove($0) }
  }

  private func entry(_ id: EntryID) -> Entry? {
    guard let entry = entries[id.index], entry.generation == id.generation else { return nil }
    return entry
  }

  private mutating func place(_ id: EntryID) {
    guard let entry = entry(id) else { return }
    let overallIndex = overall.append(id, hasSpoken: entry.hasSpoken)
    let networkIndex = networks[entry.network, default: Line()].append(
      id, hasSpoken: entry.hasSpoken)
    entries[id.index]?.overallIndex = overallIndex
    entries[id.index]?.networkIndex = networkIndex
  }

  private mutating func unplace(_ entry: Entry) {
    overall.remove(at: entry.overallIndex, hasSpoken: entry.hasSpoken)
    networks[entry.network]?.remove(at: entry.networkIndex, hasSpoken: entry.hasSpoken)
  }
}
