import Configuration

/// Loads frps' configuration from text and gives its issues as lines.
func serverLines(_ text: String, environment: [String: String] = [:]) -> [String] {
  ConfigurationLoader.loadServer(text: text, file: "frps.ini", environment: environment)
    .issues.map(\.description)
}

/// Loads frpc's configuration from text and gives its issues as lines.
func clientLines(
  _ text: String, environment: [String: String] = [:], includes: IncludeReader = .none
) -> [String] {
  ConfigurationLoader.loadClient(
    text: text, file: "frpc.ini", environment: environment, includes: includes
  ).issues.map(\.description)
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
