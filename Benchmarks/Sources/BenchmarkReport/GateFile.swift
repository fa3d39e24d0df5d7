/// The thresholds of the regression gate: a text file with a line for each figure,
/// `<figure name> <threshold>`; `#` begins a comment.
public struct GateFile: Equatable, Sendable {
  /// A line that cannot be used.
  public struct LineError: Error, Equatable, CustomStringConvertible {
    /// Where and what.
    public var description: String
  }

  /// The thresholds by figure.
  public private(set) var thresholds: [String: Double] = [:]

  /// Starts empty.
  public init() {}

  /// Reads a file's text.
  public init(text: String) throws(LineError) {
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let content = line.prefix { $0 != "#" }
      let words = content.split(separator: " ")
      if words.isEmpty { continue }
      guard words.count == 2, let value = Double(words[1]), value >= 0 else {
        throw LineError(description: "line \(index + 1): expected a name and a number: \(line)")
      }
      guard thresholds.updateValue(value, forKey: String(words[0])) == nil else {
        throw LineError(description: "line \(index + 1): \(words[0]) is there twice")
      }
    }
  }

  /// What one figure came to.
  public struct Outcome: Equatable, Sendable {
    /// The line to print.
    public var line: String
    /// Whether it is good.
    public var isGood: Bool
  }

  /// Compares what was measured with the thresholds. A figure without a threshold, a threshold
  /// without a figure, and a figure that is no number are failures too.
  public func check(_ measured: [(name: String, value: Double)]) -> [Outcome] {
    var outcomes = measured.map { name, value -> Outcome in
      guard value.isFinite else {
        return Outcome(line: "FAILED  \(name): could not be measured", isGood: false)
      }
      guard let threshold = thresholds[name] else {
        return Outcome(
          line: "FAILED  \(name): \(Statistics.text(value)), has no threshold", isGood: false)
      }
      let isGood = value <= threshold
      return Outcome(
        line: "\(isGood ? "ok      " : "FAILED  ")\(name): \(Statistics.text(value))"
          + " (at most \(Statistics.text(threshold)))",
        isGood: isGood)
    }
    let names = Set(measured.map(\.name))
    for missing in thresholds.keys.filter({ !names.contains($0) }).sorted() {
      outcomes.append(Outcome(line: "FAILED  \(missing): was not measured", isGood: false))
    }
    return outcomes
  }

  /// Whether a figure is above its threshold, or is no number.
  public func isAnyOver(_ measured: [(name: String, value: Double)]) -> Bool {
    measured.contains { name, value in thresholds[name].map { !(value <= $0) } ?? false }
  }

  /// The smaller value of each figure in two measurements of the same; one that is no number gives
  /// way to one that is.
  public static func least(
    _ first: [(name: String, value: Double)], _ second: [(name: String, value: Double)]
  ) -> [(name: String, value: Double)] {
    let others = Dictionary(second.map { ($0.name, $0.value) }) { Double.minimum($0, $1) }
    return first.map { ($0.name, Double.minimum($0.value, others[$0.name] ?? .nan)) }
  }

  /// A file for what was measured, with headroom by the kind of figure.
  public static func text(_ measured: [(name: String, value: Double)]) -> String {
    var lines = [
      "# Thresholds of the regression gate (make gate), written by make gate-update.",
      "# calls: system calls; instructions: thousands, outside the kernel; allocations: of heap.",
      "# What varies from run to run gets more room than what does not.",
    ]
    for (name, value) in measured {
      // A busy machine moves bytes in smaller pieces: most of that shows in the calls.
      let room: (factor: Double, summand: Double) =
        name.hasSuffix("calls") ? (1.4, 5) : name.hasSuffix("instructions") ? (1.15, 10) : (1.25, 3)
      let threshold = value * room.factor + room.summand
      lines.append("\(name) \((threshold * 10).rounded() / 10)")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

/// Reads what the counting tools print.
public enum ToolOutput {
  /// The number of calls in the summary of `strace -c`: the `total` line's, whose columns are
  /// percent, seconds, usecs/call, calls, and errors if there were any.
  public static func systemCalls(straceSummary text: String) -> Double? {
    guard let line = text.split(separator: "\n").last(where: { $0.hasSuffix(" total") }) else {
      return nil
    }
    let words = line.split(separator: " ")
    return words.count >= 5 ? Double(words[3]) : nil
  }

  /// The instructions that callgrind counted: the first number of the `totals:` or `summary:`
  /// line of its file.
  public static func instructions(callgrindFile text: String) -> Double? {
    let line = text.split(separator: "\n").last {
      $0.hasPrefix("totals:") || $0.hasPrefix("summary:")
    }
    return line.flatMap { $0.split(separator: " ").dropFirst().first.flatMap { Double($0) } }
  }

  /// The blocks that DHAT counted: `Total: <bytes> bytes in <blocks> blocks` of its log.
  public static func allocations(dhatLog text: String) -> Double? {
    guard let line = text.split(separator: "\n").last(where: { $0.contains("Total:") }),
      let range = line.range(of: " in "), let end = line.range(of: " blocks")
    else { return nil }
    return Double(line[range.upperBound..<end.lowerBound].filter { $0 != "," })
  }
}

extension StringProtocol {
  /// Where `text` occurs first; Foundation is not needed for it.
  fileprivate func range(of text: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) {
        return start..<index(start, offsetBy: text.count)
      }
      start = index(after: start)
    }
    return nil
  }
}
