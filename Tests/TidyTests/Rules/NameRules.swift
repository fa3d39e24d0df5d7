/// Words that the glossary of `docs/ARCHITECTURE.md` replaces, and names that say nothing.
enum NameRules {
  /// Words of a camel-case identifier, in lower case, and what to write instead.
  static let bannedWords = [
    "ctl": "control", "cfg": "configuration", "mgr": "a name for what it does",
    "svr": "server", "ctx": "context",
  ]
  static let bannedTypeWords: Set<String> = [
    "manager", "helper", "helpers", "util", "utils", "base", "common", "impl",
  ]
  private static let typeKeywords: Set<String> = [
    "struct", "class", "enum", "actor", "protocol", "typealias",
  ]

  static func check(_ source: SourceText) -> [Violation] {
    var violations: [Violation] = []
    for (index, token) in source.tokens.enumerated() where token.isWord {
      if let message = bannedIdentifier(token.text) {
        violations.append(source.violation(atLine: token.line, message))
      }
      guard typeKeywords.contains(source.token(index - 1).text) else { continue }
      for word in words(of: token.text) where bannedTypeWords.contains(word) {
        violations.append(
          source.violation(atLine: token.line, "type \(token.text): \(word) says nothing"))
      }
    }
    return violations
  }

  private static func bannedIdentifier(_ name: String) -> String? {
    // C functions and types keep their names: epoll_ctl, SSL_CTX_new.
    if name.contains("_") || !name.contains(where: \.isLowercase) { return nil }
    let words = words(of: name)
    for (word, next) in zip(words, words.dropFirst()) where word == "work" && next == "conn" {
      return "\(name): say work connection"
    }
    for word in words {
      if let better = bannedWords[word] { return "\(name): instead of \(word) say \(better)" }
    }
    return nil
  }

  /// The words of a camel-case name in lower case; a run of capitals is one word: `runID`,
  /// `TLSSession`.
  static func words(of name: String) -> [String] {
    var words: [String] = []
    var current = ""
    let characters = Array(name)
    for (index, character) in characters.enumerated() {
      let startsWord =
        character.isUppercase && index > 0
        && (!characters[index - 1].isUppercase
          || (index + 1 < characters.count && characters[index + 1].isLowercase))
      if startsWord, !current.isEmpty {
        words.append(current.lowercased())
        current = ""
      }
      current.append(character)
    }
    if !current.isEmpty { words.append(current.lowercased()) }
    return words
  }
}
