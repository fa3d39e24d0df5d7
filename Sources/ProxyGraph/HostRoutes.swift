internal import ByteBuffers
public import WireProtocol

/// Names what a route leads to: a proxy, or a group of them. Given by whoever adds the route.
public struct RouteID: Hashable, Sendable {
  let rawValue: UInt64

  /// Wraps a number that is used once.
  public init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// Which route a host, a path and a user lead to (behaviour.md 4.1). Pure data; one table for each
/// kind of virtual host.
///
/// Hosts are tried in this order: the whole name; then with its first label replaced by `*`, then
/// with its first two, as long as three labels remain; then `*` alone. For each host, routes of the
/// very user come before those of everybody, and among these the longest location that the path
/// begins with wins. A host without a fitting location is passed over.
public struct HostRoutes: Sendable {
  private struct Key {
    let host: String
    let user: String
    let location: [UInt8]
  }

  private struct Host {
    var users: [String: LocationTable] = [:]
  }

  /// Labels that a wildcard's host has at least, with the `*`.
  private static let wildcardLabelCountMin = 3
  /// More dots than a host of the longest size can have.
  private static let dotCountMax = 255

  /// By the name, or for `*.example.com` by `.example.com`, or by `*`.
  private var hosts: [String: Host] = [:]
  private var keys: [RouteID: [Key]] = [:]
  /// How many wildcards have a name with so many dots: others need not be looked for.
  private var wildcardCounts = [Int](repeating: 0, count: dotCountMax + 1)

  /// Makes an empty table.
  public init() {}

  /// Routes in the table.
  public var routeCount: Int { keys.count }

  // MARK: Changing

  /// Adds a route for every combination of `hosts` and `locations`, or none of them.
  ///
  /// - Parameters:
  ///   - hosts: names, `*.name` or `*`; empty ones are skipped.
  ///   - locations: beginnings of paths; none stands for everything.
  ///   - user: the HTTP user whose requests these are; empty for everybody's.
  ///   - proxyName: the proxy that asks, for the text.
  /// - Returns: why not, in frp's words.
  public mutating func add(
    hosts: [String], locations: [String] = [], user: String = "", route: RouteID,
    proxyName: String
  ) -> ControlErrorText? {
    precondition(keys[route] == nil, "a route is added once")
    let names = hosts.filter { !$0.isEmpty }.map(Self.evenName)
    let paths = locations.isEmpty ? [[]] : locations.map { Array($0.utf8) }
    var added: [Key] = []
    for name in names {
      for location in paths {
        let key = Key(host: name, user: user, location: location)
        guard insert(key, route) else {
          removeAll(added)
          return .routeConflict(proxyName)
        }
        added.append(key)
      }
    }
    settle(added)
    keys[route] = added
    return nil
  }

  /// Removes all of a route.
  public mutating func remove(_ route: RouteID) {
    removeAll(keys.removeValue(forKey: route) ?? [])
  }

  private mutating func removeAll(_ gone: [Key]) {
    for key in gone { remove(key) }
    settle(gone)
  }

  /// Once for each host, however many locations came or went.
  private mutating func settle(_ changed: [Key]) {
    var settled: Set<String> = []
    for key in changed where settled.insert(key.host).inserted {
      hosts[key.host]?.users[key.user]?.settle()
    }
  }

  private mutating func insert(_ key: Key, _ route: RouteID) -> Bool {
    let isNew = hosts[key.host] == nil
    guard
      hosts[key.host, default: Host()].users[key.user, default: LocationTable()]
        .insert(key.location, route)
    else { return false }
    if isNew, let dots = Self.wildcardDots(key.host) { wildcardCounts[dots] += 1 }
    return true
  }

  private mutating func remove(_ key: Key) {
    hosts[key.host]?.users[key.user]?.remove(key.location)
    if hosts[key.host]?.users[key.user]?.isEmpty == true { hosts[key.host]?.users[key.user] = nil }
    guard hosts[key.host]?.users.isEmpty == true else { return }
    hosts[key.host] = nil
    if let dots = Self.wildcardDots(key.host) { wildcardCounts[dots] -= 1 }
  }

  /// Small letters, one trailing dot less, an IPv6 literal without its brackets, `*.name` without
  /// the star.
  private static func evenName(_ host: String) -> String {
    var name = Substring(host.lowercased())
    if name.utf8.count > 1, name.hasSuffix(".") { name = name.dropLast() }
    if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
    if name.hasPrefix("*.") { name = name.dropFirst() }
    return String(name)
  }

  private static func wildcardDots(_ name: String) -> Int? {
    guard name.utf8.first == UInt8(ascii: "."), name.utf8.count > 1 else { return nil }
    let dots = name.utf8.count { $0 == UInt8(ascii: ".") }
    // A name with more is never asked for.
    return min(dots, dotCountMax)
  }

  // MARK: Finding

  /// The route of a request, or of a connection, which has no path.
  ///
  /// - Parameters:
  ///   - host: in small letters, without port, brackets and trailing dot.
  ///   - path: decoded; empty when there is none.
  ///   - user: the HTTP user; empty for none.
  public func route(host: String, path: RawSpan, user: String = "") -> RouteID? {
    // A name that begins with a dot would find the entry of a wildcard.
    if host.utf8.first != UInt8(ascii: "."), host != "*",
      let route = find(host, path, user)
    {
      return route
    }
    return findWildcard(host, path, user) ?? find("*", path, user)
  }

  /// The route of a connection that says nothing but its host.
  public func route(host: String, user: String = "") -> RouteID? {
    route(host: host, path: RawSpan(), user: user)
  }

  private func findWildcard(_ host: String, _ path: RawSpan, _ user: String) -> RouteID? {
    var dots = host.utf8.count { $0 == UInt8(ascii: ".") }
    guard dots <= Self.dotCountMax else { return nil }
    var rest = host[...]
    // Labels that remain are one more than the dots.
    while dots + 1 >= Self.wildcardLabelCountMin,
      let dot = rest.utf8.firstIndex(of: UInt8(ascii: "."))
    {
      if wildcardCounts[dots] > 0, let route = find(String(rest[dot...]), path, user) {
        return route
      }
      rest = rest[rest.utf8.index(after: dot)...]
      dots -= 1
    }
    return nil
  }

  private func find(_ name: String, _ path: RawSpan, _ user: String) -> RouteID? {
    guard let users = hosts[name]?.users else { return nil }
    if !user.isEmpty, let route = users[user]?.longest(path) { return route }
    return users[""]?.longest(path)
  }
}

/// Locations of one host and user, ordered by their bytes, each with its longest beginning among
/// the others: all that a path begins with lie on one such chain, which ends before the path.
struct LocationTable: Sendable {
  private struct Entry {
    let location: [UInt8]
    let route: RouteID
    /// The index of the longest other location that this one begins with.
    var parent: Int?
  }

  private var entries: [Entry] = []

  var isEmpty: Bool { entries.isEmpty }

  /// Returns `false` when the location is there already. `settle` has to follow.
  mutating func insert(_ location: [UInt8], _ route: RouteID) -> Bool {
    let index = unsafe upperBound(location.span.bytes)
    if index > 0, entries[index - 1].location == location { return false }
    entries.insert(Entry(location: location, route: route), at: index)
    return true
  }

  /// `settle` has to follow.
  mutating func remove(_ location: [UInt8]) {
    let index = unsafe upperBound(location.span.bytes) - 1
    if index >= 0, entries[index].location == location { entries.remove(at: index) }
  }

  /// The route of the longest location that `path` begins with.
  func longest(_ path: RawSpan) -> RouteID? {
    var candidate = upperBound(path) - 1
    while candidate >= 0 {
      if Self.begins(path, with: entries[candidate].location) { return entries[candidate].route }
      candidate = entries[candidate].parent ?? -1
    }
    return nil
  }

  /// The index of the first entry behind `path` in the order of bytes.
  private func upperBound(_ path: RawSpan) -> Int {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if Self.precedes(path, entries[middle].location) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// Finds the parents anew, after locations came or went.
  mutating func settle() {
    var chain: [Int] = []
    for index in entries.indices {
      let location = entries[index].location
      while let last = chain.last, !location.starts(with: entries[last].location) {
        chain.removeLast()
      }
      entries[index].parent = chain.last
      chain.append(index)
    }
  }

  private static func precedes(_ path: RawSpan, _ location: [UInt8]) -> Bool {
    let common = min(path.byteCount, location.count)
    for index in 0..<common {
      let byte = path.byte(at: index)
      if byte != location[index] { return byte < location[index] }
    }
    return path.byteCount < location.count
  }

  private static func begins(_ path: RawSpan, with location: [UInt8]) -> Bool {
    guard path.byteCount >= location.count else { return false }
    return location.indices.allSatisfy { path.byte(at: $0) == location[$0] }
  }
}
