/// The keys of one table, found by either name.
struct SchemaIndex<Target: Sendable>: Sendable {
  /// One step of a name in the current generation.
  struct Node: Sendable {
    /// As it is written in documentation.
    var name = ""
    var key: Int?
    /// By name in lower case: members match in any case, as in frp.
    var children: [String: Int] = [:]
  }

  let keys: [SchemaKey<Target>]
  private(set) var nodes: [Node] = [Node()]
  private var iniPositions: [String: Int] = [:]
  private var iniPrefixes: [(prefix: String, position: Int)] = []

  /// A target that holds every default.
  let defaults: Target

  /// - Parameters:
  ///   - keys: the keys, each name once.
  ///   - empty: a target to put the defaults into.
  init(_ keys: [SchemaKey<Target>], empty: Target) {
    self.keys = keys
    var defaults = empty
    for key in keys { key.put(key.defaultValue, into: &defaults) }
    self.defaults = defaults
    for (position, key) in keys.enumerated() {
      if let name = key.v1Name { add(name, position) }
      if let prefix = key.iniPrefix {
        iniPrefixes.append((prefix, position))
      } else if let name = key.iniName {
        iniPositions[name] = position
      }
    }
    // `plugin_header_x` belongs to `plugin_header_*`, not to `plugin_*`.
    iniPrefixes.sort { $0.prefix.utf8.count > $1.prefix.utf8.count }
  }

  private mutating func add(_ name: String, _ position: Int) {
    var node = 0
    for part in name.split(separator: ".") {
      let folded = part.lowercased()
      if let child = nodes[node].children[folded] {
        node = child
      } else {
        nodes.append(Node(name: String(part)))
        nodes[node].children[folded] = nodes.count - 1
        node = nodes.count - 1
      }
    }
    nodes[node].key = position
  }

  /// The key of a legacy name, and the rest of the name behind a prefix.
  func key(ini name: String) -> (key: SchemaKey<Target>, member: String)? {
    if let position = iniPositions[name] { return (keys[position], "") }
    for (prefix, position) in iniPrefixes where name.hasPrefix(prefix) && name != prefix {
      return (keys[position], String(name.dropFirst(prefix.count)))
    }
    return nil
  }

  /// The key of an ID; for rules across keys.
  func key(id: String) -> SchemaKey<Target>? { keys.first { $0.id == id } }

  /// Legacy names by ID.
  var iniNamesByID: [String: String] {
    Dictionary(keys.compactMap { key in key.iniName.map { (key.id, $0) } }) { first, _ in first }
  }

  /// All legacy names that stand for one key each.
  var iniNames: [String] { keys.compactMap(\.iniName).filter { !$0.hasSuffix("*") } }
}

/// The known name that differs in the fewest letters.
public enum NearestName {
  /// `nil` when all differ in too many.
  public static func of(_ key: String, in known: [String]) -> String? {
    let wanted = normalized(key)
    guard (1...64).contains(wanted.count) else { return nil }
    let distanceMax = max(1, wanted.count / 3)
    var best: (name: String, distance: Int)?
    for name in known {
      let candidate = normalized(name)
      guard abs(candidate.count - wanted.count) <= distanceMax else { continue }
      let distance = editDistance(wanted, candidate)
      if distance <= distanceMax, distance < best?.distance ?? Int.max { best = (name, distance) }
    }
    return best?.name
  }

  /// Lower case without separators, so that `bindPort` and `bind-port` are `bind_port`.
  static func normalized(_ key: String) -> [UInt8] {
    Array(key.lowercased().utf8.filter { $0 != 0x5F && $0 != 0x2D && $0 != 0x2E })
  }

  /// Letters to change, to add, to leave out, or to swap with their neighbours.
  private static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var beforePrevious: [Int] = []
    var previous = Array(0...right.count)
    for (row, byte) in left.enumerated() {
      var current = [row + 1]
      for (column, other) in right.enumerated() {
        var best = min(
          previous[column] + (byte == other ? 0 : 1), previous[column + 1] + 1,
          current[column] + 1)
        if row > 0, column > 0, byte == right[column - 1], left[row - 1] == other {
          best = min(best, beforePrevious[column - 1] + 1)
        }
        current.append(best)
      }
      beforePrevious = previous
      previous = current
    }
    return previous[right.count]
  }
}
