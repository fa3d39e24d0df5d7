internal import Foundation

/// Random numbers that a seed repeats (SplitMix64: Steele, Lea and Flood, OOPSLA 2014).
public struct RepeatableGenerator: RandomNumberGenerator, Sendable {
  /// What it started from; print it when a test fails.
  public let seed: UInt64
  private var state: UInt64

  /// Starts from `seed`, or from the environment's `TEST_SEED` when that is set.
  public init(seed: UInt64) {
    let override = ProcessInfo.processInfo.environment["TEST_SEED"].flatMap { UInt64($0) }
    self.seed = override ?? seed
    state = self.seed
  }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  /// That many random bytes.
  public mutating func bytes(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count {
      withUnsafeBytes(of: next()) { bytes += $0 }
    }
    bytes.removeLast(bytes.count - count)
    return bytes
  }
}
