/// What templates work with.
enum TemplateValue: Equatable {
  case text(String)
  case integer(Int)
  case boolean(Bool)
  case list([TemplateValue])
  /// Two numbers, `.First` and `.Second`.
  case pair(Int, Int)
  case environment
  case root
  /// What the environment has not; the name of it.
  case missing(String)

  /// What `if` takes it for.
  var isTrue: Bool {
    switch self {
    case .text(let text): !text.isEmpty
    case .integer(let number): number != 0
    case .boolean(let value): value
    case .list(let items): !items.isEmpty
    case .pair, .environment, .root: true
    case .missing: false
    }
  }

  /// As it is printed.
  var printed: String {
    switch self {
    case .text(let text): text
    case .integer(let number): String(number)
    case .boolean(let value): String(value)
    case .list(let items): "[" + items.map(\.printed).joined(separator: " ") + "]"
    case .pair(let first, let second): "{\(first) \(second)}"
    case .environment, .root: ""
    case .missing: TemplateRenderer.missingValue
    }
  }
}

/// Carries out a parsed template.
struct TemplateEvaluator {
  private let source: [UInt8]
  private let environment: [String: String]
  private let generation: NameGeneration
  private(set) var output = RenderedText()
  private(set) var missingNames: [(name: String, line: Int)] = []
  private var variables: [(name: String, value: TemplateValue)] = []
  private var dot = TemplateValue.root
  private var stepCount = 0

  init(source: [UInt8], environment: [String: String], generation: NameGeneration) {
    self.source = source
    self.environment = environment
    self.generation = generation
  }

  mutating func run(_ nodes: [TemplateNode]) throws(TemplateFault) {
    let outerCount = variables.count
    for node in nodes { try run(node) }
    // What a block declares ends with it.
    variables.removeSubrange(outerCount...)
  }

  private mutating func run(_ node: TemplateNode) throws(TemplateFault) {
    switch node {
    case .text(let range, let line):
      var current = line
      try reserve(range.count, line)
      for byte in source[range] {
        output.bytes.append(byte)
        if byte == 0x0A {
          current += 1
          output.lineNumbers.append(current)
        }
      }
    case .mark(let line): try step(line)
    case .output(let expression, let line, let endLine):
      try step(line)
      try write(try value(of: expression, line), line, endLine)
    case .declare(let name, let expression, let line):
      try step(line)
      variables.append((name, try value(of: expression, line)))
    case .assign(let name, let expression, let line):
      try step(line)
      let value = try value(of: expression, line)
      guard let index = variables.lastIndex(where: { $0.name == name }) else {
        throw TemplateFault(line: line, message: "there is no variable \(quoted(name))")
      }
      variables[index].value = value
    case .condition(let test, let then, let otherwise, let line):
      try step(line)
      try run(try value(of: test, line).isTrue ? then : otherwise)
    case .loop(let list, let names, let body, let otherwise, let line):
      try step(line)
      try loop(over: try value(of: list, line), names, body, otherwise, line)
    }
  }

  private mutating func loop(
    over value: TemplateValue, _ names: [String], _ body: [TemplateNode],
    _ otherwise: [TemplateNode], _ line: Int
  ) throws(TemplateFault) {
    let items: [(TemplateValue, TemplateValue)]
    switch value {
    case .list(let list): items = list.enumerated().map { (.integer($0.offset), $0.element) }
    case .environment:
      items = environment.sorted { $0.key < $1.key }.map { (.text($0.key), .text($0.value)) }
    case .text, .integer, .boolean, .pair, .root, .missing:
      throw TemplateFault(line: line, message: "expected a list behind range")
    }
    if items.isEmpty { return try run(otherwise) }
    let outerDot = dot
    let outerCount = variables.count
    for (index, element) in items {
      try step(line)
      if let last = names.last { variables.append((last, element)) }
      if names.count == 2 { variables.append((names[0], index)) }
      dot = element
      try run(body)
      variables.removeSubrange(outerCount...)
    }
    dot = outerDot
  }

  private mutating func write(
    _ value: TemplateValue, _ line: Int, _ endLine: Int
  ) throws(TemplateFault) {
    if case .missing(let name) = value, missingNames.count < ConfigurationLimits.issueCountMax {
      missingNames.append((name, line))
    }
    if value == .environment || value == .root {
      throw TemplateFault(line: line, message: "expected a name behind .Envs, such as .Envs.HOME")
    }
    let text = value.printed
    try reserve(text.utf8.count, line)
    for byte in text.utf8 {
      output.bytes.append(byte)
      if byte == 0x0A {
        output.lineNumbers.append(endLine)
        output.changedLines.insert(output.lineNumbers.count - 1)
      }
    }
  }

  private func reserve(_ more: Int, _ line: Int) throws(TemplateFault) {
    guard output.bytes.count + more <= ConfigurationLimits.renderedBytesMax else {
      throw TemplateFault(
        line: line,
        message: "expected at most \(ConfigurationLimits.renderedBytesMax) bytes of text")
    }
  }

  private mutating func step(_ line: Int) throws(TemplateFault) {
    output.changedLines.insert(output.lineNumbers.count - 1)
    stepCount += 1
    guard stepCount <= ConfigurationLimits.templateStepCountMax else {
      throw TemplateFault(
        line: line,
        message: "expected at most \(ConfigurationLimits.templateStepCountMax) template steps")
    }
  }

  // MARK: Values

  private mutating func value(
    of expression: TemplateExpression, _ line: Int
  ) throws(TemplateFault) -> TemplateValue {
    switch expression {
    case .literal(let value): return value
    case .reference(let start, let fields):
      var value = try startValue(start, line)
      for field in fields { value = try member(field, of: value, line) }
      return value
    case .call(let name, let arguments):
      var values: [TemplateValue] = []
      for argument in arguments {
        let value = try value(of: argument, line)
        // The first that decides ends it, as in Go.
        if name == "and" && !value.isTrue || name == "or" && value.isTrue { return value }
        values.append(value)
      }
      try step(line)
      do throws(TemplateFunctions.Fault) {
        return try TemplateFunctions.call(
          name, values, generation: generation, environment: environment)
      } catch {
        throw TemplateFault(line: line, message: error.message)
      }
    }
  }

  private func startValue(_ start: String, _ line: Int) throws(TemplateFault) -> TemplateValue {
    if start == "." { return dot }
    if start == "$" { return .root }
    guard let variable = variables.last(where: { $0.name == start }) else {
      throw TemplateFault(line: line, message: "there is no variable \(quoted(start))")
    }
    return variable.value
  }

  private func member(
    _ name: String, of value: TemplateValue, _ line: Int
  ) throws(TemplateFault) -> TemplateValue {
    switch (value, name) {
    case (.root, "Envs"): return .environment
    case (.environment, _): return environment[name].map { .text($0) } ?? .missing(name)
    case (.pair(let first, _), "First"): return .integer(first)
    case (.pair(_, let second), "Second"): return .integer(second)
    case (.root, _):
      throw TemplateFault(line: line, message: "there is no .\(name), only .Envs")
    case (_, _):
      throw TemplateFault(line: line, message: "the value has no field \(quoted(name))")
    }
  }
}
