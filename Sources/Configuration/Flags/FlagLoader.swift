/// A flag with what followed it.
public struct SettingValue: Sendable, Equatable {
  /// The flag.
  public let flag: SettingFlag

  /// Its value; of a list all items that were given.
  public let text: String

  /// Puts both together.
  public init(_ flag: SettingFlag, _ text: String) {
    self.flag = flag
    self.text = text
  }
}

extension ConfigurationLoader {
  /// What issues name in the place of a file.
  public static let commandLine = "command line"

  /// Makes frps' configuration of flags alone.
  public static func loadServer(
    flags: [SettingValue], options: LoadOptions = LoadOptions()
  ) -> LoadedConfiguration<ServerConfiguration> {
    var issues = IssueCollector(file: commandLine)
    let reader = FlagReader(flags, options)
    var draft = ServerSchema.index.defaults
    draft.shared.webAddress = ServerSchema.iniDashboardAddress
    let places = reader.read(ServerSchema.index, .server, into: &draft, &issues)
    draft.complete()
    let configuration = draft.finish(places, options: options, &issues)
    return LoadedConfiguration(
      value: issues.hasErrors ? nil : configuration, issues: issues.finish(),
      effective: issues.hasErrors ? nil : .server(draft))
  }

  /// Makes the configuration of a client with one proxy of flags alone.
  ///
  /// - Parameter environment: holds the default of `http_proxy`.
  public static func loadClient(
    flags: [SettingValue], proxy kind: ProxyKind, environment: [String: String],
    options: LoadOptions = LoadOptions()
  ) -> LoadedConfiguration<ClientConfiguration> {
    loadClient(flags, environment, options) { reader, issues, configuration in
      var draft = ProxySchema.index.defaults
      let places = reader.read(
        ProxySchema.index, .proxy, kind: kind.rawValue, into: &draft, &issues)
      guard FlagReader.checkName(draft.name, places, &issues) else { return nil }
      guard let proxy = draft.finish(places, &issues) else { return nil }
      configuration.proxies = [proxy]
      return ([draft], [])
    }
  }

  /// Makes the configuration of a client with one visitor of flags alone.
  ///
  /// - Parameter environment: holds the default of `http_proxy`.
  public static func loadClient(
    flags: [SettingValue], visitor kind: VisitorKind, environment: [String: String],
    options: LoadOptions = LoadOptions()
  ) -> LoadedConfiguration<ClientConfiguration> {
    loadClient(flags, environment, options) { reader, issues, configuration in
      var draft = VisitorSchema.index.defaults
      let places = reader.read(
        VisitorSchema.index, .visitor, kind: kind.rawValue, into: &draft, &issues)
      guard FlagReader.checkName(draft.name, places, &issues) else { return nil }
      guard let visitor = draft.finish(places, &issues) else { return nil }
      configuration.visitors = [visitor]
      return ([], [draft])
    }
  }

  private static func loadClient(
    _ flags: [SettingValue], _ environment: [String: String], _ options: LoadOptions,
    _ readEntry: (FlagReader, inout IssueCollector, inout ClientConfiguration) -> (
      [ProxyDraft], [VisitorDraft]
    )?
  ) -> LoadedConfiguration<ClientConfiguration> {
    var issues = IssueCollector(file: commandLine)
    let reader = FlagReader(flags, options)
    var draft = ClientSchema.index.defaults
    draft.serverHost = SettingFlags.client.first { $0.keyID == "serverAddr" }?.defaultText ?? ""
    let places = reader.read(ClientSchema.index, .client, into: &draft, &issues)
    draft.complete()
    var configuration = draft.finish(
      places, environment: environment, options: options, &issues)
    let entries = readEntry(reader, &issues, &configuration)
    guard let entries, !issues.hasErrors else {
      return LoadedConfiguration(value: nil, issues: issues.finish(), effective: nil)
    }
    return LoadedConfiguration(
      value: configuration, issues: issues.finish(),
      effective: .client(draft, entries.0, entries.1))
  }
}

/// Brings the values of flags into drafts, by the schema, as a file's are.
private struct FlagReader {
  private let values: [SettingValue]
  private let options: LoadOptions
  private let location = SourceLocation(file: ConfigurationLoader.commandLine)

  init(_ values: [SettingValue], _ options: LoadOptions) {
    self.values = values
    self.options = options
  }

  func read<Target>(
    _ index: SchemaIndex<Target>, _ table: SettingFlag.Table, kind: String = "",
    into draft: inout Target, _ issues: inout IssueCollector
  ) -> KeyPlaces {
    let own = values.filter { $0.flag.table == table }
    var names = index.iniNamesByID
    for flag in Self.flags(table, kind) { names[flag.keyID] = "--\(flag.name)" }
    var places = KeyPlaces(.ini, table: location, iniNames: names)
    let context = ReadContext(options: options, kind: kind)
    if !kind.isEmpty, let key = index.key(id: "type") {
      FieldWriter.write(
        .text(kind), key, at: location, shownAs: "type", into: &draft, context, &issues)
    }
    for value in own {
      guard let key = index.key(id: value.flag.keyID) else { continue }
      let name = "--\(value.flag.name)"
      places.add(key.id, location)
      guard let field = Self.field(value.text, key, name, location, &issues) else {
        places.addFault(key.id)
        continue
      }
      let issueCount = issues.count
      FieldWriter.write(
        field, key, at: location, shownAs: name, into: &draft, context, &issues)
      if issues.count > issueCount { places.addFault(key.id) }
    }
    return places
  }

  private static func flags(_ table: SettingFlag.Table, _ kind: String) -> [SettingFlag] {
    switch table {
    case .server: SettingFlags.server
    case .client: SettingFlags.client
    case .proxy:
      SettingFlags.everyProxy + (ProxyKind(rawValue: kind).map { SettingFlags.proxy($0) } ?? [])
    case .visitor: VisitorKind(rawValue: kind).map { SettingFlags.visitor($0) } ?? []
    }
  }

  static func checkName(
    _ name: String, _ places: KeyPlaces, _ issues: inout IssueCollector
  ) -> Bool {
    if name.isEmpty { places.fail("name", "expected a name, found none", &issues) }
    return !name.isEmpty
  }

  /// The value; `nil`, with an issue, when it is of another type.
  private static func field<Target>(
    _ text: String, _ key: SchemaKey<Target>, _ name: String, _ location: SourceLocation,
    _ issues: inout IssueCollector
  ) -> FieldValue? {
    func wrong(_ expected: String) -> FieldValue? {
      issues.add(.error, location, key: name, "expected \(expected), found \(quoted(text))")
      return nil
    }
    switch key.rule {
    case .text, .choice, .ignored: return .text(text)
    case .boolean, .presence:
      return ScalarText.boolean(text).map { .boolean($0) } ?? wrong("true or false")
    case .integer(let rule, _):
      return ScalarText.integer(text).map { .integer($0) } ?? wrong(rule.kind.noun)
    case .list: return .list(listItems(text))
    case .ports:
      do throws(PortRangesError) {
        return .ports(try PortRanges(parsing: text))
      } catch {
        issues.add(.error, location, key: name, error.description)
        return nil
      }
    case .map, .namedValues, .flags:
      var members: [String: String] = [:]
      for item in listItems(text) {
        let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty else {
          issues.add(
            .error, location, key: name, "expected items like name=value, found \(quoted(item))")
          return nil
        }
        members[String(parts[0])] = String(parts[1])
      }
      return .map(members)
    }
  }
}
