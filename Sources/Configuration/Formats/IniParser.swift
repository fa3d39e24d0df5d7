/// Reads frp's INI dialect (configuration.md 1.4) into a document.
///
/// - Comments are lines that begin with `#` or `;`; there are none behind a value.
/// - The key ends at the first `=` or `:`. Both sides are trimmed.
/// - A value in `"` or `'` that holds no other of them loses its quotes. A value in back quotes or
///   in three double quotes is taken as it is and may span lines.
/// - A value that ends in a backslash goes on in the next line.
/// - `%(name)s` in a value stands for another key's value (`IniDocument.entry`).
/// - A section that is opened again goes on; a key that is set again replaces its value.
struct IniParser {
  private let text: RenderedText
  private let isIncluded: Bool
  private var lines: [Substring] = []
  private var index = 0
  private var sectionKeyLimitHit = false
  /// Whether keys are being skipped, because they stand where they have no effect.
  private var isSkipping = false

  init(_ text: RenderedText, isIncluded: Bool) {
    self.text = text
    self.isIncluded = isIncluded
    lines = String(decoding: text.bytes, as: UTF8.self).utf8
      .split(separator: 0x0A, omittingEmptySubsequences: false).map { Substring($0) }
  }

  mutating func parse(into document: inout IniDocument, issues: inout IssueCollector) {
    var hasHeader = false
    while index < lines.count {
      let line = trimmedStart(lines[index])
      let first = line.utf8.first
      let location = place(line.startIndex)
      index += 1
      if line.utf8.count > ConfigurationLimits.lineBytesMax {
        issues.add(
          .error, location, "expected at most \(ConfigurationLimits.lineBytesMax) bytes in a line")
      } else if first == nil || first == 0x23 || first == 0x3B {
        continue
      } else if first == 0x5B {
        hasHeader = true
        parseHeader(line, location, &document, &issues)
      } else {
        if !hasHeader { warnAboutPlace(location, &document, &issues) }
        hasHeader = true
        parseEntry(line, location, &document, &issues)
      }
    }
  }

  /// The place of a character of the line at `index`.
  private func place(_ position: Substring.Index) -> SourceLocation {
    let line = lines[index]
    let column = line.unicodeScalars.distance(from: line.startIndex, to: position) + 1
    return text.location(line: index + 1, column: column)
  }

  // MARK: Headers

  private mutating func parseHeader(
    _ line: Substring, _ location: SourceLocation, _ document: inout IniDocument,
    _ issues: inout IssueCollector
  ) {
    isSkipping = true
    guard let close = line.lastIndex(of: "]") else {
      issues.add(.error, location, "expected ] at the end of the section name")
      return
    }
    // Blanks belong to the name, as in frp.
    let name = String(line[line.index(after: line.startIndex)..<close])
    guard !trimmed(name).isEmpty else {
      issues.add(.error, location, "expected a section name between [ and ]")
      return
    }
    let rest = trimmed(line[line.index(after: close)...])
    if !rest.isEmpty, !rest.hasPrefix("#"), !rest.hasPrefix(";") {
      issues.add(.warning, location, "what follows the section name has no effect")
    }
    if isIncluded, name == "common" {
      issues.add(
        .warning, location, "the [common] section of an included file has no effect")
      return
    }
    guard document.sections.count < ConfigurationLimits.sectionCountMax,
      document.open(name, location: location)
    else {
      issues.add(
        .error, location, "expected at most \(ConfigurationLimits.sectionCountMax) sections")
      return
    }
    sectionKeyLimitHit = false
    isSkipping = false
  }

  private func warnAboutPlace(
    _ location: SourceLocation, _ document: inout IniDocument, _ issues: inout IssueCollector
  ) {
    if let current = document.current {
      let name = document.sections[current].name
      issues.add(
        .warning, location,
        "keys before the first section of an included file belong to [\(quotedIfOdd(name))], "
          + "the last section before it")
    } else {
      issues.add(
        .warning, location,
        "keys before the first section have no effect but for %(name)s in other values")
      _ = document.open(IniDocument.defaultSectionName, location: location)
    }
  }

  // MARK: Entries

  private mutating func parseEntry(
    _ line: Substring, _ location: SourceLocation, _ document: inout IniDocument,
    _ issues: inout IssueCollector
  ) {
    guard let (key, rest) = splitEntry(line) else {
      // The line is not repeated: it may hold a secret.
      issues.add(.error, location, "expected key = value, a [section] or a # comment")
      return
    }
    // The line has been taken already.
    index -= 1
    let valueLocation = place(trimmedStart(rest).startIndex)
    index += 1
    guard let value = readValue(rest) else {
      issues.add(.error, location, key: quotedIfOdd(key), "expected a closing quote")
      return
    }
    guard !key.isEmpty else {
      issues.add(.error, location, "expected a key before the =")
      return
    }
    guard value.utf8.count <= ConfigurationLimits.lineBytesMax else {
      issues.add(
        .error, location, key: quotedIfOdd(key),
        "expected at most \(ConfigurationLimits.lineBytesMax) bytes in a value")
      return
    }
    guard !isSkipping else { return }
    guard document.currentKeyCount < ConfigurationLimits.sectionKeyCountMax else {
      if !sectionKeyLimitHit {
        issues.add(
          .error, location,
          "expected at most \(ConfigurationLimits.sectionKeyCountMax) keys in a section")
      }
      sectionKeyLimitHit = true
      return
    }
    let entry = IniEntry(
      key: key, value: value, location: location, valueLocation: valueLocation)
    if let old = document.set(entry), old.value != value {
      let place =
        old.location.file == location.file
        ? "line \(old.location.line ?? 0)"
        : "\(shownPath(old.location.file)):\(old.location.line ?? 0)"
      issues.add(
        .warning, location, key: quotedIfOdd(key), "replaces the value from \(place)")
    }
  }

  /// The key and the untrimmed text behind the delimiter.
  private func splitEntry(_ line: Substring) -> (String, Substring)? {
    var search = line
    var key: Substring?
    // Comparing characters takes long, and nearly no key stands in quotes.
    let isQuoted = line.utf8.first == 0x22 || line.utf8.first == 0x60
    for quote in ["\"\"\"", "\"", "`"] where isQuoted && line.hasPrefix(quote) {
      let inner = line.dropFirst(quote.count)
      guard let close = firstRange(of: quote, in: inner) else { return nil }
      key = inner[..<close.lowerBound]
      search = inner[close.upperBound...]
      break
    }
    guard let delimiter = search.utf8.firstIndex(where: { $0 == 0x3D || $0 == 0x3A }) else {
      return nil
    }
    return (
      trimmed(key ?? search[..<delimiter]), search[search.utf8.index(after: delimiter)...]
    )
  }

  /// The value that begins with `text`; reads further lines when it spans them. `nil` when a quote
  /// is not closed.
  private mutating func readValue(_ text: Substring) -> String? {
    let start = trimmedStart(text)
    let isQuoted = start.utf8.first == 0x22 || start.utf8.first == 0x60
    let quote =
      !isQuoted
      ? ""
      : start.hasPrefix("\"\"\"") && start.utf8.count > 3
        ? "\"\"\"" : start.hasPrefix("`") ? "`" : ""
    if !quote.isEmpty {
      let inner = start.dropFirst(quote.count)
      if let close = lastRange(of: quote, in: inner) { return String(inner[..<close.lowerBound]) }
      return readFurtherLines(String(inner), until: quote)
    }
    var value = trimmed(start)
    if value.hasSuffix("\\") {
      readContinuation(of: &value)
      return value
    }
    guard value.utf8.first == 0x22 || value.utf8.first == 0x27 else { return value }
    for quote in ["\"", "'"] as [Character] where value.first == quote && value.count >= 2 {
      let inner = value.dropFirst()
      if inner.firstIndex(of: quote) == inner.index(before: inner.endIndex) {
        return String(inner.dropLast())
      }
    }
    return value
  }

  private mutating func readContinuation(of value: inout String) {
    while value.hasSuffix("\\") {
      value.removeLast()
      guard index < lines.count else { return }
      let next = trimmed(lines[index])
      index += 1
      if next.isEmpty { return }
      value += next
      if value.utf8.count > ConfigurationLimits.lineBytesMax { return }
    }
  }

  private mutating func readFurtherLines(_ first: String, until quote: String) -> String? {
    var value = first + "\n"
    let start = index
    while index < lines.count, value.utf8.count <= ConfigurationLimits.lineBytesMax {
      let line = lines[index]
      index += 1
      if let close = lastRange(of: quote, in: line) { return value + line[..<close.lowerBound] }
      value += line + "\n"
    }
    // Only the line with the open quote is lost, so that the rest is checked too.
    index = start
    return nil
  }

  private func firstRange(of needle: String, in text: Substring) -> Range<Substring.Index>? {
    var index = text.startIndex
    while index < text.endIndex {
      if text[index...].hasPrefix(needle) {
        return index..<text.index(index, offsetBy: needle.count)
      }
      index = text.index(after: index)
    }
    return nil
  }

  private func lastRange(of needle: String, in text: Substring) -> Range<Substring.Index>? {
    var found: Range<Substring.Index>?
    var rest = text
    while let range = firstRange(of: needle, in: rest) {
      found = range
      rest = text[text.index(after: range.lowerBound)...]
    }
    return found
  }
}

/// A key as issues show it: as it is when it looks like a key, else in quotes and escaped.
func quotedIfOdd(_ key: String) -> String {
  let isPlain =
    !key.isEmpty && key.utf8.count <= ConfigurationLimits.quotedCharactersMax
    && key.utf8.allSatisfy {
      (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == 0x5F || $0 == 0x2D
        || $0 == 0x2E
    }
  return isPlain ? key : quoted(key)
}
