import Testing
import Timekeeping

@testable import Configuration

/// Files of the current generation.
@Suite struct TableLoadingTests {
  private func client(
    _ text: String, file: String = "frpc.toml", includes: IncludeReader = .none,
    options: LoadOptions = LoadOptions()
  ) -> LoadedConfiguration<ClientConfiguration> {
    ConfigurationLoader.loadClient(text: text, file: file, includes: includes, options: options)
  }

  private var everything: LoadOptions {
    var options = LoadOptions()
    options.ignoresMissingFeatures = true
    return options
  }

  @Test func proxiesArriveInTheOrderOfTheirNames() throws {
    let loaded = client(
      """
      serverAddr = "relay.example.com"
      auth.token = "t"
      auth.additionalScopes = ["NewWorkConns"]
      transport.tls.disableCustomTLSFirstByte = false
      log.to = "./frpc.log"
      [[proxies]]
      name = "web"
      type = "tcp"
      localIP = "nas.lan"
      localPort = 80
      remotePort = 8780
      transport.useEncryption = true
      transport.bandwidthLimit = "1MB"
      transport.bandwidthLimitMode = "server"
      annotations = { "example.com/a" = "b" }
      [[proxies]]
      name = "ssh"
      type = "tcp"
      localPort = 22
      """)
    #expect(loaded.issues.isEmpty)
    let value = try #require(loaded.value)
    #expect(value.serverHost == "relay.example.com")
    #expect(value.authentication.token.value == "t")
    #expect(value.authentication.authenticatesNewWorkConnections)
    #expect(!value.authentication.authenticatesHeartbeats)
    #expect(value.transport.tls.sendsMarkerByte)
    #expect(value.log.target == .file(path: "./frpc.log"))
    var web = ProxyConfiguration(name: "web", service: .tcp(.init(remotePort: 8780)))
    web.localHost = "nas.lan"
    web.localPort = 80
    web.usesEncryption = true
    web.bandwidthLimit = Bandwidth("1MB")
    web.bandwidthLimitMode = .server
    web.annotations = ["example.com/a": "b"]
    var ssh = ProxyConfiguration(name: "ssh", service: .tcp(.init(remotePort: 0)))
    ssh.localPort = 22
    #expect(value.proxies == [ssh, web])
  }

  /// Every kind, plugin and visitor has a typed form.
  @Test func everythingArrives() throws {
    let text = ExampleFile.toml(.client).split(separator: "\n").map {
      $0.hasPrefix("#") && !$0.hasPrefix("# ") ? $0.dropFirst() : $0
    }.joined(separator: "\n")
    var options = everything
    options.ignoresStore = true
    let includes = IncludeReader(fileNames: { _ in [] }, readFile: { _ in nil })
    let value = try #require(client(text, includes: includes, options: options).value)
    #expect(Set(value.proxies.map(\.kind)) == Set(ProxyKind.allCases))
    #expect(Set(value.visitors.map(\.kind)) == Set(VisitorKind.allCases))
    #expect(value.proxies.count { $0.plugin != nil } == ClientPluginKind.allCases.count)
    let tcp = try #require(value.proxies.first { $0.name == "example-tcp" })
    #expect(tcp.loadBalancing?.group == "web")
    #expect(
      tcp.healthCheck?.probe
        == .http(path: "/health", headers: [NamedValue(name: "Host", value: "health.example.com")]))
    let http = try #require(value.proxies.first { $0.name == "example-http" })
    guard case .http(let service) = http.service else { return #expect(Bool(false)) }
    #expect(service.domains.custom == ["www.example.com", "*.example.org"])
    #expect(service.locations == ["/", "/pictures"])
    #expect(service.requestHeaders == ["x-from-where": "frp"])
    let xtcp = try #require(value.visitors.first { $0.name == "visit-xtcp" })
    guard case .xtcp(let tunnel) = xtcp.access else { return #expect(Bool(false)) }
    #expect(tunnel.tunnel == .kcp)
    #expect(tunnel.fallbackTimeout == .milliseconds(500))
    #expect(value.webServer?.certificate?.keyPath == "/etc/frp/web.key")
    #expect(value.oidc.tokenEndpointURL == "https://id.example.com/token")
  }

  // MARK: Formats and names

  @Test(arguments: [
    ("frpc.toml", "user = \"a\""), ("frpc.ini", "user = \"a\""), ("frpc", "user = \"a\""),
    ("frpc.yaml", "user: a"), ("frpc.yml", "user: a"), ("frpc.conf", "user: a"),
    ("frpc", "{\"user\": \"a\"}"), ("frpc.json", "{\"user\": \"a\"}"), ("frpc.yaml", "{user: a}"),
    ("frpc.json", "user = \"a\""), ("frpc.toml", "[common]\nuser = a"),
    ("frpc.yaml", "[common]\nuser: a"),
    ("frpc.ini", "\u{FEFF}[common]\nuser = a"), ("x/y.z/frpc", "USER = \"a\""),
    ("frpc.toml", "User = 'a'"),
  ])
  func theFormatIsFound(file: String, text: String) {
    // `{user: a}` begins with a brace, so it is read as JSON, as in frp.
    let expected = text == "{user: a}" ? nil : "a"
    #expect(client(text, file: file).value?.user == expected)
  }

  @Test func nullAndNothingMeanTheDefault() {
    for text in [
      "{\"serverPort\": null, \"auth\": null, \"proxies\": null, \"log\": {\"level\": null}}",
      "{\"serverPort\": 0, \"auth\": {\"method\": \"\"}, \"proxies\": [], \"start\": []}", "{}",
    ] {
      #expect(client(text, file: "f.json").value == ClientConfiguration(), "\(text)")
    }
    #expect(client("serverPort = 7000.0").value == ClientConfiguration())
  }

  @Test func unknownKeysAreWarningsUnlessStrict() {
    var options = LoadOptions()
    options.isStrict = false
    let text =
      "foo = 1\n[[proxies]]\nname = \"a\"\ntype = \"tcp\"\nlocalPort = 1\nremotePorts = 2\n"
    #expect(client(text).errors.count == 2)
    let lenient = client(text, options: options)
    #expect(lenient.value?.proxies.count == 1)
    #expect(
      lenient.warnings.map(\.description) == [
        "frpc.toml:1:1: foo: unknown key; ignored",
        "frpc.toml:6:1: proxies[0].remotePorts: unknown key; did you mean remotePort?; ignored",
      ])
  }

  @Test func yamlHelpersHoldAnchors() {
    let text = """
      .common: &common
        type: tcp
        transport: {useCompression: true}
      proxies:
        - {<<: *common, name: a, localPort: 1}
        - {<<: *common, name: b, localPort: 2}
      """
    let loaded = client(text, file: "frpc.yaml")
    #expect(loaded.issues.isEmpty)
    #expect(loaded.value?.proxies.map(\.usesCompression) == [true, true])
  }

  // MARK: Which proxies

  @Test func startAndEnabledChoose() {
    let text = """
      start = ["a", "b", "nobody"]
      [[proxies]]
      name = "a"
      type = "tcp"
      localPort = 1
      [[proxies]]
      name = "b"
      type = "tcp"
      localPort = 99999
      enabled = false
      [[proxies]]
      name = "c"
      type = "http"
      localPort = 99999
      """
    let loaded = client(text)
    #expect(loaded.value?.proxies.map(\.name) == ["a"])
    // What is left out is checked no further than its names and types.
    #expect(
      loaded.issues.map(\.description) == [
        "frpc.toml:1:9: start: there is no proxy and no visitor \"nobody\""
      ])
    #expect(client(text + "\nfoo = 1").value == nil)
  }

  @Test func includedFilesAddProxiesOfAnyFormat() throws {
    let includes = files([
      "d/a.toml": "serverPort = 1\n[[proxies]]\nname = \"a\"\ntype = \"tcp\"\nlocalPort = 1\n",
      "d/b.yaml": "proxies:\n- {name: b, type: tcp, localPort: {{ .Envs.P }}}\n",
      "d/c.json": "{\"proxies\": [{\"name\": \"c\", \"type\": \"tcp\", \"localPort\": 3}]}",
    ])
    let loaded = ConfigurationLoader.loadClient(
      text: "includes = [\"d/*\"]\nserverPort = 7001", file: "frpc.toml", environment: ["P": "2"],
      includes: includes)
    #expect(loaded.issues.isEmpty)
    #expect(loaded.value?.proxies.map(\.localPort) == [1, 2, 3])
    #expect(loaded.value?.serverPort == 7001)
    let wrong = client("includes = [\"x\"]", includes: files(["x": "a = 1\n[[proxies]]\n"]))
    #expect(wrong.errors.map { "\($0.file):\($0.line ?? 0)" } == ["x:1", "x:2"])
    let twice = client(
      "includes = [\"d/a.toml\"]\n[[proxies]]\nname = \"a\"\ntype = \"tcp\"\nlocalPort = 1\n",
      includes: includes)
    #expect(twice.errors.map(\.file) == ["d/a.toml"])
  }

  @Test func theStoreStandsBeforeTheFile() throws {
    let store = """
      {"proxies": [{"name": "a", "type": "tcp", "localPort": 9},
        {"name": "s", "type": "tcp", "localPort": 8}], "other": 1}
      """
    let text = "store.path = \"s.json\"\n[[proxies]]\nname = \"a\"\ntype = \"tcp\"\nlocalPort = 1\n"
    let includes = files(["etc/s.json": store])
    let loaded = client(text, file: "etc/frpc.toml", includes: includes)
    #expect(loaded.issues.isEmpty)
    #expect(loaded.value?.proxies.map(\.localPort) == [9, 8])
    var options = LoadOptions()
    options.ignoresStore = true
    #expect(
      client(text, file: "etc/frpc.toml", includes: includes, options: options).value?.proxies
        .map(\.localPort) == [1])
    // Nothing there is an empty store; something else is an error.
    #expect(client(text, includes: files([:])).value?.proxies.map(\.localPort) == [1])
    #expect(
      client(text, includes: files(["s.json": "[1]"])).errors.map(\.description) == [
        "s.json:1:1: JSON: expected a table, found a list"
      ])
  }

  // MARK: Sources of the token

  @Test func tokensComeFromFiles() throws {
    var authentication = try #require(
      client("auth.tokenSource = { type = \"file\", file = { path = \"/t\" } }").value
    ).authentication
    #expect(authentication.tokenSource == .file(path: "/t"))
    let noProgram = { (_: ValueSource) throws(ValueSourceError) -> [UInt8] in [] }
    #expect(throws: ValueSourceError.fileUnreadable(path: "/t")) {
      try authentication.resolveToken(readFile: { _ in nil }, runProgram: noProgram)
    }
    #expect(throws: ValueSourceError.notText) {
      try authentication.resolveToken(readFile: { _ in [0xFF] }, runProgram: noProgram)
    }
    try authentication.resolveToken(
      readFile: { $0 == "/t" ? Array(" s3cret\n".utf8) : nil }, runProgram: noProgram)
    #expect(authentication.token.value == "s3cret")
    #expect(authentication.tokenSource == nil)
  }

  @Test func programsAreRunOnlyWhenAllowed() {
    let text = """
      [auth.tokenSource]
      type = "exec"
      [auth.tokenSource.exec]
      command = "/bin/token"
      args = ["a", "b"]
      env = [{ name = "X", value = "y" }]
      """
    var options = everything
    #expect(
      client(text, options: options).errors.map(\.description) == [
        "frpc.toml:2:8: auth.tokenSource.type: exec runs a program; "
          + "it needs --allow-unsafe TokenSourceExec"
      ])
    options.allowsTokenPrograms = true
    #expect(
      client(text, options: options).value?.authentication.tokenSource
        == .program(
          command: "/bin/token", arguments: ["a", "b"],
          environment: [NamedValue(name: "X", value: "y")]))
  }

  // MARK: Columns

  @Test func columnsOfTemplatesAreNotTold() {
    let loaded = ConfigurationLoader.loadServer(
      text:
        "bindPort = 70000\nbindAddr = \"{{ .Envs.A }}\"\n{{ if true }}\nlog.level = \"x\"\n"
        + "{{ end }}",
      file: "f.toml", environment: ["A": "a b"])
    #expect(loaded.errors.map { [$0.line ?? 0, $0.column ?? 0] } == [[1, 12], [2, 0], [4, 13]])
  }

  // MARK: Size

  private func manyProxies(_ count: Int, _ line: (Int) -> String) -> [UInt8] {
    Array((0..<count).map(line).joined().utf8)
  }

  @Test func manyProxiesLoad() {
    let toml = manyProxies(5000) {
      "[[proxies]]\nname = \"p\($0)\"\ntype = \"tcp\"\nlocalPort = 80\nremotePort = \($0 + 1000)\n"
    }
    let loaded = ConfigurationLoader.loadClient(
      bytes: toml, file: "f.toml", environment: [:], includes: .none)
    #expect(loaded.value?.proxies.count == 5000)
    let broken = manyProxies(5000) {
      "[[proxies]]\nname = \"p\($0)\"\ntype = \"tcp\"\nlocalPrt = 8\n"
    }
    let issues = ConfigurationLoader.loadClient(
      bytes: broken, file: "f.toml", environment: [:], includes: .none
    ).issues
    #expect(issues.count == ConfigurationLimits.issueCountMax * 2 + 1)
  }
}
