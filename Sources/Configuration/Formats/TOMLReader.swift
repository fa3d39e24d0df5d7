/// Reads TOML 1.0 into a tree. Why not a library: docs/decisions/0006-configuration-formats.md.
///
/// A fault ends its line, not the file: the rest is read too, so that all faults are told at once.
struct TOMLReader {
  private var scanner: TOMLScanner
  private var tables = TOMLTables()
  /// The table that `key = value` lines belong to.
  private var current = 0
  private var faults: [FormatFault] = []

  private init(_ bytes: [UInt8]) { scanner = TOMLScanner(bytes) }

  /// What was read, and everything that is wrong with it. `bytes` is valid UTF-8.
  static func read(_ bytes: [UInt8]) -> (tree: ConfigurationValue, faults: [FormatFault]) {
    var reader = TOMLReader(bytes)
    reader.readLines()
    return (reader.tables.tree, reader.faults)
  }

  private mutating func readLines() {
    while !scanner.isAtEnd, faults.count < ConfigurationLimits.syntaxFaultCountMax {
      do throws(FormatFault) {
        try readLine()
      } catch {
        faults.append(error)
        // Nothing is counted or compared that the fault may have garbled.
        if scanner.valueCount > ConfigurationLimits.valueCountMax { return }
        scanner.skipToNextStatement()
      }
    }
  }

  private mutating func readLine() throws(FormatFault) {
    scanner.skipBlanksAndLines()
    guard let byte = scanner.peek else { return }
    if byte == 0x5B {
      try readHeader()
    } else {
      let path = try scanner.readPath()
      guard scanner.take(0x3D) else { throw scanner.fault("expected = behind the name") }
      let value = try scanner.readValue(depth: 0)
      try tables.set(path, to: value, in: current)
    }
    try scanner.endLine()
  }

  private mutating func readHeader() throws(FormatFault) {
    let place = scanner.place
    // What follows a header that is wrong belongs to nothing.
    current = tables.detachedTable(place)
    _ = scanner.take(0x5B)
    let isList = scanner.take(0x5B)
    let path = try scanner.readPath()
    guard scanner.take(0x5D), !isList || scanner.take(0x5D) else {
      throw scanner.fault(isList ? "expected ]] behind the name" : "expected ] behind the name")
    }
    current =
      isList ? try tables.appendTable(path, place) : try tables.openTable(path, place)
    try scanner.reserve(1, place)
  }
}

/// One part of a dotted name.
struct TOMLName {
  var text: String
  var place: ConfigurationValue.Place
}

/// The tables of a TOML file while it is read, with who may still add to them.
struct TOMLTables {
  /// How a table came to be, which decides whether it may be opened or extended.
  private enum Origin {
    /// As part of the name of another header.
    case implied
    /// By a header of its own.
    case header
    /// As part of a dotted name before a `=`.
    case dotted
  }

  private enum Node {
    case value(ConfigurationValue)
    case table(Origin, [(name: TOMLName, node: Int)], ConfigurationValue.Place)
    /// A list of tables made by `[[name]]`.
    case list([Int], ConfigurationValue.Place)
  }

  private var nodes: [Node] = [.table(.header, [], .init(line: 1, column: 1))]
  /// Nodes by the table they are in and their name.
  private var positions: [Position: Int] = [:]

  private struct Position: Hashable {
    var table: Int
    var name: String
  }

  private mutating func add(_ node: Node, to table: Int, as name: TOMLName) -> Int {
    nodes.append(node)
    let new = nodes.count - 1
    positions[Position(table: table, name: name.text)] = new
    // Taken out while it grows, so that nothing is copied.
    if case .table(let origin, var members, let place) = nodes[table] {
      nodes[table] = .list([], place)
      members.append((name, new))
      nodes[table] = .table(origin, members, place)
    }
    return new
  }

  /// A table that is no part of the tree.
  mutating func detachedTable(_ place: ConfigurationValue.Place) -> Int {
    nodes.append(.table(.header, [], place))
    return nodes.count - 1
  }

  /// The table that a header's name means up to its last part, made where it is not there.
  private mutating func walk(
    _ path: ArraySlice<TOMLName>, _ place: ConfigurationValue.Place
  ) throws(FormatFault) -> Int {
    var table = 0
    for name in path {
      guard let node = positions[Position(table: table, name: name.text)] else {
        table = add(.table(.implied, [], place), to: table, as: name)
        continue
      }
      switch nodes[node] {
      case .table: table = node
      case .list(let tables, _): table = tables.last ?? node
      case .value: throw Self.redefinition(name)
      }
    }
    return table
  }

  private static func redefinition(_ name: TOMLName) -> FormatFault {
    FormatFault(place: name.place, message: "\(quotedIfOdd(name.text)) is set already")
  }

  /// `[a.b]`
  mutating func openTable(
    _ path: [TOMLName], _ place: ConfigurationValue.Place
  ) throws(FormatFault) -> Int {
    let parent = try walk(path.dropLast(), place)
    guard let name = path.last else { return parent }
    guard let node = positions[Position(table: parent, name: name.text)] else {
      return add(.table(.header, [], place), to: parent, as: name)
    }
    guard case .table(.implied, let members, _) = nodes[node] else {
      throw Self.redefinition(name)
    }
    nodes[node] = .table(.header, members, place)
    return node
  }

  /// `[[a.b]]`
  mutating func appendTable(
    _ path: [TOMLName], _ place: ConfigurationValue.Place
  ) throws(FormatFault) -> Int {
    let parent = try walk(path.dropLast(), place)
    let table = detachedTable(place)
    guard let name = path.last else { return table }
    guard let node = positions[Position(table: parent, name: name.text)] else {
      _ = add(.list([table], place), to: parent, as: name)
      return table
    }
    guard case .list(var tables, let first) = nodes[node] else { throw Self.redefinition(name) }
    nodes[node] = .list([], first)
    tables.append(table)
    nodes[node] = .list(tables, first)
    return table
  }

  /// `a.b = value`
  mutating func set(
    _ path: [TOMLName], to value: ConfigurationValue, in start: Int
  ) throws(FormatFault) {
    var table = start
    for name in path.dropLast() {
      guard let node = positions[Position(table: table, name: name.text)] else {
        table = add(.table(.dotted, [], name.place), to: table, as: name)
        continue
      }
      guard case .table(.dotted, _, _) = nodes[node] else { throw Self.redefinition(name) }
      table = node
    }
    guard let name = path.last else { return }
    guard positions[Position(table: table, name: name.text)] == nil else {
      throw Self.redefinition(name)
    }
    _ = add(.value(value), to: table, as: name)
  }

  /// Everything that belongs to the file's table.
  var tree: ConfigurationValue { tree(of: 0) }

  /// Recursion is as deep as names have parts, which the scanner bounds.
  private func tree(of node: Int) -> ConfigurationValue {
    switch nodes[node] {
    case .value(let value): value
    case .table(_, let members, let place):
      ConfigurationValue(
        content: .table(
          members.map {
            .init(name: $0.name.text, place: $0.name.place, value: tree(of: $0.node))
          }), place: place)
    case .list(let tables, let place):
      ConfigurationValue(content: .list(tables.map { tree(of: $0) }), place: place)
    }
  }
}
