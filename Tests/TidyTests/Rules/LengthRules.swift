/// Limits of lines, functions and files.
enum LengthRules {
  static let lineLengthMax = 100
  static let functionLineCountMax = 70
  static let fileLineCountMax = 600
  /// For tables and generated code, whose first line says why: `// Long file: …`.
  static let longFileLineCountMax = 800
  static let longFileMark = "// Long file: "

  static func check(_ source: SourceText) -> [Violation] {
    longLines(source) + longFile(source) + longFunctions(source)
  }

  static func longLines(_ source: SourceText) -> [Violation] {
    source.lines.enumerated().compactMap { offset, line in
      line.count > lineLengthMax
        ? source.violation(atLine: offset + 1, "\(line.count) columns, at most \(lineLengthMax)")
        : nil
    }
  }

  static func longFile(_ source: SourceText) -> [Violation] {
    let first = source.lines.first ?? ""
    let hasReason = first.hasPrefix(longFileMark) && first.count > longFileMark.count
    let limit = hasReason ? longFileLineCountMax : fileLineCountMax
    guard source.lines.count > limit else { return [] }
    return [source.violation(atLine: 1, "\(source.lines.count) lines, at most \(limit)")]
  }

  static func longFunctions(_ source: SourceText) -> [Violation] {
    var violations: [Violation] = []
    for index in source.tokens.indices {
      guard let body = bodyIndex(source, declarationAt: index) else { continue }
      let start = source.tokens[index].line
      let count = source.tokens[source.closingIndex(of: body)].line - start + 1
      if count > functionLineCountMax {
        violations.append(
          source.violation(
            atLine: start, "a function of \(count) lines, at most \(functionLineCountMax)"))
      }
    }
    return violations
  }

  /// Words that begin another declaration, so that the one before them has no body.
  private static let nextDeclaration: Set<String> = [
    "func", "var", "let", "init", "deinit", "subscript", "case", "struct", "class", "enum",
    "extension", "protocol", "associatedtype", "typealias", "static", "mutating", "public",
    "private", "internal", "package", "nonisolated",
  ]

  /// The index of the brace that opens the body of the function, initialiser or computed property
  /// that is declared at `index`.
  private static func bodyIndex(_ source: SourceText, declarationAt index: Int) -> Int? {
    let word = source.tokens[index].text
    let isFunction =
      word == "func" || word == "deinit" || word == "subscript"
      || (word == "init" && ["(", "?", "!", "<"].contains(source.token(index + 1).text))
    guard isFunction || word == "var", source.token(index - 1).text != "." else { return nil }
    var position = index + 1
    while position < source.tokens.count {
      let token = source.tokens[position]
      if word == "var", token.line != source.tokens[index].line || token.text == "=" { return nil }
      switch token.text {
      case "{": return position
      case "}": return nil
      case "(", "[": position = source.closingIndex(of: position)
      default:
        if token.isWord, nextDeclaration.contains(token.text), position > index + 1 { return nil }
      }
      position += 1
    }
    return nil
  }
}
