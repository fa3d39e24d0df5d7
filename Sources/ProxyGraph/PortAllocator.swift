internal import Timekeeping

/// The book of one protocol's public ports (behaviour.md 3): which are allowed, which are taken,
/// and which one each proxy name had last. A remembered port is no reservation; one whose client
/// was lost is reserved for a while, for its proxy's name and for clients of the same host.
struct PortAllocator {
  private struct Memory {
    var port: UInt16
    /// `nil` while the name has the port.
    var releasedAt: Instant?
  }

  private struct Reservation {
    let name: String
    let host: String
    let until: Instant
  }

  /// Below it only root may bind; never chosen when all ports are allowed.
  private static let firstUnprivilegedPort: UInt16 = 1024

  private var allowed: [ClosedRange<UInt16>] = []
  private var choosable: [ClosedRange<UInt16>] = []
  private let memoryTime: Interval
  private let reservationTime: Interval
  private var taken: Set<UInt16> = []
  private var reservations: [UInt16: Reservation] = [:]
  private var memories: [String: Memory] = [:]
  private var releases = Fifo<(name: String, at: Instant)>()

  init(
    allowed: [ClosedRange<UInt16>], memoryTime: Interval, reservationTime: Interval
  ) {
    self.memoryTime = memoryTime
    self.reservationTime = reservationTime
    allow(allowed)
  }

  /// From now on these ports may be had; those that are taken stay so.
  mutating func allow(_ ranges: [ClosedRange<UInt16>]) {
    allowed = ranges
    let isEverything = ranges == [1...65_535]
    choosable = isEverything ? [Self.firstUnprivilegedPort...65_535] : ranges
  }

  func isAllowed(_ port: UInt16) -> Bool { allowed.contains { $0.contains(port) } }

  func isTaken(_ port: UInt16) -> Bool { taken.contains(port) }

  var takenCount: Int { taken.count }

  /// Whether a port is kept for another proxy whose client was lost.
  ///
  /// - Parameter host: where the client is that asks.
  func isReserved(_ port: UInt16, against name: String, host: String, now: Instant) -> Bool {
    guard let reservation = reservations[port], reservation.until > now else { return false }
    return reservation.name != name && reservation.host != host
  }

  /// Keeps a port for the proxy called `name`, for others of `host` too.
  mutating func reserve(_ port: UInt16, for name: String, host: String, now: Instant) {
    if reservations.count >= ProxyGraphLimits.rememberedPortCountMax { return }
    reservations[port] = Reservation(name: name, host: host, until: now + reservationTime)
    // A client that asks for any port gets the one that it had.
    if memories[name] == nil {
      memories[name] = Memory(port: port, releasedAt: now)
      releases.append((name, now))
    }
  }

  mutating func take(_ port: UInt16, for name: String) {
    taken.insert(port)
    reservations[port] = nil
    memories[name] = Memory(port: port, releasedAt: nil)
  }

  mutating func release(_ port: UInt16, of name: String, now: Instant) {
    taken.remove(port)
    guard memories[name]?.port == port else { return }
    memories[name]?.releasedAt = now
    releases.append((name, now))
    forget(now)
  }

  /// Takes a port back that could not be bound: it leaves no memory of its own.
  mutating func giveUp(_ port: UInt16, of name: String, previous: UInt16?, now: Instant) {
    taken.remove(port)
    if let previous {
      memories[name] = Memory(port: previous, releasedAt: now)
      releases.append((name, now))
    } else {
      memories[name] = nil
    }
  }

  /// The port that the name had last.
  mutating func rememberedPort(of name: String, now: Instant) -> UInt16? {
    forget(now)
    return memories[name]?.port
  }

  /// Up to `count` free ports, spread by `random`; the remembered one comes first. Those that are
  /// reserved for other names are passed over.
  ///
  /// - Parameter own: the only ports that this client may have; `nil` for all that are allowed.
  mutating func candidates(
    for name: String, count: Int, random: UInt64, now: Instant,
    within own: [ClosedRange<UInt16>]? = nil
  ) -> [UInt16] {
    var found: [UInt16] = []
    if let port = rememberedPort(of: name, now: now), isAllowed(port), !isTaken(port),
      own?.contains(where: { $0.contains(port) }) != false
    {
      found.append(port)
    }
    reservations = reservations.filter { $0.value.until > now }
    let ranges = own.map { Self.intersection(choosable, $0) } ?? choosable
    let total = ranges.reduce(0) { $0 + $1.count }
    guard total > 0 else { return found }
    var state = random
    for _ in 0..<count {
      // Steps of a linear congruential generator (Knuth's MMIX); the high bits choose.
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let start = Int(state >> 33) % total
      guard let free = firstFree(in: ranges, from: start, of: total, besides: found) else { break }
      found.append(free)
    }
    return found
  }

  /// What is in both lists of ascending ranges.
  private static func intersection(
    _ left: [ClosedRange<UInt16>], _ right: [ClosedRange<UInt16>]
  ) -> [ClosedRange<UInt16>] {
    left.flatMap { one in
      right.compactMap { $0.overlaps(one) ? $0.clamped(to: one) : nil }
    }
  }

  private func firstFree(
    in ranges: [ClosedRange<UInt16>], from start: Int, of total: Int, besides found: [UInt16]
  ) -> UInt16? {
    // One of so many must be free, if any is.
    for step in 0..<min(total, taken.count + reservations.count + found.count + 1) {
      let port = Self.port(at: (start + step) % total, in: ranges)
      if !taken.contains(port), reservations[port] == nil, !found.contains(port) { return port }
    }
    return nil
  }

  private static func port(at index: Int, in ranges: [ClosedRange<UInt16>]) -> UInt16 {
    var rest = index
    for range in ranges {
      if rest < range.count { return range.lowerBound + UInt16(rest) }
      rest -= range.count
    }
    return ranges[0].lowerBound
  }

  private mutating func forget(_ now: Instant) {
    while let first = releases.first {
      let isOld = now - first.at > memoryTime
      guard isOld || memories.count > ProxyGraphLimits.rememberedPortCountMax else { return }
      releases.removeFirst()
      if memories[first.name]?.releasedAt == first.at { memories[first.name] = nil }
    }
  }

  /// Ports that are taken, for checks of invariants.
  var takenPorts: Set<UInt16> { taken }
}
