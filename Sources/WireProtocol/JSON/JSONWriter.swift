internal import ByteBuffers

/// Writes messages as frp's writer (Go's encoding/json) does, byte for byte: no white space,
/// members in the order of their list, zero and empty ones left out, maps sorted by key, and
/// `<`, `>`, `&`, U+2028 and U+2029 escaped.
struct JSONWriter: ~Copyable, MemberVisitor {
  typealias Failure = Never

  private var queue: ByteQueue
  private var isFirst = true

  init(appendingTo queue: consuming ByteQueue) { self.queue = queue }

  /// Gives the queue back.
  consuming func finish() -> ByteQueue { queue }

  mutating func write(_ object: some JSONObject) {
    var object = object
    queue.append(UInt8(ascii: "{"))
    isFirst = true
    object.visitMembers(&self)
    queue.append(UInt8(ascii: "}"))
    isFirst = false
  }

  // MARK: Members

  mutating func text(_ name: String, _ value: inout String) {
    if !value.isEmpty { textAlways(name, &value) }
  }

  mutating func secret(_ name: String, _ value: inout String) { text(name, &value) }

  mutating func identifier(_ name: String, _ value: inout String) { text(name, &value) }

  mutating func textAlways(_ name: String, _ value: inout String) {
    writeName(name)
    write(text: value)
  }

  mutating func integer<Integer: FixedWidthInteger>(_ name: String, _ value: inout Integer) {
    guard value != 0 else { return }
    writeName(name)
    queue.append(utf8: String(value))
  }

  mutating func integerAlways(_ name: String, _ value: inout Int) {
    writeName(name)
    queue.append(utf8: String(value))
  }

  mutating func flag(_ name: String, _ value: inout Bool) {
    guard value else { return }
    writeName(name)
    queue.append(utf8: "true")
  }

  mutating func texts(_ name: String, _ value: inout [String]) {
    guard !value.isEmpty else { return }
    writeName(name)
    for (index, text) in value.enumerated() {
      queue.append(UInt8(ascii: index == 0 ? "[" : ","))
      write(text: text)
    }
    queue.append(UInt8(ascii: "]"))
  }

  mutating func map(_ name: String, _ value: inout [String: String]) {
    guard !value.isEmpty else { return }
    writeName(name)
    // By bytes: the order of Swift's strings is another one.
    let sorted = value.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    for (index, entry) in sorted.enumerated() {
      queue.append(UInt8(ascii: index == 0 ? "{" : ","))
      write(text: entry.key)
      queue.append(UInt8(ascii: ":"))
      write(text: entry.value)
    }
    queue.append(UInt8(ascii: "}"))
  }

  mutating func bytes(_ name: String, _ value: inout [UInt8]) {
    guard !value.isEmpty else { return }
    writeName(name)
    queue.append(UInt8(ascii: "\""))
    queue.append(Base64.encode(value))
    queue.append(UInt8(ascii: "\""))
  }

  mutating func object<Object: JSONObject>(_ name: String, _ value: inout Object) {
    writeName(name)
    write(value)
  }

  mutating func optionalObject<Object: JSONObject>(_ name: String, _ value: inout Object?) {
    guard let value else { return }
    writeName(name)
    write(value)
  }

  mutating func objects<Object: JSONObject>(_ name: String, _ value: inout [Object]) {
    guard !value.isEmpty else { return }
    writeName(name)
    for (index, object) in value.enumerated() {
      queue.append(UInt8(ascii: index == 0 ? "[" : ","))
      write(object)
    }
    queue.append(UInt8(ascii: "]"))
  }

  // MARK: Tokens

  private mutating func writeName(_ name: String) {
    if !isFirst { queue.append(UInt8(ascii: ",")) }
    isFirst = false
    queue.append(UInt8(ascii: "\""))
    queue.append(utf8: name)
    queue.append(utf8: "\":")
  }

  private mutating func write(text: String) {
    queue.append(UInt8(ascii: "\""))
    if text.utf8.contains(where: Self.mayNeedEscape) {
      for scalar in text.unicodeScalars { write(scalar) }
    } else {
      queue.append(utf8: text)
    }
    queue.append(UInt8(ascii: "\""))
  }

  /// Whether a text with this byte has to be looked at by character; 0xe2 opens U+2028.
  private static func mayNeedEscape(_ byte: UInt8) -> Bool {
    switch byte {
    case 0..<0x20, UInt8(ascii: "\""), UInt8(ascii: "\\"), 0xe2: true
    case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"): true
    default: false
    }
  }

  private mutating func write(_ scalar: Unicode.Scalar) {
    switch scalar {
    case "\"": queue.append(utf8: "\\\"")
    case "\\": queue.append(utf8: "\\\\")
    // Go writes these two in the short form since 1.22, with which frp is built.
    case "\u{8}": queue.append(utf8: "\\b")
    case "\u{c}": queue.append(utf8: "\\f")
    case "\n": queue.append(utf8: "\\n")
    case "\r": queue.append(utf8: "\\r")
    case "\t": queue.append(utf8: "\\t")
    case "\0"..<" ", "<", ">", "&", "\u{2028}", "\u{2029}":
      let digits = String(scalar.value, radix: 16)
      queue.append(utf8: "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits)
    default: for byte in scalar.utf8 { queue.append(byte) }
    }
  }
}
