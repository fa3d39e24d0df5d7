/// Divides a file into plain text and template actions.
struct TemplateLexer {
  enum Segment {
    /// Bytes of the source as they are; `line` is where they begin.
    case text(Range<Int>, line: Int)
    /// The tokens between `{{` and `}}`; `endLine` is where the action ends.
    case action([TemplateToken], line: Int, endLine: Int)
  }

  private let source: [UInt8]
  private var position = 0
  private var line = 1

  init(_ source: [UInt8]) { self.source = source }

  mutating func segments() throws(TemplateFault) -> [Segment] {
    var result: [Segment] = []
    var textStart = (position, line)
    while position < source.count {
      guard source[position] == 0x7B, position + 1 < source.count, source[position + 1] == 0x7B
      else {
        if source[position] == 0x0A { line += 1 }
        position += 1
        continue
      }
      var end = position
      let start = line
      position += 2
      if isTrimMarker(at: position, before: position + 1) {
        position += 1
        while end > textStart.0, Self.isBlank(source[end - 1]) { end -= 1 }
      }
      if end > textStart.0 { result.append(.text(textStart.0..<end, line: textStart.1)) }
      let (tokens, trimsRight) = try readAction(start)
      result.append(.action(tokens, line: start, endLine: line))
      if trimsRight {
        while position < source.count, Self.isBlank(source[position]) {
          if source[position] == 0x0A { line += 1 }
          position += 1
        }
      }
      textStart = (position, line)
    }
    if position > textStart.0 { result.append(.text(textStart.0..<position, line: textStart.1)) }
    return result
  }

  /// Whether a `-` stands at `index` and white space at `neighbour`.
  private func isTrimMarker(at index: Int, before neighbour: Int) -> Bool {
    source.indices.contains(index) && source[index] == 0x2D
      && source.indices.contains(neighbour) && Self.isBlank(source[neighbour])
  }

  /// Reads up to and with `}}`; also tells whether what follows is trimmed.
  private mutating func readAction(_ start: Int) throws(TemplateFault) -> ([TemplateToken], Bool) {
    var tokens: [TemplateToken] = []
    while position < source.count {
      let byte = source[position]
      if Self.isBlank(byte) {
        if byte == 0x0A { line += 1 }
        position += 1
        if isTrimMarker(at: position, before: position - 1), startsClosing(at: position + 1) {
          position += 3
          return (tokens, true)
        }
      } else if startsClosing(at: position) {
        position += 2
        return (tokens, false)
      } else if tokens.isEmpty, source[position...].starts(with: [0x2F, 0x2A]) {
        try skipComment(start)
        tokens.append(.comment)
      } else {
        tokens.append(try readToken(start))
      }
    }
    throw TemplateFault(line: start, message: "expected }} behind {{")
  }

  private func startsClosing(at index: Int) -> Bool {
    index + 1 < source.count && source[index] == 0x7D && source[index + 1] == 0x7D
  }

  private mutating func skipComment(_ start: Int) throws(TemplateFault) {
    position += 2
    while position + 1 < source.count {
      if source[position] == 0x2A, source[position + 1] == 0x2F {
        position += 2
        return
      }
      if source[position] == 0x0A { line += 1 }
      position += 1
    }
    throw TemplateFault(line: start, message: "expected */ behind /*")
  }

  private mutating func readToken(_ start: Int) throws(TemplateFault) -> TemplateToken {
    let byte = source[position]
    switch byte {
    case 0x22: return .text(try readQuoted(start))
    case 0x60: return .text(try readRaw(start))
    case 0x28: return take(.open)
    case 0x29: return take(.close)
    case 0x7C: return take(.pipe)
    case 0x2C: return take(.comma)
    case 0x3A, 0x3D:
      let isDeclaration = byte == 0x3A
      if isDeclaration {
        guard position + 1 < source.count, source[position + 1] == 0x3D else { break }
        position += 1
      }
      return take(isDeclaration ? .declare : .assign)
    case _: break
    }
    let wordStart = position
    while position < source.count, Self.isWord(source[position]) { position += 1 }
    guard position > wordStart, position - wordStart <= 256 else {
      throw TemplateFault(
        line: line,
        message: "expected a value or a function in a template action, found "
          + quoted(String(decoding: source[position...].prefix(1), as: UTF8.self)))
    }
    return .word(String(decoding: source[wordStart..<position], as: UTF8.self))
  }

  private mutating func take(_ token: TemplateToken) -> TemplateToken {
    position += 1
    return token
  }

  private mutating func readRaw(_ start: Int) throws(TemplateFault) -> String {
    let textStart = position + 1
    position += 1
    while position < source.count, source[position] != 0x60 {
      if source[position] == 0x0A { line += 1 }
      position += 1
    }
    guard position < source.count else {
      throw TemplateFault(line: start, message: "expected a closing quote")
    }
    position += 1
    return String(decoding: source[textStart..<position - 1], as: UTF8.self)
  }

  private mutating func readQuoted(_ start: Int) throws(TemplateFault) -> String {
    let escapes: [UInt8: UInt8] = [
      0x22: 0x22, 0x5C: 0x5C, 0x6E: 0x0A, 0x74: 0x09, 0x72: 0x0D, 0x27: 0x27,
    ]
    var text: [UInt8] = []
    position += 1
    while position < source.count, source[position] != 0x0A {
      let byte = source[position]
      position += 1
      if byte == 0x22 { return String(decoding: text, as: UTF8.self) }
      guard byte == 0x5C else {
        text.append(byte)
        continue
      }
      guard position < source.count, let escaped = escapes[source[position]] else {
        throw TemplateFault(
          line: line, message: "expected one of n, t, r, \" and \\ behind \\ in a text")
      }
      text.append(escaped)
      position += 1
    }
    throw TemplateFault(line: start, message: "expected a closing quote")
  }

  static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
  }

  /// Letters, digits, `_`, `.`, `$`, signs.
  private static func isWord(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || byte == 0x5F
      || byte == 0x2E || byte == 0x24 || byte == 0x2D || byte == 0x2B || byte >= 0x80
  }
}

/// One piece of a template action.
enum TemplateToken: Equatable {
  case word(String)
  case text(String)
  case open
  case close
  case pipe
  case comma
  case declare
  case assign
  case comment
}
