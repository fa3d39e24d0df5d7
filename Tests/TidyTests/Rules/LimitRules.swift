import Foundation

/// The limits in `docs/ARCHITECTURE.md` are those of the sources.
enum LimitRules {
  /// The rows that the page must have: one for every constant of a type called `…Limits`.
  static func rows(of source: SourceText) -> [String] {
    var rows: [String] = []
    var isInside = false
    var meaning: [String] = []
    for line in source.lines {
      let text = line.trimmingCharacters(in: .whitespaces)
      if text.hasPrefix("///") {
        meaning.append(text.dropFirst(3).trimmingCharacters(in: .whitespaces))
        continue
      }
      if text.contains("enum ") || text.contains("struct ") {
        isInside = text.contains("Limits {") || text.contains("Limits:")
      }
      if isInside, let constant = constant(in: text) {
        rows.append(
          "| `\(source.moduleName)` | `\(constant.name)` | \(constant.value) |"
            + " \(meaning.joined(separator: " ")) |")
      }
      meaning = []
    }
    return rows
  }

  private static let head = ["| module | limit | value | meaning |", "|---|---|---|---|"]

  /// `content` with the table behind the heading `## Limits`, the last of the page, made anew.
  static func update(content: String, rows: [String]) -> String {
    let lines = content.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let heading = lines.firstIndex { $0.hasPrefix("## Limits") } ?? lines.count
    let table = lines[heading...].firstIndex { $0 == head[0] } ?? lines.count
    return (lines[..<table] + head + rows + [""]).joined(separator: "\n")
  }

  static func check(page: String, content: String, rows: [String]) -> [Violation] {
    let found = content.split(separator: "\n").map(String.init)
    let missing = rows.filter { !found.contains($0) }
    let mark = found.firstIndex { $0.hasPrefix("## Limits") } ?? found.count
    let stale = found[mark...].filter { $0.hasPrefix("| `") && !rows.contains($0) }
    return missing.map { Violation(path: page, line: 1, message: "lacks the row \($0)") }
      + stale.map { Violation(path: page, line: 1, message: "has a row of no limit: \($0)") }
  }

  /// The name and the value of `static let name: Type = value`.
  private static func constant(in line: String) -> (name: String, value: String)? {
    guard let start = line.range(of: "static let "), let equals = line.range(of: " = ") else {
      return nil
    }
    let name = line[start.upperBound..<equals.lowerBound].prefix { $0 != ":" }
    return (String(name), String(line[equals.upperBound...]))
  }
}
