import Configuration

extension FuzzTarget {
  static let configuration = [
    FuzzTarget("server-configuration", byteCountMax: 8192, dictionary: iniWords + keys) {
      (input) throws(FuzzFinding) in
      let loaded = ConfigurationLoader.loadServer(
        bytes: input.rest(), file: "frps.ini", environment: environment)
      try checkIssues(loaded.issues, isUsable: loaded.value != nil)
      return loaded.value == nil ? 0 : 1
    },
    FuzzTarget("client-configuration", byteCountMax: 8192, dictionary: iniWords + keys) {
      (input) throws(FuzzFinding) in
      // Zero bytes, which no file may hold, part the files: the first is the main one.
      let files = input.rest().split(separator: 0, omittingEmptySubsequences: false).map(Array.init)
      let included = files.dropFirst().enumerated().map { (name: "\($0.offset).ini", $0.element) }
      let includes = IncludeReader(
        fileNames: { $0.hasPrefix("x") ? nil : included.map(\.name) },
        readFile: { path in included.first { path.hasSuffix($0.name) }?.1 })
      let loaded = ConfigurationLoader.loadClient(
        bytes: files[0], file: "frpc.ini", environment: environment, includes: includes)
      try checkIssues(loaded.issues, isUsable: loaded.value != nil)
      guard let value = loaded.value else { return 0 }
      try require(
        value.proxies.count <= ConfigurationLimits.proxyCountMax, "\(value.proxies.count) proxies")
      return 1 + value.proxies.count
    },
    FuzzTarget("users-file", byteCountMax: 8192, dictionary: iniWords + accountKeys) {
      (input) throws(FuzzFinding) in
      try checkAccounts(input.rest())
    },
    FuzzTarget("store-entry", byteCountMax: 4096, dictionary: jsonWords + storeWords) {
      (input) throws(FuzzFinding) in
      try checkStoreEntry(input.rest())
    },
    FuzzTarget("templates", byteCountMax: 4096, dictionary: iniWords + templateWords) {
      (input) throws(FuzzFinding) in
      try checkTemplate(input.rest())
    },
    current("toml", tomlWords), current("yaml", yamlWords), current("json", jsonWords),
  ]

  /// A file of the current generation, read by both programs.
  private static func current(_ format: String, _ words: [String]) -> FuzzTarget {
    FuzzTarget("\(format)-configuration", byteCountMax: 8192, dictionary: words + templateWords) {
      (input) throws(FuzzFinding) in
      let bytes = input.rest()
      let relay = ConfigurationLoader.loadServer(
        bytes: bytes, file: "f.\(format)", environment: environment)
      try checkIssues(relay.issues, isUsable: relay.value != nil)
      let home = ConfigurationLoader.loadClient(
        bytes: bytes, file: "f.\(format)", environment: environment, includes: .none)
      try checkIssues(home.issues, isUsable: home.value != nil)
      return home.value == nil ? 0 : 1
    }
  }

  private static let templateWords = [
    "{{ range $i, $v := parseNumberRangePair \"1-2\" \"3-4\" }}", "{{ end }}", "{{ if eq ",
    "{{ else }}", "{{ $v.First }}", "{{ printf \"%d\" ",
  ]

  private static let tomlWords = [
    "[[proxies]]\n", "[transport.tls]\n", "\"\"\"", "'''", " = ", "{ start = 1, end = 2 }",
    "\\u00e9",
    "1979-05-27T07:32:00Z", "0x1F", "1_000", "true", "a.b.c",
  ]

  private static let yamlWords = [
    "proxies:\n- ", "<<: *a\n", "&a ", "*a", "|\n", ">-\n", "---\n", "!!str ", "{a: b}", "? ",
    "yes", "~",
  ]

  private static let jsonWords = [
    "{\"proxies\": [", "\"type\": \"tcp\"", "null", "\\ud83d\\ude00", "1e5", "]}", "\": ", ", ",
  ]

  private static let environment = [
    "A": "1", "PORT": "7000", "EMPTY": "", "LINES": "a\nb = c\n[common]\n",
    "http_proxy": "http://p",
  ]

  private static let iniWords = [
    "[common]\n", "[range:a]\n", "[a.b]\n", "{{ .Envs.PORT }}", "{{- .Envs.LINES -}}", "{{/*",
    "*/}}", "{{ \"", "}}", "%(port)s", "\"\"\"", "`", "\\\n", " = ", " : ", "\n", "#", ";",
    "1000-1010,2000", "\u{feff}", "\u{85}", "e\u{301}", "\r\n",
  ]

  /// The keys that the manual lists, in back quotes at the start of its rows.
  private static let keys: [String] = ConfigurationReference.page().split(separator: "\n")
    .compactMap { row in
      row.hasPrefix("| `") ? row.dropFirst(3).split(separator: "`").first.map { "\($0) = " } : nil
    }

  private static let accountKeys = [
    "token = ", "allow_ports = ", "proxy_names = web*, ssh", "proxy_types = tcp", "domains = ",
    "max_clients = ", "max_connections = ", "expires = 2027-12-31", "[a.b]\n",
  ]

  private static let storeWords = [
    "\"name\": \"a\"", "\"tcp\": {", "\"localPort\": 22", "\"enabled\":",
  ]

  private static func checkAccounts(_ bytes: [UInt8]) throws(FuzzFinding) -> Int {
    let loaded = ConfigurationLoader.loadAccounts(bytes: bytes, file: "users")
    try checkIssues(loaded.issues, isUsable: loaded.accounts != nil)
    guard let accounts = loaded.accounts else { return 0 }
    try require(accounts.count <= ConfigurationLimits.accountCountMax, "too many users")
    for (left, right) in zip(accounts, accounts.dropFirst()) {
      try require(left.name < right.name, "\(left.name) is not before \(right.name)")
    }
    for account in accounts {
      let byteCount = account.name.utf8.count
      try require(
        (1...ConfigurationLimits.accountNameBytesMax).contains(byteCount),
        "a name of \(byteCount) bytes")
      try require(!account.token.isEmpty, "\(account.name) needs no token")
    }
    return 1 + accounts.count
  }

  /// What can be stored can be read again, and is then what it was.
  private static func checkStoreEntry(_ bytes: [UInt8]) throws(FuzzFinding) -> Int {
    for list in StoreList.allCases {
      guard let entry = try? StoreEntry(definition: bytes, in: list) else { continue }
      var document = StoreDocument()
      try? document.add(entry)
      guard let again = try? StoreDocument(bytes: document.bytes),
        let found = again.entry(named: entry.name, in: list),
        let copy = try? StoreEntry(definition: Array(entry.definition.utf8), in: list)
      else { throw FuzzFinding(description: "it cannot be read again") }
      try require(again.bytes == document.bytes, "another file")
      try require(found.definition == entry.definition, "another entry in the file")
      try require(copy.definition == entry.definition, "another entry by its definition")
      return 1
    }
    return 0
  }

  private static func checkIssues(
    _ issues: [ConfigurationIssue], isUsable: Bool
  ) throws(FuzzFinding) {
    try require(
      isUsable != issues.contains { $0.severity == .error }, "errors and a value, or neither")
    try require(
      issues.count <= 2 * ConfigurationLimits.issueCountMax + 1, "\(issues.count) issues")
    for issue in issues {
      try require(
        !issue.description.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x2028 },
        "an issue of two lines: \(issue)")
    }
  }

  private static func checkTemplate(_ source: [UInt8]) throws(FuzzFinding) -> Int {
    var renderer = TemplateRenderer(source, environment: environment)
    let lineCount = source.count { $0 == 0x0a } + 1
    let rendered: RenderedText
    do throws(TemplateFault) {
      rendered = try renderer.render()
    } catch {
      try require((1...lineCount).contains(error.line), "a fault in line \(error.line)")
      try require(!error.message.contains("\n"), "a fault of two lines")
      return 0
    }
    try require(
      rendered.lineNumbers.count == rendered.bytes.count { $0 == 0x0a } + 1,
      "\(rendered.lineNumbers.count) line numbers")
    try require(
      rendered.lineNumbers.allSatisfy { (1...lineCount).contains($0) }, "no such line")
    return 1
  }
}
