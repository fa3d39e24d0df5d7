/// The page of the manual that lists all keys, made of the schema.
public enum ConfigurationReference {
  /// The whole page, in Markdown.
  public static func page() -> String {
    let parts = [
      introduction, rules,
      "## frps\n\n" + table(ServerSchema.common),
      "### Groups\n\n" + groupIntroduction + "\n\n" + table(GroupSchema.keys),
      "### Certificates of hosts\n\n" + certificateIntroduction + "\n\n"
        + table(HostCertificateSchema.keys),
      "### Server plugins\n\n" + serverPluginIntroduction + "\n\n" + table(ServerPluginSchema.keys),
      accountIntroduction, accountPart,
      "## frpc\n\n" + table(ClientSchema.common),
      "## Proxies\n\n" + proxyIntroduction + "\n\n"
        + table(ProxySchema.selectors + ProxySchema.common),
      "### Keys of some types\n\n" + table(ProxySchema.byKind),
      "### Client plugins\n\n" + table(ProxySchema.plugin),
      "## Visitors\n\n" + visitorIntroduction + "\n\n" + table(VisitorSchema.keys),
      "## Templates\n\n" + templates,
      "## Not in this version\n\n" + absent,
    ]
    return parts.joined(separator: "\n\n") + "\n"
  }

  private static func table<Target>(_ schema: [SchemaKey<Target>]) -> String {
    let hasScopes = schema.contains { $0.scope != .everywhere }
    let heads = ["in INI", "in TOML, YAML, JSON"] + (hasScopes ? ["for"] : [])
    let head = [
      row(heads + ["value", "default", "meaning"]),
      "|" + String(repeating: "---|", count: heads.count + 3),
    ]
    let rows = schema.map { key in
      let missing = key.missingFeature.map { " (needs \($0.name), not in this version)" } ?? ""
      return row(
        [name(key.iniName), name(key.v1Name)] + (hasScopes ? [scope(key.scope)] : []) + [
          typeText(key), defaultText(key),
          key.documentation + missing,
        ])
    }
    return (head + rows).joined(separator: "\n")
  }

  private static func typeText<Target>(_ key: SchemaKey<Target>) -> String {
    guard case .choice(let rule, _) = key.rule else { return key.typeText }
    return rule.choices.map { choice in
      let name = choice.name.isEmpty ? "(empty)" : choice.name
      return choice.feature?.isInThisVersion ?? true ? name : name + " (not in this version)"
    }.joined(separator: ", ")
  }

  private static func defaultText<Target>(_ key: SchemaKey<Target>) -> String {
    if let fallback = key.fallback { return "as " + code(fallback) }
    let text = key.defaultText.isEmpty ? "" : code(key.defaultText)
    return text + (key.iniDefault.map { "; INI: " + code($0) } ?? "")
  }

  private static func name(_ text: String?) -> String { text.map(code) ?? "–" }

  private static func scope(_ scope: KeyScope) -> String {
    (scope.kinds ?? scope.plugins)?.joined(separator: ", ") ?? "all"
  }

  private static func code(_ text: String) -> String { "`\(text)`" }

  private static func row(_ cells: [String]) -> String {
    "| " + cells.joined(separator: " | ") + " |"
  }

  private static var absent: String {
    let names = Feature.allCases.filter { !$0.isInThisVersion }.map(\.name)
    return """
      A file that sets a key of one of these features to anything but frp's default is refused, so
      that nobody believes in something that is not there: \(names.joined(separator: ", ")).
      """
  }

  private static let introduction = """
    # Configuration

    This page is made of the schema in `Sources/Configuration/Schema` by `make pages`; a test fails
    when it is not up to date. `frps verify -c FILE` and `frpc verify -c FILE` check a file and name
    everything that is wrong with it, with line, column and key; `--dump` prints the values that
    hold. Complete files are `config/frps.full.ini`, `config/frps.full.toml`, `config/frpc.full.ini`
    and `config/frpc.full.toml`.

    A file is in frp's INI format when it has a section `[common]`. Otherwise it is TOML, whatever
    it is called; what is no TOML and is not called `.toml` is JSON when it begins with `{`, and
    YAML if not. An empty file means the defaults.
    """

  /// The points of `rules`, each on one line.
  static var ruleItems: [String] {
    var items: [String] = []
    for line in rules.split(separator: "\n") {
      if line.hasPrefix("- ") {
        items.append(String(line.dropFirst(2)))
      } else if !items.isEmpty {
        items[items.count - 1] += " " + trimmed(line)
      }
    }
    return items
  }

  private static let rules = """
    ## What holds for a format

    - An empty value means the default; so does 0 where the default is another number, except for
      `shutdown_grace`.
    - INI: `[common]` holds the keys of the program; every other section of frpc's file is one
      proxy or visitor, named like the section. Comments stand on lines of their own and begin with
      `#` or `;`; what stands behind a value belongs to the value. A value may stand in `"` or `'`.
      Booleans are `true` and `false`, `1` and `0`, `yes` and `no`, `on` and `off`. `%(name)s`
      stands for the value of another key of the section. A section `[a.b]` takes from `[a]` what it
      lacks, unless it is that of a group or a host of frps. A number or a boolean that cannot be
      read is reported by a warning, and the default is used; unknown keys are reported by a
      warning.
    - TOML, YAML and JSON: a dot in a name of the tables below means a table inside a table. Names
      match in any case. A value of another type is an error, and so is an unknown key, unless
      `--strict_config=false` makes it a warning. Null means that the key is not set. In YAML, keys
      at the top that begin with a dot may hold anchors and are left alone; `<<` merges tables.
    - Everything else that is wrong is an error, and the program does not start.
    - `includes` names more files with proxies and visitors; what else they hold has no effect. A
      path is relative to the working directory, the last part may have `*`, `?` and `[a-z]`.
    """

  static let groupIntroduction = """
    The settings of one group, not in frp. In INI files a section `[group.NAME]`, else one of the
    list `groups.named`. What it leaves out is as the key of `[common]` says; a group without
    settings of its own follows those alone. Unknown keys and wrong values are errors.
    """

  static let certificateIntroduction = """
    The certificate of hosts whose TLS ends at the relay, not in frp. In INI files a section
    `[host.NAME]`, such as `[host.www.example.com]` or `[host.*.example.com]`, else one of the list
    `vhostHTTPSCertificates`. It stands before one of that name in `vhost_https_cert_dir`.
    """

  private static let serverPluginIntroduction = """
    In INI files a section `[plugin.NAME]`, else one of the list `httpPlugins`.
    """

  private static let proxyIntroduction = """
    In INI files a section, else one of the list `proxies`. A section `[range:NAME]` whose
    `local_port` and `remote_port` are lists such as `6000-6005,7000` stands for the proxies
    `NAME_0`, `NAME_1` and so on, one for each pair of ports; in the other formats a template does
    that.
    """

  private static let visitorIntroduction = """
    In INI files a section with `role = visitor`, else one of the list `visitors`.
    """

  private static let templates = """
    Templates are filled in before a file is parsed, in included files too.

    | action | stands for |
    |---|---|
    | `{{ .Envs.NAME }}` | a variable of the environment; `<no value>`, and a warning, without it |
    | `{{ "text" }}`, `` {{ `text` }} ``, `{{/* note */}}` | the text; nothing |
    | `{{ $x := VALUE }}`, `{{ $x }}` | keeps a value; prints it |
    | `{{ if VALUE }} … {{ else if VALUE }} … {{ else }} … {{ end }}` | the part that holds |
    | `{{ range VALUES }} … {{ else }} … {{ end }}` | its text for each value, `.` in it |
    | `{{ range $v := VALUES }}`, `{{ range $i, $v := VALUES }}` | the same, with names |
    | `parseNumberRange "1-3,5"` | the numbers; not in INI files |
    | `parseNumberRangePair "1-3" "11-13"` | pairs with `.First` and `.Second`; not in INI files |
    | `eq`, `ne`, `lt`, `le`, `gt`, `ge`, `and`, `or`, `not` | comparisons |
    | `print`, `println`, `printf`, `len`, `index` | texts, and elements of lists |

    `{{-` and `-}}` take away the white space before and behind.
    """
}
