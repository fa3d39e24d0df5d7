/// A key whose value differs between two configurations.
public struct KeyChange: Hashable, Sendable {
  /// The key as TOML, YAML and JSON files call it.
  public var name: String

  /// Whether a running program can take the new value without cutting a connection; else it keeps
  /// the old one until it is started anew.
  public var isAppliedAtRunTime: Bool

  /// Puts both together.
  public init(name: String, isAppliedAtRunTime: Bool) {
    self.name = name
    self.isAppliedAtRunTime = isAppliedAtRunTime
  }
}

/// How two lists of named entries, such as proxies, differ.
public struct EntryChanges<Entry: Equatable & Sendable>: Equatable, Sendable {
  /// Entries that only the new list has.
  public var added: [Entry] = []

  /// Entries that both have, by name, as the new list has them, where anything in them differs.
  public var changed: [Entry] = []

  /// Names that only the old list has.
  public var removedNames: [String] = []

  /// Names of entries that are the same in both.
  public var unchangedNames: [String] = []

  /// Whether nothing differs.
  public var isEmpty: Bool { added.isEmpty && changed.isEmpty && removedNames.isEmpty }

  /// Compares two lists, each name once in each; results are in the order of the lists.
  public init(from old: [Entry], to new: [Entry], name: (Entry) -> String) {
    var rest = Dictionary(old.map { (name($0), $0) }) { first, _ in first }
    for entry in new {
      guard let before = rest.removeValue(forKey: name(entry)) else {
        added.append(entry)
        continue
      }
      if before == entry { unchangedNames.append(name(entry)) } else { changed.append(entry) }
    }
    if !rest.isEmpty { removedNames = old.map(name).filter { rest[$0] != nil } }
  }
}

/// How two configurations of frpc differ.
public struct ClientConfigurationChanges: Equatable, Sendable {
  /// The proxies.
  public var proxies: EntryChanges<ProxyConfiguration>

  /// The visitors.
  public var visitors: EntryChanges<VisitorConfiguration>

  /// All other keys, in the order of the manual.
  public var keys: [KeyChange]

  /// Whether nothing differs.
  public var isEmpty: Bool { proxies.isEmpty && visitors.isEmpty && keys.isEmpty }

  /// Compares two configurations.
  public init(from old: ClientConfiguration, to new: ClientConfiguration) {
    proxies = EntryChanges(from: old.proxies, to: new.proxies, name: \.name)
    visitors = EntryChanges(from: old.visitors, to: new.visitors, name: \.name)
    keys = ComparedKey.client.compactMap { $0.change(from: old, to: new) }
  }
}

/// How two configurations of frps differ.
public struct ServerConfigurationChanges: Equatable, Sendable {
  /// The keys, in the order of the manual.
  public var keys: [KeyChange]

  /// Whether nothing differs.
  public var isEmpty: Bool { keys.isEmpty }

  /// Compares two configurations.
  public init(from old: ServerConfiguration, to new: ServerConfiguration) {
    keys = ComparedKey.server.compactMap { $0.change(from: old, to: new) }
  }
}
