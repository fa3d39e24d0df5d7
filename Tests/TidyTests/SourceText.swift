/// A Swift file taken apart: what is code, what is comment, and the tokens of the code.
struct SourceText {
  /// One word, number or punctuation mark of the code; the content of string literals has none.
  struct Token: Equatable {
    let text: String
    /// Counted from 1.
    let line: Int
    let isWord: Bool
    /// Whether the token before it ends where this one begins.
    let isJoined: Bool
  }

  let path: String
  /// The lines as they are.
  let lines: [String]
  /// The comments of each line; as many as `lines`.
  let comments: [String]
  let tokens: [Token]

  /// Takes the content of a file apart; `path` is relative to the root of the repository.
  init(path: String, content: String) {
    var lexer = SwiftLexer(content)
    lexer.run()
    self.path = path
    lines = Self.split(Array(content.utf8))
    let commentLines = Self.split(lexer.comment)
    // An empty last line counts in one and not in the other.
    comments = lines.indices.map { $0 < commentLines.count ? commentLines[$0] : "" }
    tokens = Self.tokenize(lexer.code)
  }

  /// The name of the folder below `Sources` or `Tests`.
  var moduleName: String {
    let parts = path.split(separator: "/")
    return parts.count > 2 ? String(parts[1]) : ""
  }

  /// Whether this line, or the comment lines directly above it, have a comment.
  func hasComment(atOrAbove line: Int) -> Bool {
    if !comments[line - 1].isEmpty { return true }
    return line >= 2 && !comments[line - 2].isEmpty
  }

  /// The token at `index`, or an empty one outside.
  func token(_ index: Int) -> Token {
    tokens.indices.contains(index)
      ? tokens[index] : Token(text: "", line: 0, isWord: false, isJoined: false)
  }

  /// The index of the bracket that closes the one at `index`; the last token when none does.
  func closingIndex(of index: Int) -> Int {
    var depth = 0
    for position in index..<tokens.count {
      switch tokens[position].text {
      case "(", "[", "{": depth += 1
      case ")", "]", "}":
        depth -= 1
        if depth == 0 { return position }
      default: break
      }
    }
    return tokens.count - 1
  }

  private static func split(_ bytes: [UInt8]) -> [String] {
    var parts = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if parts.last?.isEmpty == true { parts.removeLast() }
    return parts.map { String(decoding: $0, as: UTF8.self) }
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...0xff:
      true
    default: false
    }
  }

  private static func tokenize(_ code: [UInt8]) -> [Token] {
    var tokens: [Token] = []
    var line = 1
    var index = 0
    var lastEnd = 0
    while index < code.count {
      let byte = code[index]
      if isWordByte(byte) {
        var end = index + 1
        while end < code.count, isWordByte(code[end]) { end += 1 }
        let text = String(decoding: code[index..<end], as: UTF8.self)
        tokens.append(Token(text: text, line: line, isWord: true, isJoined: index == lastEnd))
        index = end
        lastEnd = end
        continue
      }
      if byte == UInt8(ascii: "\n") {
        line += 1
      } else if byte > UInt8(ascii: " ") {
        let text = String(decoding: [byte], as: UTF8.self)
        tokens.append(Token(text: text, line: line, isWord: false, isJoined: index == lastEnd))
        lastEnd = index + 1
      }
      index += 1
    }
    return tokens
  }
}
