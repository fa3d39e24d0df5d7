/// Constructs of the language that we refuse, or that need a reason beside them.
enum LanguageRules {
  static func check(_ source: SourceText) -> [Violation] {
    refusedConstructs(source) + unexplainedConstructs(source) + openEnds(source)
  }

  /// Sequences of tokens that never appear.
  private static let refused: [(tokens: [String], message: String)] = [
    (["nonisolated", "(", "unsafe", ")"], "nonisolated(unsafe) hides a data race"),
    (["try", "!"], "try! traps on what the world does"),
    (["fatalError", "("], "throw, or state a precondition"),
    (["print", "("], "write to a log or to a given output"),
    (["debugPrint", "("], "write to a log or to a given output"),
  ]

  static func refusedConstructs(_ source: SourceText) -> [Violation] {
    find(refused, in: source).map { source.violation(atLine: $0.line, $0.message) }
  }

  /// Sequences of tokens that need a comment on their line or the line above.
  private static let explained: [(tokens: [String], message: String)] = [
    (["@", "unchecked", "Sendable"], "@unchecked Sendable without a reason beside it"),
    (["unowned", "(", "unsafe", ")"], "unowned(unsafe) without a reason beside it"),
    (["unsafeBitCast", "("], "unsafeBitCast without a reason beside it"),
    (["unsafeDowncast", "("], "unsafeDowncast without a reason beside it"),
  ]

  static func unexplainedConstructs(_ source: SourceText) -> [Violation] {
    find(explained, in: source).filter { !source.hasComment(atOrAbove: $0.line) }
      .map { source.violation(atLine: $0.line, $0.message) }
  }

  /// Work that is left for later belongs into an issue.
  static func openEnds(_ source: SourceText) -> [Violation] {
    source.comments.enumerated().compactMap { offset, comment in
      let words = comment.split { !$0.isLetter }
      guard let word = words.first(where: { $0 == "TODO" || $0 == "FIXME" }) else { return nil }
      return source.violation(atLine: offset + 1, "\(word) in a comment")
    }
  }

  private static func find(
    _ constructs: [(tokens: [String], message: String)], in source: SourceText
  ) -> [(line: Int, message: String)] {
    var found: [(line: Int, message: String)] = []
    for (index, token) in source.tokens.enumerated() {
      for construct in constructs where construct.tokens[0] == token.text {
        // Joined, so that `try !isOpen()` is no `try!`.
        let isSame = construct.tokens.indices.allSatisfy {
          source.token(index + $0).text == construct.tokens[$0]
            && ($0 == 0 || source.token(index + $0).isJoined || source.token(index + $0).isWord)
        }
        // A declaration or a member of that name is something else.
        let previous = source.token(index - 1).text
        if isSame, previous != ".", previous != "func" {
          found.append((token.line, construct.message))
        }
      }
    }
    return found
  }
}
