/// One figure of one subject in one scenario, a value for each round in which it was measured.
public struct Measurement: Codable, Equatable, Sendable {
  /// What was done, for example `bulk8`.
  public var scenario: String
  /// Through what, for example `ours default`.
  public var subject: String
  /// Which figure, with its unit, for example `relay CPU-s/GB`.
  public var figure: String
  /// By round. A round in which the measuring failed has none.
  public var values: [Int: Double]

  /// Collects values.
  public init(scenario: String, subject: String, figure: String, values: [Int: Double] = [:]) {
    self.scenario = scenario
    self.subject = subject
    self.figure = figure
    self.values = values
  }

  /// The middle value; `nil` without values.
  public var median: Double? { Statistics.median(Array(values.values)) }
}

/// Plain statistics of few values.
public enum Statistics {
  /// The middle value, or the mean of the two in the middle; `nil` without values.
  public static func median(_ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  /// A number as people write it: three significant digits, no exponent.
  public static func text(_ value: Double) -> String {
    guard value.isFinite else { return "–" }
    let magnitude = abs(value)
    if magnitude >= 100 { return grouped(Int(value.rounded())) }
    let digits = magnitude >= 10 ? 1 : magnitude >= 0.095 ? 2 : 3
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let whole = Int((magnitude * scale).rounded())
    let fraction = String(whole % Int(scale))
    let padded = String(repeating: "0", count: digits - fraction.count) + fraction
    return (value < 0 ? "-" : "") + "\(whole / Int(scale)).\(padded)"
  }

  private static func grouped(_ value: Int) -> String {
    var digits = Array(String(abs(value)))
    var index = digits.count - 3
    while index > 0 {
      digits.insert(",", at: index)
      index -= 3
    }
    return (value < 0 ? "-" : "") + String(digits)
  }
}

/// All measurements of a run.
public struct Results: Codable, Sendable {
  /// In the order in which they were first taken.
  public var measurements: [Measurement] = []

  /// Starts empty.
  public init() {}

  /// Adds the value of one round.
  public mutating func add(
    _ value: Double, scenario: String, subject: String, figure: String, round: Int
  ) {
    let index =
      index(scenario, subject, figure)
      ?? {
        measurements.append(
          Measurement(scenario: scenario, subject: subject, figure: figure))
        return measurements.count - 1
      }()
    measurements[index].values[round] = value
  }

  /// One figure; `nil` when it was not measured.
  public func find(_ scenario: String, _ subject: String, _ figure: String) -> Measurement? {
    index(scenario, subject, figure).map { measurements[$0] }
  }

  /// The median of the ratios inside each round, so that what the machine did to both cancels out.
  public func ratio(
    _ scenario: String, _ figure: String, of subject: String, to other: String
  ) -> Double? {
    guard let upper = find(scenario, subject, figure), let lower = find(scenario, other, figure)
    else { return nil }
    let ratios = upper.values.compactMap { round, value -> Double? in
      guard let base = lower.values[round], base > 0 else { return nil }
      return value / base
    }
    return Statistics.median(ratios)
  }

  /// The scenarios in order.
  public var scenarios: [String] { unique(measurements.map(\.scenario)) }

  /// The subjects of a scenario in order.
  public func subjects(of scenario: String) -> [String] {
    unique(measurements.filter { $0.scenario == scenario }.map(\.subject))
  }

  /// The figures of a scenario in order.
  public func figures(of scenario: String) -> [String] {
    unique(measurements.filter { $0.scenario == scenario }.map(\.figure))
  }

  private func index(_ scenario: String, _ subject: String, _ figure: String) -> Int? {
    measurements.firstIndex {
      $0.scenario == scenario && $0.subject == subject && $0.figure == figure
    }
  }

  private func unique(_ names: [String]) -> [String] {
    var seen = Set<String>()
    return names.filter { seen.insert($0).inserted }
  }
}
