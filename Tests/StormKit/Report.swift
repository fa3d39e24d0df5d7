/// What a scenario measured, and what is held against it.
public struct Report: Sendable {
  /// One measured figure.
  public struct Finding: Sendable {
    /// What was measured.
    public let name: String
    /// What came out.
    public let measured: String
    /// What is asked; empty for a figure that is only told.
    public let bound: String
    /// Whether it is kept.
    public let isGood: Bool
  }

  /// The scenario, with its amounts.
  public let title: String
  /// The figures in the order in which they were found.
  public private(set) var findings: [Finding] = []

  init(_ title: String) { self.title = title }

  /// Whether every bound is kept.
  public var isGood: Bool { findings.allSatisfy(\.isGood) }

  /// The findings that break their bounds, a line each.
  public var failures: [String] {
    findings.filter { !$0.isGood }.map { "\($0.name): \($0.measured), asked \($0.bound)" }
  }

  /// A Markdown table.
  public var table: String {
    var lines = ["#### \(title)", "", "| figure | measured | asked | |", "|---|---|---|---|"]
    for finding in findings {
      let verdict = finding.bound.isEmpty ? "" : finding.isGood ? "ok" : "**missed**"
      lines.append("| \(finding.name) | \(finding.measured) | \(finding.bound) | \(verdict) |")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  mutating func tell(_ name: String, _ measured: String) {
    findings.append(Finding(name: name, measured: measured, bound: "", isGood: true))
  }

  mutating func hold(_ name: String, _ measured: String, _ bound: String, _ isGood: Bool) {
    findings.append(Finding(name: name, measured: measured, bound: bound, isGood: isGood))
  }

  /// Holds a figure that may be at most `bound`.
  mutating func hold(
    _ name: String, _ value: Double, atMost bound: Double, _ unit: String
  ) {
    hold(name, "\(text(value)) \(unit)", "≤ \(text(bound)) \(unit)", value <= bound)
  }
}

/// A number with as many digits as matter.
func text(_ value: Double) -> String {
  guard value.isFinite else { return "never" }
  if value == value.rounded() || abs(value) >= 1000 { return "\(Int(value.rounded()))" }
  let scale = abs(value) >= 10 ? 10.0 : abs(value) >= 1 ? 100.0 : 1000.0
  return "\((value * scale).rounded() / scale)"
}

/// The value below which `percent` of the values lie; infinite when there are none.
func percentile(_ percent: Int, of values: [Double]) -> Double {
  guard !values.isEmpty else { return .infinity }
  let sorted = values.sorted()
  return sorted[min(sorted.count - 1, (sorted.count * percent + 99) / 100 - (percent > 0 ? 1 : 0))]
}
