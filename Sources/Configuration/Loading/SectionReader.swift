/// Brings the keys of one INI section into a draft, by the schema.
struct SectionReader<Target: Sendable> {
  let index: SchemaIndex<Target>
  let document: IniDocument
  let section: IniSection
  let context: ReadContext
  /// Names that may stand elsewhere, with where.
  let elsewhere: [String: String]
  /// Whether frp has no such section. Then the dots in its name lead to no others to take from, and
  /// what has no meaning is an error.
  var isOurs = false

  func read(into target: inout Target, _ places: inout KeyPlaces, _ issues: inout IssueCollector) {
    var maps: [String: (key: SchemaKey<Target>, members: [String: String], first: IniEntry)] = [:]
    let entries =
      isOurs ? document.ownEntries(of: section) : document.effectiveEntries(of: section)
    for entry in entries {
      let isOwn = section[entry.key] != nil
      guard let (key, member) = index.key(ini: entry.key) else {
        if isOwn { tellUnknown(entry, &issues) }
        continue
      }
      guard key.scope.contains(kind: context.kind, plugin: context.plugin) else {
        if isOwn {
          issues.add(
            .warning, entry.location, key: quotedIfOdd(entry.key),
            "has no effect here; it is a key of \(key.scope.description)")
        }
        continue
      }
      places.add(key.id, entry.valueLocation)
      guard !entry.value.isEmpty else { continue }
      if case .map = key.rule {
        warnAboutComment(in: entry, &issues)
        maps[key.id, default: (key, [:], entry)].members[member] = entry.value
      } else {
        let issueCount = issues.count
        read(key, entry, into: &target, &issues)
        if issues.count > issueCount { places.addFault(key.id) }
      }
    }
    for map in maps.values {
      FieldWriter.write(
        .map(map.members), map.key, at: map.first.location, shownAs: map.first.key, into: &target,
        context, &issues)
    }
  }

  /// One key with a value that is not empty; an empty one means the default, as in frp.
  private func read(
    _ key: SchemaKey<Target>, _ entry: IniEntry, into target: inout Target,
    _ issues: inout IssueCollector
  ) {
    let text = entry.value
    let value: FieldValue
    switch key.rule {
    case .text(let rule, _):
      if rule.fault(text) == nil { warnAboutComment(in: entry, &issues) }
      value = .text(text)
    case .choice: value = .text(text)
    case .boolean(let defaultValue, _):
      guard let boolean = ScalarText.boolean(text) else {
        return tellWrong(entry, "true or false", keeping: "\(defaultValue)", &issues)
      }
      value = .boolean(boolean)
    case .integer(let rule, _):
      guard let number = ScalarText.integer(text) else {
        return tellWrong(
          entry, rule.kind == .seconds ? "a number of seconds" : "a number",
          keeping: "\(rule.defaultValue)", &issues)
      }
      value = .integer(number)
    case .list:
      warnAboutComment(in: entry, &issues)
      value = .list(listItems(text))
    case .ports:
      do throws(PortRangesError) {
        value = .ports(try PortRanges(parsing: text))
      } catch {
        issues.add(.error, entry.valueLocation, key: entry.key, error.description)
        return
      }
    case .map, .namedValues, .flags, .presence, .ignored: return
    }
    FieldWriter.write(
      value, key, at: entry.valueLocation, shownAs: entry.key, into: &target, context, &issues)
  }

  // MARK: Issues

  private var severity: ConfigurationIssue.Severity { isOurs ? .error : .warning }

  private func tellUnknown(_ entry: IniEntry, _ issues: inout IssueCollector) {
    guard !issues.isFull(severity) else { return issues.skip() }
    var message = isOurs ? "unknown key" : "unknown key, ignored"
    if let place = elsewhere[entry.key] {
      message = "has no \(isOurs ? "meaning" : "effect") here; it is a key of \(place)"
    } else if let nearest = NearestName.of(entry.key, in: index.iniNames) {
      message += "; did you mean \(nearest)?"
    }
    issues.add(severity, entry.location, key: quotedIfOdd(entry.key), message)
  }

  private func tellWrong(
    _ entry: IniEntry, _ expected: String, keeping defaultText: String,
    _ issues: inout IssueCollector
  ) {
    let message = "expected \(expected), found \(quoted(entry.value))"
    issues.add(
      severity, entry.valueLocation, key: entry.key,
      isOurs ? message : message + "; the value is ignored and \(defaultText) is used")
  }

  private func warnAboutComment(in entry: IniEntry, _ issues: inout IssueCollector) {
    // Few values have a mark at all.
    guard entry.value.utf8.contains(where: { $0 == 0x23 || $0 == 0x3B }),
      entry.value.contains(" #") || entry.value.contains(" ;")
    else { return }
    issues.add(
      .warning, entry.valueLocation, key: quotedIfOdd(entry.key),
      "the value goes to the end of the line; "
        + "there are no comments behind values, only on lines of their own")
  }
}
