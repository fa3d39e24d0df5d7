public import Timekeeping
public import WireProtocol

/// The proxies that share one address, and which of them is next (behaviour.md 7). Pure data: time
/// and randomness are arguments.
///
/// A member's states: in (it is chosen as its weight says); out (failures in a row reached the
/// maximum; nobody gets to it until its time is over); probing (one connection tries it again, and
/// no other one until it is known how that went, or as much time has passed again). When all
/// members are out, they are chosen as if none was.
public struct ProxyGroup: Sendable {
  private struct Member {
    let id: ProxyID
    var weight: Int
    /// When it began to take its share; the share grows from here.
    var startedAt: Instant
    /// Of the turns (nginx's smooth weighted round robin): what it is owed.
    var credit = 0
    var connectionCount = 0
    var failureCount = 0
    var ejectionCount = 0
    /// Until when nobody gets to it; `nil` for a member that is in.
    var outUntil: Instant?
  }

  private let terms: GroupTerms
  private let key: String
  /// How it chooses.
  public private(set) var settings: GroupSettings
  private var members: [Member] = []
  private var hasChosen = false

  /// A weight in thousandths, so that a share can grow.
  private static let weightScale = 1000

  /// Makes a group without members.
  public init(terms: GroupTerms, key: String, settings: GroupSettings = GroupSettings()) {
    self.terms = terms
    self.key = key
    self.settings = settings
  }

  /// Whether the group is over: its last member left.
  public var isEmpty: Bool { members.isEmpty }

  /// The members in the order in which they joined.
  public var memberIDs: [ProxyID] { members.map(\.id) }

  /// Connections of a member.
  public func connectionCount(of id: ProxyID) -> Int {
    members.first { $0.id == id }?.connectionCount ?? 0
  }

  // MARK: Members

  /// Chooses in another way from now on. Members keep their connections, and what is known of them;
  /// who was left out comes back at once where nobody is left out any more.
  ///
  /// - Parameter weight: what a member weighs from now on.
  public mutating func follow(_ new: GroupSettings, weight: (ProxyID) -> Int) {
    settings = new
    let weights = members.map { Self.bounded(weight($0.id)) }
    // What is owed by other weights would be paid for too long.
    let isOwedNothing = weights != members.map(\.weight)
    for index in members.indices {
      members[index].weight = weights[index]
      if isOwedNothing { members[index].credit = 0 }
      guard new.failureCountMax == 0 else { continue }
      members[index].failureCount = 0
      members[index].ejectionCount = 0
      members[index].outUntil = nil
    }
  }

  private static func bounded(_ weight: Int) -> Int {
    min(max(weight, 1), ProxyGraphLimits.groupWeightMax)
  }

  /// A proxy joins.
  ///
  /// - Parameter weight: its share, from 1 to `groupWeightMax`; others become the nearest of these.
  /// - Returns: why it may not, in frp's words.
  public mutating func join(
    _ id: ProxyID, proxyName: String, key: String, terms: GroupTerms, weight: Int = 1,
    now: Instant
  ) -> ControlErrorText? {
    if key != self.key { return .groupKeyMismatch(proxyName) }
    if let refusal = self.terms.refusal(of: terms, proxyName: proxyName) { return refusal }
    if members.contains(where: { $0.id == id }) { return .groupProxyRepeated(proxyName) }
    guard members.count < ProxyGraphLimits.groupMemberCountMax else {
      return .groupFull(proxyName)
    }
    members.append(Member(id: id, weight: Self.bounded(weight), startedAt: now))
    return nil
  }

  /// A proxy leaves; its connections run on.
  public mutating func leave(_ id: ProxyID) {
    members.removeAll { $0.id == id }
  }

  // MARK: Choosing

  /// The member that gets the next connection, which counts until `connectionEnded`; `nil` when the
  /// group is empty.
  ///
  /// - Parameters:
  ///   - source: the visitor's address, as octets or text.
  ///   - random: a random number, for the policy that needs one.
  public mutating func choose(source: [UInt8], random: UInt64, now: Instant) -> ProxyID? {
    var candidates = members.indices.filter { isAvailable(members[$0], now) }
    if candidates.isEmpty { candidates = Array(members.indices) }
    guard !candidates.isEmpty else { return nil }
    if !hasChosen, terms.startsWithSecond, candidates.count > 1 { _ = takeTurn(candidates, now) }
    hasChosen = true
    let index =
      switch settings.policy {
      case .roundRobin: takeTurn(candidates, now)
      case .random: chooseByChance(candidates, random, now)
      case .leastConnections: takeTurn(leastLoaded(candidates, now), now)
      case .sourceHash: chooseByHash(candidates, source, now)
      }
    members[index].connectionCount += 1
    if members[index].outUntil != nil {
      // One at a time until it is known how this one goes.
      members[index].outUntil = now + ejectionTime(members[index].ejectionCount)
    }
    return members[index].id
  }

  /// A connection that was given to the member is over.
  public mutating func connectionEnded(_ id: ProxyID) {
    guard let index = index(of: id), members[index].connectionCount > 0 else { return }
    members[index].connectionCount -= 1
  }

  private func isAvailable(_ member: Member, _ now: Instant) -> Bool {
    member.outUntil.map { $0 <= now } ?? true
  }

  private func index(of id: ProxyID) -> Int? { members.firstIndex { $0.id == id } }

  /// What a member's share is by now, at least a thousandth.
  private func share(_ member: Member, _ now: Instant) -> Int {
    let full = member.weight * Self.weightScale
    let age = now - member.startedAt
    guard settings.slowStart > .zero, age < settings.slowStart else { return full }
    let part = Double(max(0, age.nanoseconds)) / Double(settings.slowStart.nanoseconds)
    return max(1, Int(Double(full) * part))
  }

  /// Everybody gets his share of credit; who has most, the first of equals, pays for all.
  private mutating func takeTurn(_ candidates: [Int], _ now: Instant) -> Int {
    var best = candidates[0]
    var total = 0
    for index in candidates {
      let share = share(members[index], now)
      members[index].credit += share
      total += share
      if members[index].credit > members[best].credit { best = index }
    }
    members[best].credit -= total
    return best
  }

  private func chooseByChance(_ candidates: [Int], _ random: UInt64, _ now: Instant) -> Int {
    let total = candidates.reduce(UInt64(0)) { $0 + UInt64(share(members[$1], now)) }
    // The high half of the product: uniform enough for any number that fits.
    var rest = random.multipliedFullWidth(by: total).high
    for index in candidates {
      let share = UInt64(share(members[index], now))
      if rest < share { return index }
      rest -= share
    }
    return candidates[0]
  }

  private func leastLoaded(_ candidates: [Int], _ now: Instant) -> [Int] {
    // Compared as fractions: connections with the new one, by share.
    var best: [Int] = []
    for index in candidates {
      guard let first = best.first else {
        best = [index]
        continue
      }
      let left = (members[index].connectionCount + 1) * share(members[first], now)
      let right = (members[first].connectionCount + 1) * share(members[index], now)
      if left < right {
        best = [index]
      } else if left == right {
        best.append(index)
      }
    }
    return best
  }

  /// Rendezvous hashing: every member draws a number from the address and itself, and the least
  /// -ln(number) / share wins.
  private func chooseByHash(_ candidates: [Int], _ source: [UInt8], _ now: Instant) -> Int {
    let hash = SourceHash.hash(source)
    var best = candidates[0]
    var bestScore = Double.infinity
    for index in candidates {
      let number = SourceHash.mix(hash ^ SourceHash.mix(members[index].id.rawValue))
      let score = SourceHash.negatedLogarithm(number) / Double(share(members[index], now))
      if score < bestScore {
        best = index
        bestScore = score
      }
    }
    return best
  }

  // MARK: Failures

  /// A connection to the member came about.
  public mutating func succeeded(_ id: ProxyID, now: Instant) {
    guard let index = index(of: id) else { return }
    members[index].failureCount = 0
    guard members[index].outUntil != nil else { return }
    members[index].outUntil = nil
    members[index].ejectionCount = 0
    members[index].startedAt = now
    // What it was owed while it was out is forgotten.
    members[index].credit = 0
  }

  /// No connection to the member came about.
  public mutating func failed(_ id: ProxyID, now: Instant) {
    guard settings.failureCountMax > 0, let index = index(of: id) else { return }
    members[index].failureCount += 1
    let isProbing = members[index].outUntil != nil
    guard isProbing || members[index].failureCount >= settings.failureCountMax else { return }
    members[index].outUntil = now + ejectionTime(members[index].ejectionCount)
    members[index].ejectionCount += 1
  }

  private func ejectionTime(_ ejectionCount: Int) -> Interval {
    min(settings.ejectionTime * (1 << min(ejectionCount, 20)), settings.ejectionTimeMax)
  }
}

/// Numbers for rendezvous hashing.
enum SourceHash {
  /// FNV-1a over bytes, mixed.
  static func hash(_ bytes: [UInt8]) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return mix(hash)
  }

  /// The last steps of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
  static func mix(_ value: UInt64) -> UInt64 {
    var mixed = value &+ 0x9e37_79b9_7f4a_7c15
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  /// -log2 of `number` as a fraction of 2^64: the exponent exactly, the rest by a polynomial that
  /// is off by less than 0.01.
  static func negatedLogarithm(_ number: UInt64) -> Double {
    let value = Double(number) + 1
    let part = value.significand - 1
    // log2(1 + x) for x from 0 to 1, exact at both ends.
    let logarithm = part * (1.4249 + part * (-0.5836 + part * 0.1587))
    return 64 - (Double(value.exponent) + logarithm)
  }
}
