/// One `key = value` of an INI file.
struct IniEntry {
  var key: String
  var value: String
  var location: SourceLocation
}

/// One section: its keys in the order of their first appearance.
struct IniSection {
  let name: String
  /// The header; of a section that is opened several times, the first.
  let location: SourceLocation
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

  /// Opens a section, a new one or one that is there; `false` when there are too many.
  mutating func open(_ name: String, location: SourceLocation) -> Bool {
    if let position = positions[name] {
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

  /// The value that holds for `key` in `section`: its own, or that of the section whose name is
  /// the part before the last dot, and so on (`[web.tls]` takes from `[web]` what it lacks).
  func entry(_ key: String, in section: IniSection) -> IniEntry? {
    if let own = section[key] { return own }
    var name = section.name[...]
    while let dot = name.lastIndex(of: ".") {
      name = name[..<dot]
      if let inherited = self[String(name)]?[key] { return inherited }
    }
    return nil
  }
}
