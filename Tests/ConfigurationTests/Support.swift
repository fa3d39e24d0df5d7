import Configuration

/// Issues as lines, without columns: those have tests of their own.
func lines(_ issues: [ConfigurationIssue]) -> [String] {
  issues.map { issue in
    var issue = issue
    issue.column = nil
    return issue.description
  }
}

/// Loads frps' configuration from text and gives its issues as lines.
func serverLines(_ text: String, environment: [String: String] = [:]) -> [String] {
  lines(
    ConfigurationLoader.loadServer(text: text, file: "frps.ini", environment: environment).issues)
}

/// Loads frpc's configuration from text and gives its issues as lines.
func clientLines(
  _ text: String, environment: [String: String] = [:], includes: IncludeReader = .none
) -> [String] {
  lines(
    ConfigurationLoader.loadClient(
      text: text, file: "frpc.ini", environment: environment, includes: includes
    ).issues)
}

/// frps' configuration; `nil` when it has errors.
func server(_ text: String, environment: [String: String] = [:]) -> ServerConfiguration? {
  ConfigurationLoader.loadServer(text: text, file: "frps.ini", environment: environment).value
}

/// frpc's configuration; `nil` when it has errors.
func client(
  _ text: String, environment: [String: String] = [:], includes: IncludeReader = .none
) -> ClientConfiguration? {
  ConfigurationLoader.loadClient(
    text: text, file: "frpc.ini", environment: environment, includes: includes
  ).value
}

/// Files in memory, by path.
func files(_ contents: [String: String]) -> IncludeReader {
  IncludeReader(
    fileNames: { directory in
      let prefix =
        directory == "." ? "" : directory.hasSuffix("/") ? directory : directory + "/"
      let names = contents.keys.filter { $0.hasPrefix(prefix) }
        .map { String($0.dropFirst(prefix.count)) }.filter { !$0.contains("/") }
      return names.isEmpty ? nil : names
    },
    readFile: { contents[$0].map { Array($0.utf8) } })
}

/// The types of proxies that this version has, as messages name them.
let presentKinds =
  "one of "
  + ProxyKind.allCases.filter(\.isImplemented).map(\.rawValue).joined(separator: ", ")
