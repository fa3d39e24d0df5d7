/// The content of the store file, to be looked at and changed (configuration.md 6).
public struct StoreDocument: Sendable {
  private var lists: [StoreList: [StoreEntry]] = [:]
  /// Entries without a name, which nobody can ask for; they stay in the file.
  private var nameless: [StoreList: [ConfigurationValue]] = [:]

  /// An empty one.
  public init() {}

  /// Reads the file.
  ///
  /// - Throws: `unreadable`.
  public init(bytes: [UInt8]) throws(StoreFault) {
    var issues = IssueCollector(file: "")
    guard let content = StoreFile.read(bytes, path: "store", &issues), !issues.hasErrors else {
      throw .unreadable(issues.finish().first?.message ?? "it is no store")
    }
    for (list, entries) in [(StoreList.proxies, content.proxies), (.visitors, content.visitors)] {
      for entry in entries {
        if let entry = StoreEntry(entry.value, in: list) {
          lists[list, default: []].append(entry)
        } else {
          nameless[list, default: []].append(entry.value)
        }
      }
    }
  }

  /// The number of entries in both lists.
  public var entryCount: Int { lists.values.reduce(0) { $0 + $1.count } }

  /// The entries of a list, by their names.
  public func entries(in list: StoreList) -> [StoreEntry] {
    (lists[list] ?? []).sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  /// The entry of that name.
  public func entry(named name: String, in list: StoreList) -> StoreEntry? {
    lists[list]?.first { $0.name == name }
  }

  /// Adds an entry.
  ///
  /// - Throws: `exists`.
  public mutating func add(_ entry: StoreEntry) throws(StoreFault) {
    guard self.entry(named: entry.name, in: entry.list) == nil else { throw .exists }
    lists[entry.list, default: []].append(entry)
  }

  /// Puts an entry in the place of the one that has its name.
  ///
  /// - Throws: `missing`.
  public mutating func replace(_ entry: StoreEntry) throws(StoreFault) {
    try remove(entry.name, in: entry.list)
    try add(entry)
  }

  /// Takes an entry out.
  ///
  /// - Throws: `missing`.
  public mutating func remove(_ name: String, in list: StoreList) throws(StoreFault) {
    guard entry(named: name, in: list) != nil else { throw .missing }
    lists[list]?.removeAll { $0.name == name }
  }

  /// The file.
  public var bytes: [UInt8] {
    var tables: [StoreList: [ConfigurationValue]] = [:]
    for list in StoreList.allCases {
      tables[list] = entries(in: list).map(\.table) + (nameless[list] ?? [])
    }
    return Array(Self.text(tables).utf8)
  }

  static func text(_ lists: [StoreList: [ConfigurationValue]]) -> String {
    let members = StoreList.allCases.compactMap { list in
      lists[list].flatMap { $0.isEmpty ? nil : StoreEntry.member(list.rawValue, .list($0)) }
    }
    let root = ConfigurationValue(content: .table(members), place: .nowhere)
    return JSONWriter.write(root, isIndented: true) + "\n"
  }
}
