/// Reads the parts of TOML's lines: names, values, comments.
struct TOMLScanner {
  private let bytes: [UInt8]
  private var index = 0
  private var line = 1
  private var columns = ColumnCounter()
  private(set) var valueCount = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { index >= bytes.count }

  var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

  var place: ConfigurationValue.Place {
    mutating get { .init(line: line, column: columns.column(at: index, in: bytes)) }
  }

  mutating func fault(_ message: String) -> FormatFault {
    FormatFault(place: place, message: message)
  }

  mutating func take(_ byte: UInt8) -> Bool {
    skipBlanks()
    guard peek == byte else { return false }
    index += 1
    return true
  }

  mutating func reserve(_ count: Int, _ place: ConfigurationValue.Place) throws(FormatFault) {
    valueCount += count
    guard valueCount <= ConfigurationLimits.valueCountMax else {
      throw FormatFault(
        place: place, message: "expected at most \(ConfigurationLimits.valueCountMax) values")
    }
  }

  // MARK: Lines

  private mutating func skipBlanks() {
    while let byte = peek, byte == 0x20 || byte == 0x09 { index += 1 }
  }

  /// Takes the end of the line when `index` stands on it.
  private mutating func takeLineEnd() -> Bool {
    if peek == 0x0D, index + 1 < bytes.count, bytes[index + 1] == 0x0A { index += 1 }
    guard peek == 0x0A else { return false }
    index += 1
    line += 1
    columns.startLine(at: index)
    return true
  }

  private mutating func skipComment() {
    guard peek == 0x23 else { return }
    skipToLineEnd()
  }

  private mutating func skipToLineEnd() {
    while index < bytes.count, bytes[index] != 0x0A { index += 1 }
  }

  mutating func skipBlanksAndLines() {
    repeat {
      skipBlanks()
      skipComment()
    } while takeLineEnd()
  }

  /// Nothing but a comment may follow on the line.
  mutating func endLine() throws(FormatFault) {
    skipBlanks()
    skipComment()
    guard isAtEnd || takeLineEnd() else { throw fault("expected the end of the line") }
  }

  /// To the next line that looks like a header or an assignment.
  mutating func skipToNextStatement() {
    while !isAtEnd {
      skipToLineEnd()
      guard takeLineEnd() else { return }
      skipBlanks()
      guard let first = peek else { return }
      let rest = bytes[index...].prefix { $0 != 0x0A }
      if first == 0x5B || Self.isBare(first) && rest.contains(0x3D) { return }
    }
  }

  // MARK: Names

  private static func isBare(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || byte == 0x5F
      || byte == 0x2D
  }

  /// A name of one or more parts with dots between.
  mutating func readPath() throws(FormatFault) -> [TOMLName] {
    var path: [TOMLName] = []
    repeat {
      skipBlanks()
      let place = place
      let start = index
      if peek == 0x22 || peek == 0x27 {
        path.append(TOMLName(text: try readText(mayBeLong: false), place: place))
      } else {
        while let byte = peek, Self.isBare(byte) { index += 1 }
        guard index > start else { throw fault("expected a name") }
        path.append(
          TOMLName(text: String(decoding: bytes[start..<index], as: UTF8.self), place: place))
      }
      guard path.count <= ConfigurationLimits.nestingMax else {
        throw fault("expected at most \(ConfigurationLimits.nestingMax) parts in a name")
      }
    } while take(0x2E)
    return path
  }

  // MARK: Values

  /// Recursion is bounded by `ConfigurationLimits.nestingMax`.
  mutating func readValue(depth: Int) throws(FormatFault) -> ConfigurationValue {
    skipBlanks()
    let place = place
    try reserve(1, place)
    guard depth < ConfigurationLimits.nestingMax else {
      throw fault(
        "expected at most \(ConfigurationLimits.nestingMax) tables and lists inside each other")
    }
    let content: ConfigurationValue.Content =
      switch peek {
      case 0x22, 0x27: .text(try readText(mayBeLong: true))
      case 0x5B: try readList(depth)
      case 0x7B: try readInlineTable(depth)
      case _: try readWord()
      }
    return ConfigurationValue(content: content, place: place)
  }

  private mutating func readList(_ depth: Int) throws(FormatFault) -> ConfigurationValue.Content {
    _ = take(0x5B)
    var items: [ConfigurationValue] = []
    skipBlanksAndLines()
    while !take(0x5D) {
      items.append(try readValue(depth: depth + 1))
      skipBlanksAndLines()
      if take(0x2C) {
        skipBlanksAndLines()
      } else if peek != 0x5D {
        throw fault("expected , or ] in a list")
      }
    }
    return .list(items)
  }

  private mutating func readInlineTable(
    _ depth: Int
  ) throws(FormatFault) -> ConfigurationValue.Content {
    let place = place
    _ = take(0x7B)
    // Dotted names make tables inside it, by the same rules as in the file.
    var tables = TOMLTables()
    if !take(0x7D) {
      repeat {
        let path = try readPath()
        guard take(0x3D) else { throw fault("expected = behind the name") }
        try tables.set(path, to: try readValue(depth: depth + 1), in: 0)
      } while take(0x2C)
      guard take(0x7D) else { throw fault("expected , or } in a table") }
    }
    var tree = tables.tree
    tree.place = place
    return tree.content
  }

  /// A boolean, a number or a date.
  private mutating func readWord() throws(FormatFault) -> ConfigurationValue.Content {
    let start = index
    let startPlace = place
    while let byte = peek, Self.isBare(byte) || byte == 0x2B || byte == 0x2E || byte == 0x3A {
      index += 1
    }
    // A blank may stand between date and time.
    if index - start == 10, peek == 0x20, index + 3 < bytes.count, Self.isDigit(bytes[index + 1]),
      bytes[start + 4] == 0x2D
    {
      index += 1
      while let byte = peek, Self.isBare(byte) || byte == 0x2B || byte == 0x2E || byte == 0x3A {
        index += 1
      }
    }
    let word = String(decoding: bytes[start..<index], as: UTF8.self)
    if let content = Self.content(of: word) { return content }
    throw FormatFault(
      place: startPlace,
      message: word.isEmpty
        ? "expected a value"
        : "expected text in quotes, a number, true or false, found \(quoted(word))")
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  static func content(of word: String) -> ConfigurationValue.Content? {
    switch word {
    case "true": return .boolean(true)
    case "false": return .boolean(false)
    case "inf", "+inf": return .number(.infinity)
    case "-inf": return .number(-.infinity)
    case "nan", "+nan", "-nan": return .number(.nan)
    case _: break
    }
    if let number = TOMLNumber.integer(word) { return .integer(number) }
    if let number = TOMLNumber.float(word) { return .number(number) }
    return isDate(word) ? .date : nil
  }

  /// By its shape: no key takes a date, so nobody asks whether the day exists.
  private static func isDate(_ word: String) -> Bool {
    let digits = word.utf8.map { isDigit($0) ? 0x64 : $0 }
    let date = Array("dddd-dd-dd".utf8), time = Array("dd:dd:dd".utf8)
    if digits.starts(with: time) { return true }
    guard digits.starts(with: date) else { return false }
    return digits.count == 10
      || ([0x54, 0x74, 0x20].contains(digits[10]) && digits.dropFirst(11).starts(with: time))
  }

  // MARK: Texts

  /// The text at the quote that `index` stands on.
  private mutating func readText(mayBeLong: Bool) throws(FormatFault) -> String {
    let start = place
    let quote = bytes[index]
    let isLong = bytes[index...].starts(with: [quote, quote, quote])
    if isLong, !mayBeLong { throw fault("expected a name on one line") }
    index += isLong ? 3 : 1
    if isLong { _ = takeLineEnd() }
    var text: [UInt8] = []
    while let byte = peek {
      if byte == quote {
        if !isLong {
          index += 1
          return String(decoding: text, as: UTF8.self)
        }
        if bytes[index...].starts(with: [quote, quote, quote]) {
          index += 3
          // Up to two quotes more belong to the text.
          for _ in 0..<2 where peek == quote {
            text.append(quote)
            index += 1
          }
          return String(decoding: text, as: UTF8.self)
        }
      }
      if byte == 0x0A || byte == 0x0D, !isLong { break }
      if byte == 0x0A || byte == 0x0D, takeLineEnd() {
        text.append(0x0A)
      } else if byte == 0x5C, quote == 0x22 {
        try readEscape(into: &text, isLong: isLong)
      } else {
        guard byte >= 0x20 && byte != 0x7F || byte == 0x09 else {
          throw fault("expected no control character in a text")
        }
        text.append(byte)
        index += 1
      }
    }
    throw FormatFault(place: start, message: "expected a closing quote")
  }

  private mutating func readEscape(into text: inout [UInt8], isLong: Bool) throws(FormatFault) {
    let plain: [UInt8: UInt8] = [
      0x22: 0x22, 0x5C: 0x5C, 0x62: 0x08, 0x66: 0x0C, 0x6E: 0x0A, 0x72: 0x0D, 0x74: 0x09,
    ]
    let place = place
    index += 1
    guard let byte = peek else { throw fault("expected a closing quote") }
    if let escaped = plain[byte] {
      text.append(escaped)
      index += 1
      return
    }
    if byte == 0x75 || byte == 0x55 {
      let digits = bytes[(index + 1)...].prefix(byte == 0x75 ? 4 : 8)
      guard digits.count == (byte == 0x75 ? 4 : 8),
        digits.allSatisfy({ Self.isDigit($0) || (0x61...0x66).contains($0 | 0x20) }),
        let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16),
        let scalar = Unicode.Scalar(value)
      else { throw FormatFault(place: place, message: "expected a character behind \\u or \\U") }
      text += Array(String(scalar).utf8)
      index += 1 + digits.count
      return
    }
    skipBlanks()
    // A backslash at the end of a line takes the white space with it.
    guard isLong, takeLineEnd() else {
      throw FormatFault(place: place, message: "expected an escape that TOML has")
    }
    repeat { skipBlanks() } while takeLineEnd()
  }
}

/// TOML's notations for numbers.
enum TOMLNumber {
  static func integer(_ word: String) -> Int? {
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where word.hasPrefix(prefix) {
      return digits(word.dropFirst(2), radix: radix).flatMap { Int($0, radix: radix) }
    }
    let (sign, body) = signed(word)
    guard let plain = digits(body, radix: 10), plain.utf8.count == 1 || !plain.hasPrefix("0")
    else { return nil }
    return Int(sign + plain)
  }

  static func float(_ word: String) -> Double? {
    let (sign, body) = signed(word)
    let parts = body.split(
      omittingEmptySubsequences: false, whereSeparator: { $0 == "e" || $0 == "E" })
    guard (1...2).contains(parts.count) else { return nil }
    let halves = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(halves.count), parts.count + halves.count > 2,
      let whole = digits(halves[0], radix: 10), whole.utf8.count == 1 || !whole.hasPrefix("0")
    else { return nil }
    var text = sign + whole
    if halves.count == 2 {
      guard let fraction = digits(halves[1], radix: 10) else { return nil }
      text += "." + fraction
    }
    if parts.count == 2 {
      let (exponentSign, exponentBody) = signed(String(parts[1]))
      guard let exponent = digits(exponentBody, radix: 10) else { return nil }
      text += "e" + exponentSign + exponent
    }
    return Double(text)
  }

  private static func signed(_ word: String) -> (String, Substring) {
    guard let first = word.first, first == "-" || first == "+" else { return ("", word[...]) }
    return (first == "-" ? "-" : "", word.dropFirst())
  }

  /// The digits without single underscores between them; `nil` when there is anything else.
  private static func digits(_ text: Substring, radix: Int) -> String? {
    var result = ""
    var isAfterDigit = false
    for character in text {
      if character == "_" {
        guard isAfterDigit else { return nil }
        isAfterDigit = false
      } else {
        guard let value = character.hexDigitValue, character.isASCII, value < radix else {
          return nil
        }
        result.append(character)
        isAfterDigit = true
      }
    }
    return isAfterDigit ? result : nil
  }
}
