/// Brings a table of a TOML, YAML or JSON file into a draft, by the schema.
struct TableReader<Target: Sendable> {
  let index: SchemaIndex<Target>
  let source: RenderedText
  let context: ReadContext
  /// Members that others read, by their names from this table on.
  var structural: [String] = []
  /// What names in INI files, or of other tables, are called here.
  var elsewhere: [String: String] = [:]

  func read(
    _ table: ConfigurationValue, into target: inout Target, _ places: inout KeyPlaces,
    _ issues: inout IssueCollector
  ) {
    read(table, node: 0, path: "", into: &target, &places, &issues)
  }

  /// Recursion is as deep as names have parts.
  private func read(
    _ table: ConfigurationValue, node: Int, path: String, into target: inout Target,
    _ places: inout KeyPlaces, _ issues: inout IssueCollector
  ) {
    guard case .table(let members) = table.content else { return }
    for member in members {
      let folded = member.name.lowercased()
      if isStructural(path + member.name) { continue }
      guard let child = index.nodes[node].children[folded] else {
        // Helpers of YAML files, which hold anchors.
        if path.isEmpty, places.prefix.isEmpty, member.name.hasPrefix(".") { continue }
        tellUnknown(member, path: path, node: node, places, &issues)
        continue
      }
      let name = path + index.nodes[child].name
      // Null means "not set".
      if case .null = member.value.content { continue }
      if let position = index.nodes[child].key {
        let key = index.keys[position]
        guard key.scope.contains(kind: context.kind, plugin: context.plugin) else {
          tellMisplaced(member, name, key, places, &issues)
          continue
        }
        read(key, member, name, into: &target, &places, &issues)
      }
      guard !index.nodes[child].children.isEmpty else { continue }
      guard case .table = member.value.content else {
        issues.add(
          .error, source.location(member.value.place), key: places.prefix + name,
          "expected a table, found \(member.value.described(isSecret: true))")
        continue
      }
      read(
        member.value, node: child, path: name + ".", into: &target, &places, &issues)
    }
  }

  private func isStructural(_ name: String) -> Bool {
    guard !structural.isEmpty else { return false }
    let folded = name.lowercased()
    return structural.contains { $0.lowercased() == folded }
  }

  private func read(
    _ key: SchemaKey<Target>, _ member: ConfigurationValue.Member, _ name: String,
    into target: inout Target, _ places: inout KeyPlaces, _ issues: inout IssueCollector
  ) {
    let location = source.location(member.value.place)
    let shown = places.prefix + name
    if case .presence(let path) = key.rule {
      if case .table = member.value.content {
        places.add(key.id, location)
        target[keyPath: path] = true
      }
      return
    }
    if places.isSet(key.id) {
      issues.add(
        .warning, source.location(member.place), key: shown,
        "replaces the value from line \(places.location(key.id).line ?? 0)")
    }
    places.add(key.id, location)
    if case .ignored = key.rule { return }
    let issueCount = issues.count
    defer { if issues.count > issueCount { places.addFault(key.id) } }
    do throws(FormatFault) {
      let value = try FieldConversion.value(of: member.value, key)
      FieldWriter.write(
        value, key, at: location, shownAs: shown, into: &target, context, &issues)
    } catch {
      let place = error.place.map { source.location($0) } ?? location
      issues.add(.error, place, key: shown, error.message)
    }
  }

  // MARK: Names without a meaning

  private func tellMisplaced(
    _ member: ConfigurationValue.Member, _ name: String, _ key: SchemaKey<Target>,
    _ places: KeyPlaces, _ issues: inout IssueCollector
  ) {
    tell(
      member, name, places, "has no meaning here; it is a key of \(key.scope.description)", &issues)
  }

  private func tellUnknown(
    _ member: ConfigurationValue.Member, path: String, node: Int, _ places: KeyPlaces,
    _ issues: inout IssueCollector
  ) {
    guard !issues.isFull(context.options.isStrict ? .error : .warning) else {
      return issues.skip()
    }
    var message = "unknown key"
    let siblings =
      index.nodes[node].children.values.map { index.nodes[$0].name }.sorted()
      + structural.filter { $0.hasPrefix(path) }.map { String($0.dropFirst(path.count)) }
      .filter { !$0.contains(".") }
    if path.isEmpty, trimmed(member.name).lowercased() == "common" {
      message += "; the section of an INI file is called [common], without blanks"
    } else if let name = currentName(of: member.name) {
      message += "; in this format it is called \(name)"
    } else if let nearest = NearestName.of(member.name, in: siblings) {
      message += "; did you mean \(path)\(nearest)?"
    } else if let name = homonym(of: member.name) {
      message += "; did you mean \(name)?"
    } else if let place = elsewhere[member.name.lowercased()] {
      message += "; it is a key of \(place)"
    }
    tell(member, path + member.name, places, message, &issues)
  }

  private func tell(
    _ member: ConfigurationValue.Member, _ name: String, _ places: KeyPlaces, _ message: String,
    _ issues: inout IssueCollector
  ) {
    issues.add(
      context.options.isStrict ? .error : .warning, source.location(member.place),
      key: places.prefix + quotedIfOdd(name),
      context.options.isStrict ? message : message + "; ignored")
  }

  /// What a legacy name is called here, when that is more than another spelling of it.
  private func currentName(of name: String) -> String? {
    guard name.contains("_"), let key = index.key(ini: name)?.key, let current = key.v1Name else {
      return nil
    }
    return current
  }

  /// A key in another table whose last part is this name.
  private func homonym(of name: String) -> String? {
    let wanted = NearestName.normalized(name)
    return index.keys.first {
      guard let last = $0.v1Name?.split(separator: ".").last else { return false }
      return NearestName.normalized(String(last)) == wanted
    }?.v1Name
  }
}

/// Turns values of trees into those that a key takes. Types are never converted.
enum FieldConversion {
  static func value<Target>(
    of value: ConfigurationValue, _ key: SchemaKey<Target>
  ) throws(FormatFault) -> FieldValue {
    func wrong(_ expected: String) -> FormatFault {
      FormatFault(
        place: value.place,
        message: "expected \(expected), found \(value.described(isSecret: key.isSecret))")
    }
    switch key.rule {
    case .text, .choice:
      guard let text = value.text else { throw wrong("text") }
      return .text(text)
    case .boolean:
      guard case .boolean(let boolean) = value.content else { throw wrong("true or false") }
      return .boolean(boolean)
    case .integer(let rule, _):
      guard let number = value.integer else {
        throw wrong(rule.kind == .seconds ? "a number of seconds" : "a number")
      }
      return .integer(number)
    case .list: return .list(try texts(value, key))
    case .map:
      var result: [String: String] = [:]
      for member in try members(value, "a table of texts") {
        result[member.name] = try text(member.value, key)
      }
      return .map(result)
    case .flags:
      var result: [String: Bool] = [:]
      for member in try members(value, "a table of booleans") {
        guard case .boolean(let boolean) = member.value.content else {
          throw FormatFault(
            place: member.value.place,
            message: "expected true or false, found \(member.value.described(isSecret: false))")
        }
        result[member.name] = boolean
      }
      return .flags(result)
    case .namedValues: return .namedValues(try namedValues(value, key))
    case .ports: return .ports(try ports(value))
    case .presence, .ignored: return .text("")
    }
  }

  private static func text<Target>(
    _ value: ConfigurationValue, _ key: SchemaKey<Target>
  ) throws(FormatFault) -> String {
    if case .null = value.content { return "" }
    guard let text = value.text else {
      throw FormatFault(
        place: value.place,
        message: "expected text, found \(value.described(isSecret: key.isSecret))")
    }
    return text
  }

  private static func texts<Target>(
    _ value: ConfigurationValue, _ key: SchemaKey<Target>
  ) throws(FormatFault) -> [String] {
    var result: [String] = []
    for item in try items(value, "a list of texts") { result.append(try text(item, key)) }
    return result
  }

  private static func items(
    _ value: ConfigurationValue, _ expected: String
  ) throws(FormatFault) -> [ConfigurationValue] {
    guard case .list(let items) = value.content else {
      throw FormatFault(
        place: value.place,
        message: "expected \(expected), found \(value.described(isSecret: false))")
    }
    return items
  }

  private static func members(
    _ value: ConfigurationValue, _ expected: String
  ) throws(FormatFault) -> [ConfigurationValue.Member] {
    guard case .table(let members) = value.content else {
      throw FormatFault(
        place: value.place,
        message: "expected \(expected), found \(value.described(isSecret: false))")
    }
    return members
  }

  private static func namedValues<Target>(
    _ value: ConfigurationValue, _ key: SchemaKey<Target>
  ) throws(FormatFault) -> [NamedValue] {
    var result: [NamedValue] = []
    for item in try items(value, "a list of tables with name and value") {
      var named = NamedValue(name: "", value: "")
      for member in try members(item, "a table with name and value") {
        switch member.name.lowercased() {
        case "name": named.name = try text(member.value, key)
        case "value": named.value = try text(member.value, key)
        case _:
          throw FormatFault(
            place: member.place, message: "expected name or value, found \(quoted(member.name))")
        }
      }
      result.append(named)
    }
    return result
  }

  private static func ports(_ value: ConfigurationValue) throws(FormatFault) -> PortRanges {
    let expected = "a list of tables such as { start = 1000, end = 2000 } or { single = 3000 }"
    var ranges: [ClosedRange<UInt16>] = []
    for item in try items(value, expected) {
      var numbers: [String: Int] = [:]
      for member in try members(item, "a table with start and end, or with single") {
        let name = member.name.lowercased()
        guard ["start", "end", "single"].contains(name) else {
          throw FormatFault(
            place: member.place,
            message: "expected start, end or single, found \(quoted(member.name))")
        }
        guard let number = member.value.integer, (0...65_535).contains(number) else {
          throw FormatFault(
            place: member.value.place,
            message: "expected a port from 1 to 65535, found "
              + member.value.described(isSecret: false))
        }
        if number > 0 { numbers[name] = number }
      }
      let first = numbers["single"] ?? numbers["start"]
      let last = numbers["single"] ?? numbers["end"]
      guard let first, let last, first <= last, numbers["single"] == nil || numbers.count == 1
      else {
        throw FormatFault(
          place: item.place,
          message: "expected start and end with start not above end, or single alone")
      }
      ranges.append(UInt16(clamping: first)...UInt16(clamping: last))
    }
    return ranges.isEmpty ? .all : PortRanges(ranges)
  }
}
