/// Which module may import what: the tiers of `docs/ARCHITECTURE.md` as a table.
enum ImportRules {
  /// What may be imported by the modules of one row.
  struct Allowance {
    let tier: Int
    let imports: Set<String>
  }

  /// Every Swift module in `Sources`. Higher tiers import lower ones; the C modules and those of
  /// the system only where they are named.
  static let modules: [String: Allowance] = [
    "ByteBuffers": Allowance(tier: 0, imports: []),
    "Timekeeping": Allowance(tier: 0, imports: []),
    "Diagnostics": Allowance(tier: 0, imports: ["Logging", "CLinux", "Glibc", "Synchronization"]),

    "WireProtocol": Allowance(tier: 1, imports: tier0),
    "StreamMux": Allowance(tier: 1, imports: tier0),
    "StreamCoding": Allowance(tier: 1, imports: tier0.union(["COpenSSL", "CSnappy"])),
    "HTTPProtocol": Allowance(tier: 1, imports: tier0),
    "HTTP2Protocol": Allowance(tier: 1, imports: tier0.union(["HTTPProtocol", "CNghttp2"])),
    "Configuration": Allowance(
      tier: 1, imports: tier0.union(["CYAML", "FoundationEssentials"])),
    "Commands": Allowance(tier: 1, imports: tier0.union(["Configuration"])),
    "Admission": Allowance(tier: 1, imports: tier0),
    "ProxyGraph": Allowance(tier: 1, imports: tier0.union(["Configuration", "WireProtocol"])),

    "LinuxSystem": Allowance(tier: 2, imports: tier0.union(["CLinux", "CSeccomp", "Glibc"])),
    "Reactor": Allowance(
      tier: 2,
      imports: tier0.union(["LinuxSystem", "CLinux", "CCares", "Glibc", "Synchronization"])),

    "Transports": Allowance(
      tier: 3,
      imports: tier0.union(tier1).union([
        "Reactor", "LinuxSystem", "COpenSSL", "DequeModule", "Logging",
      ])),

    "Dashboard": Allowance(
      tier: 4,
      imports: tier0.union(["HTTPProtocol", "LinuxSystem", "Reactor", "Transports", "Logging"])),
    "HTTPGateway": Allowance(
      tier: 4,
      imports: tier0.union([
        "HTTPProtocol", "HTTP2Protocol", "LinuxSystem", "Reactor", "Transports",
      ])),

    "RelayServer": Allowance(tier: 5, imports: programParts.union(["HTTPGateway"])),
    "TunnelClient": Allowance(tier: 5, imports: programParts),

    "Daemon": Allowance(
      tier: 5,
      imports: tier0.union(["Configuration", "Commands", "LinuxSystem", "Reactor", "Logging"])),

    "ClientAdmin": Allowance(
      tier: 5, imports: programParts.union(["Dashboard", "TunnelClient"])),

    "frps": Allowance(tier: 6, imports: programs.union(["RelayServer", "Daemon"])),
    "frpc": Allowance(tier: 6, imports: programs.union(["TunnelClient", "ClientAdmin", "Daemon"])),
  ]

  private static let tier0: Set<String> = ["ByteBuffers", "Timekeeping", "Diagnostics"]
  private static let tier1: Set<String> = [
    "WireProtocol", "StreamMux", "StreamCoding", "HTTPProtocol", "Configuration", "ProxyGraph",
    "Admission",
  ]
  private static let programParts: Set<String> =
    tier0.union(tier1).union(["LinuxSystem", "Reactor", "Transports", "Logging"])
  private static let programs: Set<String> = [
    "Configuration", "Commands", "Diagnostics", "Reactor", "LinuxSystem", "Timekeeping", "Logging",
  ]

  /// The wrappers of C, which hold no Swift.
  static let wrappers: Set<String> = [
    "CLinux", "COpenSSL", "CSnappy", "CCares", "CYAML", "CSeccomp", "CNghttp2",
  ]

  static func check(_ source: SourceText) -> [Violation] {
    guard let allowance = modules[source.moduleName] else {
      return [source.violation(atLine: 1, "module \(source.moduleName) has no row in ImportRules")]
    }
    return imports(of: source).compactMap { name, line in
      allowance.imports.contains(name)
        ? nil
        : source.violation(
          atLine: line, "\(source.moduleName) is tier \(allowance.tier) and may not import \(name)")
    }
  }

  static func imports(of source: SourceText) -> [(name: String, line: Int)] {
    let kinds: Set<String> = [
      "struct", "class", "enum", "protocol", "func", "var", "let", "typealias",
    ]
    return source.tokens.indices.compactMap { index in
      let token = source.tokens[index]
      guard token.text == "import", source.token(index - 1).text != "." else { return nil }
      let next = source.token(index + 1)
      let name = kinds.contains(next.text) ? source.token(index + 2) : next
      return name.line == token.line ? (name.text, token.line) : nil
    }
  }
}
