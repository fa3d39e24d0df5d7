/// The parameters behind the question mark, decoded. Those that cannot be decoded are dropped, as
/// frp does, and so is what lies behind the last one that is read.
public struct QueryParameters: Equatable, Sendable {
  private var entries: [(name: String, value: String)] = []

  /// Reads `text`, which stands behind the question mark.
  public init(_ text: String?) {
    guard let text else { return }
    for piece in text.utf8.split(separator: 0x26) {
      guard entries.count < HTTPProtocolLimits.queryParameterCountMax else { return }
      let parts = piece.split(separator: 0x3d, maxSplits: 1, omittingEmptySubsequences: false)
      let text = parts.count > 1 ? parts[1] : Substring().utf8
      guard let name = Self.decode(parts[0]), let value = Self.decode(text) else { continue }
      entries.append((name, value))
    }
  }

  /// The number of parameters.
  public var count: Int { entries.count }

  /// The first value of that name.
  public subscript(name: String) -> String? { entries.first { $0.name == name }?.value }

  /// The text of one segment of a path, decoded; `nil` when it has a broken escape.
  static func decodeSegment(_ text: Substring.UTF8View) -> String? {
    decode(text, plusIsSpace: false)
  }

  private static func decode(_ text: Substring.UTF8View, plusIsSpace: Bool = true) -> String? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    var iterator = text.makeIterator()
    while let byte = iterator.next() {
      switch byte {
      case 0x25:
        guard let high = iterator.next().flatMap(ByteClass.hexadecimalValue),
          let low = iterator.next().flatMap(ByteClass.hexadecimalValue)
        else { return nil }
        bytes.append(high << 4 | low)
      case 0x2b: bytes.append(plusIsSpace ? 0x20 : byte)
      case 0x3b where plusIsSpace: return nil
      default: bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Compares names and values in their order.
  public static func == (left: QueryParameters, right: QueryParameters) -> Bool {
    left.entries.elementsEqual(right.entries) { $0 == $1 }
  }
}
