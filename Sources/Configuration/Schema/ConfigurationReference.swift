/// The page of the manual that lists all keys, made of the schema.
public enum ConfigurationReference {
  /// The whole page, in Markdown.
  public static func page() -> String {
    let parts = [
      introduction,
      "## frps: `[common]`\n\n" + table(ServerSchema.common),
      "## frpc: `[common]`\n\n" + table(ClientSchema.common),
      proxyIntroduction,
      table(ProxySchema.selectors + ProxySchema.common + ProxySchema.tcp),
      absentIntroduction,
      absentTable(),
    ]
    return parts.joined(separator: "\n\n") + "\n"
  }

  /// The keys of one table that this version takes.
  private static func table<Target>(_ schema: [SchemaKey<Target>]) -> String {
    let head = [
      "| key | in TOML, YAML, JSON | value | default | meaning |", "|---|---|---|---|---|",
    ]
    let rows = schema.filter { $0.absentFeature == nil }.map { key in
      row([
        code(key.iniName), key.v1Name.map(code) ?? "–", key.typeText,
        key.defaultText.isEmpty ? "" : code(key.defaultText), key.documentation,
      ])
    }
    return (head + rows).joined(separator: "\n")
  }

  private static func absentTable() -> String {
    var rows: [String] = []
    func add<Target>(_ schema: [SchemaKey<Target>], _ place: String) {
      for key in schema {
        if let feature = key.absentFeature {
          rows.append(row([code(key.iniName), place, feature, key.documentation]))
        }
      }
    }
    add(ServerSchema.common, "frps")
    add(ServerPluginSchema.keys, "frps, `[plugin.NAME]`")
    add(ClientSchema.common, "frpc")
    add(ProxySchema.common, "proxies")
    add(ProxySchema.otherKinds, "proxies")
    add(ProxySchema.visitor, "visitors")
    return (["| key | where | feature | meaning |", "|---|---|---|---|"] + rows)
      .joined(separator: "\n")
  }

  private static func code(_ text: String) -> String { "`\(text)`" }

  private static func row(_ cells: [String]) -> String {
    "| " + cells.joined(separator: " | ") + " |"
  }

  private static let introduction = """
    # Configuration

    This page is made of the schema in `Sources/Configuration/Schema` by `make pages`; a test fails
    when it is not up to date. `frps verify -c FILE` and `frpc verify -c FILE` check a file and name
    everything that is wrong with it, with line and key.

    Files are in frp's INI format; TOML, YAML and JSON are not read in this version.

    - `[common]` holds the keys of the program; every other section of frpc's file is one proxy,
      named like the section.
    - Comments stand on lines of their own and begin with `#` or `;`. What stands behind a value
      belongs to the value.
    - A value may stand in `"` or `'`. An empty value means the default; so does 0 where the default
      is another number, except for `shutdown_grace`.
    - Booleans are `true` and `false`, `1` and `0`, `yes` and `no`, `on` and `off`.
    - `{{ .Envs.NAME }}` stands for a variable of the environment, `%(name)s` for the value of
      another key of the section. A section `[a.b]` takes from `[a]` what it lacks.
    - A number or a boolean that cannot be read is reported by a warning, and the default is used.
      Unknown keys are reported by a warning. Everything else that is wrong is an error, and the
      program does not start.
    """

  private static let proxyIntroduction = """
    ## Proxies

    A section `[range:NAME]` whose `local_port` and `remote_port` are lists such as `6000-6005,7000`
    stands for the proxies `NAME_0`, `NAME_1` and so on, one for each pair of ports.
    """

  private static let absentIntroduction = """
    ## Not in this version

    frp knows these keys. A file that sets one of them to anything but frp's default is refused, so
    that nobody believes in something that is not there.
    """
}
