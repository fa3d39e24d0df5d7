/// `text` without white space at both ends (Unicode's notion, as frp's).
func trimmed(_ text: some StringProtocol) -> String {
  let rest = trimmedStart(Substring(text))
  guard let last = rest.utf8.lastIndex(where: { !isBlank($0) }) else { return "" }
  if rest.utf8[last] < 0x80 { return String(rest[..<rest.utf8.index(after: last)]) }
  let scalars = rest.unicodeScalars
  guard let last = scalars.lastIndex(where: { !$0.properties.isWhitespace }) else { return "" }
  return String(scalars[...last])
}

/// `text` without white space at its start.
func trimmedStart(_ text: Substring) -> Substring {
  // Nearly all text begins with a byte that tells it alone.
  guard let first = text.utf8.firstIndex(where: { !isBlank($0) }) else { return text.suffix(0) }
  if text.utf8[first] < 0x80 { return text[first...] }
  return Substring(text.unicodeScalars.drop { $0.properties.isWhitespace })
}

/// Whether the byte is white space of ASCII.
private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

/// `text` in quotes, on one line, shortened to `ConfigurationLimits.quotedCharactersMax`.
func quoted(_ text: some StringProtocol) -> String {
  var result = "\""
  var count = 0
  for scalar in text.unicodeScalars {
    guard count < ConfigurationLimits.quotedCharactersMax else {
      result += "…"
      break
    }
    count += 1
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case _ where isUnprintable(scalar): result += "\\u{\(String(scalar.value, radix: 16))}"
    case _: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}

/// `path` as issues show it: as it is, or in quotes and escaped when it could break the line, since
/// `includes` may name a folder with any character.
func shownPath(_ path: String) -> String {
  path.unicodeScalars.contains(where: isUnprintable) ? quoted(path) : path
}

/// Whether `scalar` could break a line or change how a terminal shows it.
func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.properties.generalCategory {
  case .control, .format, .lineSeparator, .paragraphSeparator: true
  case _: false
  }
}

/// The items of a comma list, trimmed; empty ones are left out.
func listItems(_ text: String) -> [String] {
  text.split(separator: ",").map { trimmed($0) }.filter { !$0.isEmpty }
}

/// Where something stands in a configuration file.
struct SourceLocation: Hashable, Sendable {
  var file: String
  /// From 1; `nil` when the whole file is meant.
  var line: Int?
  /// In characters, from 1; `nil` when the line has come out of a template, or is meant as a whole.
  var column: Int?

  init(file: String, line: Int? = nil, column: Int? = nil) {
    self.file = file
    self.line = line
    self.column = column
  }
}
