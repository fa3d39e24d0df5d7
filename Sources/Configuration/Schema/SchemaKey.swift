/// One key of the configuration.
struct SchemaKey<Target>: Sendable {
  /// The legacy name; a `*` at the end stands for the rest of a key. `nil` when there is none.
  let iniName: String?

  /// The name in the current generation, dots for nesting; `nil` when there is none.
  let v1Name: String?

  let rule: KeyRule<Target>

  /// One line for the reader of the manual. Names of keys in back quotes are legacy names, and are
  /// translated where the reader uses the current generation.
  let documentation: String

  /// What must be there for any value but the default.
  let feature: Feature?

  /// The default in INI files where it is another one.
  let iniDefault: String?

  /// Where the key has a meaning.
  let scope: KeyScope

  /// A value that is not the default, as an INI file spells it, for the complete example files.
  let example: String

  /// The key that this one stands for another way of; an example file sets only one of them.
  let alternativeTo: String?

  /// The legacy name of the program's own key whose value holds when this one, of a section, is not
  /// set.
  let fallback: String?

  /// Whether the value names files without which the configuration is wrong, so that no example
  /// file can set the key.
  let needsFiles: Bool

  init(
    _ iniName: String?, _ v1Name: String?, _ rule: KeyRule<Target>, _ documentation: String,
    feature: Feature? = nil, scope: KeyScope = .everywhere, example: String = "",
    alternativeTo: String? = nil, iniDefault: String? = nil, fallback: String? = nil,
    needsFiles: Bool = false
  ) {
    self.iniName = iniName
    self.v1Name = v1Name
    self.rule = rule
    self.documentation = documentation
    self.feature = feature
    self.scope = scope
    self.iniDefault = iniDefault
    self.example = example
    self.alternativeTo = alternativeTo
    self.fallback = fallback
    self.needsFiles = needsFiles
  }

  /// What tells the key from all others of its table.
  var id: String { v1Name ?? iniName ?? "" }

  /// The prefix, for a key that stands for many.
  var iniPrefix: String? {
    guard let iniName, iniName.hasSuffix("*") else { return nil }
    return String(iniName.dropLast())
  }

  /// The feature that is missing for any value but the default.
  var missingFeature: Feature? {
    guard let feature, !feature.isInThisVersion else { return nil }
    return feature
  }

  /// Whether issues, dumps and pages may show values.
  var isSecret: Bool {
    if case .text(let rule, _) = rule { return rule.kind.isSecret }
    return false
  }

  /// The value that holds when the key is not set.
  var defaultValue: FieldValue {
    switch rule {
    case .text(let rule, _): .text(rule.defaultText)
    case .boolean(let value, _): .boolean(value)
    case .integer(let rule, _): .integer(rule.defaultValue)
    case .choice(let rule, _): .text(rule.defaultText)
    case .list: .list([])
    case .map: .map([:])
    case .namedValues: .namedValues([])
    case .flags: .flags([:])
    case .ports: .ports(.all)
    case .presence: .boolean(false)
    case .ignored: .text("")
    }
  }

  /// The value that `target` holds; `nil` for what nobody keeps.
  func value(in target: Target) -> FieldValue? {
    switch rule {
    case .text(_, let path): .text(target[keyPath: path])
    case .boolean(_, let path): .boolean(target[keyPath: path])
    case .integer(_, let path): .integer(target[keyPath: path])
    case .choice(_, let path): .text(target[keyPath: path])
    case .list(_, let path): .list(target[keyPath: path])
    case .map(let path): .map(target[keyPath: path])
    case .namedValues(let path): .namedValues(target[keyPath: path])
    case .flags(let path): .flags(target[keyPath: path])
    case .ports(let path): .ports(target[keyPath: path])
    case .presence(let path): .boolean(target[keyPath: path])
    case .ignored: nil
    }
  }

  /// Puts a value of the right type into `target`; one of another type is left alone.
  func put(_ value: FieldValue, into target: inout Target) {
    switch (rule, value) {
    case (.text(_, let path), .text(let text)): target[keyPath: path] = text
    case (.boolean(_, let path), .boolean(let boolean)): target[keyPath: path] = boolean
    case (.integer(_, let path), .integer(let number)): target[keyPath: path] = number
    case (.choice(_, let path), .text(let text)): target[keyPath: path] = text
    case (.list(_, let path), .list(let items)): target[keyPath: path] = items
    case (.map(let path), .map(let members)): target[keyPath: path] = members
    case (.namedValues(let path), .namedValues(let items)): target[keyPath: path] = items
    case (.flags(let path), .flags(let members)): target[keyPath: path] = members
    case (.ports(let path), .ports(let ports)): target[keyPath: path] = ports
    case (.presence(let path), .boolean(let boolean)): target[keyPath: path] = boolean
    case (_, _): break
    }
  }

  /// The type as documentation shows it.
  var typeText: String {
    switch rule {
    case .text(let rule, _): rule.kind.rawValue
    case .boolean, .presence: "boolean"
    case .integer(let rule, _):
      rule.kind == .count || rule.kind == .bytes
        ? "\(rule.kind.rawValue), \(rule.range.lowerBound) to \(rule.range.upperBound)"
        : rule.kind.rawValue
    case .choice(let rule, _):
      rule.choices.map { $0.name.isEmpty ? "(empty)" : $0.name }.joined(separator: ", ")
    case .list(let choices, _):
      choices.isEmpty ? "list" : "list of " + choices.joined(separator: ", ")
    case .map: "map"
    case .namedValues: "list of name and value"
    case .flags: "map of booleans"
    case .ports: "list of N and A-B"
    case .ignored(let type): type.rawValue
    }
  }
}

/// The value of one key, whatever it was written in.
enum FieldValue: Equatable, Sendable {
  case text(String)
  case boolean(Bool)
  case integer(Int)
  case list([String])
  case map([String: String])
  case namedValues([NamedValue])
  case flags([String: Bool])
  case ports(PortRanges)

  /// Whether it is what frp takes for "not set".
  var isEmpty: Bool {
    switch self {
    case .text(let text): text.isEmpty
    case .list(let items): items.isEmpty
    case .map(let members): members.isEmpty
    case .namedValues(let items): items.isEmpty
    case .flags(let members): members.isEmpty
    case .boolean, .integer, .ports: false
    }
  }
}

/// Where a key has a meaning: for which kinds of proxies and with which plugins.
struct KeyScope: Sendable, Equatable {
  /// `nil` for all.
  var kinds: [String]?
  /// `nil` when the key is none of a plugin.
  var plugins: [String]?

  static let everywhere = KeyScope()

  static func kinds(_ kinds: ProxyKind...) -> KeyScope { KeyScope(kinds: kinds.map(\.rawValue)) }

  static func kinds(_ kinds: VisitorKind...) -> KeyScope { KeyScope(kinds: kinds.map(\.rawValue)) }

  static func plugins(_ plugins: ClientPluginKind...) -> KeyScope {
    KeyScope(plugins: plugins.map(\.rawValue))
  }

  /// Whether the key has a meaning for that kind with that plugin.
  func contains(kind: String, plugin: String) -> Bool {
    (kinds?.contains(kind) ?? true) && (plugins?.contains(plugin) ?? true)
  }

  /// The places in words, for an issue about another place.
  var description: String {
    if let plugins { return "the plugins " + plugins.joined(separator: ", ") }
    if let kinds { return "the types " + kinds.joined(separator: ", ") }
    return ""
  }
}
