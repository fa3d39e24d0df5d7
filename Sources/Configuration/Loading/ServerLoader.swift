/// Makes frps' configuration of a document.
struct ServerLoader {
  let document: IniDocument
  let common: IniSection

  func load(_ issues: inout IssueCollector) -> ServerConfiguration {
    var draft = ServerDraft()
    SectionReader(document: document, section: common).read(
      ServerSchema.common, into: &draft, issues: &issues)
    Self.knownKeys.warnAboutOthers(in: common, issues: &issues)
    for section in document.sections {
      if section.name == "common" || section.name == IniDocument.defaultSectionName { continue }
      if section.name.hasPrefix("plugin.") {
        issues.add(
          .error, section.location, "server plugins are not in this version; remove the section")
      } else {
        issues.add(
          .warning, section.location,
          "section \(quoted(section.name)) has no effect; proxies are configured at the client")
      }
    }
    return draft.finish(common, document, &issues)
  }

  private static let knownKeys: KnownKeys = {
    var places: [String: String] = [:]
    for key in ClientSchema.common { places[key.iniName] = "frpc" }
    for key in ProxySchema.common + ProxySchema.tcp { places[key.iniName] = "frpc's proxies" }
    return KnownKeys(ServerSchema.common.map(\.iniName), elsewhere: places)
  }()
}
