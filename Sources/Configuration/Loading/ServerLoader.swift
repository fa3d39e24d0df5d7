/// Makes frps' configuration of its file.
struct ServerLoader {
  let environment: [String: String]
  let options: LoadOptions

  /// What a file gives.
  struct Result {
    var configuration: ServerConfiguration
    var draft: ServerDraft
  }

  func load(_ file: SourceFile, _ issues: inout IssueCollector) -> Result? {
    if file.isIni {
      guard let text = file.render(.ini, environment: environment, &issues) else { return nil }
      var document = IniDocument()
      var parser = IniParser(text, isIncluded: false)
      parser.parse(into: &document, issues: &issues)
      guard let common = document.common(of: file.path, &issues) else { return nil }
      return load(document, common, &issues)
    }
    guard let text = file.render(.v1, environment: environment, &issues),
      let tree = file.parse(text, &issues)
    else { return nil }
    return load(tree, text, &issues)
  }

  // MARK: INI

  private func load(
    _ document: IniDocument, _ common: IniSection, _ issues: inout IssueCollector
  ) -> Result {
    var draft = ServerSchema.index.defaults
    draft.shared.webAddress = ServerSchema.iniDashboardAddress
    var places = KeyPlaces(.ini, table: common.location, iniNames: ServerSchema.iniNames)
    SectionReader(
      index: ServerSchema.index, document: document, section: common,
      context: ReadContext(options: options), elsewhere: Self.elsewhere
    ).read(into: &draft, &places, &issues)
    var sections = ServerSectionLoader(options: options, group: draft.group)
    for section in document.sections {
      if section.name == "common" || section.name == IniDocument.defaultSectionName { continue }
      if section.name.hasPrefix("plugin.") {
        draft.plugins.append(loadPlugin(document, section, &issues))
      } else if !sections.load(section, of: document, &issues) {
        warnAboutSection(section, &issues)
      }
    }
    sections.store(into: &draft)
    draft.complete()
    return Result(configuration: draft.finish(places, options: options, &issues), draft: draft)
  }

  private func warnAboutSection(_ section: IniSection, _ issues: inout IssueCollector) {
    var message = "section \(quoted(section.name)) has no effect; "
    if let dot = section.name.firstIndex(of: "."),
      let kind = NearestName.of(
        String(section.name[..<dot]), in: ["plugin"] + ServerSectionLoader.kinds)
    {
      message += "did you mean [\(quotedIfOdd(kind + section.name[dot...]))]?"
    } else {
      message += "proxies are configured at the client"
    }
    issues.add(.warning, section.location, message)
  }

  private func loadPlugin(
    _ document: IniDocument, _ section: IniSection, _ issues: inout IssueCollector
  ) -> ServerPluginDraft {
    var draft = ServerPluginSchema.index.defaults
    draft.name = String(section.name.dropFirst("plugin.".count))
    if !Feature.serverPlugins.isInThisVersion, !options.ignoresMissingFeatures {
      issues.add(
        .error, section.location, "server plugins are not in this version; remove the section")
    }
    var places = KeyPlaces(.ini, table: section.location, iniNames: ServerPluginSchema.iniNames)
    SectionReader(
      index: ServerPluginSchema.index, document: document, section: section,
      context: ReadContext(options: options), elsewhere: [:]
    ).read(into: &draft, &places, &issues)
    check(draft, places, &issues)
    return draft
  }

  private func check(
    _ plugin: ServerPluginDraft, _ places: KeyPlaces, _ issues: inout IssueCollector
  ) {
    for (id, value) in [("name", plugin.name), ("addr", plugin.address)] where value.isEmpty {
      places.fail(id, "expected a value, found none", &issues)
    }
  }

  private static let elsewhere: [String: String] = {
    var places: [String: String] = [:]
    for name in ProxySchema.index.iniNames { places[name] = "frpc's proxies" }
    for name in ClientSchema.index.iniNames { places[name] = "frpc" }
    return places
  }()

  // MARK: TOML, YAML, JSON

  private static let lists = ["httpPlugins", GroupSchema.list, HostCertificateSchema.list]

  private static let currentElsewhere: [String: String] = {
    var places: [String: String] = ["proxies": "frpc", "visitors": "frpc"]
    for key in ClientSchema.common {
      if let name = key.v1Name?.split(separator: ".").first { places[name.lowercased()] = "frpc" }
    }
    return places
  }()

  private func load(
    _ tree: ConfigurationValue, _ text: RenderedText, _ issues: inout IssueCollector
  ) -> Result {
    var draft = ServerSchema.index.defaults
    let context = ReadContext(options: options)
    var places = KeyPlaces(
      .v1, table: SourceLocation(file: text.file), iniNames: ServerSchema.iniNames)
    TableReader(
      index: ServerSchema.index, source: text, context: context, structural: Self.lists,
      elsewhere: Self.currentElsewhere
    ).read(tree, into: &draft, &places, &issues)
    let entries = EntryList.entries("httpPlugins", of: tree, text, &issues)
    for entry in entries {
      var plugin = ServerPluginSchema.index.defaults
      var places = entry.places(ServerPluginSchema.iniNames)
      if !Feature.serverPlugins.isInThisVersion, !options.ignoresMissingFeatures {
        issues.add(
          .error, entry.location, key: String(entry.prefix.dropLast()),
          FieldWriter.absence(of: .serverPlugins))
      }
      TableReader(index: ServerPluginSchema.index, source: text, context: context)
        .read(entry.value, into: &plugin, &places, &issues)
      check(plugin, places, &issues)
      draft.plugins.append(plugin)
    }
    var sections = ServerSectionLoader(options: options, group: draft.group)
    sections.load(tree, text, &issues)
    sections.store(into: &draft)
    draft.complete()
    return Result(configuration: draft.finish(places, options: options, &issues), draft: draft)
  }
}

/// One table of a list of tables, such as a proxy.
struct ListEntry {
  var value: ConfigurationValue
  var source: RenderedText
  /// `proxies[3].`
  var prefix: String

  var location: SourceLocation { source.location(value.place) }

  func places(_ iniNames: [String: String]) -> KeyPlaces {
    KeyPlaces(.v1, table: location, prefix: prefix, iniNames: iniNames)
  }
}

/// Lists of tables.
enum EntryList {
  /// The tables of a list, whose name may have dots; one that is no table, and what is no list, is
  /// an issue.
  static func entries(
    _ name: String, of tree: ConfigurationValue, _ source: RenderedText,
    _ issues: inout IssueCollector
  ) -> [ListEntry] {
    var member: ConfigurationValue? = tree
    for part in name.split(separator: ".") { member = member?.member(String(part)) }
    guard let list = member else { return [] }
    if case .null = list.content { return [] }
    guard case .list(let items) = list.content else {
      issues.add(
        .error, source.location(list.place), key: name,
        "expected a list of tables, found \(list.described(isSecret: false))")
      return []
    }
    var entries: [ListEntry] = []
    for (position, item) in items.enumerated() {
      let prefix = "\(name)[\(position)]"
      if case .table = item.content {
        entries.append(ListEntry(value: item, source: source, prefix: prefix + "."))
      } else {
        issues.add(
          .error, source.location(item.place), key: prefix,
          "expected a table, found \(item.described(isSecret: false))")
      }
    }
    return entries
  }
}
