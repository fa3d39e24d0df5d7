/// Builds one JSON object as frp writes it: no spaces, members in the order of the calls, zero and
/// empty values left out, `<`, `>`, `&`, U+2028 and U+2029 escaped (wire-protocol.md 2.2).
struct JSONWriter {
  private(set) var bytes: [UInt8] = [UInt8(ascii: "{")]
  private var isEmpty = true

  init() {}

  /// The finished object.
  consuming func finished() -> [UInt8] {
    bytes.append(UInt8(ascii: "}"))
    return bytes
  }

  private mutating func begin(_ name: String) {
    if !isEmpty { bytes.append(UInt8(ascii: ",")) }
    isEmpty = false
    append(quoted: name)
    bytes.append(UInt8(ascii: ":"))
  }

  mutating func write(_ name: String, _ value: String) {
    if value.isEmpty { return }
    begin(name)
    append(quoted: value)
  }

  mutating func write(_ name: String, _ value: Bool) {
    if !value { return }
    begin(name)
    bytes += "true".utf8
  }

  mutating func write(_ name: String, _ value: some FixedWidthInteger) {
    if value == 0 { return }
    writeAlways(name, value)
  }

  mutating func writeAlways(_ name: String, _ value: some FixedWidthInteger) {
    begin(name)
    bytes += String(value).utf8
  }

  mutating func writeAlways(_ name: String, _ value: String) {
    begin(name)
    append(quoted: value)
  }

  mutating func write(_ name: String, _ values: [String]) {
    if values.isEmpty { return }
    begin(name)
    bytes.append(UInt8(ascii: "["))
    for (index, value) in values.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      append(quoted: value)
    }
    bytes.append(UInt8(ascii: "]"))
  }

  /// Maps go out sorted by the bytes of their keys.
  mutating func write(_ name: String, _ map: [String: String]) {
    if map.isEmpty { return }
    begin(name)
    var inner = JSONWriter()
    let keys = map.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    for key in keys { inner.writeAlways(key, map[key] ?? "") }
    bytes += inner.finished()
  }

  /// A nested object, never left out.
  mutating func writeObject(_ name: String, _ body: (inout JSONWriter) -> Void) {
    begin(name)
    var inner = JSONWriter()
    body(&inner)
    bytes += inner.finished()
  }

  mutating func writeObjects<T>(
    _ name: String, _ elements: [T], _ body: (inout JSONWriter, T) -> Void
  ) {
    if elements.isEmpty { return }
    begin(name)
    bytes.append(UInt8(ascii: "["))
    for (index, element) in elements.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      var inner = JSONWriter()
      body(&inner, element)
      bytes += inner.finished()
    }
    bytes.append(UInt8(ascii: "]"))
  }

  private mutating func append(quoted text: String) {
    bytes.append(UInt8(ascii: "\""))
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": bytes += [UInt8(ascii: "\\"), UInt8(truncatingIfNeeded: scalar.value)]
      case "\u{08}": bytes += "\\b".utf8
      case "\u{0c}": bytes += "\\f".utf8
      case "\n": bytes += "\\n".utf8
      case "\r": bytes += "\\r".utf8
      case "\t": bytes += "\\t".utf8
      case "<", ">", "&", "\u{2028}", "\u{2029}", "\u{00}"..."\u{1f}": append(escaped: scalar)
      case _: bytes += String(scalar).utf8
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func append(escaped scalar: Unicode.Scalar) {
    let digits = String(scalar.value, radix: 16)
    bytes += "\\u".utf8
    bytes += String(repeating: "0", count: 4 - digits.count).utf8
    bytes += digits.utf8
  }
}
