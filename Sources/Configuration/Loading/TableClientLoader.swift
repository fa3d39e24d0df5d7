/// Makes frpc's configuration of TOML, YAML and JSON files.
struct TableClientLoader {
  let loader: ClientLoader
  let file: SourceFile

  private var options: LoadOptions { loader.options }

  /// Proxies and visitors before they are read.
  private struct Entries {
    var proxies: [ListEntry] = []
    var visitors: [ListEntry] = []

    mutating func add(
      _ tree: ConfigurationValue, _ text: RenderedText, _ issues: inout IssueCollector
    ) {
      proxies += EntryList.entries("proxies", of: tree, text, &issues)
      visitors += EntryList.entries("visitors", of: tree, text, &issues)
    }
  }

  func load(
    _ tree: ConfigurationValue, _ text: RenderedText, _ issues: inout IssueCollector
  ) -> ClientLoader.Result {
    var draft = ClientSchema.index.defaults
    var places = readCommon(tree, text, into: &draft, &issues)
    draft.complete()
    var result = ClientLoader.Result(
      configuration: draft.finish(
        places, environment: loader.environment, options: options, &issues), draft: draft)
    var entries = Entries()
    entries.add(tree, text, &issues)
    let included = readIncludes(
      draft.includes, at: places.location("includes"), into: &entries, &issues)
    result.configuration.includedPaths = draft.includes + included
    tellDuplicates(entries.proxies, "proxy", &issues)
    tellDuplicates(entries.visitors, "visitor", &issues)
    let stored = applyStore(draft.storePath, to: &entries, &issues)
    result.configuration.storedProxyNames = Set((stored?.proxies ?? []).map(Self.name))
    tellUnknownNames(draft.startedNames, entries, &places, &issues)
    let count = entries.proxies.count + entries.visitors.count
    guard count <= ConfigurationLimits.proxyCountMax else {
      issues.add(
        .error, SourceLocation(file: file.path),
        "expected at most \(ConfigurationLimits.proxyCountMax) proxies, found \(count)")
      return result
    }
    let started = Set(draft.startedNames)
    for entry in entries.proxies { loadProxy(entry, started, into: &result, &issues) }
    for entry in entries.visitors { loadVisitor(entry, started, into: &result, &issues) }
    result.sort()
    return result
  }

  private func readCommon(
    _ tree: ConfigurationValue, _ text: RenderedText, into draft: inout ClientDraft,
    _ issues: inout IssueCollector
  ) -> KeyPlaces {
    var places = KeyPlaces(
      .v1, table: SourceLocation(file: text.file), iniNames: ClientSchema.iniNames)
    TableReader(
      index: ClientSchema.index, source: text, context: ReadContext(options: options),
      structural: ["proxies", "visitors"], elsewhere: Self.elsewhere
    ).read(tree, into: &draft, &places, &issues)
    return places
  }

  private static let elsewhere: [String: String] = {
    var places = ["httpplugins": "frps", HostCertificateSchema.list.lowercased(): "frps"]
    for key in ServerSchema.common {
      if let name = key.v1Name?.split(separator: ".").first { places[name.lowercased()] = "frps" }
    }
    return places
  }()

  // MARK: Includes and store

  /// - Returns: the paths of the files.
  private func readIncludes(
    _ patterns: [String], at location: SourceLocation, into entries: inout Entries,
    _ issues: inout IssueCollector
  ) -> [String] {
    let files = loader.includedFiles(patterns, at: location, &issues)
    for file in files {
      guard let text = file.render(.v1, environment: loader.environment, &issues),
        let tree = file.parse(text, &issues)
      else { continue }
      // The rest of the file has no effect, but is checked as the main file's is.
      var scratch = ClientSchema.index.defaults
      _ = readCommon(tree, text, into: &scratch, &issues)
      entries.add(tree, text, &issues)
    }
    return files.map(\.path)
  }

  /// Entries of the store stand before those of files that have their names.
  ///
  /// - Returns: what is in it; `nil` when it is not there or not used.
  private func applyStore(
    _ path: String, to entries: inout Entries, _ issues: inout IssueCollector
  ) -> StoreFile.Content? {
    guard !path.isEmpty, !options.ignoresStore else { return nil }
    let fullPath = ConfigurationLoader.storeFile(path, of: file.path)
    // A file that is not there is an empty store.
    guard let bytes = loader.includes.readFile(fullPath),
      let stored = StoreFile.read(bytes, path: fullPath, &issues)
    else { return nil }
    func merged(_ own: [ListEntry], _ stored: [ListEntry]) -> [ListEntry] {
      let names = Set(stored.map(Self.name))
      return own.filter { !names.contains(Self.name($0)) } + stored
    }
    entries.proxies = merged(entries.proxies, stored.proxies)
    entries.visitors = merged(entries.visitors, stored.visitors)
    return stored
  }

  // MARK: Names

  private static func name(_ entry: ListEntry) -> String { entry.value.member("name")?.text ?? "" }

  private func tellDuplicates(
    _ entries: [ListEntry], _ noun: String, _ issues: inout IssueCollector
  ) {
    var first: [String: SourceLocation] = [:]
    for entry in entries {
      let name = Self.name(entry)
      guard !name.isEmpty else { continue }
      if let other = first[name] {
        let place = other.file == entry.location.file ? "line \(other.line ?? 0)" : other.file
        issues.add(
          .error, entry.location, key: entry.prefix + "name",
          "expected another name, since there is a \(noun) \(quoted(name)) in \(place)")
      } else {
        first[name] = entry.location
      }
    }
  }

  private func tellUnknownNames(
    _ started: [String], _ entries: Entries, _ places: inout KeyPlaces,
    _ issues: inout IssueCollector
  ) {
    guard !started.isEmpty else { return }
    let names = Set((entries.proxies + entries.visitors).map(Self.name))
    for name in started where !names.contains(name) {
      places.warn("start", "there is no proxy and no visitor \(quoted(name))", &issues)
    }
  }

  // MARK: Proxies and visitors

  /// Whether the entry takes part at all.
  private func isStarted(_ entry: ListEntry, _ started: Set<String>) -> Bool {
    if !started.isEmpty, !started.contains(Self.name(entry)) { return false }
    if case .boolean(false)? = entry.value.member("enabled")?.content { return false }
    return true
  }

  private func loadProxy(
    _ entry: ListEntry, _ started: Set<String>, into result: inout ClientLoader.Result,
    _ issues: inout IssueCollector
  ) {
    let isStarted = isStarted(entry, started)
    var draft = ProxySchema.index.defaults
    var places = entry.places(ProxySchema.iniNames)
    guard
      let kind = kind(
        entry, ProxyKind.allCases.map(\.rawValue), ProxySchema.index, places, &draft, &issues)
    else { return }
    let plugin = entry.value.member("plugin")
    var context = ReadContext(
      options: options, kind: kind, plugin: plugin?.member("type")?.text ?? "")
    context.checksRules = isStarted
    if let plugin, case .table = plugin.content, context.plugin.isEmpty, isStarted {
      issues.add(
        .error, entry.source.location(plugin.place), key: entry.prefix + "plugin.type",
        "expected the name of a plugin, found none")
    }
    TableReader(index: ProxySchema.index, source: entry.source, context: context)
      .read(entry.value, into: &draft, &places, &issues)
    guard isStarted, checkName(draft.name, places, &issues),
      let proxy = draft.finish(places, &issues)
    else { return }
    result.proxyDrafts.append(draft)
    result.configuration.proxies.append(proxy)
  }

  private func loadVisitor(
    _ entry: ListEntry, _ started: Set<String>, into result: inout ClientLoader.Result,
    _ issues: inout IssueCollector
  ) {
    let isStarted = isStarted(entry, started)
    var draft = VisitorSchema.index.defaults
    var places = entry.places(VisitorSchema.iniNames)
    guard
      let kind = kind(
        entry, VisitorKind.allCases.map(\.rawValue), VisitorSchema.index, places, &draft, &issues)
    else { return }
    var context = ReadContext(options: options, kind: kind)
    context.checksRules = isStarted
    TableReader(index: VisitorSchema.index, source: entry.source, context: context)
      .read(entry.value, into: &draft, &places, &issues)
    guard isStarted, checkName(draft.name, places, &issues),
      let visitor = draft.finish(places, &issues)
    else { return }
    result.visitorDrafts.append(draft)
    result.configuration.visitors.append(visitor)
  }

  private func checkName(
    _ name: String, _ places: KeyPlaces, _ issues: inout IssueCollector
  ) -> Bool {
    if name.isEmpty { places.fail("name", "expected a name, found none", &issues) }
    return !name.isEmpty
  }

  /// The type; `nil`, with an issue, when there is none: then nobody can say which other keys are
  /// right.
  private func kind<Target: Sendable>(
    _ entry: ListEntry, _ names: [String], _ index: SchemaIndex<Target>, _ places: KeyPlaces,
    _ draft: inout Target, _ issues: inout IssueCollector
  ) -> String? {
    let value = entry.value.member("type")
    let kind = value?.text ?? ""
    if names.contains(kind) { return kind }
    if kind.isEmpty {
      let found = value.map { $0.text == nil ? $0.described(isSecret: false) : "none" } ?? "none"
      issues.add(
        .error, value.map { entry.source.location($0.place) } ?? entry.location,
        key: entry.prefix + "type",
        "expected one of \(names.joined(separator: ", ")), found \(found)")
    } else if let key = index.key(id: "type"), let value {
      FieldWriter.write(
        .text(kind), key, at: entry.source.location(value.place), shownAs: entry.prefix + "type",
        into: &draft, ReadContext(options: options), &issues)
    }
    return nil
  }
}
