import Testing
import Timekeeping

@testable import Configuration

@Suite struct ConfigurationChangesTests {
  @Test func entriesAreComparedByName() {
    func proxy(_ name: String, _ port: UInt16) -> ProxyConfiguration {
      ProxyConfiguration(name: name, service: .tcp(TCPProxyConfiguration(remotePort: port)))
    }
    var old = ClientConfiguration()
    old.proxies = [proxy("a", 1), proxy("b", 2), proxy("c", 3), proxy("d", 4)]
    var new = old
    new.proxies = [proxy("b", 2), proxy("c", 33), proxy("e", 5), proxy("a", 1)]
    let changes = ClientConfigurationChanges(from: old, to: new)
    #expect(changes.proxies.added == [proxy("e", 5)])
    #expect(changes.proxies.changed == [proxy("c", 33)])
    #expect(changes.proxies.removedNames == ["d"])
    #expect(changes.proxies.unchangedNames == ["b", "a"])
    #expect(changes.keys.isEmpty && changes.visitors.isEmpty && !changes.isEmpty)
    #expect(ClientConfigurationChanges(from: old, to: old).isEmpty)
  }

  @Test func visitorsAreComparedToo() {
    var old = ClientConfiguration()
    old.visitors = [
      VisitorConfiguration(name: "v", serverName: "s", entrance: .port(1), access: .stcp)
    ]
    var new = old
    new.visitors[0].usesCompression = true
    let changes = ClientConfigurationChanges(from: old, to: new)
    #expect(changes.visitors.changed.map(\.name) == ["v"])
    #expect(changes.proxies.isEmpty)
  }

  @Test func keysSayWhetherTheyCanBeApplied() {
    let old = ServerConfiguration()
    var new = old
    new.log.level = .debug
    new.bindPort = 7001
    new.allowedPorts = PortRanges([1...9])
    #expect(
      ServerConfigurationChanges(from: old, to: new).keys == [
        KeyChange(name: "bindPort", isAppliedAtRunTime: false),
        KeyChange(name: "allowPorts", isAppliedAtRunTime: true),
        KeyChange(name: "log.level", isAppliedAtRunTime: true),
      ])
  }

  /// Setting any key of the schema to its example is noticed: none has been forgotten.
  @Test func everyKeyIsCompared() {
    var options = LoadOptions()
    options.ignoresMissingFeatures = true
    options.ignoresStore = true
    options.allowsTokenPrograms = true
    func text<Target>(_ key: SchemaKey<Target>, _ name: String) -> String {
      "\(name) = \(TOMLText.literal(key.exampleValue))\n"
    }
    /// What means nothing alone, with what it needs.
    let companions = [
      "webServer.": "webServer.port = 1\n", "sshTunnelGateway.": "sshTunnelGateway.bindPort = 1\n",
      "transport.tls.certFile": "transport.tls.keyFile = \"k\"\n",
      "transport.tls.keyFile": "transport.tls.certFile = \"c\"\n",
      "webServer.tls.certFile": "webServer.port = 1\nwebServer.tls.keyFile = \"k\"\n",
      "webServer.tls.keyFile": "webServer.port = 1\nwebServer.tls.certFile = \"c\"\n",
    ]
    func companion(_ name: String) -> String {
      let prefix = name.split(separator: ".").first.map { "\($0)." } ?? ""
      let text = companions[name] ?? companions[prefix] ?? ""
      return text.hasPrefix("\(name) ") ? "" : text
    }
    /// Not compared, or only together with others.
    let silent: Set = ["version", "start", "includes", "featureGates", "virtualNet.address"]
    func isCompared<Target>(_ key: SchemaKey<Target>) -> String? {
      guard let name = key.v1Name, !silent.contains(name), !name.contains("okenSource"),
        key.exampleValue != key.defaultValue
      else { return nil }
      if case .ignored = key.rule { return nil }
      return name
    }
    for key in ServerSchema.common {
      guard let name = isCompared(key) else { continue }
      let load = { (text: String) in
        ConfigurationLoader.loadServer(text: text, file: "f.toml", options: options).value
      }
      guard let old = load(name.contains(".tls.") ? "" : companion(name)),
        let new = load(companion(name) + text(key, name))
      else {
        Issue.record("\(name)")
        continue
      }
      #expect(!ServerConfigurationChanges(from: old, to: new).isEmpty, "\(name)")
    }
    for key in ClientSchema.common {
      guard let name = isCompared(key) else { continue }
      let load = { (text: String) in
        ConfigurationLoader.loadClient(text: text, file: "f.toml", options: options).value
      }
      guard let old = load(name.contains(".tls.") ? "" : companion(name)),
        let new = load(companion(name) + text(key, name))
      else {
        Issue.record("\(name)")
        continue
      }
      #expect(!ClientConfigurationChanges(from: old, to: new).isEmpty, "\(name)")
    }
  }
}
