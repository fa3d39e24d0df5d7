/// The text of a file whose templates are filled in, with the source line of each of its lines.
package struct RenderedText: Equatable, Sendable {
  var file = ""
  package var bytes: [UInt8] = []
  /// Where each line of `bytes` began in the source, from 1.
  package var lineNumbers: [Int] = [1]
  /// Lines of `bytes`, from 0, that a template action stood on: their columns are not the source's.
  var changedLines: Set<Int> = []

  /// The place in the source of a place in `bytes`.
  func location(_ place: ConfigurationValue.Place) -> SourceLocation {
    location(line: place.line, column: place.column)
  }

  /// The same; both from 1.
  func location(line: Int, column: Int?) -> SourceLocation {
    guard lineNumbers.indices.contains(line - 1) else {
      // Parsers tell the end of a file as a line behind the last.
      return SourceLocation(file: file, line: lineNumbers.last)
    }
    return SourceLocation(
      file: file, line: lineNumbers[line - 1],
      column: changedLines.contains(line - 1) ? nil : column)
  }
}

/// What is wrong with a template.
package struct TemplateFault: Error, Equatable {
  package var line: Int
  package var message: String
}

/// Fills in the template actions of a configuration file (configuration.md 1.3): values, `if`,
/// `range`, variables, comments, trimming markers, functions for comparing and printing and, for
/// TOML, YAML and JSON, for ranges of numbers.
package struct TemplateRenderer {
  private let source: [UInt8]
  private let environment: [String: String]
  private let generation: NameGeneration
  /// Names that the environment lacks and that were printed, with their lines.
  package private(set) var missingNames: [(name: String, line: Int)] = []

  package init(
    _ source: [UInt8], environment: [String: String], generation: NameGeneration = .ini
  ) {
    self.source = source
    self.environment = environment
    self.generation = generation
  }

  /// What a name that the environment lacks becomes, as in frp.
  static let missingValue = "<no value>"

  package mutating func render() throws(TemplateFault) -> RenderedText {
    var lexer = TemplateLexer(source)
    var parser = TemplateParser(try lexer.segments())
    let nodes = try parser.parse()
    var evaluator = TemplateEvaluator(
      source: source, environment: environment, generation: generation)
    try evaluator.run(nodes)
    missingNames = evaluator.missingNames
    return evaluator.output
  }
}
