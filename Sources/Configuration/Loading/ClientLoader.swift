/// Makes frpc's configuration of a document and of the files that it includes.
struct ClientLoader {
  var document: IniDocument
  let common: IniSection
  let reader: FileReader

  mutating func load(includes: IncludeReader, _ issues: inout IssueCollector)
    -> ClientConfiguration
  {
    var draft = ClientDraft()
    SectionReader(document: document, section: common).read(
      ClientSchema.common, into: &draft, issues: &issues)
    Self.commonKeys.warnAboutOthers(in: common, issues: &issues)
    var configuration = draft.finish(
      common, document, environment: reader.environment, &issues)
    configuration.includedPaths =
      draft.includes + readIncludes(draft.includes, includes, &issues)
    expandRanges(&issues)
    configuration.proxies = loadProxies(startedNames: configuration.startedNames, &issues)
    return configuration
  }

  private static let commonKeys: KnownKeys = {
    var places: [String: String] = [:]
    for key in ServerSchema.common { places[key.iniName] = "frps" }
    for key in ProxySchema.selectors + proxySchema {
      places[key.iniName] = "proxies, which have sections of their own"
    }
    return KnownKeys(ClientSchema.common.map(\.iniName), elsewhere: places)
  }()

  private static let proxySchema = ProxySchema.common + ProxySchema.tcp

  private static let proxyKeys: KnownKeys = {
    var places: [String: String] = [:]
    for key in ServerSchema.common { places[key.iniName] = "frps" }
    for key in ClientSchema.common { places[key.iniName] = "the [common] section" }
    for key in ProxySchema.visitor { places[key.iniName] = "visitors" }
    for key in ProxySchema.otherKinds { places[key.iniName] = "other types of proxies" }
    return KnownKeys((ProxySchema.selectors + proxySchema).map(\.iniName), elsewhere: places)
  }()

  // MARK: Includes

  /// - Returns: the paths of the files.
  private mutating func readIncludes(
    _ patterns: [String], _ includes: IncludeReader, _ issues: inout IssueCollector
  ) -> [String] {
    guard let location = common["includes"]?.location else { return [] }
    var paths: [String] = []
    for pattern in patterns {
      let (directory, last) = Self.split(pattern)
      guard let glob = GlobPattern(last) else {
        issues.add(
          .error, location, key: "includes",
          "expected a file name or pattern, found \(quoted(last))")
        continue
      }
      guard let names = includes.fileNames(directory.isEmpty ? "." : directory) else {
        issues.add(
          .error, location, key: "includes",
          "the directory of \(quoted(pattern)) cannot be read")
        continue
      }
      let matching = names.filter(glob.matches).sorted {
        $0.utf8.lexicographicallyPrecedes($1.utf8)
      }
      if matching.isEmpty {
        issues.add(.warning, location, key: "includes", "no file matches \(quoted(pattern))")
      }
      for name in matching {
        guard paths.count < ConfigurationLimits.includedFileCountMax else {
          issues.add(
            .error, location, key: "includes",
            "expected at most \(ConfigurationLimits.includedFileCountMax) files")
          return paths
        }
        let path = directory + name
        paths.append(path)
        guard let bytes = includes.readFile(path) else {
          issues.add(
            .error, SourceLocation(file: path, line: nil), "cannot be read")
          continue
        }
        reader.readIncluded(bytes, file: path, into: &document, issues: &issues)
      }
    }
    return paths
  }

  /// The directory with its slash, and the last part.
  private static func split(_ path: String) -> (String, String) {
    guard let slash = path.lastIndex(of: "/") else { return ("", path) }
    let behind = path.index(after: slash)
    return (String(path[..<behind]), String(path[behind...]))
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
    let location = section[key]?.location ?? section.location
    document.set(IniEntry(key: key, value: String(port), location: location))
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
      issues.add(.error, entry.location, key: key, error.description)
      return nil
    }
  }

  // MARK: Proxies

  private func loadProxies(startedNames: [String], _ issues: inout IssueCollector)
    -> [ProxyConfiguration]
  {
    let started = Set(startedNames)
    var proxies: [ProxyConfiguration] = []
    var names: Set<String> = []
    for section in document.sections {
      let name = section.name
      if name == "common" || name == IniDocument.defaultSectionName || name.hasPrefix("range:") {
        continue
      }
      names.insert(name)
      if !started.isEmpty, !started.contains(name) { continue }
      guard proxies.count < ConfigurationLimits.proxyCountMax else {
        issues.add(
          .error, section.location, "expected at most \(ConfigurationLimits.proxyCountMax) proxies")
        break
      }
      if let proxy = loadProxy(section, &issues) { proxies.append(proxy) }
    }
    for name in startedNames where !names.contains(name) {
      let location = common["start"]?.location ?? common.location
      issues.add(.warning, location, key: "start", "there is no proxy \(quoted(name))")
    }
    return proxies.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  private func loadProxy(_ section: IniSection, _ issues: inout IssueCollector)
    -> ProxyConfiguration?
  {
    let sectionReader = SectionReader<ProxyDraft>(document: document, section: section)
    var draft = ProxyDraft()
    // Without role and type nobody can say which other keys are right.
    for key in ProxySchema.selectors {
      var own = IssueCollector(file: section.location.file)
      sectionReader.read([key], into: &draft, issues: &own)
      for issue in own.finish() { issues.add(issue) }
      if own.hasErrors { return nil }
    }
    sectionReader.read(Self.proxySchema, into: &draft, issues: &issues)
    Self.proxyKeys.warnAboutOthers(in: section, issues: &issues)
    let entry = document.entry("local_port", in: section)
    if entry.map({ $0.value.isEmpty || ScalarText.integer($0.value) == 0 }) ?? true {
      issues.add(
        .warning, entry?.location ?? section.location, key: "local_port",
        "no port of the local service is set; every user connection will fail")
    }
    return draft.finish(name: section.name)
  }
}
