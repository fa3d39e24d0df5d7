/// One JSON value. Numbers stay text until a field says what it wants.
enum JSONValue: Equatable {
  case null
  case bool(Bool)
  case number(String)
  case string(String)
  case array([JSONValue])
  case object([JSONMember])
}

/// One member of an object, in the order of the text.
struct JSONMember: Equatable {
  let name: String
  let value: JSONValue
}

/// Parses RFC 8259 text of bounded depth. Broken UTF-8 and lone surrogates become U+FFFD, as with
/// frp; anything behind the value except white space is an error.
struct JSONReader {
  private let bytes: [UInt8]
  private var offset = 0

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Parses a whole text.
  static func parse(_ bytes: [UInt8]) throws(WireError) -> JSONValue {
    var reader = JSONReader(bytes)
    let value = try reader.readValue(depth: 0)
    reader.skipWhiteSpace()
    guard reader.offset == bytes.count else { throw reader.malformed }
    return value
  }

  private var malformed: WireError { .malformedJSON(offset: offset) }

  private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  private mutating func skipWhiteSpace() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d {
      offset += 1
    }
  }

  private mutating func readValue(depth: Int) throws(WireError) -> JSONValue {
    guard depth <= WireProtocolLimits.depthMax else { throw .nestedTooDeeply }
    skipWhiteSpace()
    switch next {
    case UInt8(ascii: "{"): return try readObject(depth: depth)
    case UInt8(ascii: "["): return try readArray(depth: depth)
    case UInt8(ascii: "\""): return .string(try readString())
    case UInt8(ascii: "t"): return try readWord("true", .bool(true))
    case UInt8(ascii: "f"): return try readWord("false", .bool(false))
    case UInt8(ascii: "n"): return try readWord("null", .null)
    case .some, .none: return .number(try readNumber())
    }
  }

  private mutating func readWord(_ word: String, _ value: JSONValue) throws(WireError) -> JSONValue {
    guard bytes[offset...].starts(with: word.utf8) else { throw malformed }
    offset += word.utf8.count
    return value
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(WireError) {
    guard next == UInt8(ascii: character) else { throw malformed }
    offset += 1
  }

  private mutating func readObject(depth: Int) throws(WireError) -> JSONValue {
    try expect("{")
    var members: [JSONMember] = []
    skipWhiteSpace()
    if next == UInt8(ascii: "}") {
      offset += 1
      return .object(members)
    }
    while true {
      skipWhiteSpace()
      let name = try readString()
      skipWhiteSpace()
      try expect(":")
      members.append(JSONMember(name: name, value: try readValue(depth: depth + 1)))
      skipWhiteSpace()
      guard next == UInt8(ascii: ",") else { break }
      offset += 1
    }
    try expect("}")
    return .object(members)
  }

  private mutating func readArray(depth: Int) throws(WireError) -> JSONValue {
    try expect("[")
    var elements: [JSONValue] = []
    skipWhiteSpace()
    if next == UInt8(ascii: "]") {
      offset += 1
      return .array(elements)
    }
    while true {
      elements.append(try readValue(depth: depth + 1))
      skipWhiteSpace()
      guard next == UInt8(ascii: ",") else { break }
      offset += 1
    }
    try expect("]")
    return .array(elements)
  }

  // RFC 8259, 6.
  private mutating func readNumber() throws(WireError) -> String {
    let start = offset
    if next == UInt8(ascii: "-") { offset += 1 }
    if next == UInt8(ascii: "0") {
      offset += 1
    } else {
      try readDigits()
    }
    if next == UInt8(ascii: ".") {
      offset += 1
      try readDigits()
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      offset += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { offset += 1 }
      try readDigits()
    }
    return String(decoding: bytes[start..<offset], as: UTF8.self)
  }

  private mutating func readDigits() throws(WireError) {
    let start = offset
    while let byte = next, byte >= 0x30, byte <= 0x39 { offset += 1 }
    if offset == start { throw malformed }
  }

  private mutating func readString() throws(WireError) -> String {
    try expect("\"")
    var text: [UInt8] = []
    while let byte = next {
      offset += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"): text += try readEscape()
      case 0..<0x20: throw malformed
      case 0x20...: text.append(byte)
      case _: throw malformed
      }
    }
    throw malformed
  }

  private mutating func readEscape() throws(WireError) -> [UInt8] {
    guard let byte = next else { throw malformed }
    offset += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0c]
    case UInt8(ascii: "n"): return [0x0a]
    case UInt8(ascii: "r"): return [0x0d]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"): return Array(String(try readScalar()).utf8)
    case _: throw malformed
    }
  }

  private mutating func readScalar() throws(WireError) -> Unicode.Scalar {
    let first = try readFourDigits()
    if let scalar = Unicode.Scalar(first) { return scalar }
    // A high surrogate needs a low one right behind it; alone it is U+FFFD.
    guard first < 0xdc00, bytes[offset...].starts(with: [0x5c, 0x75]) else { return "\u{fffd}" }
    let before = offset
    offset += 2
    let second = try readFourDigits()
    guard second >= 0xdc00, second <= 0xdfff else {
      offset = before
      return "\u{fffd}"
    }
    return Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00)) ?? "\u{fffd}"
  }

  private mutating func readFourDigits() throws(WireError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next else { throw malformed }
      let digit: UInt8
      switch byte {
      case 0x30...0x39: digit = byte - 0x30
      case 0x41...0x46: digit = byte - 0x41 + 10
      case 0x61...0x66: digit = byte - 0x61 + 10
      case _: throw malformed
      }
      offset += 1
      value = value << 4 | UInt32(digit)
    }
    return value
  }
}
