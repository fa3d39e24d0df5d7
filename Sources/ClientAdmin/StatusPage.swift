public import Configuration
public import HTTPProtocol
public import TunnelClient

/// One proxy of the status page (http-api.md 4.1).
public struct StatusEntry: Equatable, Sendable {
  /// The name, without the user's prefix.
  public var name = ""
  /// The word for where it stands with the server.
  public var status = ""
  /// Why the server refused it last; empty if it did not.
  public var error = ""
  /// `host:port` of the local service; empty without a port.
  public var localAddress = ""
  /// What serves users in the place of a local service; empty for nothing.
  public var plugin = ""
  /// Where users reach it; empty for nowhere.
  public var remoteAddress = ""
  /// `store`, or empty for a proxy of a file.
  public var source = ""

  /// Says nothing yet.
  public init() {}

  init(_ proxy: ProxyStatus) {
    name = proxy.name
    status = proxy.phase.name
    error = proxy.error
    localAddress = proxy.localAddress
    plugin = proxy.plugin
    remoteAddress = proxy.error.isEmpty ? proxy.remoteAddress : ""
    source = proxy.isStored ? "store" : ""
  }
}

/// How the proxies of a client are, as its admin server and `frpc status` show it.
public struct StatusPage: Equatable, Sendable {
  /// The proxies of each kind that there is, by their names.
  public var entries: [ProxyKind: [StatusEntry]] = [:]

  /// What a client says of itself.
  public init(_ proxies: [ProxyStatus]) {
    for proxy in proxies { entries[proxy.kind, default: []].append(StatusEntry(proxy)) }
    for kind in entries.keys { entries[kind]?.sort { Self.isBefore($0.name, $1.name) } }
  }

  private static func isBefore(_ left: String, _ right: String) -> Bool {
    left.utf8.lexicographicallyPrecedes(right.utf8)
  }

  // MARK: JSON

  /// An object of arrays, by kind.
  public var json: JSONText {
    var text = JSONText()
    text.object { text in
      for kind in ProxyKind.allCases.sorted(by: { Self.isBefore($0.rawValue, $1.rawValue) }) {
        guard let entries = entries[kind] else { continue }
        text.name(kind.rawValue)
        text.array { text in
          for entry in entries { Self.write(entry, kind, into: &text) }
        }
      }
    }
    return text
  }

  private static func write(_ entry: StatusEntry, _ kind: ProxyKind, into text: inout JSONText) {
    text.object {
      $0.member("name", entry.name)
      $0.member("type", kind.rawValue)
      $0.member("status", entry.status)
      $0.member("err", entry.error)
      $0.member("local_addr", entry.localAddress)
      $0.member("plugin", entry.plugin)
      $0.member("remote_addr", entry.remoteAddress)
      if !entry.source.isEmpty { $0.member("source", entry.source) }
    }
  }

  /// Reads what `json` or frp writes; `nil` when it is something else. Kinds and members that
  /// nobody knows are left out.
  public init?(json bytes: [UInt8]) {
    guard String(validating: bytes, as: UTF8.self) != nil, let tree = try? JSONReader.read(bytes),
      case .table(let members) = tree.content
    else { return nil }
    for member in members {
      guard case .list(let items) = member.value.content else { return nil }
      guard let kind = ProxyKind(rawValue: member.name) else { continue }
      entries[kind] = items.map(Self.entry).sorted { Self.isBefore($0.name, $1.name) }
    }
  }

  private static func entry(_ value: ConfigurationValue) -> StatusEntry {
    func text(_ name: String) -> String { value.member(name)?.text ?? "" }
    var entry = StatusEntry()
    entry.name = text("name")
    entry.status = text("status")
    entry.error = text("err")
    entry.localAddress = text("local_addr")
    entry.plugin = text("plugin")
    entry.remoteAddress = text("remote_addr")
    entry.source = text("source")
    return entry
  }

  // MARK: Table

  private static let kindsInTable: [ProxyKind] = [
    .tcp, .udp, .tcpmux, .http, .https, .stcp, .sudp, .xtcp,
  ]

  private static let header = ["Name", "Status", "LocalAddr", "Plugin", "RemoteAddr", "Error"]

  /// What `frpc status` prints (cli.md 5.3), byte for byte; without the end of the last line.
  public var table: String {
    var lines = ["Proxy Status...", ""]
    for kind in Self.kindsInTable {
      guard let entries = entries[kind], !entries.isEmpty else { continue }
      lines.append(kind.rawValue.uppercased())
      lines += Self.lines([Self.header] + entries.map(Self.cells))
      lines.append("")
    }
    return lines.joined(separator: "\n")
  }

  private static func cells(_ entry: StatusEntry) -> [String] {
    [
      entry.name, entry.status, entry.localAddress, entry.plugin, entry.remoteAddress,
      entry.error,
    ].map(printable)
  }

  /// Two spaces behind the widest cell of each column, the last one too.
  private static func lines(_ rows: [[String]]) -> [String] {
    let widths = header.indices.map { column in
      (rows.map { $0[column].unicodeScalars.count }.max() ?? 0) + 2
    }
    return rows.map { row in
      zip(row, widths).map { cell, width in
        cell + String(repeating: " ", count: width - cell.unicodeScalars.count)
      }.joined()
    }
  }

  /// Names and errors come from elsewhere, and may hold what a terminal obeys.
  private static func printable(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      let isControl = scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value)
      result.unicodeScalars.append(isControl ? "\u{fffd}" : scalar)
    }
    return result
  }
}
