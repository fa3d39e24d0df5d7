/// What a template does, in order.
indirect enum TemplateNode {
  case text(Range<Int>, line: Int)
  case output(TemplateExpression, line: Int, endLine: Int)
  case declare(String, TemplateExpression, line: Int)
  case assign(String, TemplateExpression, line: Int)
  case condition(TemplateExpression, then: [TemplateNode], otherwise: [TemplateNode], line: Int)
  case loop(
    TemplateExpression, variables: [String], body: [TemplateNode], otherwise: [TemplateNode],
    line: Int)
  /// A comment, or the end of something: it only marks its line.
  case mark(line: Int)
}

/// What a template action works out.
indirect enum TemplateExpression {
  case literal(TemplateValue)
  /// `.`, or a variable, with the fields behind it; the variable of the root is `$`.
  case reference(String, fields: [String])
  case call(String, [TemplateExpression])
}

/// Makes nodes of segments.
struct TemplateParser {
  private let segments: [TemplateLexer.Segment]
  private var index = 0
  private var depth = 0

  init(_ segments: [TemplateLexer.Segment]) { self.segments = segments }

  mutating func parse() throws(TemplateFault) -> [TemplateNode] {
    let (nodes, end) = try block()
    if let end {
      throw TemplateFault(line: end.line, message: "\(end.word) has nothing to belong to")
    }
    return nodes
  }

  /// What ended a block.
  private struct End {
    var word: String
    /// The condition behind `else if`.
    var rest: [TemplateToken]
    var line: Int
  }

  /// Nodes up to `end` or `else`; recursion is bounded by `ConfigurationLimits`.
  private mutating func block() throws(TemplateFault) -> ([TemplateNode], End?) {
    var nodes: [TemplateNode] = []
    while index < segments.count {
      let segment = segments[index]
      index += 1
      guard case .action(let tokens, let line, let endLine) = segment else {
        if case .text(let range, let line) = segment { nodes.append(.text(range, line: line)) }
        continue
      }
      guard case .word(let word)? = tokens.first, ["if", "range", "else", "end"].contains(word)
      else {
        nodes.append(try action(tokens, line, endLine))
        continue
      }
      nodes.append(.mark(line: line))
      let rest = Array(tokens.dropFirst())
      if word == "else" || word == "end" {
        if word == "end", !rest.isEmpty {
          throw TemplateFault(line: line, message: "expected }} behind end")
        }
        return (nodes, End(word: word, rest: rest, line: line))
      }
      nodes.append(word == "if" ? try condition(rest, line) : try loop(rest, line))
    }
    return (nodes, nil)
  }

  private mutating func enter(_ line: Int) throws(TemplateFault) {
    depth += 1
    guard depth <= ConfigurationLimits.templateNestingMax else {
      throw TemplateFault(
        line: line,
        message: "expected at most \(ConfigurationLimits.templateNestingMax) actions inside each "
          + "other")
    }
  }

  private mutating func condition(
    _ tokens: [TemplateToken], _ line: Int
  ) throws(TemplateFault) -> TemplateNode {
    try enter(line)
    defer { depth -= 1 }
    let test = try expression(tokens, line)
    let (then, end) = try block()
    let otherwise = try alternative(end, of: "if", line)
    return .condition(test, then: then, otherwise: otherwise, line: line)
  }

  private mutating func alternative(
    _ end: End?, of opening: String, _ line: Int
  ) throws(TemplateFault) -> [TemplateNode] {
    guard let end else { throw TemplateFault(line: line, message: "\(opening) has no end") }
    if end.word == "end" { return [] }
    if case .word("if")? = end.rest.first {
      return [try condition(Array(end.rest.dropFirst()), end.line)]
    }
    guard end.rest.isEmpty else {
      throw TemplateFault(line: end.line, message: "expected }} or if behind else")
    }
    let (nodes, last) = try block()
    guard last?.word == "end" else {
      throw TemplateFault(line: end.line, message: "else has no end")
    }
    return nodes
  }

  private mutating func loop(
    _ tokens: [TemplateToken], _ line: Int
  ) throws(TemplateFault) -> TemplateNode {
    try enter(line)
    defer { depth -= 1 }
    var variables: [String] = []
    var rest = tokens[...]
    if let position = tokens.firstIndex(of: .declare) {
      for (offset, token) in tokens[..<position].enumerated() {
        switch token {
        case .word(let name) where offset % 2 == 0 && Self.isVariable(name):
          variables.append(name)
        case .comma where offset % 2 == 1: break
        case _:
          throw TemplateFault(line: line, message: "expected one or two variables behind range")
        }
      }
      guard (1...2).contains(variables.count), position == variables.count * 2 - 1 else {
        throw TemplateFault(line: line, message: "expected one or two variables behind range")
      }
      rest = tokens[(position + 1)...]
    }
    let list = try expression(Array(rest), line)
    let (body, end) = try block()
    let otherwise = try alternative(end, of: "range", line)
    return .loop(list, variables: variables, body: body, otherwise: otherwise, line: line)
  }

  private func action(
    _ tokens: [TemplateToken], _ line: Int, _ endLine: Int
  ) throws(TemplateFault) -> TemplateNode {
    if tokens == [.comment] { return .mark(line: line) }
    if tokens.count > 2, case .word(let name) = tokens[0], Self.isVariable(name) {
      let rest = Array(tokens.dropFirst(2))
      if tokens[1] == .declare { return .declare(name, try expression(rest, line), line: line) }
      if tokens[1] == .assign { return .assign(name, try expression(rest, line), line: line) }
    }
    return .output(try expression(tokens, line), line: line, endLine: endLine)
  }

  private static func isVariable(_ word: String) -> Bool {
    word.hasPrefix("$") && word.count > 1 && !word.contains(".")
  }

  // MARK: Expressions

  private func expression(
    _ tokens: [TemplateToken], _ line: Int
  ) throws(TemplateFault) -> TemplateExpression {
    var parser = TemplateExpressionParser(tokens, line: line)
    return try parser.parse()
  }
}

/// Makes an expression of the tokens of an action: commands with arguments, joined by `|`.
struct TemplateExpressionParser {
  private let tokens: [TemplateToken]
  private let line: Int
  private var index = 0
  private var depth = 0

  init(_ tokens: [TemplateToken], line: Int) {
    self.tokens = tokens
    self.line = line
  }

  mutating func parse() throws(TemplateFault) -> TemplateExpression {
    let result = try pipeline()
    guard index == tokens.count else { throw fault("expected }} behind the value") }
    return result
  }

  private mutating func pipeline() throws(TemplateFault) -> TemplateExpression {
    depth += 1
    defer { depth -= 1 }
    guard depth <= ConfigurationLimits.templateNestingMax else {
      throw fault("expected fewer parentheses inside each other")
    }
    var result = try command(piped: nil)
    while index < tokens.count, tokens[index] == .pipe {
      index += 1
      result = try command(piped: result)
    }
    return result
  }

  private mutating func command(
    piped: TemplateExpression?
  ) throws(TemplateFault) -> TemplateExpression {
    guard index < tokens.count else { throw fault("expected a value in {{ }}") }
    if case .word(let word) = tokens[index], TemplateFunctions.names.contains(word) {
      index += 1
      var arguments: [TemplateExpression] = []
      while index < tokens.count, tokens[index] != .pipe, tokens[index] != .close {
        arguments.append(try operand())
      }
      // What comes through a pipe is the last argument.
      if let piped { arguments.append(piped) }
      return .call(word, arguments)
    }
    guard piped == nil else { throw fault("expected a function behind |") }
    return try operand()
  }

  private mutating func operand() throws(TemplateFault) -> TemplateExpression {
    let token = tokens[index]
    index += 1
    switch token {
    case .text(let text): return .literal(.text(text))
    case .open:
      let inner = try pipeline()
      guard index < tokens.count, tokens[index] == .close else { throw fault("expected )") }
      index += 1
      return inner
    case .word(let word): return try reference(word)
    case .close, .pipe, .comma, .declare, .assign, .comment:
      throw fault("expected a value or a function in a template action")
    }
  }

  private func reference(_ word: String) throws(TemplateFault) -> TemplateExpression {
    if word == "true" || word == "false" { return .literal(.boolean(word == "true")) }
    if let number = Int(word) { return .literal(.integer(number)) }
    if TemplateFunctions.names.contains(word) { return .call(word, []) }
    guard word.hasPrefix(".") || word.hasPrefix("$") else {
      throw fault("there is no function \(quoted(word))")
    }
    if word == "." { return .reference(".", fields: []) }
    var parts = word.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    let start = parts.removeFirst()
    guard parts.allSatisfy(Self.isName),
      start.isEmpty || Self.isName(String(start.dropFirst()))
        || start == "$"
    else { throw fault("expected a name behind each dot, found \(quoted(word))") }
    return .reference(start.isEmpty ? "." : start, fields: parts)
  }

  private static func isName(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy {
        (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == 0x5F || $0 >= 0x80
      }
  }

  private func fault(_ message: String) -> TemplateFault {
    TemplateFault(line: line, message: message)
  }
}
