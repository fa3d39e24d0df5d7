internal import Glibc

/// Bytes that tell their position: half of them random, half easy to compress.
public struct Pattern: Sendable {
  private static let period = 1_000_003
  private let block: [UInt8]

  /// The pattern of a seed.
  public init(seed: UInt64) {
    var generator = RepeatableGenerator(seed: seed)
    var block = generator.bytes(Self.period / 2)
    while block.count < Self.period { block += "line \(block.count) of the text\n".utf8 }
    self.block = Array(block[..<Self.period]) + block[..<Self.period]
  }

  /// The bytes from `position` on; at most one period.
  public func bytes(from position: Int, count: Int) -> [UInt8] {
    let start = position % Self.period
    return Array(block[start..<(start + count)])
  }

  /// Whether `piece`, at most one period, is what belongs at `position`.
  public func matches(_ piece: [UInt8], at position: Int) -> Bool {
    piece.withUnsafeBytes { matches($0, at: position) }
  }

  /// Whether `piece`, at most one period, is what belongs at `position`.
  public func matches(_ piece: UnsafeRawBufferPointer, at position: Int) -> Bool {
    let start = position % Self.period
    return block.withUnsafeBytes { right in
      guard let left = piece.baseAddress, let right = right.baseAddress else { return true }
      return memcmp(left, right + start, piece.count) == 0
    }
  }
}
