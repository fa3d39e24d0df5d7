/// Builds JSON as frp's interfaces write it: no white space, and `<`, `>`, `&`, U+2028 and U+2029
/// escaped (http-api.md 1).
///
/// Members and elements are written in order; commas come by themselves.
public struct JSONText: Sendable {
  /// What was written so far.
  public private(set) var bytes: [UInt8] = []
  private var needsComma = false

  /// Makes an empty text.
  public init() {}

  /// Writes an object around what `body` writes.
  public mutating func object(_ body: (inout JSONText) -> Void) {
    open(0x7b)
    body(&self)
    close(0x7d)
  }

  /// Writes an array around what `body` writes.
  public mutating func array(_ body: (inout JSONText) -> Void) {
    open(0x5b)
    body(&self)
    close(0x5d)
  }

  /// Writes the name of a member; its value has to follow.
  public mutating func name(_ name: String) {
    separate()
    quote(name)
    bytes.append(0x3a)
    needsComma = false
  }

  /// Writes a text.
  public mutating func text(_ value: String) {
    separate()
    quote(value)
    needsComma = true
  }

  /// Writes a whole number.
  public mutating func integer(_ value: some BinaryInteger) { raw(String(value)) }

  /// Writes a truth value.
  public mutating func flag(_ value: Bool) { raw(value ? "true" : "false") }

  /// Writes `null`.
  public mutating func null() { raw("null") }

  /// Writes a member with a text.
  public mutating func member(_ name: String, _ value: String) {
    self.name(name)
    text(value)
  }

  /// Writes a member with a whole number.
  public mutating func member(_ name: String, _ value: some BinaryInteger) {
    self.name(name)
    integer(value)
  }

  /// Writes a member with a truth value.
  public mutating func member(_ name: String, _ value: Bool) {
    self.name(name)
    flag(value)
  }

  /// Writes a value that is JSON already.
  public mutating func raw(_ json: String) {
    separate()
    bytes += json.utf8
    needsComma = true
  }

  /// Writes a value that is JSON already.
  public mutating func raw(_ json: JSONText) {
    separate()
    bytes += json.bytes
    needsComma = true
  }

  private mutating func open(_ bracket: UInt8) {
    separate()
    bytes.append(bracket)
    needsComma = false
  }

  private mutating func close(_ bracket: UInt8) {
    bytes.append(bracket)
    needsComma = true
  }

  private mutating func separate() {
    if needsComma { bytes.append(0x2c) }
  }

  private mutating func quote(_ text: String) {
    bytes.append(0x22)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": bytes += "\\\"".utf8
      case "\\": bytes += "\\\\".utf8
      case "\u{8}": bytes += "\\b".utf8
      case "\u{c}": bytes += "\\f".utf8
      case "\n": bytes += "\\n".utf8
      case "\r": bytes += "\\r".utf8
      case "\t": bytes += "\\t".utf8
      case "\0"..<" ", "<", ">", "&", "\u{2028}", "\u{2029}":
        let digits = String(scalar.value, radix: 16)
        bytes += ("\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits).utf8
      default: bytes += scalar.utf8
      }
    }
    bytes.append(0x22)
  }
}
