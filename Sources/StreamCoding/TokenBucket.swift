public import Timekeeping

/// Limits a rate of bytes: the bucket starts full with `burst` bytes and gains `bytesPerSecond`.
///
/// Exact: over any stretch of time no more than `burst + bytesPerSecond * time` bytes are granted,
/// and one who takes before the bucket is full gets all of it but a fraction of a byte, however
/// finely the time is cut. Whoever shares the limit shares the bucket.
public struct TokenBucket: Sendable {
  /// How many bytes are gained in a second.
  public let bytesPerSecond: Int

  /// How many bytes the bucket can hold.
  public let burst: Int

  /// What is in the bucket at `updated`.
  private var level: Int
  /// The part of the next byte that has been gained, in bytes times nanoseconds per second.
  private var fraction: Int64
  private var updated: Instant

  private static let second: Int64 = 1_000_000_000

  /// Makes a full bucket.
  ///
  /// - Parameters:
  ///   - bytesPerSecond: at least 1.
  ///   - burst: at least 1; `nil` means as much as is gained in a second.
  ///   - now: the present time.
  public init(bytesPerSecond: Int, burst: Int? = nil, now: Instant) {
    precondition(bytesPerSecond > 0 && (burst ?? 1) > 0, "a limit is positive")
    self.bytesPerSecond = bytesPerSecond
    self.burst = burst ?? bytesPerSecond
    level = self.burst
    fraction = 0
    updated = now
  }

  /// Takes up to `byteCount` bytes and returns how many were there; 0 when the bucket is empty.
  public mutating func take(upTo byteCount: Int, now: Instant) -> Int {
    precondition(byteCount >= 0, "a negative number of bytes")
    refill(now: now)
    let granted = min(byteCount, level)
    level -= granted
    return granted
  }

  /// Gives back bytes that were taken and not used, up to the burst.
  public mutating func giveBack(_ byteCount: Int) {
    precondition(byteCount >= 0, "a negative number of bytes")
    level = level > burst - min(byteCount, burst) ? burst : level + byteCount
  }

  /// How many bytes could be taken now.
  public mutating func availableByteCount(now: Instant) -> Int {
    refill(now: now)
    return level
  }

  /// How long it takes until `byteCount` bytes, or the burst if that is less, can be taken; zero
  /// when they are there.
  public mutating func delay(untilAvailable byteCount: Int, now: Instant) -> Interval {
    refill(now: now)
    let missing = min(byteCount, burst) - level
    guard missing > 0 else { return .zero }
    let needed = Int128(missing) * Int128(Self.second) - Int128(fraction)
    let rate = Int128(bytesPerSecond)
    let nanoseconds = (needed + rate - 1) / rate
    return Interval(nanoseconds: Int64(clamping: nanoseconds))
  }

  /// Adds what was gained since the last call. A clock that runs backwards adds nothing.
  private mutating func refill(now: Instant) {
    guard now > updated else { return }
    let elapsed = Int128(now.nanoseconds) - Int128(updated.nanoseconds)
    updated = now
    let gained = elapsed * Int128(bytesPerSecond) + Int128(fraction)
    let (bytes, rest) = gained.quotientAndRemainder(dividingBy: Int128(Self.second))
    if bytes >= Int128(burst - level) {
      level = burst
      fraction = 0
    } else {
      level += Int(bytes)
      fraction = Int64(rest)
    }
  }
}
