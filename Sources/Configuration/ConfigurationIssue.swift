/// One thing that is wrong, or looks wrong, in a configuration file.
public struct ConfigurationIssue: Error, Hashable, Sendable, CustomStringConvertible {
  /// How bad it is.
  public enum Severity: String, Hashable, Sendable {
    /// The program runs, perhaps not as its owner meant.
    case warning
    /// The program does not start.
    case error
  }

  /// How bad it is.
  public var severity: Severity

  /// The file, as its path was given.
  public var file: String

  /// The line, from 1; `nil` when no single line is meant.
  public var line: Int?

  /// The column, from 1, in characters; `nil` when it is not known.
  public var column: Int?

  /// The key; `nil` when no single key is meant.
  public var key: String?

  /// What was expected, what was found, what happens now. Never a secret.
  public var message: String

  /// Makes an issue.
  public init(
    severity: Severity, file: String, line: Int? = nil, column: Int? = nil, key: String? = nil,
    message: String
  ) {
    self.severity = severity
    self.file = file
    self.line = line
    self.column = column
    self.key = key
    self.message = message
  }

  /// `FILE:LINE:COLUMN: key: message`, one line; parts that are missing are left out.
  public var description: String {
    var text = shownPath(file)
    if let line { text += ":\(line)" }
    if line != nil, let column { text += ":\(column)" }
    text += ": "
    if let key { text += "\(key): " }
    return text + message
  }
}

/// What loading gave: a value unless something is wrong, and everything there is to say about it.
public struct LoadedConfiguration<Value: Sendable>: Sendable {
  /// The configuration; `nil` when there is an error among the issues.
  public let value: Value?

  /// Errors and warnings, in the order of the lines.
  public let issues: [ConfigurationIssue]

  /// The keys with the values that hold.
  let effective: EffectiveValues?

  /// The issues that keep the program from starting.
  public var errors: [ConfigurationIssue] { issues.filter { $0.severity == .error } }

  /// The issues that do not.
  public var warnings: [ConfigurationIssue] { issues.filter { $0.severity == .warning } }
}

/// Gathers issues: each once, and of errors and of warnings no more than
/// `ConfigurationLimits.issueCountMax` each.
struct IssueCollector {
  private var collected: [ConfigurationIssue] = []
  private var known: Set<ConfigurationIssue> = []
  private var errorCount = 0
  private var droppedCount = 0
  private let file: String

  /// `file` is the one whose issues come first.
  init(file: String) { self.file = file }

  /// How many issues there have been, kept or not.
  var count: Int { collected.count + droppedCount }

  var hasErrors: Bool { errorCount > 0 }

  /// Whether no further issue of this kind is kept, so that nobody need look for one.
  func isFull(_ severity: ConfigurationIssue.Severity) -> Bool {
    (severity == .error ? errorCount : known.count - errorCount)
      >= ConfigurationLimits.issueCountMax
  }

  /// Counts an issue that nobody looked into, since no more are kept.
  mutating func skip() { droppedCount += 1 }

  mutating func add(_ issue: ConfigurationIssue) {
    guard !known.contains(issue) else { return }
    guard !isFull(issue.severity) else { return skip() }
    if issue.severity == .error { errorCount += 1 }
    known.insert(issue)
    collected.append(issue)
  }

  mutating func add(
    _ severity: ConfigurationIssue.Severity, _ location: SourceLocation, key: String? = nil,
    _ message: String
  ) {
    add(
      ConfigurationIssue(
        severity: severity, file: location.file, line: location.line, column: location.column,
        key: key, message: message))
  }

  /// The issues: this file's first, by line; those without a line behind them.
  func finish() -> [ConfigurationIssue] {
    var files: [String: Int] = [file: 0]
    for issue in collected where files[issue.file] == nil { files[issue.file] = files.count }
    func order(_ issue: ConfigurationIssue) -> (Int, Int, Int) {
      (files[issue.file] ?? 0, issue.line ?? Int.max, issue.column ?? Int.max)
    }
    // Swift's sort is stable in practice but not by contract, hence the index.
    var sorted = collected.enumerated().sorted { left, right in
      let (a, b) = (order(left.element), order(right.element))
      return a == b ? left.offset < right.offset : a < b
    }.map(\.element)
    if droppedCount > 0 {
      sorted.append(
        ConfigurationIssue(
          severity: hasErrors ? .error : .warning, file: file, message: "and \(droppedCount) more"))
    }
    return sorted
  }
}
