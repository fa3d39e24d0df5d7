/// Makes frpc's configuration of INI files.
struct IniClientLoader {
  let loader: ClientLoader
  var document: IniDocument
  let common: IniSection

  private var options: LoadOptions { loader.options }

  mutating func load(_ issues: inout IssueCollector) -> ClientLoader.Result {
    var draft = ClientSchema.index.defaults
    var places = KeyPlaces(.ini, table: common.location, iniNames: ClientSchema.iniNames)
    SectionReader(
      index: ClientSchema.index, document: document, section: common,
      context: ReadContext(options: options), elsewhere: Self.elsewhereOfCommon
    ).read(into: &draft, &places, &issues)
    draft.complete()
    var result = ClientLoader.Result(
      configuration: draft.finish(
        places, environment: loader.environment, options: options, &issues), draft: draft)
    let included = readIncludes(draft.includes, at: places.location("includes"), &issues)
    result.configuration.includedPaths = draft.includes + included
    expandRanges(&issues)
    loadEntries(started: draft.startedNames, places, into: &result, &issues)
    result.sort()
    return result
  }

  private static let elsewhereOfCommon: [String: String] = {
    var places: [String: String] = [:]
    for name in ProxySchema.index.iniNames + VisitorSchema.index.iniNames {
      places[name] = "proxies, which have sections of their own"
    }
    for name in ServerSchema.index.iniNames { places[name] = "frps" }
    return places
  }()

  private static let elsewhereOfEntries: [String: String] = {
    var places: [String: String] = [:]
    for name in VisitorSchema.index.iniNames { places[name] = "visitors" }
    for name in ServerSchema.index.iniNames where places[name] == nil { places[name] = "frps" }
    for name in ClientSchema.index.iniNames { places[name] = "the [common] section" }
    return places
  }()

  /// - Returns: the paths of the files.
  private mutating func readIncludes(
    _ patterns: [String], at location: SourceLocation, _ issues: inout IssueCollector
  ) -> [String] {
    let files = loader.includedFiles(patterns, at: location, &issues)
    for file in files {
      guard let text = file.render(.ini, environment: loader.environment, &issues) else { continue }
      var parser = IniParser(text, isIncluded: true)
      parser.parse(into: &document, issues: &issues)
    }
    return files.map(\.path)
  }

  // MARK: Ranges

  private mutating func expandRanges(_ issues: inout IssueCollector) {
    for section in document.sections where section.name.hasPrefix("range:") {
      let prefix = trimmed(section.name.dropFirst("range:".count))
      guard !prefix.isEmpty else {
        issues.add(.error, section.location, "expected a name behind range:")
        continue
      }
      let localPorts = portList("local_port", of: section, &issues)
      let remotePorts = portList("remote_port", of: section, &issues)
      guard let localPorts, let remotePorts else { continue }
      guard localPorts.count == remotePorts.count else {
        issues.add(
          .error, section.location,
          "local_port and remote_port need the same number of ports, "
            + "found \(localPorts.count) and \(remotePorts.count)")
        continue
      }
      for (index, pair) in zip(localPorts, remotePorts).enumerated() {
        guard document.open("\(prefix)_\(index)", location: section.location) else {
          issues.add(
            .error, section.location,
            "expected at most \(ConfigurationLimits.proxyCountMax) proxies")
          return
        }
        for entry in section.entries { document.set(entry) }
        setPort("local_port", pair.0, from: section)
        setPort("remote_port", pair.1, from: section)
      }
    }
  }

  private mutating func setPort(_ key: String, _ port: Int, from section: IniSection) {
    let own = section[key]
    document.set(
      IniEntry(
        key: key, value: String(port), location: own?.location ?? section.location,
        valueLocation: own?.valueLocation ?? section.location))
  }

  private func portList(
    _ key: String, of section: IniSection, _ issues: inout IssueCollector
  ) -> [Int]? {
    guard let entry = document.entry(key, in: section), !entry.value.isEmpty else {
      issues.add(
        .error, section[key]?.location ?? section.location, key: key,
        "expected ports such as 6000-6005,7000, found none")
      return nil
    }
    do throws(PortRangesError) {
      let ranges = try NumberRange.list(
        entry.value, countMax: ConfigurationLimits.rangeNumberCountMax)
      if let bad = ranges.first(where: { $0.last > 65_535 }) {
        throw .notAPort(item: bad.text)
      }
      return ranges.flatMap { Array($0.first...$0.last) }
    } catch {
      issues.add(.error, entry.valueLocation, key: key, error.description)
      return nil
    }
  }

  // MARK: Proxies and visitors

  private func loadEntries(
    started: [String], _ places: KeyPlaces, into result: inout ClientLoader.Result,
    _ issues: inout IssueCollector
  ) {
    let startedNames = Set(started)
    var names: Set<String> = []
    var count = 0
    for section in document.sections {
      let name = section.name
      if name == "common" || name == IniDocument.defaultSectionName || name.hasPrefix("range:") {
        continue
      }
      names.insert(name)
      if !startedNames.isEmpty, !startedNames.contains(name) { continue }
      count += 1
      guard count <= ConfigurationLimits.proxyCountMax else {
        issues.add(
          .error, section.location, "expected at most \(ConfigurationLimits.proxyCountMax) proxies")
        break
      }
      loadEntry(section, into: &result, &issues)
    }
    for name in started where !names.contains(name) {
      places.warn("start", "there is no proxy \(quoted(name))", &issues)
    }
  }

  private func loadEntry(
    _ section: IniSection, into result: inout ClientLoader.Result, _ issues: inout IssueCollector
  ) {
    let role = document.entry("role", in: section)
    switch role?.value ?? "" {
    case "", "server":
      if let (draft, proxy) = loadProxy(section, &issues) {
        result.proxyDrafts.append(draft)
        result.configuration.proxies.append(proxy)
      }
    case "visitor":
      if let (draft, visitor) = loadVisitor(section, &issues) {
        result.visitorDrafts.append(draft)
        result.configuration.visitors.append(visitor)
      }
    case let other:
      issues.add(
        .error, role?.valueLocation ?? section.location, key: "role",
        "expected one of server, visitor, found \(quoted(other))")
    }
  }

  private func loadProxy(_ section: IniSection, _ issues: inout IssueCollector)
    -> (ProxyDraft, ProxyConfiguration)?
  {
    var draft = ProxySchema.index.defaults
    draft.name = section.name
    let kind = document.entry("type", in: section)?.value.nonEmpty ?? "tcp"
    var context = ReadContext(options: options, kind: kind)
    context.plugin = document.entry("plugin", in: section)?.value ?? ""
    var places = KeyPlaces(.ini, table: section.location, iniNames: ProxySchema.iniNames)
    guard ProxyKind(rawValue: kind) != nil else {
      // Without a type nobody can say which other keys are right.
      tellType(ProxySchema.index, &draft, section, kind, context, &issues)
      return nil
    }
    SectionReader(
      index: ProxySchema.index, document: document, section: section, context: context,
      elsewhere: Self.elsewhereOfEntries
    ).read(into: &draft, &places, &issues)
    return draft.finish(places, &issues).map { (draft, $0) }
  }

  private func loadVisitor(_ section: IniSection, _ issues: inout IssueCollector)
    -> (VisitorDraft, VisitorConfiguration)?
  {
    var draft = VisitorSchema.index.defaults
    draft.name = section.name
    let kind = document.entry("type", in: section)?.value ?? ""
    let context = ReadContext(options: options, kind: kind)
    var places = KeyPlaces(.ini, table: section.location, iniNames: VisitorSchema.iniNames)
    guard VisitorKind(rawValue: kind) != nil else {
      if kind.isEmpty {
        places.fail("type", "expected one of stcp, sudp, xtcp, found none", &issues)
      } else {
        tellType(VisitorSchema.index, &draft, section, kind, context, &issues)
      }
      return nil
    }
    SectionReader(
      index: VisitorSchema.index, document: document, section: section, context: context,
      elsewhere: Self.elsewhereOfEntries
    ).read(into: &draft, &places, &issues)
    return draft.finish(places, &issues).map { (draft, $0) }
  }

  private func tellType<Target: Sendable>(
    _ index: SchemaIndex<Target>, _ draft: inout Target, _ section: IniSection, _ kind: String,
    _ context: ReadContext, _ issues: inout IssueCollector
  ) {
    guard let key = index.key(ini: "type")?.key else { return }
    let entry = document.entry("type", in: section)
    FieldWriter.write(
      .text(kind), key, at: entry?.valueLocation ?? section.location, shownAs: "type", into: &draft,
      context, &issues)
  }
}
