/// Results as Markdown.
public enum Table {
  /// One table for each scenario: a row a subject, a column a figure with its spread, and the
  /// ratio of the first figure to the reference subject.
  public static func render(_ results: Results, reference: (String) -> String?) -> String {
    results.scenarios.map { scenario in
      render(results, scenario, reference: reference(scenario))
    }.joined(separator: "\n")
  }

  private static func render(
    _ results: Results, _ scenario: String, reference: String?
  ) -> String {
    let figures = results.figures(of: scenario)
    var lines = ["#### \(scenario)", ""]
    let ratio = reference.map { " × \($0) |" } ?? ""
    lines.append("| through | \(figures.joined(separator: " | ")) |\(ratio)")
    lines.append("|---|\(figures.map { _ in "---|" }.joined())\(reference == nil ? "" : "---|")")
    for subject in results.subjects(of: scenario) {
      let cells = figures.map { cell(results.find(scenario, subject, $0)) }
      var line = "| \(subject) | \(cells.joined(separator: " | ")) |"
      if let reference, let first = figures.first {
        let value = results.ratio(scenario, first, of: subject, to: reference)
        line += " \(value.map(Statistics.text) ?? "–") |"
      }
      lines.append(line)
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func cell(_ measurement: Measurement?) -> String {
    guard let measurement, let median = measurement.median else { return "–" }
    let low = measurement.values.values.min() ?? median
    let high = measurement.values.values.max() ?? median
    guard measurement.values.count > 1 else { return Statistics.text(median) }
    return "\(Statistics.text(median)) (\(Statistics.text(low))–\(Statistics.text(high)))"
  }

  /// The verdicts as one table.
  public static func render(_ verdicts: [Target.Verdict]) -> String {
    var lines = ["| target | measured | |", "|---|---|---|"]
    for verdict in verdicts {
      let word =
        switch verdict.isMet {
        case true?: "met"
        case false?: "**missed**"
        case nil: "–"
        }
      lines.append("| \(verdict.target) | \(verdict.measured) | \(word) |")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
