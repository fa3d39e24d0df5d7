/// The keys of a loaded configuration with the values that hold.
enum EffectiveValues: Sendable {
  case server(ServerDraft)
  case client(ClientDraft, [ProxyDraft], [VisitorDraft])
}

extension LoadedConfiguration {
  /// The effective values as a TOML file: every key whose value is not empty, in the order of the
  /// schema; proxies and visitors in the order of their names. Two files that mean the same have
  /// the same text, whatever their formats. `nil` when there is an error among the issues.
  ///
  /// - Parameter showsSecrets: whether secrets are shown; else `******` stands for each.
  public func dump(showsSecrets: Bool = false) -> String? {
    guard let effective else { return nil }
    var dump = ConfigurationDump(showsSecrets: showsSecrets)
    switch effective {
    case .server(let draft):
      dump.add(draft, ServerSchema.index)
      for group in draft.namedGroups { dump.add(GroupSchema.list, group, GroupSchema.index) }
      for certificate in draft.hostCertificates {
        dump.add(HostCertificateSchema.list, certificate, HostCertificateSchema.index)
      }
      for plugin in draft.plugins { dump.add("httpPlugins", plugin, ServerPluginSchema.index) }
    case .client(let draft, let proxies, let visitors):
      dump.add(draft, ClientSchema.index)
      for proxy in proxies {
        dump.add(
          "proxies", proxy, ProxySchema.index, kind: proxy.kind, plugin: proxy.plugin.type)
      }
      for visitor in visitors {
        dump.add("visitors", visitor, VisitorSchema.index, kind: visitor.kind)
      }
    }
    return dump.text
  }
}

/// Writes drafts as TOML.
struct ConfigurationDump {
  let showsSecrets: Bool
  private(set) var text = ""

  init(showsSecrets: Bool) { self.showsSecrets = showsSecrets }

  mutating func add<Target: Sendable>(
    _ list: String, _ draft: Target, _ index: SchemaIndex<Target>, kind: String = "",
    plugin: String = ""
  ) {
    text += "\n[[\(list)]]\n"
    add(draft, index, kind: kind, plugin: plugin)
  }

  mutating func add<Target: Sendable>(
    _ draft: Target, _ index: SchemaIndex<Target>, kind: String = "", plugin: String = ""
  ) {
    for key in index.keys {
      guard let name = key.v1Name, key.scope.contains(kind: kind, plugin: plugin),
        let value = key.value(in: draft), !value.isEmpty
      else { continue }
      if case .presence = key.rule { continue }
      let literal =
        key.isSecret && !showsSecrets ? TOMLText.quoted("******") : TOMLText.literal(value)
      text += "\(name) = \(literal)\n"
    }
  }
}

/// Values as TOML writes them.
enum TOMLText {
  static func literal(_ value: FieldValue) -> String {
    switch value {
    case .text(let text): quoted(text)
    case .boolean(let boolean): boolean ? "true" : "false"
    case .integer(let number): String(number)
    case .list(let items): "[" + items.map(quoted).joined(separator: ", ") + "]"
    case .map(let members):
      table(members.sorted { $0.key < $1.key }.map { (name($0.key), quoted($0.value)) })
    case .flags(let members):
      table(members.sorted { $0.key < $1.key }.map { (name($0.key), $0.value ? "true" : "false") })
    case .namedValues(let items):
      "["
        + items.map { table([("name", quoted($0.name)), ("value", quoted($0.value))]) }
        .joined(separator: ", ") + "]"
    case .ports(let ports):
      "["
        + ports.ranges.map { range in
          range.count == 1
            ? table([("single", "\(range.lowerBound)")])
            : table([("start", "\(range.lowerBound)"), ("end", "\(range.upperBound)")])
        }.joined(separator: ", ") + "]"
    }
  }

  private static func table(_ members: [(String, String)]) -> String {
    "{ " + members.map { "\($0.0) = \($0.1)" }.joined(separator: ", ") + " }"
  }

  /// A name, in quotes unless it is plain.
  static func name(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy {
      (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == 0x5F || $0 == 0x2D
    }
    return isPlain && !text.isEmpty ? text : quoted(text)
  }

  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case _ where isUnprintable(scalar):
        let digits = String(scalar.value, radix: 16, uppercase: true)
        result += "\\U" + String(repeating: "0", count: 8 - digits.utf8.count) + digits
      case _: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
