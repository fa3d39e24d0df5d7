/// What a key asks of its value, with the default and where the value goes. One declaration serves
/// parsing, validation and documentation.
enum KeyRule<Target>: Sendable {
  /// Any text. `store` gives what is wrong with it, or `nil` when it took it.
  case text(
    TextKind, defaultText: String, store: @Sendable (inout Target, String) -> String?)

  /// `true` or `false`.
  case boolean(defaultValue: Bool, store: @Sendable (inout Target, Bool) -> Void)

  /// An integer in `range`. In frp zero means the default, so it does here for frp's keys.
  case integer(
    IntegerKind, defaultValue: Int, range: ClosedRange<Int>, zeroIsDefault: Bool = true,
    store: @Sendable (inout Target, Int) -> Void)

  /// One of the names of an enumeration; `later` are names that frp has and this version has not.
  case choice(
    defaultText: String, now: [String], later: [String],
    store: @Sendable (inout Target, String) -> Void)

  /// A comma list.
  case list(store: @Sendable (inout Target, [String]) -> Void)

  /// All keys with a prefix; the rest of each key names the member.
  case map(store: @Sendable (inout Target, [String: String]) -> Void)

  /// Taken and without effect, as in frp or because nothing can come of it here.
  case ignored(TypeName, defaultText: String)

  /// Belongs to a feature that this version has not; any value but the default is an error.
  case absent(TypeName, defaultText: String, feature: String)
}

/// How texts are documented, and whether issues may quote them.
enum TextKind: String, Sendable {
  case text = "text"
  case secret = "secret text"
  case host = "host name or address"
  case address = "IP address"
  case hostAndPort = "host, host:port"
  case path = "path"
  case url = "URL"
  case ports = "list of N and A-B"
  case bandwidth = "number with KB or MB"
  case memory = "number with KB, MB or GB"
}

/// How integers are documented.
enum IntegerKind: String, Sendable {
  case count = "number"
  case port = "port"
  case seconds = "seconds"
  case days = "days"
  case bytes = "bytes"
}

/// The type of a value that is only compared with its default.
enum TypeName: String, Sendable {
  case text = "text"
  case boolean = "boolean"
  case integer = "number"
  case list = "list"
  case map = "map"
}

/// One key of the configuration.
struct SchemaKey<Target>: Sendable {
  /// The legacy name; a `*` at the end stands for the rest of a key.
  let iniName: String

  /// The name in the current generation, dots for nesting; `nil` when there is none.
  let v1Name: String?

  let rule: KeyRule<Target>

  /// One line for the reader of the manual.
  let documentation: String

  init(
    _ iniName: String, _ v1Name: String?, _ rule: KeyRule<Target>, _ documentation: String
  ) {
    self.iniName = iniName
    self.v1Name = v1Name
    self.rule = rule
    self.documentation = documentation
  }

  /// The prefix, for a key that stands for many.
  var prefix: String? { iniName.hasSuffix("*") ? String(iniName.dropLast()) : nil }

  func matches(_ key: String) -> Bool {
    if let prefix { return key.hasPrefix(prefix) && key != prefix }
    return key == iniName
  }

  /// The feature that is missing when the key cannot be used.
  var absentFeature: String? {
    if case .absent(_, _, let feature) = rule { return feature }
    return nil
  }

  /// The default as documentation shows it.
  var defaultText: String {
    switch rule {
    case .text(_, let text, _), .choice(let text, _, _, _), .ignored(_, let text),
      .absent(_, let text, _):
      text
    case .boolean(let value, _): value ? "true" : "false"
    case .integer(_, let value, _, _, _): String(value)
    case .list, .map: ""
    }
  }

  /// The type as documentation shows it.
  var typeText: String {
    switch rule {
    case .text(let kind, _, _): kind.rawValue
    case .boolean: TypeName.boolean.rawValue
    case .integer(let kind, _, let range, _, _):
      if kind == .seconds || kind == .port {
        kind.rawValue
      } else if range.lowerBound >= 0 {
        "\(kind.rawValue), \(range.lowerBound) to \(range.upperBound)"
      } else {
        kind.rawValue
      }
    case .choice(_, let now, _, _): now.map { $0.isEmpty ? "(empty)" : $0 }.joined(separator: ", ")
    case .list: "comma list"
    case .map: TypeName.map.rawValue
    case .ignored(let type, _), .absent(let type, _, _): type.rawValue
    }
  }
}

extension KeyRule {
  static func port(
    _ defaultValue: Int, _ store: @escaping @Sendable (inout Target, UInt16) -> Void
  ) -> KeyRule {
    .integer(.port, defaultValue: defaultValue, range: 0...65_535) { target, number in
      store(&target, UInt16(clamping: number))
    }
  }

  static func seconds(
    _ defaultValue: Int, minimum: Int = 0, _ store: @escaping @Sendable (inout Target, Int) -> Void
  ) -> KeyRule {
    .integer(
      .seconds, defaultValue: defaultValue, range: minimum...ConfigurationLimits.secondsMax,
      store: store)
  }

  /// Seconds of which negative ones switch something off.
  static func secondsOrOff(
    _ defaultValue: Int, _ store: @escaping @Sendable (inout Target, Int) -> Void
  ) -> KeyRule {
    .seconds(defaultValue, minimum: -ConfigurationLimits.secondsMax, store)
  }

  static func plain(
    _ kind: TextKind = .text, _ defaultText: String = "",
    _ store: @escaping @Sendable (inout Target, String) -> Void
  ) -> KeyRule {
    .text(kind, defaultText: defaultText) { target, text in
      store(&target, text)
      return nil
    }
  }

  static func host(
    _ defaultText: String, _ store: @escaping @Sendable (inout Target, String) -> Void
  ) -> KeyRule {
    .text(.host, defaultText: defaultText) { target, text in
      guard HostText.isAddress(text) || HostText.isName(text) else {
        return "expected a host name or an IP address (IPv6 without brackets, no port), "
          + "found \(quoted(text))"
      }
      store(&target, text)
      return nil
    }
  }

  static func absent(_ type: TypeName, _ feature: String) -> KeyRule {
    let defaultText =
      switch type {
      case .boolean: "false"
      case .integer: "0"
      case .text, .list, .map: ""
      }
    return .absent(type, defaultText: defaultText, feature: feature)
  }
}
