/// Brings the keys of one section into a value, by the schema.
struct SectionReader<Target> {
  let document: IniDocument
  let section: IniSection

  func read(
    _ schema: [SchemaKey<Target>], into target: inout Target, issues: inout IssueCollector
  ) {
    for key in schema {
      if let prefix = key.prefix {
        readMap(key, prefix: prefix, into: &target, issues: &issues)
      } else if let entry = document.entry(key.iniName, in: section), !entry.value.isEmpty {
        // An empty value means the default, as in frp.
        readValue(key, entry, into: &target, issues: &issues)
      }
    }
  }

  private func readValue(
    _ key: SchemaKey<Target>, _ entry: IniEntry, into target: inout Target,
    issues: inout IssueCollector
  ) {
    let value = entry.value
    switch key.rule {
    case .text(_, _, let store):
      if let fault = store(&target, value) {
        issues.add(.error, entry.location, key: entry.key, fault)
      } else {
        warnAboutComment(in: entry, &issues)
      }
    case .boolean(let defaultValue, let store):
      guard let boolean = ScalarText.boolean(value) else {
        warnAboutValue(of: entry, "true or false", keeping: "\(defaultValue)", &issues)
        return
      }
      store(&target, boolean)
    case .integer(let kind, let defaultValue, let range, let zeroIsDefault, let store):
      guard let number = ScalarText.integer(value) else {
        warnAboutValue(
          of: entry, kind == .seconds ? "a number of seconds" : "a number",
          keeping: "\(defaultValue)", &issues)
        return
      }
      guard range.contains(number) else {
        issues.add(.error, entry.location, key: entry.key, rangeFault(kind, range, number))
        return
      }
      store(&target, number == 0 && zeroIsDefault ? defaultValue : number)
    case .choice(_, let now, let later, let store):
      if let fault = choiceFault(value, now: now, later: later) {
        issues.add(.error, entry.location, key: entry.key, fault)
      } else {
        store(&target, value)
      }
    case .list(let store):
      warnAboutComment(in: entry, &issues)
      store(&target, listItems(value))
    case .map, .ignored: break
    case .absent(let type, let defaultText, let feature):
      checkAbsent(entry, type, defaultText, feature, &issues)
    }
  }

  private func rangeFault(_ kind: IntegerKind, _ range: ClosedRange<Int>, _ number: Int) -> String {
    let noun =
      switch kind {
      case .port: "a port"
      case .seconds: "seconds"
      case .count, .days, .bytes: "a number"
      }
    return "expected \(noun) from \(range.lowerBound) to \(range.upperBound), found \(number)"
  }

  private func choiceFault(_ value: String, now: [String], later: [String]) -> String? {
    if now.contains(value) { return nil }
    let choices = now.filter { !$0.isEmpty }
    let hint = choices.count == 1 ? choices[0] : "one of " + choices.joined(separator: ", ")
    if later.contains(value) { return "\(value) is not in this version; use \(hint)" }
    return "expected \(hint), found \(quoted(value))"
  }

  private func checkAbsent(
    _ entry: IniEntry, _ type: TypeName, _ defaultText: String, _ feature: String,
    _ issues: inout IssueCollector
  ) {
    var isDefault = entry.value == defaultText
    switch type {
    case .text, .list, .map: break
    case .boolean:
      guard let boolean = ScalarText.boolean(entry.value) else {
        warnAboutValue(of: entry, "true or false", keeping: defaultText, &issues)
        return
      }
      isDefault = boolean == (defaultText == "true")
    case .integer:
      guard let number = ScalarText.integer(entry.value) else {
        warnAboutValue(of: entry, "a number", keeping: defaultText, &issues)
        return
      }
      isDefault = number == 0 || String(number) == defaultText
    }
    if !isDefault {
      issues.add(
        .error, entry.location, key: entry.key, Self.absence(of: feature))
    }
  }

  private static func absence(of feature: String) -> String {
    "needs \(feature), which this version does not have; remove the key"
  }

  private func readMap(
    _ key: SchemaKey<Target>, prefix: String, into target: inout Target,
    issues: inout IssueCollector
  ) {
    var members: [String: String] = [:]
    for entry in section.entries where key.matches(entry.key) {
      switch key.rule {
      case .map:
        warnAboutComment(in: entry, &issues)
        members[String(entry.key.dropFirst(prefix.count))] = entry.value
      case .absent(_, _, let feature):
        issues.add(
          .error, entry.location, key: quotedIfOdd(entry.key),
          Self.absence(of: feature))
      case .text, .boolean, .integer, .choice, .list, .ignored: break
      }
    }
    if case .map(let store) = key.rule, !members.isEmpty { store(&target, members) }
  }

  private func warnAboutValue(
    of entry: IniEntry, _ expected: String, keeping defaultText: String,
    _ issues: inout IssueCollector
  ) {
    issues.add(
      .warning, entry.location, key: entry.key,
      "expected \(expected), found \(quoted(entry.value)); "
        + "the value is ignored and \(defaultText) is used")
  }

  /// This dialect has no comments behind values; whoever writes one has it in the value.
  private func warnAboutComment(
    in entry: IniEntry, _ issues: inout IssueCollector
  ) {
    guard entry.value.contains(" #") || entry.value.contains(" ;") else { return }
    issues.add(
      .warning, entry.location, key: quotedIfOdd(entry.key),
      "the value goes to the end of the line; "
        + "there are no comments behind values, only on lines of their own")
  }
}

/// The keys that may stand in one kind of section.
struct KnownKeys: Sendable {
  private let names: [String]
  private let exact: Set<String>
  private let prefixes: [String]
  private let elsewhere: [String: String]

  /// - Parameters:
  ///   - names: the legacy names of the keys that may stand here.
  ///   - elsewhere: names that may stand elsewhere, with where.
  init(_ names: [String], elsewhere: [String: String]) {
    self.names = names
    exact = Set(names)
    prefixes = names.filter { $0.hasSuffix("*") }.map { String($0.dropLast()) }
    self.elsewhere = elsewhere
  }

  /// Warns about every key of `section` that may not stand there.
  func warnAboutOthers(in section: IniSection, issues: inout IssueCollector) {
    for entry in section.entries where !isKnown(entry.key) {
      var message = "unknown key, ignored"
      if let place = elsewhere[entry.key] {
        message = "has no effect here; it is a key of \(place)"
      } else if let nearest = Self.nearest(to: entry.key, in: names) {
        message += "; did you mean \(nearest)?"
      }
      issues.add(.warning, entry.location, key: quotedIfOdd(entry.key), message)
    }
  }

  private func isKnown(_ key: String) -> Bool {
    exact.contains(key) || prefixes.contains { key.hasPrefix($0) && key != $0 }
  }

  /// The known name that differs in the fewest letters; `nil` when all differ in too many.
  static func nearest(to key: String, in known: [String]) -> String? {
    let wanted = normalized(key)
    guard wanted.count <= 64 else { return nil }
    let distanceMax = max(1, wanted.count / 3)
    var best: (name: String, distance: Int)?
    for name in known where !name.hasSuffix("*") {
      let candidate = normalized(name)
      guard abs(candidate.count - wanted.count) <= distanceMax else { continue }
      let distance = editDistance(wanted, candidate)
      if distance <= distanceMax, distance < best?.distance ?? Int.max { best = (name, distance) }
    }
    return best?.name
  }

  /// Lower case without separators, so that `bindPort` and `bind-port` are `bind_port`.
  private static func normalized(_ key: String) -> [UInt8] {
    Array(key.lowercased().utf8.filter { $0 != 0x5F && $0 != 0x2D && $0 != 0x2E })
  }

  private static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var previous = Array(0...right.count)
    for (row, byte) in left.enumerated() {
      var current = [row + 1]
      for (column, other) in right.enumerated() {
        current.append(
          min(
            previous[column] + (byte == other ? 0 : 1), previous[column + 1] + 1,
            current[column] + 1)
        )
      }
      previous = current
    }
    return previous[right.count]
  }
}
