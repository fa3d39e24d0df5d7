/// Writes the complete example files. A comment begins with `# `; a key that this version has not,
/// or that names files which have to be there, stands behind a `#` alone, and one of which another
/// is set stands behind `#   `.
public enum ExampleFile {
  /// `config/frps.full.ini`.
  public static func serverINI() -> String { ini(.server) }

  /// `config/frpc.full.ini`.
  public static func clientINI() -> String { ini(.client) }

  /// `config/frps.full.toml`.
  public static func serverTOML() -> String { toml(.server) }

  /// `config/frpc.full.toml`.
  public static func clientTOML() -> String { toml(.client) }

  static func ini(_ document: ExampleDocument) -> String {
    var text = introduction(document, "frp's INI format")
    for table in document.tables {
      guard let section = table.section else { continue }
      let mark = isOff(table) ? "#" : ""
      text += "\n" + heading(table) + "\(mark)[\(section)]\n"
      for entry in table.entries {
        guard let name = entry.iniName else { continue }
        text += comment(entry, .ini)
        for (key, value) in iniLines(name, entry.value) {
          text += prefix(entry, in: table) + "\(key) = \(value)".trimmedEnd + "\n"
        }
      }
    }
    if document.program == "frpc" { text += "\n" + rangeInINI }
    return text
  }

  static func toml(_ document: ExampleDocument) -> String {
    var text = introduction(document, "TOML")
    for table in document.tables {
      if let list = table.list {
        let mark = isOff(table) ? "#" : ""
        text += "\n" + heading(table) + "\(mark)[[\(list)]]\n"
      } else {
        text += "\n"
      }
      for entry in table.entries {
        guard let name = entry.v1Name else { continue }
        text += comment(entry, .v1)
        text += prefix(entry, in: table) + "\(name) = \(TOMLText.literal(entry.value))\n"
      }
    }
    if document.program == "frpc" { text += "\n" + rangeInTOML }
    return text
  }

  // MARK: Comments

  private static func isMissing(_ feature: Feature?) -> Bool {
    feature.map { !$0.isInThisVersion } ?? false
  }

  private static func isOff(_ table: ExampleDocument.Table) -> Bool {
    isMissing(table.feature) || table.needsFiles
  }

  private static func prefix(
    _ entry: ExampleDocument.Entry, in table: ExampleDocument.Table
  ) -> String {
    if entry.alternativeTo != nil { return "#   " }
    return isOff(table) || isMissing(entry.feature) || entry.needsFiles ? "#" : ""
  }

  private static func introduction(_ document: ExampleDocument, _ format: String) -> String {
    """
    # Every key of \(document.program) in \(format), made of the schema by `make pages`. The values
    # are examples and no defaults: take the lines that you need, this is no file to start with.
    # What stands right behind a # is not in this version, or names files that have to be there.

    """
  }

  private static func heading(_ table: ExampleDocument.Table) -> String {
    table.comment.isEmpty ? "" : "# \(table.comment)\n"
  }

  /// The documentation, in lines of at most 90 characters.
  private static func comment(
    _ entry: ExampleDocument.Entry, _ generation: NameGeneration
  ) -> String {
    var text = KeyNames.translated(entry.documentation, to: generation)
    if let other = entry.alternativeTo {
      text = "instead of " + KeyNames.translated("`\(other)`", to: generation) + ": " + text
    }
    var lines: [String] = []
    var line = "#"
    for word in text.split(separator: " ") {
      if line.count + word.count + 1 > 90 {
        lines.append(line)
        line = "#"
      }
      line += " " + word
    }
    return (lines + [line]).joined(separator: "\n") + "\n"
  }

  // MARK: Values

  /// The lines of one key; a map has one for each member.
  private static func iniLines(_ name: String, _ value: FieldValue) -> [(String, String)] {
    switch value {
    case .text(let text): [(name, text)]
    case .boolean(let boolean): [(name, boolean ? "true" : "false")]
    case .integer(let number): [(name, String(number))]
    case .list(let items): [(name, items.joined(separator: ", "))]
    case .ports(let ports): [(name, ports.description)]
    case .map(let members):
      members.sorted { $0.key < $1.key }.map { (String(name.dropLast()) + $0.key, $0.value) }
    case .namedValues, .flags: []
    }
  }

  private static let rangeInINI = """
    # A range stands for one proxy for each pair of ports: ports_0, ports_1, ports_2.
    #   [range:ports]
    #   type = tcp
    #   local_port = 6000-6001,6006
    #   remote_port = 6000-6001,6006

    """

  private static let rangeInTOML = """
    # A template writes one proxy for each pair of ports.
    #   {{- range $i, $pair := parseNumberRangePair "6000-6001,6006" "6000-6001,6006" }}
    #   [[proxies]]
    #   name = "ports-{{ $i }}"
    #   type = "tcp"
    #   localPort = {{ $pair.First }}
    #   remotePort = {{ $pair.Second }}
    #   {{- end }}

    """
}

extension String {
  /// Without blanks at its end.
  fileprivate var trimmedEnd: String {
    var result = self
    while result.hasSuffix(" ") { result.removeLast() }
    return result
  }
}

/// Names of keys inside documentation.
enum KeyNames {
  private static let current: [String: String] = {
    var names: [String: String] = [:]
    func add<Target: Sendable>(_ keys: [SchemaKey<Target>]) {
      for key in keys {
        if let name = key.iniName, let current = key.v1Name, names[name] == nil {
          names[name] = current
        }
      }
    }
    add(ServerSchema.common)
    add(ClientSchema.common)
    add(ProxySchema.all)
    add(VisitorSchema.keys)
    return names
  }()

  /// `text` with legacy names in back quotes replaced by the current ones, when those are wanted.
  static func translated(_ text: String, to generation: NameGeneration) -> String {
    guard generation == .v1 else { return text }
    let parts = text.split(separator: "`", omittingEmptySubsequences: false)
    return parts.enumerated().map { index, part in
      index % 2 == 1 ? current[String(part)] ?? String(part) : String(part)
    }.joined(separator: "`")
  }
}
