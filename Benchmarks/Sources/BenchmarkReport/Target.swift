/// One row of the figures that we are held to, as something that a run can decide.
public struct Target: Sendable {
  /// Which side of the bound is good.
  public enum Relation: Sendable {
    case atLeast
    case atMost
  }

  /// What the figure is compared with.
  public enum Base: Sendable {
    /// A number.
    case absolute
    /// Another subject's figure in the same round.
    case subject(String)
    /// Every one of these that was measured.
    case subjects([String])
    /// The same subject's figure of another scenario.
    case scenario(String)
  }

  /// The outcome.
  public struct Verdict: Equatable, Sendable {
    /// The target in words.
    public var target: String
    /// What was measured, in words.
    public var measured: String
    /// `nil`: could not be decided.
    public var isMet: Bool?
  }

  var title: String
  var scenario: String
  var figure: String
  var subject: String
  var relation: Relation
  var bound: Double
  var base: Base

  /// Names a row.
  public init(
    _ title: String, _ scenario: String, _ figure: String, _ subject: String,
    _ relation: Relation, _ bound: Double, _ base: Base = .absolute
  ) {
    self.title = title
    self.scenario = scenario
    self.figure = figure
    self.subject = subject
    self.relation = relation
    self.bound = bound
    self.base = base
  }

  /// Decides the row.
  public func verdict(_ results: Results) -> Verdict {
    let sign = relation == .atLeast ? "≥" : "≤"
    switch base {
    case .absolute:
      return decide(
        "\(title): \(sign) \(Statistics.text(bound))",
        results.find(scenario, subject, figure)?.median, "")
    case .subject(let other):
      return decide(
        "\(title): \(sign) \(Statistics.text(bound)) × \(other)",
        results.ratio(scenario, figure, of: subject, to: other), " ×")
    case .subjects(let others):
      let ratios = others.compactMap { results.ratio(scenario, figure, of: subject, to: $0) }
      return decide(
        "\(title): \(sign) \(Statistics.text(bound)) × every peer",
        relation == .atLeast ? ratios.min() : ratios.max(), " × the best")
    case .scenario(let other):
      guard let value = results.find(scenario, subject, figure)?.median,
        let reference = results.find(other, subject, figure)?.median, reference > 0
      else { return decide("\(title): \(sign) \(Statistics.text(bound)) × \(other)", nil, "") }
      return decide(
        "\(title): \(sign) \(Statistics.text(bound)) × \(other)", value / reference, " ×")
    }
  }

  private func decide(_ target: String, _ value: Double?, _ suffix: String) -> Verdict {
    guard let value else { return Verdict(target: target, measured: "not measured", isMet: nil) }
    return Verdict(
      target: target, measured: Statistics.text(value) + suffix,
      isMet: relation == .atLeast ? value >= bound : value <= bound)
  }
}
