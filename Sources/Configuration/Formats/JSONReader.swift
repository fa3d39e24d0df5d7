/// Reads JSON (RFC 8259), nothing more, into a tree. FoundationEssentials has a reader, but none
/// that tells places.
package struct JSONReader {
  private let bytes: [UInt8]
  private var index = 0
  private var line = 1
  private var columns = ColumnCounter()
  private var builder = TreeBuilder()

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// `bytes` is valid UTF-8.
  package static func read(_ bytes: [UInt8]) throws(FormatFault) -> ConfigurationValue {
    var reader = JSONReader(bytes)
    try reader.readDocument()
    return try reader.builder.finish()
  }

  /// What the reader is inside of; no recursion, whatever the nesting.
  private enum Open { case table, list }

  private mutating func readDocument() throws(FormatFault) {
    var stack: [Open] = []
    repeat {
      if try readValue(&stack) { continue }
      // A value has ended; so may what it stands in.
      while true {
        skipBlanks()
        guard let open = stack.last else { break }
        let end: UInt8 = open == .table ? 0x7D : 0x5D
        if take(0x2C) {
          if open == .table { try readName() }
          break
        }
        guard take(end) else {
          throw fault(open == .table ? "expected , or }" : "expected , or ]")
        }
        builder.close()
        stack.removeLast()
      }
    } while !stack.isEmpty
    skipBlanks()
    if index < bytes.count { throw fault("expected the end of the file") }
  }

  /// Reads a value; `true` when it is a table or a list whose first value comes next.
  private mutating func readValue(_ stack: inout [Open]) throws(FormatFault) -> Bool {
    skipBlanks()
    let place = here
    guard index < bytes.count else { throw fault("expected a value, found the end of the file") }
    switch bytes[index] {
    case 0x7B:
      index += 1
      try builder.openTable(place)
      skipBlanks()
      if take(0x7D) {
        builder.close()
        return false
      }
      try readName()
      stack.append(.table)
      return true
    case 0x5B:
      index += 1
      try builder.openList(place)
      skipBlanks()
      if take(0x5D) {
        builder.close()
        return false
      }
      stack.append(.list)
      return true
    case 0x22: try builder.add(.text(try readText()), place)
    case 0x2D, 0x30...0x39: try builder.add(try readNumber(), place)
    case _: try builder.add(try readWord(), place)
    }
    return false
  }

  private mutating func readName() throws(FormatFault) {
    skipBlanks()
    let place = here
    guard index < bytes.count, bytes[index] == 0x22 else {
      throw fault("expected a name in double quotes")
    }
    builder.name(try readText(), place)
    skipBlanks()
    guard take(0x3A) else { throw fault("expected : behind the name") }
  }

  private mutating func readWord() throws(FormatFault) -> ConfigurationValue.Content {
    let words: [(String, ConfigurationValue.Content)] = [
      ("true", .boolean(true)), ("false", .boolean(false)), ("null", .null),
    ]
    for (word, content) in words where bytes[index...].starts(with: word.utf8) {
      index += word.utf8.count
      return content
    }
    throw fault("expected a value")
  }

  private mutating func readNumber() throws(FormatFault) -> ConfigurationValue.Content {
    let start = index
    var isInteger = true
    _ = take(0x2D)
    if !take(0x30) { try skipDigits() }
    if take(0x2E) {
      isInteger = false
      try skipDigits()
    }
    if index < bytes.count, bytes[index] | 0x20 == 0x65 {
      index += 1
      isInteger = false
      if !take(0x2B) { _ = take(0x2D) }
      try skipDigits()
    }
    let text = String(decoding: bytes[start..<index], as: UTF8.self)
    if isInteger, let number = Int(text) { return .integer(number) }
    guard let number = Double(text), number.isFinite else {
      throw fault("expected a number that is not so large")
    }
    return .number(number)
  }

  private mutating func skipDigits() throws(FormatFault) {
    let start = index
    while index < bytes.count, (0x30...0x39).contains(bytes[index]) { index += 1 }
    if index == start { throw fault("expected a digit") }
  }

  /// The text at the quote that `index` stands on.
  private mutating func readText() throws(FormatFault) -> String {
    let start = here
    index += 1
    var text: [UInt8] = []
    while index < bytes.count {
      let byte = bytes[index]
      switch byte {
      case 0x22:
        index += 1
        return String(decoding: text, as: UTF8.self)
      case 0x5C: try readEscape(into: &text)
      case 0..<0x20: throw fault("expected no control character in a text")
      case _:
        text.append(byte)
        index += 1
      }
    }
    throw FormatFault(place: start, message: "expected a closing quote")
  }

  private mutating func readEscape(into text: inout [UInt8]) throws(FormatFault) {
    guard index + 1 < bytes.count else { throw fault("expected a closing quote") }
    let plain: [UInt8: UInt8] = [
      0x22: 0x22, 0x5C: 0x5C, 0x2F: 0x2F, 0x62: 0x08, 0x66: 0x0C, 0x6E: 0x0A, 0x72: 0x0D,
      0x74: 0x09,
    ]
    if let byte = plain[bytes[index + 1]] {
      text.append(byte)
      index += 2
      return
    }
    guard bytes[index + 1] == 0x75, var scalar = hexadecimal(at: index + 2) else {
      throw fault("expected an escape that JSON has")
    }
    var length = 6
    if (0xD800..<0xDC00).contains(scalar), bytes.dropFirst(index + 6).starts(with: [0x5C, 0x75]),
      let low = hexadecimal(at: index + 8), (0xDC00..<0xE000).contains(low)
    {
      scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
      length = 12
    }
    // Half a pair becomes U+FFFD, as in frp.
    text += Array(String(Unicode.Scalar(scalar) ?? "\u{FFFD}").utf8)
    index += length
  }

  private func hexadecimal(at start: Int) -> UInt32? {
    guard start + 4 <= bytes.count else { return nil }
    let digits = bytes[start..<start + 4]
    guard digits.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0 | 0x20) })
    else { return nil }
    return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
  }

  // MARK: Places

  private mutating func take(_ byte: UInt8) -> Bool {
    guard index < bytes.count, bytes[index] == byte else { return false }
    index += 1
    return true
  }

  private mutating func skipBlanks() {
    while index < bytes.count {
      switch bytes[index] {
      case 0x0A:
        index += 1
        line += 1
        columns.startLine(at: index)
      case 0x20, 0x09, 0x0D: index += 1
      case _: return
      }
    }
  }

  private var here: ConfigurationValue.Place {
    mutating get { .init(line: line, column: columns.column(at: index, in: bytes)) }
  }

  private mutating func fault(_ message: String) -> FormatFault {
    FormatFault(place: here, message: message)
  }
}
