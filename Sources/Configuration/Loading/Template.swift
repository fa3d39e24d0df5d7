/// Text whose templates are filled in, with the source line of each of its lines.
package struct RenderedText: Equatable {
  package var bytes: [UInt8] = []
  /// Where each line of `bytes` began in the source, from 1.
  package var lineNumbers: [Int] = [1]
}

/// What is wrong with a template.
package struct TemplateFault: Error, Equatable {
  package var line: Int
  package var message: String
}

/// Fills in the template actions of a configuration file (configuration.md 1.3). This version
/// knows `{{ .Envs.NAME }}`, string literals, comments, and the trimming markers `{{-` and `-}}`.
package struct TemplateRenderer {
  private let source: [UInt8]
  private let environment: [String: String]
  private var position = 0
  private var line = 1
  private var output = RenderedText()
  /// Output before this belongs to a value; a trimming marker does not reach it.
  private var plainStart = 0
  /// Names that the environment lacks, with their lines.
  package private(set) var missingNames: [(name: String, line: Int)] = []

  package init(_ source: [UInt8], environment: [String: String]) {
    self.source = source
    self.environment = environment
  }

  /// What a name that the environment lacks becomes, as in frp.
  static let missingValue = "<no value>"

  package mutating func render() throws(TemplateFault) -> RenderedText {
    while position < source.count {
      if isAtAction {
        try renderAction()
      } else {
        copyByte()
      }
      guard output.bytes.count <= ConfigurationLimits.renderedBytesMax else {
        throw TemplateFault(
          line: line,
          message: "expected at most \(ConfigurationLimits.renderedBytesMax) bytes of text")
      }
    }
    return output
  }

  private mutating func renderAction() throws(TemplateFault) {
    let firstLine = line
    guard let end = actionEnd() else {
      throw TemplateFault(line: firstLine, message: "expected }} behind {{")
    }
    var body = source[(position + 2)..<end]
    if body.first == 0x2D, let next = body.dropFirst().first, Self.isBlank(next) {
      trimOutput()
      body = body.dropFirst()
    }
    var trimsRight = false
    if body.last == 0x2D, let previous = body.dropLast().last, Self.isBlank(previous) {
      trimsRight = true
      body = body.dropLast()
    }
    let value = try evaluate(trimmed(String(decoding: body, as: UTF8.self)), line: firstLine)
    line += source[position..<end].count { $0 == 0x0A }
    position = end + 2
    for byte in value.utf8 {
      output.bytes.append(byte)
      if byte == 0x0A { output.lineNumbers.append(line) }
    }
    plainStart = output.bytes.count
    if trimsRight {
      while position < source.count, Self.isBlank(source[position]) {
        if source[position] == 0x0A { line += 1 }
        position += 1
      }
    }
  }

  private mutating func evaluate(_ action: String, line: Int) throws(TemplateFault) -> String {
    if action.hasPrefix("/*"), action.hasSuffix("*/"), action.utf8.count >= 4 { return "" }
    for quote in ["\"", "`"] where action.utf8.count >= 2 && action.hasPrefix(quote) {
      let inner = action.dropFirst().dropLast()
      if action.hasSuffix(quote), !inner.contains(quote), quote == "`" || !inner.contains("\\") {
        return String(inner)
      }
    }
    let prefix = ".Envs."
    let name = action.dropFirst(prefix.count)
    guard action.hasPrefix(prefix), !name.isEmpty,
      name.utf8.allSatisfy({
        (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == 0x5F
      })
    else {
      throw TemplateFault(
        line: line,
        message: "expected {{ .Envs.NAME }}, found {{ \(quoted(action)) }}; "
          + "other template actions are not in this version")
    }
    if let value = environment[String(name)] { return value }
    missingNames.append((String(name), line))
    return Self.missingValue
  }

  /// Where the `}}` stands that ends the action at `position`; not one inside quotes or a comment.
  private func actionEnd() -> Int? {
    guard var index = indexBehindComment() else { return nil }
    var quote: UInt8?
    while index < source.count {
      let byte = source[index]
      if let open = quote {
        if byte == 0x5C, open == 0x22 {
          index += 1
        } else if byte == open {
          quote = nil
        } else if byte == 0x0A, open == 0x22 {
          return nil
        }
      } else if byte == 0x22 || byte == 0x60 {
        quote = byte
      } else if byte == 0x7D, index + 1 < source.count, source[index + 1] == 0x7D {
        return index
      }
      index += 1
    }
    return nil
  }

  /// Behind the comment that the action at `position` consists of, or where it begins when it is
  /// none; `nil` when the comment does not end.
  private func indexBehindComment() -> Int? {
    let start = position + 2
    var index = start
    if source[index...].starts(with: [0x2D]) { index += 1 }
    while index < source.count, Self.isBlank(source[index]) { index += 1 }
    guard source[index...].starts(with: [0x2F, 0x2A]) else { return start }
    index += 2
    while index + 1 < source.count {
      if source[index] == 0x2A, source[index + 1] == 0x2F { return index + 2 }
      index += 1
    }
    return nil
  }

  private mutating func copyByte() {
    let byte = source[position]
    position += 1
    output.bytes.append(byte)
    if byte == 0x0A {
      line += 1
      output.lineNumbers.append(line)
    }
  }

  private mutating func trimOutput() {
    while output.bytes.count > plainStart, let last = output.bytes.last, Self.isBlank(last) {
      output.bytes.removeLast()
      if last == 0x0A { output.lineNumbers.removeLast() }
    }
  }

  private var isAtAction: Bool {
    source[position] == 0x7B && position + 1 < source.count && source[position + 1] == 0x7B
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
  }
}
