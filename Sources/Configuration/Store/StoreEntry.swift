/// The two lists of the store.
public enum StoreList: String, Sendable, CaseIterable {
  /// Services to publish.
  case proxies
  /// Secret proxies to visit.
  case visitors

  /// What one entry is called.
  public var noun: String {
    switch self {
    case .proxies: "proxy"
    case .visitors: "visitor"
    }
  }

  var kinds: [String] {
    switch self {
    case .proxies: ProxyKind.allCases.map(\.rawValue)
    case .visitors: VisitorKind.allCases.map(\.rawValue)
    }
  }

  /// What of a table has a meaning, under the names that the manual uses.
  func pruned(_ table: ConfigurationValue) -> ConfigurationValue {
    switch self {
    case .proxies: ProxySchema.index.pruned(table)
    case .visitors: VisitorSchema.index.pruned(table)
    }
  }
}

/// Why the store does not do what it is asked for.
public enum StoreFault: Error, Equatable, Sendable, CustomStringConvertible {
  /// The request is wrong; what about it.
  case invalid(String)
  /// There is such an entry already.
  case exists
  /// There is no such entry.
  case missing
  /// The file is no store; why.
  case unreadable(String)

  /// What is wrong, in words.
  public var description: String {
    switch self {
    case .invalid(let text), .unreadable(let text): text
    case .exists: "already exists"
    case .missing: "not found"
    }
  }
}

/// A proxy or visitor of the store, as it was given: without defaults.
public struct StoreEntry: Sendable {
  /// The list that it is in.
  public let list: StoreList
  /// The name, unique in the list.
  public let name: String
  /// The kind.
  public let kind: String
  let table: ConfigurationValue

  init?(_ table: ConfigurationValue, in list: StoreList) {
    guard let name = table.member("name")?.text, !name.isEmpty else { return nil }
    self.list = list
    self.name = name
    kind = table.member("type")?.text ?? ""
    self.table = table
  }

  /// Reads a definition (http-api.md 4.2): name, type, and a block that is called like the type.
  /// Members that nobody knows are left out.
  ///
  /// - Throws: `invalid`, in the words of frp.
  public init(definition bytes: [UInt8], in list: StoreList) throws(StoreFault) {
    let root = try Self.parse(bytes)
    let noun = list.noun
    let name = root.member("name")?.text ?? ""
    guard !trimmed(name).isEmpty else { throw .invalid("\(noun) name is required") }
    let kind = root.member("type")?.text ?? ""
    guard list.kinds.contains(kind) else { throw .invalid("invalid \(noun) type: \(kind)") }
    let blocks = list.kinds.filter { root.member($0)?.isTable == true }
    guard blocks.count == 1, let block = root.member(blocks[0]) else {
      throw .invalid("exactly one \(noun) type block is required")
    }
    guard blocks[0] == kind else {
      throw .invalid("\(noun) type block \"\(blocks[0])\" does not match type \"\(kind)\"")
    }
    var members = [Self.member("name", .text(name)), Self.member("type", .text(kind))]
    if case .table(let given) = list.pruned(block).content {
      members += given.filter { $0.name != "name" && $0.name != "type" }
    }
    self.list = list
    self.name = name
    self.kind = kind
    table = ConfigurationValue(content: .table(members), place: .nowhere)
    try check()
  }

  private static func parse(_ bytes: [UInt8]) throws(StoreFault) -> ConfigurationValue {
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw .invalid("parse JSON error: expected text in UTF-8")
    }
    do throws(FormatFault) {
      let root = try JSONReader.read(bytes)
      guard root.isTable else { throw FormatFault(place: nil, message: "expected an object") }
      return root
    } catch {
      throw .invalid("parse JSON error: \(error.message)")
    }
  }

  static func member(
    _ name: String, _ content: ConfigurationValue.Content
  ) -> ConfigurationValue.Member {
    .init(name: name, place: .nowhere, value: ConfigurationValue(content: content, place: .nowhere))
  }

  /// As every entry is checked that a program starts with, whether it is switched on or not.
  private func check() throws(StoreFault) {
    var table = table
    if case .table(let members) = table.content {
      table.content = .table(
        members.filter { $0.name != "enabled" } + [Self.member("enabled", .boolean(true))])
    }
    let content = Array(StoreDocument.text([list: [table]]).utf8)
    var options = LoadOptions()
    options.isStrict = false
    let loaded = ConfigurationLoader.loadClient(
      text: "store.path = \"store\"", file: "check.toml",
      includes: IncludeReader(fileNames: { _ in nil }, readFile: { _ in content }),
      options: options)
    guard let issue = loaded.errors.first else { return }
    let prefix = "\(list.rawValue)[0]."
    let key = issue.key.map { ($0.hasPrefix(prefix) ? $0.dropFirst(prefix.count) : $0[...]) + ": " }
    throw .invalid("invalid argument: validation error: \(key ?? "")\(issue.message)")
  }

  /// The definition in JSON.
  public var definition: String { Self.definition(name: name, kind: kind, table, in: list) }

  /// Members that frp always writes are there, empty if they are not set.
  static func definition(
    name: String, kind: String, _ table: ConfigurationValue, in list: StoreList
  ) -> String {
    var table = table
    for (path, content) in list.constantMembers { table.fill(path[...], content) }
    let members = [
      member("name", .text(name)), member("type", .text(kind)), member(kind, table.content),
    ]
    return JSONWriter.write(ConfigurationValue(content: .table(members), place: .nowhere))
  }
}

extension StoreList {
  fileprivate var constantMembers: [([String], ConfigurationValue.Content)] {
    switch self {
    case .proxies:
      [
        (["transport", "bandwidthLimit"], .text("")),
        (["transport", "bandwidthLimitMode"], .text("")), (["loadBalancer", "group"], .text("")),
        (["healthCheck", "type"], .text("")), (["healthCheck", "intervalSeconds"], .integer(0)),
        (["plugin"], .null),
      ]
    case .visitors: [(["transport"], .table([])), (["plugin"], .null)]
    }
  }
}

extension ConfigurationValue.Place {
  /// Of values that no file has.
  static let nowhere = ConfigurationValue.Place(line: 1, column: 1)
}

extension ConfigurationValue {
  var isTable: Bool {
    if case .table = content { return true }
    return false
  }

  /// Puts a value into the tables that `path` names, unless there is one.
  mutating func fill(_ path: ArraySlice<String>, _ content: Content) {
    guard let name = path.first, case .table(var members) = self.content else { return }
    let isLast = path.count == 1
    if let index = members.firstIndex(where: { $0.name == name }) {
      if !isLast { members[index].value.fill(path.dropFirst(), content) }
    } else {
      var member = StoreEntry.member(name, isLast ? content : .table([]))
      if !isLast { member.value.fill(path.dropFirst(), content) }
      members.append(member)
    }
    self.content = .table(members)
  }
}

extension SchemaIndex {
  /// What of a table has a meaning, under the names that the manual uses; of a name that comes
  /// twice the last one. As deep as names have parts.
  func pruned(_ table: ConfigurationValue, node: Int = 0) -> ConfigurationValue {
    guard case .table(let members) = table.content else { return table }
    var kept: [ConfigurationValue.Member] = []
    for member in members {
      guard let child = nodes[node].children[member.name.lowercased()] else { continue }
      kept.removeAll { $0.name == nodes[child].name }
      if case .null = member.value.content { continue }
      var member = member
      member.name = nodes[child].name
      if !nodes[child].children.isEmpty { member.value = pruned(member.value, node: child) }
      kept.append(member)
    }
    return ConfigurationValue(content: .table(kept), place: table.place)
  }

  /// A draft as a table: every key with a meaning there whose value is not empty.
  func table(of draft: Target, kind: String, plugin: String = "") -> ConfigurationValue {
    var table = ConfigurationValue(content: .table([]), place: .nowhere)
    for key in keys {
      guard let name = key.v1Name, key.scope.contains(kind: kind, plugin: plugin),
        let value = key.value(in: draft), !value.isEmpty
      else { continue }
      table.fill(name.split(separator: ".").map(String.init)[...], value.content)
    }
    return table
  }
}

extension FieldValue {
  fileprivate var content: ConfigurationValue.Content {
    func list(_ items: [ConfigurationValue.Content]) -> ConfigurationValue.Content {
      .list(items.map { ConfigurationValue(content: $0, place: .nowhere) })
    }
    return switch self {
    case .text(let text): .text(text)
    case .boolean(let boolean): .boolean(boolean)
    case .integer(let number): .integer(number)
    case .list(let items): list(items.map { .text($0) })
    case .map(let members):
      .table(
        members.sorted { $0.key < $1.key }.map { StoreEntry.member($0.key, .text($0.value)) })
    case .flags(let members):
      .table(
        members.sorted { $0.key < $1.key }.map { StoreEntry.member($0.key, .boolean($0.value)) })
    case .namedValues(let items):
      list(
        items.map {
          .table([
            StoreEntry.member("name", .text($0.name)), StoreEntry.member("value", .text($0.value)),
          ])
        })
    case .ports(let ports): .text("\(ports)")
    }
  }
}

extension LoadedConfiguration<ClientConfiguration> {
  /// The definition, defaults and all, of a proxy or visitor that the configuration starts; `nil`
  /// when there is none of that name. Secrets are in it.
  public func definition(of name: String, in list: StoreList) -> String? {
    guard case .client(_, let proxies, let visitors)? = effective else { return nil }
    switch list {
    case .proxies:
      guard let draft = proxies.first(where: { $0.name == name }) else { return nil }
      let table = ProxySchema.index.table(of: draft, kind: draft.kind, plugin: draft.plugin.type)
      return StoreEntry.definition(name: name, kind: draft.kind, table, in: list)
    case .visitors:
      guard let draft = visitors.first(where: { $0.name == name }) else { return nil }
      let table = VisitorSchema.index.table(of: draft, kind: draft.kind)
      return StoreEntry.definition(name: name, kind: draft.kind, table, in: list)
    }
  }
}
