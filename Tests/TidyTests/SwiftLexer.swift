/// Separates code from comments and from the content of string literals.
///
/// Both results are as long as the input, with spaces where the other has bytes, so that lines and
/// columns agree. Code inside an interpolation is code. Regular expression literals are not known.
struct SwiftLexer {
  private enum Frame {
    /// Code; inside an interpolation when there is a frame below.
    case code(openParentheses: Int)
    case string(hashes: Int, isMultiline: Bool)
  }

  private let input: [UInt8]
  private var index = 0
  private var stack: [Frame] = [.code(openParentheses: 0)]
  private(set) var code: [UInt8]
  private(set) var comment: [UInt8]

  init(_ text: String) {
    input = Array(text.utf8)
    code = input.map { $0 == UInt8(ascii: "\n") ? $0 : UInt8(ascii: " ") }
    comment = code
  }

  mutating func run() {
    while index < input.count {
      switch stack[stack.count - 1] {
      case .code(let openParentheses): stepCode(openParentheses)
      case .string(let hashes, let isMultiline): stepString(hashes, isMultiline)
      }
    }
    // A line without a comment has an empty one.
    comment = Self.trimmingLineEnds(comment)
  }

  private func byte(_ offset: Int) -> UInt8 {
    index + offset < input.count ? input[index + offset] : 0
  }

  private func starts(with text: StaticString) -> Bool {
    text.withUTF8Buffer { wanted in
      index + wanted.count <= input.count
        && input[index..<(index + wanted.count)].elementsEqual(wanted)
    }
  }

  private mutating func keepCode(_ count: Int) {
    for _ in 0..<count where index < input.count {
      code[index] = input[index]
      index += 1
    }
  }

  private mutating func stepCode(_ openParentheses: Int) {
    if starts(with: "//") { return skipLineComment() }
    if starts(with: "/*") { return skipBlockComment() }
    var hashes = 0
    while byte(hashes) == UInt8(ascii: "#") { hashes += 1 }
    if byte(hashes) == UInt8(ascii: "\"") {
      let isMultiline =
        byte(hashes + 1) == UInt8(ascii: "\"") && byte(hashes + 2) == UInt8(ascii: "\"")
      keepCode(hashes + (isMultiline ? 3 : 1))
      stack.append(.string(hashes: hashes, isMultiline: isMultiline))
      return
    }
    switch byte(0) {
    case UInt8(ascii: "("):
      stack[stack.count - 1] = .code(openParentheses: openParentheses + 1)
    case UInt8(ascii: ")"):
      if openParentheses == 0, stack.count > 1 {
        stack.removeLast()
      } else {
        stack[stack.count - 1] = .code(openParentheses: openParentheses - 1)
      }
    default: break
    }
    keepCode(Swift.max(hashes, 1))
  }

  private mutating func stepString(_ hashes: Int, _ isMultiline: Bool) {
    let quotes = isMultiline ? 3 : 1
    let isEnd =
      (0..<quotes).allSatisfy { byte($0) == UInt8(ascii: "\"") }
      && (0..<hashes).allSatisfy { byte(quotes + $0) == UInt8(ascii: "#") }
    if isEnd {
      keepCode(quotes + hashes)
      stack.removeLast()
      return
    }
    let isEscape =
      byte(0) == UInt8(ascii: "\\")
      && (0..<hashes).allSatisfy { byte(1 + $0) == UInt8(ascii: "#") }
    if isEscape {
      index += 1 + hashes
      if byte(0) == UInt8(ascii: "(") {
        keepCode(1)
        stack.append(.code(openParentheses: 0))
      } else {
        index += 1
      }
      return
    }
    if byte(0) == UInt8(ascii: "\n"), !isMultiline { stack.removeLast() }
    index += 1
  }

  private mutating func skipLineComment() {
    while index < input.count, input[index] != UInt8(ascii: "\n") {
      comment[index] = input[index]
      index += 1
    }
  }

  private mutating func skipBlockComment() {
    var depth = 0
    repeat {
      let isStart = starts(with: "/*")
      let isEnd = starts(with: "*/")
      if isStart { depth += 1 }
      if isEnd { depth -= 1 }
      for _ in 0..<(isStart || isEnd ? 2 : 1) where index < input.count {
        comment[index] = input[index]
        index += 1
      }
    } while depth > 0 && index < input.count
  }

  private static func trimmingLineEnds(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    for byte in bytes {
      if byte == UInt8(ascii: "\n") {
        while result.last == UInt8(ascii: " ") { result.removeLast() }
      }
      result.append(byte)
    }
    while result.last == UInt8(ascii: " ") { result.removeLast() }
    return result
  }
}
