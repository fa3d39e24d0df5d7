/// A property that some input breaks: what a fuzzer and the ordinary tests look for.
public struct FuzzFinding: Error, CustomStringConvertible {
  /// What does not hold.
  public let description: String
}

/// Something that is given bytes of any kind and has to stay whole.
public struct FuzzTarget: Sendable {
  /// Names the target on the command line, and its folders.
  public let name: String

  /// The longest input that a fuzzer should try.
  public let byteCountMax: Int

  /// Words that inputs are made of.
  public let dictionary: [String]

  private let body: @Sendable (inout FuzzInput) throws(FuzzFinding) -> Int

  init(
    _ name: String, byteCountMax: Int = 4096, dictionary: [String] = [],
    _ body: @escaping @Sendable (inout FuzzInput) throws(FuzzFinding) -> Int
  ) {
    self.name = name
    self.byteCountMax = byteCountMax
    self.dictionary = dictionary
    self.body = body
  }

  /// Runs the target once.
  ///
  /// - Returns: how much of the input was understood, in a unit of the target's own; 0 for nothing.
  /// - Throws: what does not hold. A trap is a finding too.
  @discardableResult
  public func run(_ bytes: [UInt8]) throws(FuzzFinding) -> Int {
    var input = FuzzInput(bytes)
    return try body(&input)
  }

  /// All targets.
  public static let all: [FuzzTarget] =
    messages + encodings + configuration + coding + muxes + graphs + systems + web + gateways

  /// The target with that name.
  public static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}

/// Throws a finding unless `condition` holds.
func require(
  _ condition: Bool, _ text: @autoclosure () -> String
) throws(FuzzFinding) {
  if !condition { throw FuzzFinding(description: text()) }
}

/// The bytes of one run, taken apart from the front. What is missing is zero.
struct FuzzInput {
  private let bytes: [UInt8]
  private var offset = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isEmpty: Bool { offset == bytes.count }

  mutating func byte() -> UInt8 {
    guard offset < bytes.count else { return 0 }
    offset += 1
    return bytes[offset - 1]
  }

  /// A number from two bytes.
  mutating func short() -> Int { Int(byte()) << 8 | Int(byte()) }

  mutating func take(_ count: Int) -> [UInt8] {
    let end = min(bytes.count, offset + count)
    defer { offset = end }
    return Array(bytes[offset..<end])
  }

  mutating func rest() -> [UInt8] { take(bytes.count) }

  mutating func text() -> String { String(decoding: rest(), as: UTF8.self) }
}

/// `bytes` in pieces as `plan` says: 0 is one piece, other values are the length of each, and from
/// 0x80 on the lengths vary. Each piece is memory of its own, so that a read beyond it is noticed.
func pieces(of bytes: [UInt8], plan: UInt8) -> [[UInt8]] {
  guard plan > 0 else { return [bytes] }
  var pieces: [[UInt8]] = []
  var start = 0
  var state = Int(plan)
  while start < bytes.count {
    state = plan < 0x80 ? Int(plan) : (state &* 5 &+ 3) & 0x7f
    let end = min(bytes.count, start + max(1, state))
    pieces.append(Array(bytes[start..<end]))
    start = end
  }
  return pieces
}
