/// The pages of section 5, made of the schema: the INI names, with those of the current generation.
package enum ConfigurationManual {
  /// frps.ini(5).
  package static let server: [ManualBlock] =
    introduction("frps") + [
      .heading("Keys"), .paragraph("In INI files they stand in the section `[common]`."),
      .terms(terms(ServerSchema.common)), .heading("Groups"),
      .paragraph(ConfigurationReference.groupIntroduction), .terms(terms(GroupSchema.keys)),
      .heading("Certificates of hosts"),
      .paragraph(ConfigurationReference.certificateIntroduction),
      .terms(terms(HostCertificateSchema.keys)), .heading("Server plugins"),
      .paragraph("In INI files a section `[plugin.NAME]`, else one of the list `httpPlugins`."),
      .terms(terms(ServerPluginSchema.keys)), .heading("Users file"),
      .paragraph(
        "What `users_file` names: an INI file with a section for each user, named as `user` of "
          + "frpc; its keys are these."),
      .terms(
        AccountKey.all.map { key in
          ManualTerm(key.name, note: note(key.valueText, key.defaultText), key.documentation)
        }),
    ] + ending("frps(8), frpc.ini(5)")

  /// frpc.ini(5).
  package static let client: [ManualBlock] =
    introduction("frpc") + [
      .heading("Keys"), .paragraph("In INI files they stand in the section `[common]`."),
      .terms(terms(ClientSchema.common)), .heading("Proxies"),
      .paragraph(
        "In INI files a section each, else one of the list `proxies`. A section `[range:NAME]` "
          + "whose `local_port` and `remote_port` are lists such as `6000-6005,7000` stands for "
          + "one proxy for each pair of ports."),
      .terms(terms(ProxySchema.selectors + ProxySchema.common)), .subheading("Keys of some types"),
      .terms(terms(ProxySchema.byKind)), .subheading("Client plugins"),
      .terms(terms(ProxySchema.plugin)), .heading("Visitors"),
      .paragraph(
        "In INI files a section each with `role = visitor`, else one of the list `visitors`."),
      .terms(terms(VisitorSchema.keys)),
    ] + ending("frpc(8), frps.ini(5)")

  private static func introduction(_ program: String) -> [ManualBlock] {
    [
      .heading("Description"),
      .paragraph(
        "The configuration of `\(program)`, in frp's INI format, or in TOML, YAML or JSON. A file "
          + "is INI when it has a section `[common]`; otherwise it is TOML, whatever it is called; "
          + "what is no TOML and is not called `.toml` is JSON when it begins with `{`, and YAML "
          + "if not. An empty file means the defaults."),
      .paragraph(
        "Below each key stands with its INI name and, where that differs, the name in the other "
          + "formats; there a dot means a table inside a table. `\(program) verify -c FILE` checks "
          + "a file and names everything that is wrong with it; with `--dump` it shows the values "
          + "that hold."), .heading("Formats"),
      .bullets(ConfigurationReference.ruleItems),
    ]
  }

  private static func ending(_ pages: String) -> [ManualBlock] {
    [.heading("See also"), .paragraph(pages)]
  }

  private static func terms<Target>(_ keys: [SchemaKey<Target>]) -> [ManualTerm] {
    keys.map { key in
      let names = [key.iniName, key.v1Name].compactMap(\.self)
      let term =
        names.count == 2 && names[0] != names[1]
        ? "\(names[0]), \(names[1])" : names[0] + (key.iniName == nil ? " (not in INI)" : "")
      let scope = key.scope == .everywhere ? "" : "Of \(key.scope.description): "
      let missing = key.missingFeature.map { " (needs \($0.name), not in this version)" } ?? ""
      let defaultText = key.fallback.map { "that of \($0)" } ?? key.defaultText
      return ManualTerm(
        term, note: note(key.typeText, defaultText), scope + key.documentation + missing)
    }
  }

  private static func note(_ type: String, _ defaultText: String) -> String {
    "(\(type)" + (defaultText.isEmpty ? ")" : "; default \(defaultText))")
  }
}
