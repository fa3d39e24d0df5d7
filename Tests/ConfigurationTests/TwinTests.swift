import Foundation
import Testing

@testable import Configuration

/// The complete files: every key of a program, in each format, with the same meaning.
@Suite struct TwinTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  private static let twins = root.appendingPathComponent("Tests/ConfigurationTests/Twins")

  /// As if this version had everything.
  private var everything: LoadOptions {
    var options = LoadOptions()
    options.ignoresMissingFeatures = true
    options.ignoresStore = true
    return options
  }

  private let includes = IncludeReader(
    fileNames: { _ in ["a.toml"] },
    readFile: { $0.hasSuffix(".toml") ? Array("# nothing\n".utf8) : nil })

  private func dump(_ text: String, _ program: String, _ file: String) -> String? {
    func unless<Value>(_ loaded: LoadedConfiguration<Value>) -> String? {
      #expect(loaded.issues.map(\.description) == [])
      return loaded.dump(showsSecrets: true)
    }
    return program == "frps"
      ? unless(ConfigurationLoader.loadServer(text: text, file: file, options: everything))
      : unless(
        ConfigurationLoader.loadClient(
          text: text, file: file, includes: includes, options: everything))
  }

  /// With UPDATE_PAGES in the environment (`make pages`) files are written first.
  private func content(_ url: URL, _ expected: String) throws -> String {
    if ProcessInfo.processInfo.environment["UPDATE_PAGES"] != nil {
      try Data(expected.utf8).write(to: url)
    }
    return try String(contentsOf: url, encoding: .utf8)
  }

  @Test(arguments: [
    ("frps.full.ini", ExampleFile.serverINI()), ("frps.full.toml", ExampleFile.serverTOML()),
    ("frpc.full.ini", ExampleFile.clientINI()), ("frpc.full.toml", ExampleFile.clientTOML()),
  ])
  func thePageOfEachCompleteFileIsThatOfTheSchema(name: String, expected: String) throws {
    let file = Self.root.appendingPathComponent("config/\(name)")
    #expect(try content(file, expected) == expected)
    // Shipped as they are, they are without issues in this version.
    let text = try String(contentsOf: file, encoding: .utf8)
    if name.hasPrefix("frps") {
      #expect(ConfigurationLoader.loadServer(text: text, file: name).issues.isEmpty)
    } else {
      #expect(
        ConfigurationLoader.loadClient(text: text, file: name, includes: includes).issues.isEmpty)
    }
  }

  /// What stands right behind a `#` is what this version has not.
  private func uncommented(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      line.hasPrefix("#") && !line.hasPrefix("# ") && line != "#" ? line.dropFirst() : line
    }.joined(separator: "\n")
  }

  @Test(arguments: ["frps", "frpc"])
  func iniAndTOMLMeanTheSame(program: String) throws {
    let document = program == "frps" ? ExampleDocument.server : ExampleDocument.client
    var both = document.inBothGenerations
    for index in both.tables.indices {
      // The list of scopes stands for two keys that only INI files have.
      both.tables[index].entries.removeAll {
        $0.iniName == nil && !["auth.additionalScopes", "name", "hosts"].contains($0.v1Name)
      }
    }
    let ini = try #require(
      dump(uncommented(ExampleFile.ini(document)), program, "\(program).ini"))
    let toml = try #require(dump(uncommented(ExampleFile.toml(both)), program, "\(program).toml"))
    #expect(ini == toml)
    // Nearly every line of it has been set: few values are the defaults.
    #expect(ini.split(separator: "\n").count > 60)
  }

  @Test(arguments: ["frps", "frpc"])
  func thePageOfTwinsInYAMLAndJSONMeansTheSame(program: String) throws {
    let document = program == "frps" ? ExampleDocument.server : ExampleDocument.client
    let toml = try #require(
      dump(uncommented(ExampleFile.toml(document)), program, "\(program).toml"))
    for (format, expected) in [
      ("yaml", TreeText(document).yaml), ("json", TreeText(document).json),
    ] {
      let name = "\(program).full.\(format)"
      let text = try content(Self.twins.appendingPathComponent(name), expected)
      #expect(text == expected)
      #expect(dump(text, program, name) == toml, "\(format)")
    }
  }

  /// A dump is a file with the same meaning.
  @Test(arguments: ["frps", "frpc"])
  func dumpsCanBeLoaded(program: String) throws {
    let document = program == "frps" ? ExampleDocument.server : ExampleDocument.client
    let first = try #require(dump(uncommented(ExampleFile.toml(document)), program, "f.toml"))
    #expect(dump(first, program, "g.toml") == first)
    // Every key is in it, but those that are another way to say the same, or nothing.
    let names = Set(first.split(separator: "\n").compactMap { $0.split(separator: " ").first })
    let silent: Set = ["version", "auth.tokenSource", "auth.oidc.tokenSource", "webServer.tls"]
    for table in document.tables {
      for entry in table.entries where !entry.value.isEmpty && entry.alternativeTo == nil {
        guard let name = entry.v1Name, !silent.contains(where: { name.hasPrefix($0 + ".") })
        else { continue }
        #expect(names.contains(Substring(name)), "\(name)")
      }
    }
  }

  @Test func dumpsMaskSecrets() throws {
    let text = "[common]\ntoken = hunter2\nhttp_proxy = http://u:hunter2@h\n"
    let loaded = ConfigurationLoader.loadClient(text: text, file: "f.ini")
    #expect(try #require(loaded.dump()).contains("hunter2") == false)
    #expect(try #require(loaded.dump()).contains("auth.token = \"******\""))
    #expect(try #require(loaded.dump(showsSecrets: true)).contains("hunter2"))
  }
}

/// A complete file as nested tables, in YAML and JSON.
private struct TreeText {
  private indirect enum Node {
    case leaf(String)
    case table([(String, Node)])
    case list([Node])

    mutating func set(_ path: ArraySlice<Substring>, _ leaf: Node) {
      guard case .table(var members) = self, let first = path.first else { return self = leaf }
      let name = String(first)
      let index = members.firstIndex { $0.0 == name } ?? members.count
      if index == members.count { members.append((name, .table([]))) }
      members[index].1.set(path.dropFirst(), leaf)
      self = .table(members)
    }
  }

  private var root = Node.table([])

  init(_ document: ExampleDocument) {
    var lists: [(String, [Node])] = []
    for table in document.tables {
      var node = Node.table([])
      for entry in table.entries where entry.alternativeTo == nil {
        guard let name = entry.v1Name else { continue }
        node.set(name.split(separator: ".")[...], Self.node(entry.value))
      }
      guard let list = table.list else {
        root = node
        continue
      }
      if lists.last?.0 == list {
        lists[lists.count - 1].1.append(node)
      } else {
        lists.append((list, [node]))
      }
    }
    for (name, nodes) in lists { root.set(name.split(separator: ".")[...], .list(nodes)) }
  }

  private static func node(_ value: FieldValue) -> Node {
    func text(_ text: String) -> Node { .leaf(TOMLText.quoted(text)) }
    func table(_ members: [(String, Node)]) -> Node {
      .table(members.sorted { $0.0 < $1.0 })
    }
    switch value {
    case .text(let value): return text(value)
    case .boolean(let value): return .leaf("\(value)")
    case .integer(let value): return .leaf("\(value)")
    case .list(let items): return .list(items.map(text))
    case .map(let members): return table(members.map { ($0.key, text($0.value)) })
    case .flags(let members): return table(members.map { ($0.key, .leaf("\($0.value)")) })
    case .namedValues(let items):
      return .list(items.map { .table([("name", text($0.name)), ("value", text($0.value))]) })
    case .ports(let ports):
      return .list(
        ports.ranges.map { range in
          range.count == 1
            ? .table([("single", .leaf("\(range.lowerBound)"))])
            : .table([
              ("start", .leaf("\(range.lowerBound)")), ("end", .leaf("\(range.upperBound)")),
            ])
        })
    }
  }

  var json: String { Self.json(root, "") + "\n" }

  private static func json(_ node: Node, _ indent: String) -> String {
    let inner = indent + "  "
    switch node {
    case .leaf(let text): return text
    case .table(let members):
      if members.isEmpty { return "{}" }
      let lines = members.map { "\(inner)\"\($0.0)\": " + json($0.1, inner) }
      return "{\n" + lines.joined(separator: ",\n") + "\n\(indent)}"
    case .list(let items):
      if items.isEmpty { return "[]" }
      let lines = items.map { inner + json($0, inner) }
      return "[\n" + lines.joined(separator: ",\n") + "\n\(indent)]"
    }
  }

  var yaml: String { "# A twin of the complete file.\n" + Self.yaml(root, "") }

  private static func yaml(_ node: Node, _ indent: String) -> String {
    guard case .table(let members) = node else { return "" }
    return members.map { name, value in
      switch value {
      case .leaf(let text): return "\(indent)\(name): \(text)\n"
      case .table(let members):
        return members.isEmpty
          ? "\(indent)\(name): {}\n" : "\(indent)\(name):\n" + yaml(value, indent + "  ")
      case .list(let items):
        if items.isEmpty { return "\(indent)\(name): []\n" }
        return "\(indent)\(name):\n"
          + items.map { item in
            if case .leaf(let text) = item { return "\(indent)  - \(text)\n" }
            let lines = yaml(item, indent + "    ")
            return "\(indent)  - " + lines.dropFirst(indent.count + 4)
          }.joined()
      }
    }.joined()
  }
}
