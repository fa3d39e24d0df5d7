/// A flag of a command line that stands for a key of the configuration. Everything about it but
/// its name comes from the key's row in the schema.
public struct SettingFlag: Sendable, Equatable {
  /// How the value is written.
  public enum Kind: Sendable, Equatable {
    /// `true` or `false`.
    case boolean
    /// An integer.
    case integer
    /// Any other text.
    case text
    /// Items with commas between them.
    case list
  }

  /// What the value names, for a shell that completes it.
  public enum Candidates: Sendable, Equatable {
    /// Nothing that could be listed.
    case none
    /// A file.
    case files
    /// One of these.
    case words([String])
  }

  /// The table of the schema that has the key.
  enum Table: Sendable {
    case server
    case client
    case proxy
    case visitor
  }

  /// The name without dashes before it, `-` between its words.
  public let name: String

  /// The short form.
  public let letter: Character?

  /// How the value is written.
  public let kind: Kind

  /// What the value is, in a word.
  public let valueName: String

  /// The value that holds without the flag; empty for none.
  public let defaultText: String

  /// One line for the reader of the manual.
  public let documentation: String

  /// What the value names.
  public let candidates: Candidates

  /// Whether this version lacks what any value but the default needs.
  public let isMissing: Bool

  let table: Table
  /// The ID of the key.
  let keyID: String

  init<Target>(
    _ name: String, _ letter: Character?, _ key: SchemaKey<Target>, _ table: Table,
    defaultText: String?, names: [String: String]
  ) {
    self.name = Self.dashed(name)
    self.letter = letter
    self.table = table
    keyID = key.id
    kind = key.flagKind
    valueName = key.valueName
    self.defaultText = defaultText ?? key.iniDefault ?? key.defaultText
    candidates = key.candidates
    isMissing = key.missingFeature != nil
    let missing = isMissing ? " (not in this version)" : ""
    documentation = Self.translated(Self.withoutFiles(key.documentation), names) + missing
  }

  static func dashed(_ name: String) -> String { String(name.map { $0 == "_" ? "-" : $0 }) }

  /// Without what concerns files alone.
  private static func withoutFiles(_ documentation: String) -> String {
    let parts = documentation.split(separator: "; ")
    return parts.filter { !$0.hasPrefix("in INI files ") }.joined(separator: "; ")
  }

  /// Legacy names in back quotes become the flags that stand for them; the quotes go.
  private static func translated(_ documentation: String, _ names: [String: String]) -> String {
    documentation.split(separator: "`", omittingEmptySubsequences: false).enumerated()
      .map { offset, part in
        offset.isMultiple(of: 2) ? String(part) : names[String(part)] ?? String(part)
      }.joined()
  }
}

extension SchemaKey {
  fileprivate var flagKind: SettingFlag.Kind {
    switch rule {
    case .boolean, .presence: .boolean
    case .integer: .integer
    case .text, .choice, .ignored: .text
    case .list, .map, .namedValues, .flags, .ports: .list
    }
  }

  fileprivate var valueName: String {
    switch rule {
    case .boolean, .presence: ""
    case .integer(let rule, _):
      switch rule.kind {
      case .port: "port"
      case .seconds, .milliseconds, .hours, .days: rule.kind.rawValue
      case .count, .bytes: "number"
      }
    case .text(let rule, _):
      switch rule.kind {
      case .text: "text"
      case .secret: "secret"
      case .host: "host"
      case .address: "address"
      case .hostAndPort: "host:port"
      case .path: "file"
      case .url, .secretURL: "url"
      case .bandwidth: "bandwidth"
      case .memory: "size"
      case .network: "network"
      }
    case .choice: "name"
    case .list: "items"
    case .map, .namedValues, .flags: "name=value"
    case .ports: "ports"
    case .ignored: "text"
    }
  }

  fileprivate var candidates: SettingFlag.Candidates {
    switch rule {
    case .text(let rule, _): rule.kind == .path ? .files : .none
    case .choice(let rule, _): .words(rule.present.filter { !$0.isEmpty })
    case .boolean, .integer, .list, .map, .namedValues, .flags, .ports, .presence, .ignored: .none
    }
  }
}
