import Testing

@testable import Configuration

@Suite struct IniParserTests {
  private func parse(_ text: String) -> (IniDocument, [String]) {
    var document = IniDocument()
    var issues = IssueCollector(file: "f")
    let lineCount = text.utf8.count { $0 == 0x0A } + 1
    var parser = IniParser(
      RenderedText(file: "f", bytes: Array(text.utf8), lineNumbers: Array(1...lineCount)),
      isIncluded: false)
    parser.parse(into: &document, issues: &issues)
    return (document, lines(issues.finish()))
  }

  /// The value of `k` in section `s` of a file that holds the given entry, and no issue.
  private func value(_ entry: String) throws -> String? {
    let (document, issues) = parse("[s]\n" + entry + "\n")
    #expect(issues == [], "\(entry)")
    return document["s"]?["k"]?.value
  }

  @Test(arguments: [
    ("k = v", "v"), ("k=v", "v"), ("  k\t=\t v \t\r", "v"), ("k: v", "v"), ("k = a=b:c", "a=b:c"),
    ("k = a # b", "a # b"), ("k = a ; b", "a ; b"), ("k =", ""), ("k = \"\"", ""),
    ("k = \" a \"", " a "), ("k = 'a'", "a"), ("k = \"a", "\"a"), ("k = a\"", "a\""),
    ("k = \"a\" b", "\"a\" b"), ("k = \"a\"b\"", "\"a\"b\""), ("k = 'it\"s'", "it\"s"),
    ("k = '", "'"), ("k = \"'a'\"", "'a'"), ("k = `a # b`", "a # b"), ("k = ` a `x", " a "),
    ("k = `a`b`", "a`b"), ("k = `a\n b\n`", "a\n b\n"), ("k = \"\"\"a\"b\"\"\"", "a\"b"),
    ("k = \"\"\"a\n[s2]\nb\"\"\"", "a\n[s2]\nb"), ("k = a \\\n  b", "a b"),
    ("k = a\\\nb\\\nc", "abc"), ("k = a\\\n\nx = 1", "a"), ("k = a\\", "a"),
    ("k = C:\\dir", "C:\\dir"), ("\"k\" = v", "v"), ("`k` = v", "v"), ("\"\"\"k\"\"\" = v", "v"),
    ("k = grüße", "grüße"), ("k = {{ }}", "{{ }}"), ("k = \u{A0}v\u{A0}", "v"), ("k = [x]", "[x]"),
  ])
  func values(entry: String, expected: String) throws {
    #expect(try value(entry) == expected)
  }

  @Test(arguments: [
    "# c", "; c", "   # c", "", "\t", "\r",
  ])
  func commentsAndBlankLinesAreSkipped(line: String) throws {
    #expect(try value(line + "\nk = v\n" + line) == "v")
  }

  @Test func sectionsGoOnAndKeysAreReplaced() {
    let (document, issues) = parse("[a]\nx = 1\n[b]\nx = 2\n[a]\ny = 3\nx = 4\ny = 3\n")
    #expect(document.sections.map(\.name) == ["a", "b"])
    #expect(document["a"]?.entries.map(\.key) == ["x", "y"])
    #expect(document["a"]?["x"]?.value == "4")
    #expect(document["a"]?["x"]?.location.line == 7)
    #expect(document["b"]?["x"]?.value == "2")
    #expect(issues == ["f:7: x: replaces the value from line 2"])
  }

  @Test func namesAreCaseSensitive() {
    let (document, _) = parse("[A]\nK = 1\n[a]\nk = 2\n")
    #expect(document["A"]?["K"]?.value == "1")
    #expect(document["a"]?["K"] == nil)
  }

  @Test func headers() {
    let (document, issues) = parse("[ a b ]\n[x]y]  # c\n[z] ; c\n[w] rest\n")
    #expect(document.sections.map(\.name) == [" a b ", "x]y", "z", "w"])
    #expect(issues == ["f:4: what follows the section name has no effect"])
  }

  @Test func sectionsInheritByDots() throws {
    let (document, _) = parse("[a]\nx = 1\ny = 1\n[a.b.c]\ny = 2\n[a.b]\nz = 3\n")
    let section = try #require(document["a.b.c"])
    #expect(document.entry("x", in: section)?.value == "1")
    #expect(document.entry("y", in: section)?.value == "2")
    #expect(document.entry("z", in: section)?.value == "3")
    #expect(document.entry("w", in: section) == nil)
  }

  @Test(arguments: [
    ("%(x)s", "1"), ("a%(x)sb%(x)s", "a1b1"), ("%(y)s", "<1>"), ("%(base)s", "d"),
    ("%(none)s", "%(none)s"), ("%(none)s%(x)s", "%(none)s%(x)s"), ("%()s", "%()s"),
    ("%(x)", "%(x)"), ("%(x)d", "%(x)d"), ("100%", "100%"), ("%(x", "%(x"), ("%%(x)s", "%1"),
    ("%(x)d%(x)s", "%(x)d1"), ("%(k)s", "%(k)s"),
  ])
  func referencesAreReplaced(text: String, expected: String) throws {
    let (document, _) = parse("base = d\n[p]\nx = 1\n[p.s]\ny = <%(x)s>\nk = \(text)\n")
    #expect(document.entry("k", in: try #require(document["p.s"]))?.value == expected)
  }

  @Test func referencesInACircleEnd() throws {
    let (document, _) = parse(
      "[s]\na = %(b)s\nb = %(a)s\nc = %(d)s%(d)s\nd = %(e)s%(c)sxx\ne = y\n")
    let section = try #require(document["s"])
    for key in ["a", "b", "c", "d"] {
      let value = try #require(document.entry(key, in: section)?.value)
      #expect(value.utf8.count <= ConfigurationLimits.lineBytesMax)
    }
    let chain = (0...200).map { "k\($0) = %(k\($0 + 1))s\n" }.joined()
    let (long, _) = parse("[s]\n" + chain)
    #expect(
      long.entry("k0", in: try #require(long["s"]))?.value
        == "%(k\(ConfigurationLimits.replacementCountMax + 1))s")
  }

  /// A quote that is not closed costs its own line only; what follows is still checked.
  @Test func unclosedQuotesDoNotHideTheRest() {
    let (document, issues) = parse("[s]\na = `x\nb = 1\noops\nc = \"\"\"y\n")
    #expect(
      issues == [
        "f:2: a: expected a closing quote",
        "f:4: expected key = value, a [section] or a # comment",
        "f:5: c: expected a closing quote",
      ])
    #expect(document["s"]?.entries.map(\.key) == ["b"])
  }

  @Test func everyPrefixOfAFileIsHarmless() {
    let text = "[common]\na = `b\nc` \nd = \"\"\"e\"\"\"\n\"f\" = g\\\nh\n[x.y]\r\n{{ k }} = l:\n"
    for count in 0...text.utf8.count {
      let prefix = String(decoding: Array(text.utf8).prefix(count), as: UTF8.self)
      let (_, issues) = parse(prefix)
      #expect(issues.count <= 2, "\(prefix)")
    }
  }
}

@Suite struct ConfigurationLimitTests {
  private func messages(_ text: String) -> [String] {
    ConfigurationTests.lines(ConfigurationLoader.loadClient(text: text, file: "f").issues)
  }

  @Test func files() {
    let text = "[common]\n" + String(repeating: "#\n", count: ConfigurationLimits.fileBytesMax / 2)
    #expect(messages(text) == ["f: expected at most 4194304 bytes"])
    #expect(messages(String(text.dropLast(20))) == [])
  }

  @Test func lines() {
    let value = String(repeating: "x", count: ConfigurationLimits.lineBytesMax - 7)
    #expect(messages("[common]\nuser = " + value) == [])
    #expect(
      messages("[common]\nuser = x" + value) == ["f:2: expected at most 65536 bytes in a line"])
    let lines = "\n" + String(repeating: value + "\n", count: 3)
    #expect(
      messages("[common]\nuser = `" + lines + "`").first == "f:2: user: expected a closing quote")
    let continued = String(repeating: value + "\\\n", count: 3)
    #expect(
      messages("[common]\nuser = \\\n" + continued).first
        == "f:2: user: expected at most 65536 bytes in a value")
  }

  @Test func keys() {
    let keys = { (count: Int) in (0..<count).map { "meta_\($0) = 1\n" }.joined() }
    #expect(messages("[common]\n" + keys(ConfigurationLimits.sectionKeyCountMax)) == [])
    #expect(
      messages("[common]\n" + keys(ConfigurationLimits.sectionKeyCountMax + 5)) == [
        "f:4098: expected at most 4096 keys in a section"
      ])
  }

  @Test func sections() {
    let names = { (count: Int) in (0..<count).map { "[s\($0)]\n" }.joined() }
    let count = ConfigurationLimits.sectionCountMax - 1
    let start = "[common]\nstart = none\n"
    #expect(messages(start + names(count)) == ["f:2: start: there is no proxy \"none\""])
    #expect(
      messages(start + names(count + 1)).last == "f:65538: expected at most 65536 sections")
  }

  @Test func ranges() throws {
    let range = "[range:r]\nlocal_port = 1-65535\nremote_port = 1-65535\n"
    let last = client("[common]\nstart = r_65534\n" + range)?.proxies
    #expect(last?.map(\.localPort) == [65_535])
    #expect(
      messages("[common]\n[range:r]\nlocal_port = 1-65535,1\nremote_port = 1-65535,1\n") == [
        "f:3: local_port: expected no more than 65535 numbers",
        "f:4: remote_port: expected no more than 65535 numbers",
      ])
    #expect(
      messages("[common]\n" + range + "[other]\nlocal_port = 1\n")
        == ["f:2: expected at most 65535 proxies"])
  }

  @Test func includes() {
    var contents: [String: String] = [:]
    for index in 0...ConfigurationLimits.includedFileCountMax { contents["\(index).ini"] = "" }
    let lines = clientLines("[common]\nincludes = *.ini\n", includes: Self.reader(contents))
    #expect(lines == ["frpc.ini:2: includes: expected at most 1024 files"])
  }

  private static func reader(_ contents: [String: String]) -> IncludeReader {
    ConfigurationTests.files(contents)
  }

  @Test func issuesAreCounted() {
    let text = "[common]\n" + (0..<1000).map { "oops\($0) = 1\n" }.joined()
    let found = ConfigurationLoader.loadClient(text: text, file: "f").issues
    #expect(found.count == ConfigurationLimits.issueCountMax + 1)
    #expect(found.last?.description == "f: and 800 more")
    #expect(found.last?.severity == .warning)
  }

  /// The error comes behind more warnings than are kept, and still counts.
  @Test func errorsAreNotDrownedByWarnings() {
    let text = "[common]\n" + (0..<1000).map { "oops\($0) = 1\n" }.joined() + "[a]\ntype = x\n"
    let loaded = ConfigurationLoader.loadClient(text: text, file: "f")
    #expect(loaded.value == nil)
    #expect(
      ConfigurationTests.lines(loaded.errors).contains(
        "f:1003: type: expected \(presentKinds), found \"x\""))
  }
}
