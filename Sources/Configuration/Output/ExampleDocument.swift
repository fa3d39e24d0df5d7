/// The complete example files: every key once, with a value that is not its default. The shipped
/// files and their twins in other formats are made of it.
struct ExampleDocument {
  /// One key with its value.
  struct Entry {
    var iniName: String?
    var v1Name: String?
    var value: FieldValue
    var documentation: String
    var feature: Feature?
    var alternativeTo: String?
    var needsFiles = false
  }

  /// The keys of the program, or one proxy, visitor or plugin.
  struct Table {
    /// What a list of the current generation is called; `nil` for the program's own keys.
    var list: String?
    /// The section in INI files; `nil` when they have none like it.
    var section: String?
    var comment = ""
    /// What must be there for the table as a whole.
    var feature: Feature?
    /// Whether the table as a whole names files that have to be there.
    var needsFiles = false
    var entries: [Entry]
  }

  var program: String
  var tables: [Table]

  static let server = ExampleDocument(
    program: "frps",
    tables: [
      Table(section: "common", entries: entries(ServerSchema.index)),
      Table(
        list: GroupSchema.list, section: GroupSchema.sectionPrefix + "web",
        comment: "A group with settings of its own; the keys above hold for what it leaves out.",
        entries: entries(GroupSchema.index, name: "web")),
      Table(
        list: HostCertificateSchema.list,
        section: HostCertificateSchema.sectionPrefix + "www.example.com",
        comment: "The certificate of a host whose TLS ends at the relay.", needsFiles: true,
        entries: entries(HostCertificateSchema.index)),
      Table(
        list: "httpPlugins", section: "plugin.example",
        comment: "A server plugin: an HTTP server that is asked before something is allowed.",
        feature: .serverPlugins,
        entries: entries(ServerPluginSchema.index, name: "example")),
    ])

  static let client = ExampleDocument(
    program: "frpc",
    tables: [Table(section: "common", entries: entries(ClientSchema.index))]
      + ProxyKind.allCases.map(proxy) + ClientPluginKind.allCases.map(plugin)
      + VisitorKind.allCases.map(visitor))

  /// Without what only the current generation has, for comparison with an INI file.
  var inBothGenerations: ExampleDocument {
    var result = self
    result.tables = tables.filter { $0.section != nil }
    return result
  }

  private static func proxy(_ kind: ProxyKind) -> Table {
    let name = "example-\(kind.rawValue)"
    let isFirst = kind == .tcp
    var entries = entries(ProxySchema.index, kind: kind.rawValue, name: name) { key in
      let isOfKind = key.scope.kinds != nil || ["name", "type", "localPort"].contains(key.id)
      return key.scope.plugins == nil && key.id != "plugin.type" && (isFirst || isOfKind)
    }
    set("type", .text(kind.rawValue), in: &entries)
    return Table(
      list: "proxies", section: name,
      comment: isFirst
        ? "A proxy of the type tcp, with the keys that all types have."
        : "A proxy of the type \(kind.rawValue).",
      feature: kind.feature, entries: entries)
  }

  private static func plugin(_ plugin: ClientPluginKind) -> Table {
    let name = "example-\(plugin.rawValue)"
    var entries = entries(
      ProxySchema.index, kind: ProxyKind.tcp.rawValue, plugin: plugin.rawValue, name: name
    ) { key in
      key.scope.plugins != nil || ["name", "type", "remotePort", "plugin.type"].contains(key.id)
    }
    set("plugin.type", .text(plugin.rawValue), in: &entries)
    let hasSection: Bool
    switch plugin {
    case .http2http, .tls2raw, .virtualNet: hasSection = false
    case .httpProxy, .socks5, .staticFile, .unixDomainSocket, .http2https, .https2http,
      .https2https:
      hasSection = true
    }
    return Table(
      list: "proxies", section: hasSection ? name : nil,
      comment: "A proxy with the plugin \(plugin.rawValue).", feature: .clientPlugins,
      entries: entries)
  }

  private static func visitor(_ kind: VisitorKind) -> Table {
    let name = "visit-\(kind.rawValue)"
    let isFirst = kind == .stcp
    let needed: Set = ["name", "type", "serverName", "bindPort", "role"]
    var entries = entries(VisitorSchema.index, kind: kind.rawValue, name: name) { key in
      !key.id.hasPrefix("plugin.")
        && (isFirst || key.scope.kinds != nil || needed.contains(key.id))
    }
    set("type", .text(kind.rawValue), in: &entries)
    entries.insert(
      Entry(iniName: "role", value: .text("visitor"), documentation: "makes the section a visitor"),
      at: 0)
    return Table(
      list: "visitors", section: name,
      comment: "A visitor of a proxy of the type \(kind.rawValue).", feature: .visitors,
      entries: entries)
  }

  private static func set(_ id: String, _ value: FieldValue, in entries: inout [Entry]) {
    for index in entries.indices where entries[index].v1Name == id { entries[index].value = value }
  }

  private static func entries<Target: Sendable>(
    _ index: SchemaIndex<Target>, kind: String = "", plugin: String = "", name: String = "",
    where isWanted: (SchemaKey<Target>) -> Bool = { _ in true }
  ) -> [Entry] {
    index.keys.compactMap { key in
      guard key.scope.contains(kind: kind, plugin: plugin) || key.scope.plugins == [plugin],
        isWanted(key)
      else { return nil }
      if case .presence = key.rule { return nil }
      if key.id == "role" { return nil }
      return Entry(
        iniName: key.iniName, v1Name: key.v1Name,
        value: key.id == "name" ? .text(name) : key.exampleValue, documentation: key.documentation,
        feature: key.feature, alternativeTo: key.alternativeTo, needsFiles: key.needsFiles)
    }
  }
}

extension SchemaKey {
  /// The example as a value, or the default when there is none.
  var exampleValue: FieldValue {
    if example.isEmpty { return defaultValue }
    let pairs = listItems(example).map { item in
      let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return (String(parts[0]), String(parts.last ?? ""))
    }
    switch rule {
    case .text, .choice, .ignored: return .text(example)
    case .boolean, .presence: return .boolean(example == "true")
    case .integer: return .integer(Int(example) ?? 0)
    case .list: return .list(listItems(example))
    case .map: return .map(Dictionary(pairs) { first, _ in first })
    case .namedValues: return .namedValues(pairs.map { NamedValue(name: $0.0, value: $0.1) })
    case .flags:
      return .flags(Dictionary(pairs) { first, _ in first }.mapValues { $0 == "true" })
    case .ports: return .ports((try? PortRanges(parsing: example)) ?? .all)
    }
  }

  /// The default as pages and examples show it; empty for the empty one.
  var defaultText: String {
    switch defaultValue {
    case .text(let text): text
    case .boolean(let value): value ? "true" : "false"
    case .integer(let number): String(number)
    case .ports(let ports): ports.description
    case .list, .map, .namedValues, .flags: ""
    }
  }
}
