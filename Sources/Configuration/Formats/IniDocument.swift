/// One `key = value` of an INI file.
struct IniEntry {
  var key: String
  var value: String
  /// Where the key begins.
  var location: SourceLocation
  /// Where the value begins.
  var valueLocation: SourceLocation
}

/// One section: its keys in the order of their first appearance.
struct IniSection {
  let name: String
  /// The header; of a section that is opened several times, the first.
  let location: SourceLocation
  /// The second header; `nil` when there is none.
  fileprivate(set) var secondLocation: SourceLocation?
  private(set) var entries: [IniEntry] = []
  private var positions: [String: Int] = [:]

  init(name: String, location: SourceLocation) {
    self.name = name
    self.location = location
  }

  subscript(key: String) -> IniEntry? { positions[key].map { entries[$0] } }

  /// Sets a key and gives the entry that it replaced.
  @discardableResult
  mutating func set(_ entry: IniEntry) -> IniEntry? {
    if let position = positions[entry.key] {
      let old = entries[position]
      entries[position] = entry
      return old
    }
    positions[entry.key] = entries.count
    entries.append(entry)
    return nil
  }
}

/// The sections of an INI file and of those that it includes.
struct IniDocument {
  private(set) var sections: [IniSection] = []
  private var positions: [String: Int] = [:]

  /// The section that keys without a header of their own belong to; `nil` before the first.
  private(set) var current: Int?

  subscript(name: String) -> IniSection? { positions[name].map { sections[$0] } }

  /// The section `common`; `nil`, with an issue, when what looked like it is none.
  func common(of file: String, _ issues: inout IssueCollector) -> IniSection? {
    if let common = self["common"] { return common }
    if !issues.hasErrors {
      issues.add(
        .error, SourceLocation(file: file),
        "expected a [common] section; what looks like it is part of a value")
    }
    return nil
  }

  /// Opens a section, a new one or one that is there; `false` when there are too many.
  mutating func open(_ name: String, location: SourceLocation) -> Bool {
    if let position = positions[name] {
      if sections[position].secondLocation == nil { sections[position].secondLocation = location }
      current = position
      return true
    }
    guard sections.count < ConfigurationLimits.sectionCountMax + ConfigurationLimits.proxyCountMax
    else { return false }
    current = sections.count
    positions[name] = sections.count
    sections.append(IniSection(name: name, location: location))
    return true
  }

  /// Sets a key of the current section and gives the entry that it replaced.
  @discardableResult
  mutating func set(_ entry: IniEntry) -> IniEntry? {
    guard let current else { return nil }
    return sections[current].set(entry)
  }

  /// How many keys the current section has.
  var currentKeyCount: Int { current.map { sections[$0].entries.count } ?? 0 }

  /// The section of the keys that stand before the first header.
  static let defaultSectionName = "DEFAULT"

  /// The value that holds for `key` in `section`: its own, or that of the section whose name is
  /// the part before the last dot, and so on (`[web.tls]` takes from `[web]` what it lacks), with
  /// every `%(name)s` replaced by the value of that key.
  func entry(_ key: String, in section: IniSection) -> IniEntry? {
    plainEntry(key, in: section).map { resolved($0, in: section) }
  }

  /// Every key that holds in `section`, its own ones first.
  func effectiveEntries(of section: IniSection) -> [IniEntry] {
    var entries = section.entries
    var name = section.name[...]
    var known: Set<String>?
    while let dot = name.utf8.lastIndex(of: 0x2E) {
      name = name[..<dot]
      guard let parent = self[String(name)] else { continue }
      var seen = known ?? Set(entries.map(\.key))
      for entry in parent.entries where seen.insert(entry.key).inserted { entries.append(entry) }
      known = seen
    }
    return entries.map { resolved($0, in: section) }
  }

  /// The keys that stand in `section` itself.
  func ownEntries(of section: IniSection) -> [IniEntry] {
    section.entries.map { resolved($0, in: section) }
  }

  private func resolved(_ plain: IniEntry, in section: IniSection) -> IniEntry {
    var entry = plain
    guard entry.value.utf8.contains(0x25) else { return entry }
    let key = entry.key
    for _ in 0..<ConfigurationLimits.replacementCountMax {
      guard let (range, name) = Self.firstReference(in: entry.value) else { break }
      let isItself = name == key
      let found =
        (isItself ? nil : plainEntry(name, in: section))
        ?? self[Self.defaultSectionName].flatMap { $0[name] }
      guard let found else { break }
      let grown = entry.value.replacingCharacters(in: range, with: found.value)
      guard grown.utf8.count <= ConfigurationLimits.lineBytesMax else { break }
      entry.value = grown
    }
    return entry
  }

  private func plainEntry(_ key: String, in section: IniSection) -> IniEntry? {
    if let own = section[key] { return own }
    var name = section.name[...]
    while let dot = name.utf8.lastIndex(of: 0x2E) {
      name = name[..<dot]
      if let inherited = self[String(name)]?[key] { return inherited }
    }
    return nil
  }

  /// The first `%(name)s`; `nil` when there is none.
  private static func firstReference(in text: String) -> (Range<String.Index>, String)? {
    var start = text.startIndex
    while let percent = text.utf8[start...].firstIndex(of: 0x25) {
      start = text.utf8.index(after: percent)
      guard text.utf8[start...].first == 0x28 else { continue }
      let nameStart = text.utf8.index(after: start)
      guard let close = text.utf8[nameStart...].firstIndex(of: 0x29) else { return nil }
      let behind = text.utf8.index(after: close)
      guard nameStart < close, text.utf8[behind...].first == 0x73 else { continue }
      return (percent..<text.utf8.index(after: behind), String(text[nameStart..<close]))
    }
    return nil
  }
}

extension String {
  /// The text with `range` replaced.
  fileprivate func replacingCharacters(in range: Range<Index>, with text: String) -> String {
    String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
  }
}
