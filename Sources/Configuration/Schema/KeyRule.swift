/// What a key asks of its value, with the default and where the value goes. One declaration serves
/// parsing in every format, validation, documentation, examples and dumps.
enum KeyRule<Target>: Sendable {
  typealias Path<Value> = any WritableKeyPath<Target, Value> & Sendable

  /// Any text that passes the check.
  case text(TextRule, Path<String>)

  /// `true` or `false`.
  case boolean(Bool, Path<Bool>)

  /// An integer in a range.
  case integer(IntegerRule, Path<Int>)

  /// One of the names of an enumeration.
  case choice(ChoiceRule, Path<String>)

  /// A comma list, or an array of texts; each item one of `choices` unless that is empty.
  case list(choices: [String], Path<[String]>)

  /// All keys with a prefix, or a table of texts.
  case map(Path<[String: String]>)

  /// An array of tables with `name` and `value`.
  case namedValues(Path<[NamedValue]>)

  /// A table of booleans.
  case flags(Path<[String: Bool]>)

  /// Ports: a list of `N` and `A-B`, or an array of tables with `single` or with `start` and `end`.
  case ports(Path<PortRanges>)

  /// Whether the table of this name is there.
  case presence(Path<Bool>)

  /// Taken and without effect, as in frp.
  case ignored(TypeName)
}

/// What a text must be.
struct TextRule: Sendable {
  var kind = TextKind.text
  var defaultText = ""
  /// Gives what is wrong with a text, without repeating a secret; `nil` when nothing is.
  var fault: @Sendable (String) -> String? = { _ in nil }
}

/// What an integer must be.
struct IntegerRule: Sendable {
  var kind: IntegerKind
  var defaultValue: Int
  var range: ClosedRange<Int>
  /// In frp zero means the default.
  var zeroIsDefault = true
}

/// The names that a key may have as its value.
struct ChoiceRule: Sendable {
  struct Choice: Sendable {
    var name: String
    var feature: Feature?
  }

  var defaultText: String
  var choices: [Choice]

  /// The names that this version has.
  var present: [String] {
    choices.filter { $0.feature?.isInThisVersion ?? true }.map(\.name)
  }
}

/// How texts are documented, and whether issues and dumps may show them.
enum TextKind: String, Sendable {
  case text = "text"
  case secret = "secret text"
  case host = "host name or address"
  case address = "IP address"
  case hostAndPort = "host, host:port"
  case path = "path"
  case url = "URL"
  /// A URL that may hold a password.
  case secretURL = "URL with login"
  case bandwidth = "number with KB or MB"
  case memory = "number with KB, MB or GB"
  case network = "address/bits"

  var isSecret: Bool { self == .secret || self == .secretURL }
}

/// How integers are documented.
enum IntegerKind: String, Sendable {
  case count = "number"
  case port = "port"
  case seconds = "seconds"
  case milliseconds = "milliseconds"
  case hours = "hours"
  case days = "days"
  case bytes = "bytes"

  /// With an article, for issues.
  var noun: String {
    switch self {
    case .port: "a port"
    case .seconds: "seconds"
    case .milliseconds: "milliseconds"
    case .hours: "hours"
    case .count, .days, .bytes: "a number"
    }
  }
}

/// The type of a value that nobody looks at.
enum TypeName: String, Sendable {
  case text = "text"
}

extension KeyRule {
  static func text(
    _ path: Path<String>, _ defaultText: String = "", kind: TextKind = .text,
    fault: @escaping @Sendable (String) -> String? = { _ in nil }
  ) -> KeyRule {
    .text(TextRule(kind: kind, defaultText: defaultText, fault: fault), path)
  }

  static func secret(_ path: Path<String>) -> KeyRule { .text(path, kind: .secret) }

  static func path(_ path: Path<String>, _ defaultText: String = "") -> KeyRule {
    .text(path, defaultText, kind: .path)
  }

  static func host(_ path: Path<String>, _ defaultText: String = "") -> KeyRule {
    .text(path, defaultText, kind: .host, fault: TextChecks.host)
  }

  static func boolean(_ path: Path<Bool>, _ defaultValue: Bool = false) -> KeyRule {
    .boolean(defaultValue, path)
  }

  static func integer(
    _ path: Path<Int>, _ kind: IntegerKind, _ defaultValue: Int, _ range: ClosedRange<Int>,
    zeroIsDefault: Bool = true
  ) -> KeyRule {
    .integer(
      IntegerRule(
        kind: kind, defaultValue: defaultValue, range: range, zeroIsDefault: zeroIsDefault), path)
  }

  static func port(_ path: Path<Int>, _ defaultValue: Int = 0) -> KeyRule {
    .integer(path, .port, defaultValue, 0...65_535)
  }

  static func seconds(_ path: Path<Int>, _ defaultValue: Int) -> KeyRule {
    .integer(path, .seconds, defaultValue, 0...ConfigurationLimits.secondsMax)
  }

  /// Seconds of which negative ones switch something off.
  static func secondsOrOff(_ path: Path<Int>, _ defaultValue: Int) -> KeyRule {
    .integer(
      path, .seconds, defaultValue,
      -ConfigurationLimits.secondsMax...ConfigurationLimits.secondsMax)
  }

  static func choice(_ path: Path<String>, _ defaultText: String, _ names: [String]) -> KeyRule {
    .choice(
      ChoiceRule(defaultText: defaultText, choices: names.map { .init(name: $0, feature: nil) }),
      path)
  }

  static func choice(
    _ path: Path<String>, _ defaultText: String, features: [(String, Feature?)]
  ) -> KeyRule {
    .choice(
      ChoiceRule(
        defaultText: defaultText, choices: features.map { .init(name: $0.0, feature: $0.1) }), path)
  }
}
