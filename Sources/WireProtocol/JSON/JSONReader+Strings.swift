/// Strings: escapes, surrogate pairs, and bytes that are no UTF-8.
extension JSONReader {
  private static let replacement: [UInt8] = [0xef, 0xbf, 0xbd]

  mutating func readText() throws(JSONFault) -> String {
    String(decoding: try readTextBytes(), as: UTF8.self)
  }

  /// The UTF-8 bytes that a string stands for; without a copy when they stand there literally.
  mutating func readTextBytes() throws(JSONFault) -> ArraySlice<UInt8> {
    try expect(.string)
    offset += 1
    let start = offset
    while let byte = current {
      if byte == UInt8(ascii: "\"") {
        offset += 1
        return bytes[start..<offset - 1]
      }
      if byte == UInt8(ascii: "\\") || byte >= 0x80 { return try readRestOfText(from: start) }
      if byte < 0x20 { throw fault(.controlCharacter) }
      offset += 1
    }
    throw fault(.unexpectedEnd)
  }

  /// Reads on behind a beginning that stands there literally.
  private mutating func readRestOfText(from start: Int) throws(JSONFault) -> ArraySlice<UInt8> {
    var text = Array(bytes[start..<offset])
    while let byte = current {
      if byte == UInt8(ascii: "\"") {
        offset += 1
        return text[...]
      } else if byte == UInt8(ascii: "\\") {
        try readEscape(into: &text)
      } else if byte < 0x20 {
        throw fault(.controlCharacter)
      } else {
        let length = utf8SequenceLength()
        text += length > 0 ? bytes[offset..<offset + length] : Self.replacement[...]
        // One replacement for each byte that starts no sequence, as in Go.
        offset += max(length, 1)
      }
    }
    throw fault(.unexpectedEnd)
  }

  private mutating func readEscape(into text: inout [UInt8]) throws(JSONFault) {
    guard offset + 1 < bytes.count else {
      throw JSONFault(.unexpectedEnd, offset: bytes.count)
    }
    let plain: UInt8
    switch bytes[offset + 1] {
    case UInt8(ascii: "\""): plain = UInt8(ascii: "\"")
    case UInt8(ascii: "\\"): plain = UInt8(ascii: "\\")
    case UInt8(ascii: "/"): plain = UInt8(ascii: "/")
    case UInt8(ascii: "b"): plain = 0x08
    case UInt8(ascii: "f"): plain = 0x0c
    case UInt8(ascii: "n"): plain = 0x0a
    case UInt8(ascii: "r"): plain = 0x0d
    case UInt8(ascii: "t"): plain = 0x09
    case UInt8(ascii: "u"):
      try readNumberedEscape(into: &text)
      return
    default: throw fault(.invalidEscape)
    }
    text.append(plain)
    offset += 2
  }

  /// Reads `\uXXXX`, and a second one behind it when both are a surrogate pair.
  private mutating func readNumberedEscape(into text: inout [UInt8]) throws(JSONFault) {
    guard let first = numberedEscape(at: offset) else { throw fault(.invalidEscape) }
    offset += 6
    if let scalar = Unicode.Scalar(first) {
      text += scalar.utf8
      return
    }
    // A half without its other half becomes U+FFFD, and what follows stands for itself.
    guard (0xd800...0xdbff).contains(first), let second = numberedEscape(at: offset),
      (0xdc00...0xdfff).contains(second),
      let scalar = Unicode.Scalar(0x10000 + ((first & 0x3ff) << 10 | second & 0x3ff))
    else {
      text += Self.replacement
      return
    }
    offset += 6
    text += scalar.utf8
  }

  /// The number in `\uXXXX` at `start`; `nil` when nothing of that form is there.
  private func numberedEscape(at start: Int) -> UInt32? {
    guard start + 6 <= bytes.count, bytes[start] == UInt8(ascii: "\\"),
      bytes[start + 1] == UInt8(ascii: "u")
    else { return nil }
    var number: UInt32 = 0
    for byte in bytes[start + 2..<start + 6] {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        number = number << 4 | UInt32(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"):
        number = number << 4 | UInt32((byte | 0x20) - UInt8(ascii: "a") + 10)
      default: return nil
      }
    }
    return number
  }

  /// How many bytes the well-formed UTF-8 sequence at the offset has; 0 when there is none.
  ///
  /// Specification: the Unicode standard, table 3-7.
  private func utf8SequenceLength() -> Int {
    let first = bytes[offset]
    let second: ClosedRange<UInt8>
    let length: Int
    switch first {
    case 0x00...0x7f: return 1
    case 0xc2...0xdf: (length, second) = (2, 0x80...0xbf)
    case 0xe0: (length, second) = (3, 0xa0...0xbf)
    case 0xe1...0xec, 0xee...0xef: (length, second) = (3, 0x80...0xbf)
    case 0xed: (length, second) = (3, 0x80...0x9f)
    case 0xf0: (length, second) = (4, 0x90...0xbf)
    case 0xf1...0xf3: (length, second) = (4, 0x80...0xbf)
    case 0xf4: (length, second) = (4, 0x80...0x8f)
    default: return 0
    }
    guard offset + length <= bytes.count, second.contains(bytes[offset + 1]) else { return 0 }
    for byte in bytes[offset + 2..<max(offset + length, offset + 2)] where byte & 0xc0 != 0x80 {
      return 0
    }
    return length
  }
}
