/// Reads what frp does not have: groups with settings of their own and certificates of hosts, which
/// are sections of INI files and lists of tables elsewhere. What is wrong in them is an error in
/// every format.
struct ServerSectionLoader {
  /// What stands before the dot in the names of sections.
  static let kinds = [GroupSchema.sectionPrefix, HostCertificateSchema.sectionPrefix]
    .map { String($0.dropLast()) }

  private let context: ReadContext
  /// What holds for a group that does not say otherwise.
  private let commonGroup: GroupDraft
  private var groups: [GroupDraft] = []
  private var groupPlaces: [String: SourceLocation] = [:]
  private var certificates: [HostCertificateDraft] = []
  private var hostPlaces: [String: SourceLocation] = [:]

  init(options: LoadOptions, group: GroupDraft) {
    context = ReadContext(options: options)
    commonGroup = group
  }

  /// Puts what was read where it belongs, in an order that does not depend on the file.
  func store(into draft: inout ServerDraft) {
    draft.namedGroups = groups.sorted { $0.name < $1.name }
    // A pair of files is read once, however many hosts have it.
    var merged: [HostCertificateDraft] = []
    var positions: [[String]: Int] = [:]
    for certificate in certificates {
      let files = [certificate.certificatePath, certificate.keyPath]
      if let position = positions[files] {
        merged[position].hosts += certificate.hosts
      } else {
        positions[files] = merged.count
        merged.append(certificate)
      }
    }
    for index in merged.indices { merged[index].hosts.sort() }
    draft.hostCertificates = merged.sorted { $0.hosts.first ?? "" < $1.hosts.first ?? "" }
  }

  // MARK: INI

  /// Reads a section.
  ///
  /// - Returns: whether it is one of these.
  mutating func load(
    _ section: IniSection, of document: IniDocument, _ issues: inout IssueCollector
  ) -> Bool {
    if section.name.hasPrefix(GroupSchema.sectionPrefix) {
      var draft = commonGroup
      draft.name = String(section.name.dropFirst(GroupSchema.sectionPrefix.count))
      let places = read(section, of: document, GroupSchema.index, into: &draft, &issues)
      add(draft, places, &issues)
    } else if section.name.hasPrefix(HostCertificateSchema.sectionPrefix) {
      var draft = HostCertificateSchema.index.defaults
      draft.hosts = [String(section.name.dropFirst(HostCertificateSchema.sectionPrefix.count))]
      let count = issues.count
      let places = read(section, of: document, HostCertificateSchema.index, into: &draft, &issues)
      if issues.count == count { draft.check(places, &issues) }
      add(draft, places, &issues)
    } else {
      return false
    }
    return true
  }

  private func read<Draft: Sendable>(
    _ section: IniSection, of document: IniDocument, _ index: SchemaIndex<Draft>,
    into draft: inout Draft, _ issues: inout IssueCollector
  ) -> KeyPlaces {
    if let second = section.secondLocation {
      issues.add(
        .error, second,
        "expected another name, since there is a section [\(quotedIfOdd(section.name))] in line "
          + "\(section.location.line ?? 0)")
    }
    var places = KeyPlaces(.ini, table: section.location, iniNames: index.iniNamesByID)
    SectionReader(
      index: index, document: document, section: section, context: context,
      elsewhere: Self.elsewhere, isOurs: true
    ).read(into: &draft, &places, &issues)
    return places
  }

  private static let elsewhere: [String: String] = {
    var places: [String: String] = [:]
    for name in ProxySchema.index.iniNames { places[name] = "frpc's proxies" }
    for name in ServerSchema.index.iniNames { places[name] = "[common]" }
    for key in GroupSchema.keys {
      guard let name = key.iniName, let common = key.fallback else { continue }
      places[common] = "[common], which is called \(name) here"
    }
    return places
  }()

  // MARK: TOML, YAML, JSON

  /// Reads the lists of a file.
  mutating func load(
    _ tree: ConfigurationValue, _ text: RenderedText, _ issues: inout IssueCollector
  ) {
    for entry in EntryList.entries(GroupSchema.list, of: tree, text, &issues) {
      var draft = commonGroup
      let places = read(entry, GroupSchema.index, into: &draft, &issues)
      if places.isFaulty("name") { continue }
      add(draft, places, &issues)
    }
    for entry in EntryList.entries(HostCertificateSchema.list, of: tree, text, &issues) {
      var draft = HostCertificateSchema.index.defaults
      let count = issues.count
      let places = read(entry, HostCertificateSchema.index, into: &draft, &issues)
      if issues.count == count {
        if draft.hosts.isEmpty { places.fail("hosts", "expected names, found none", &issues) }
        draft.check(places, &issues)
      }
      add(draft, places, &issues)
    }
  }

  private func read<Draft: Sendable>(
    _ entry: ListEntry, _ index: SchemaIndex<Draft>, into draft: inout Draft,
    _ issues: inout IssueCollector
  ) -> KeyPlaces {
    var places = entry.places(index.iniNamesByID)
    TableReader(index: index, source: entry.source, context: context)
      .read(entry.value, into: &draft, &places, &issues)
    return places
  }

  // MARK: Names

  private mutating func add(
    _ draft: GroupDraft, _ places: KeyPlaces, _ issues: inout IssueCollector
  ) {
    let name = draft.name
    let location = places.location("name")
    guard !name.isEmpty, name == trimmed(name) else {
      let found = name.isEmpty ? "none" : quoted(name)
      return tell("name", "expected the name of a group, found \(found)", places, &issues)
    }
    if let first = groupPlaces[name] {
      return tellRepeated("name", "a group \(quoted(name))", first, places, &issues)
    }
    guard groups.count < ConfigurationLimits.namedGroupCountMax else {
      return tell(
        "name",
        "expected at most \(ConfigurationLimits.namedGroupCountMax) groups with settings of their "
          + "own", places, &issues)
    }
    groupPlaces[name] = location
    groups.append(draft)
  }

  private mutating func add(
    _ written: HostCertificateDraft, _ places: KeyPlaces, _ issues: inout IssueCollector
  ) {
    var draft = written
    draft.hosts = []
    for text in written.hosts {
      if let fault = TextChecks.certifiedHost(text) {
        tell("hosts", fault, places, &issues)
        continue
      }
      let host = (text.hasSuffix(".") ? String(text.dropLast()) : text).lowercased()
      if let first = hostPlaces[host] {
        tellRepeated("hosts", "a certificate of \(quoted(host))", first, places, &issues)
        continue
      }
      guard hostPlaces.count < ConfigurationLimits.certifiedHostCountMax else {
        return tell(
          "hosts",
          "expected at most \(ConfigurationLimits.certifiedHostCountMax) hosts with certificates",
          places, &issues)
      }
      hostPlaces[host] = places.location("hosts")
      draft.hosts.append(host)
    }
    certificates.append(draft)
  }

  private func tellRepeated(
    _ id: String, _ what: String, _ first: SourceLocation, _ places: KeyPlaces,
    _ issues: inout IssueCollector
  ) {
    tell(
      id, "expected another name, since there is \(what) in line \(first.line ?? 0)", places,
      &issues)
  }

  /// An error about a name; in INI files it stands in the header.
  private func tell(
    _ id: String, _ message: String, _ places: KeyPlaces, _ issues: inout IssueCollector
  ) {
    switch places.generation {
    case .ini: issues.add(.error, places.table, message)
    case .v1: places.fail(id, message, &issues)
    }
  }
}
