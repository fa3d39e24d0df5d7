/// `default:` in a `switch` over an enum of ours hides the place where a new case belongs.
///
/// Without types this is a guess: a switch counts as one over an enum of ours when all its patterns
/// are cases, and one enum declared in `Sources` has them all. Where it guesses wrong, a comment
/// beside `default` that contains `foreign enum` says so.
enum SwitchRules {
  static let exceptionMark = "foreign enum"

  /// The cases of every enum that `sources` declare.
  static func enumCases(of sources: [SourceText]) -> [Set<String>] {
    sources.flatMap { source in
      source.tokens.indices.compactMap { index in
        source.tokens[index].text == "enum" ? cases(source, enumAt: index) : nil
      }
    }
  }

  static func check(_ source: SourceText, enums: [Set<String>]) -> [Violation] {
    source.tokens.indices.compactMap { index in
      guard source.tokens[index].text == "switch", source.token(index - 1).text != "." else {
        return nil
      }
      return check(source, switchAt: index, enums: enums)
    }
  }

  private static func check(
    _ source: SourceText, switchAt index: Int, enums: [Set<String>]
  ) -> Violation? {
    guard let open = bodyIndex(source, from: index + 1) else { return nil }
    let end = source.closingIndex(of: open)
    var defaultLine: Int?
    var columns: [[String?]] = []
    var position = open + 1
    while position < end {
      let token = source.tokens[position]
      if token.text == "{" {
        position = source.closingIndex(of: position)
      } else if token.text == "default", source.token(position + 1).text == ":",
        source.token(position - 1).text != "unknown"
      {
        defaultLine = token.line
      } else if token.text == "case", isLabel(after: source.token(position - 1).text) {
        let colon = labelEnd(source, from: position + 1)
        columns += patterns(Array(source.tokens[(position + 1)..<colon]))
        position = colon
      }
      position += 1
    }
    guard let line = defaultLine, isOurs(columns, enums: enums) else { return nil }
    let isException = (Swift.max(0, line - 2)..<line).contains {
      source.comments[$0].lowercased().contains(exceptionMark)
    }
    return isException ? nil : source.violation(atLine: line, "default: over an enum of ours")
  }

  private static func isLabel(after previous: String) -> Bool {
    !["if", "guard", "while", "for", ","].contains(previous)
  }

  private static func bodyIndex(_ source: SourceText, from start: Int) -> Int? {
    var position = start
    while position < source.tokens.count {
      switch source.tokens[position].text {
      case "{": return position
      case "(", "[": position = source.closingIndex(of: position)
      default: break
      }
      position += 1
    }
    return nil
  }

  private static func labelEnd(_ source: SourceText, from start: Int) -> Int {
    var position = start
    while position < source.tokens.count - 1, source.tokens[position].text != ":" {
      if ["(", "[", "{"].contains(source.tokens[position].text) {
        position = source.closingIndex(of: position)
      }
      position += 1
    }
    return position
  }

  /// For every pattern of a label its case names: one for a plain pattern, one an element for a
  /// tuple. `nil` stands for what is no case, an empty name for a wildcard.
  private static func patterns(_ label: [SourceText.Token]) -> [[String?]] {
    let words = label.prefix { $0.text != "where" }
    return elements(Array(words)).map { pattern in
      if pattern.first?.text == "(", pattern.last?.text == ")" {
        return elements(Array(pattern.dropFirst().dropLast())).map(caseName)
      }
      return [caseName(pattern)]
    }
  }

  /// Splits at the commas outside brackets.
  private static func elements(_ tokens: [SourceText.Token]) -> [[SourceText.Token]] {
    var elements: [[SourceText.Token]] = [[]]
    var depth = 0
    for token in tokens {
      if ["(", "[", "{"].contains(token.text) { depth += 1 }
      if [")", "]", "}"].contains(token.text) { depth -= 1 }
      if token.text == ",", depth == 0 {
        elements.append([])
      } else {
        elements[elements.count - 1].append(token)
      }
    }
    return elements.filter { !$0.isEmpty }
  }

  private static func caseName(_ pattern: [SourceText.Token]) -> String? {
    let words = pattern.drop { $0.text == "let" || $0.text == "var" }
    guard let first = words.first else { return nil }
    if first.text == "_", words.count == 1 { return "" }
    if first.text == ".", let name = words.dropFirst().first { return name.text }
    return nil
  }

  private static func isOurs(_ patterns: [[String?]], enums: [Set<String>]) -> Bool {
    let width = patterns.map(\.count).max() ?? 0
    let uniform = patterns.filter { $0.count == width }
    guard width > 0, uniform.count == patterns.count else { return false }
    return (0..<width).allSatisfy { column in
      var names: Set<String> = []
      for pattern in uniform {
        guard let name = pattern[column] else { return false }
        if !name.isEmpty { names.insert(name) }
      }
      return !names.isEmpty && enums.contains { names.isSubset(of: $0) }
    }
  }

  private static func cases(_ source: SourceText, enumAt index: Int) -> Set<String>? {
    guard let open = bodyIndex(source, from: index + 1) else { return nil }
    let end = source.closingIndex(of: open)
    var names: Set<String> = []
    var position = open + 1
    while position < end {
      let text = source.tokens[position].text
      if text == "{" {
        position = source.closingIndex(of: position)
      } else if text == "case" {
        position = addCases(source, from: position + 1, to: &names)
        continue
      }
      position += 1
    }
    return names.isEmpty ? nil : names
  }

  /// Reads `a, b(Int), c = 3`; returns the index behind it.
  private static func addCases(
    _ source: SourceText, from start: Int, to names: inout Set<String>
  ) -> Int {
    var position = start
    while position < source.tokens.count {
      if source.token(position).text == "`" { position += 1 }
      names.insert(source.token(position).text)
      position += 1
      if source.token(position).text == "`" { position += 1 }
      if source.token(position).text == "(" { position = source.closingIndex(of: position) + 1 }
      while source.token(position).text != ",", isRawValue(source.token(position), at: position) {
        position += 1
      }
      guard source.token(position).text == "," else { return position }
      position += 1
    }
    return position

    func isRawValue(_ token: SourceText.Token, at position: Int) -> Bool {
      !token.text.isEmpty && token.line == source.token(position - 1).line && token.text != "}"
        && token.text != ";" && token.text != "case"
    }
  }
}
