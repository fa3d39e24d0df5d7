internal import DequeModule
internal import StreamCoding
internal import Timekeeping

/// Somebody who may have to wait for his share of a limited bandwidth.
protocol BandwidthClaimant: AnyObject {
  /// How many bytes could be moved now; 0 takes the claimant out of the queue.
  var wantedByteCount: Int { get }
  /// Whether the claimant waits; kept by `BandwidthShares`.
  var isWaitingForBandwidth: Bool { get set }
  /// Moves at most `byteCount` bytes.
  ///
  /// - Returns: how many were moved.
  func moveBytes(upTo byteCount: Int) -> Int
}

/// How one rate is shared: who waits is served in turns of one quantum each. Time is an argument.
struct BandwidthShares {
  /// What one claimant gets in one turn.
  let quantum: Int
  // What must have been gained before anybody is served, so that few wake-ups serve many.
  private let batch: Int
  private let idleBurst: Int
  private var lastUse: Instant
  private var bucket: TokenBucket
  private var waiting = Deque<any BandwidthClaimant>()

  init(bytesPerSecond: Int, now: Instant) {
    func gained(in time: Interval) -> Int {
      max(1, Int(Int128(bytesPerSecond) * Int128(time.nanoseconds) / 1_000_000_000))
    }
    let burst = gained(in: BandwidthLimits.burstTime)
    let share = gained(in: BandwidthLimits.quantumTime)
    quantum = min(
      burst, BandwidthLimits.quantumByteCountMax, max(share, BandwidthLimits.quantumByteCountMin))
    batch = min(burst, max(share, quantum))
    idleBurst = max(quantum, gained(in: BandwidthLimits.idleBurstTime))
    lastUse = now + BandwidthLimits.idleBurstTime * -1
    bucket = TokenBucket(bytesPerSecond: bytesPerSecond, burst: burst, now: now)
  }

  /// How many bytes of `byteCount` may be moved at once; none while anybody waits.
  mutating func take(upTo byteCount: Int, now: Instant) -> Int {
    guard waiting.isEmpty else { return 0 }
    if now - lastUse >= BandwidthLimits.idleBurstTime {
      _ = bucket.take(upTo: max(0, bucket.availableByteCount(now: now) - idleBurst), now: now)
    }
    lastUse = now
    return bucket.take(upTo: byteCount, now: now)
  }

  /// Lets somebody wait for his turn.
  mutating func enqueue(_ claimant: any BandwidthClaimant) {
    guard !claimant.isWaitingForBandwidth else { return }
    claimant.isWaitingForBandwidth = true
    waiting.append(claimant)
  }

  /// Forgets somebody who does not want anything any more.
  mutating func remove(_ claimant: any BandwidthClaimant) {
    guard claimant.isWaitingForBandwidth else { return }
    claimant.isWaitingForBandwidth = false
    waiting.removeAll { $0 === claimant }
  }

  /// Whose turn it is, and how much is his; `nil` when there is not enough for him. He is out of
  /// the queue then, and what he does not move is given back.
  mutating func nextGrant(now: Instant) -> (claimant: any BandwidthClaimant, byteCount: Int)? {
    while let first = waiting.first {
      let wanted = min(first.wantedByteCount, quantum)
      guard bucket.availableByteCount(now: now) >= wanted else { return nil }
      _ = waiting.popFirst()
      first.isWaitingForBandwidth = false
      lastUse = now
      if wanted > 0 { return (first, bucket.take(upTo: wanted, now: now)) }
    }
    return nil
  }

  /// Takes back what was granted and not moved.
  mutating func giveBack(_ byteCount: Int) {
    bucket.giveBack(byteCount)
  }

  /// When there is enough for a turn; `nil` when nobody waits.
  mutating func nextTurn(now: Instant) -> Instant? {
    guard let first = waiting.first else { return nil }
    let needed = waiting.count > 1 ? batch : min(batch, max(1, first.wantedByteCount))
    return now + bucket.delay(untilAvailable: needed, now: now)
  }
}
