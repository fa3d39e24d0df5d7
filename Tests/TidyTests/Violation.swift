/// One place that breaks one rule.
struct Violation: Equatable, CustomStringConvertible {
  let path: String
  let line: Int
  let message: String

  var description: String { "\(path):\(line): \(message)" }
}

extension SourceText {
  func violation(atLine line: Int, _ message: String) -> Violation {
    Violation(path: path, line: line, message: message)
  }
}
