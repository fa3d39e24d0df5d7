import Testing

/// Every rule is shown a sample that breaks it and one that does not.
@Suite struct RuleSamplesTests {
  private func source(_ content: String, path: String = "Sources/Reactor/Sample.swift")
    -> SourceText
  {
    SourceText(path: path, content: content)
  }

  private func lines(_ violations: [Violation]) -> [Int] { violations.map(\.line) }

  // MARK: Lexer

  @Test func stringsAndCommentsAreNoCode() {
    let words = { (text: String) in self.source(text).tokens.filter(\.isWord).map(\.text) }
    #expect(words("a // b\nc /* d /* e */ f */ g") == ["a", "c", "g"])
    #expect(words(#"let x = "try! \"print(" + y"#) == ["let", "x", "y"])
    #expect(words("let x = #\"a \"b\" \\(c) \\#(d)\"# + e") == ["let", "x", "d", "e"])
    #expect(
      words("let x = \"\"\"\n a \"b\" c\n \\(d(1))\n \"\"\"\ne") == ["let", "x", "d", "1", "e"])
    #expect(words(#""\(a("b \(c)")) d" e"#) == ["a", "c", "e"])
  }

  @Test func tokensAndCommentsKnowTheirLines() {
    let sample = source("a\n\"\"\"\n text\n\"\"\"\nb // why\nc")
    #expect(sample.tokens.filter(\.isWord).map(\.line) == [1, 5, 6])
    #expect(sample.comments == ["", "", "", "", "  // why", ""])
  }

  // MARK: Length

  @Test(arguments: [(100, 0), (101, 1)])
  func linesAreLimited(length: Int, violationCount: Int) {
    let sample = source("//" + String(repeating: "x", count: length - 2))
    #expect(LengthRules.longLines(sample).count == violationCount)
  }

  @Test(arguments: [
    (600, "// Map.", 0), (601, "// Map.", 1), (800, "// Long file: a table of codes.", 0),
    (801, "// Long file: a table of codes.", 1), (601, "// Long file: ", 1),
  ])
  func filesAreLimited(lineCount: Int, first: String, violationCount: Int) {
    let sample = source(first + String(repeating: "\n//", count: lineCount - 1) + "\n")
    #expect(LengthRules.longFile(sample).count == violationCount)
  }

  @Test(arguments: [
    "func f(a: Int = { 1 }()) throws(E) -> Int {", "init<T>(x: T) where T: P {", "deinit {",
    "public var value: Int {", "subscript(i: Int) -> Int {",
  ])
  func functionsAreLimited(declaration: String) {
    let body = { (count: Int) in "\n" + String(repeating: "  f()\n", count: count) + "}\n" }
    let start = "protocol P {\n  func g()\n  var h: Int { get }\n}\nstruct S {\n"
    let good = source(start + declaration + body(68) + "}")
    let bad = source(start + declaration + body(69) + "}")
    #expect(lines(LengthRules.longFunctions(good)) == [])
    #expect(lines(LengthRules.longFunctions(bad)) == [6])
  }

  // MARK: Names

  @Test(arguments: [
    "let workConn = 1", "func makeWorkConn() {}", "let cfg = 1", "var serverCfg = 1",
    "let proxyMgr = 1", "let ctl = 1", "let svr = 1", "let ctx = 1", "enum E { case newWorkConn }",
    "final class SessionManager {}", "enum ByteUtils {}", "struct CommonThings {}",
  ])
  func badNamesAreFound(text: String) {
    #expect(lines(NameRules.check(source(text))) == [1])
  }

  @Test(arguments: [
    "let workConnection = 1", "epoll_ctl(1)", "let p: SSL_CTX = frp_SSL_CTX_new()",
    "let connected = 1", "let text = \"ctx\" // ctx",
    "struct FirstPort {}",
    "let context = 1", "let workConnectionsMax = 1",
  ])
  func goodNamesPass(text: String) {
    #expect(NameRules.check(source(text)) == [])
  }

  // MARK: Language

  @Test(arguments: [
    "nonisolated(unsafe) var a = 1", "let a = try! b()", "fatalError(\"x\")", "print(a)",
    "struct S: @unchecked Sendable {}", "unowned(unsafe) let a: B", "unsafeBitCast(a, to: B.self)",
    "// TODO: later", "/* a FIXME */",
  ])
  func refusedConstructsAreFound(text: String) {
    #expect(lines(LanguageRules.check(source("let first = 1\n\n" + text))) == [3])
  }

  @Test(arguments: [
    "struct S: @unchecked Sendable {}  // Immutable after parsing.",
    "// One thread at a time, by the lock above.\nstruct S: @unchecked Sendable {}",
    "stream.print(a)", "func print(a: Int) {}", "let text = \"try! print( TODO\"", "try a()",
    "// Methods.", "if try !a() {}",
  ])
  func explainedAndHarmlessConstructsPass(text: String) {
    #expect(LanguageRules.check(source(text)) == [])
  }

  // MARK: Switches

  private static let enums = """
    enum State: Equatable {
      case idle, open(port: Int)
      case `default`, closed
      var f: Int { switch self { case .idle: 1; case .open, .default, .closed: 2 } }
    }
    enum Code: Int { case first = 1, second = 2 }

    """

  private func switchViolations(_ text: String) -> [Int] {
    let sample = source(Self.enums + text)
    return lines(SwitchRules.check(sample, enums: SwitchRules.enumCases(of: [sample])))
  }

  @Test func casesOfEnumsAreRead() {
    let cases = SwitchRules.enumCases(of: [source(Self.enums)])
    #expect(cases == [["idle", "open", "default", "closed"], ["first", "second"]])
  }

  @Test(arguments: [
    "switch a { case .idle: 1\ndefault: 2 }",
    "switch a.map({ $0 }) { case .idle, .open(let p) where p: if case .x = b { 1 }\ndefault: 2 }",
    "switch (a, b) { case (.idle, .first), (_, .second): 1\ndefault: 2 }",
    "switch a { case let .open(port): switch b { case 1: 1; default: 2 }\ndefault: 2 }",
  ])
  func defaultOverOurEnumsIsFound(text: String) {
    #expect(switchViolations(text) == [8])
  }

  @Test(arguments: [
    "switch a { case .idle: 1\ncase .open, .closed, .default: 2 }",
    "switch a { case 1: 1\ndefault: 2 }",
    "switch a { case .unheardOf: 1\ndefault: 2 }",
    "switch a { case .idle: 1\n@unknown default: 2 }",
    "switch a { case .idle: 1\n// A foreign enum that shares the name.\ndefault: 2 }",
    "switch (a, b) { case (.idle, 1): 1\ndefault: 2 }",
    "switch a { case .idle where x: 1\ncase nil: 3\ndefault: 2 }",
  ])
  func otherDefaultsPass(text: String) {
    #expect(switchViolations(text) == [])
  }

  // MARK: Imports

  @Test(arguments: [
    ("Sources/ByteBuffers/A.swift", "import Glibc", 1),
    ("Sources/WireProtocol/A.swift", "public import Foundation", 1),
    ("Sources/WireProtocol/A.swift", "public import ByteBuffers\nimport Reactor", 2),
    ("Sources/StreamMux/A.swift", "import struct StreamCoding.X", 1),
    ("Sources/Transports/A.swift", "@preconcurrency import RelayServer", 1),
    ("Sources/frps/A.swift", "import TunnelClient", 1),
    ("Sources/NewModule/A.swift", "let a = 1", 1),
  ])
  func wrongImportsAreFound(path: String, text: String, line: Int) {
    #expect(lines(ImportRules.check(source(text, path: path))) == [line])
  }

  @Test(arguments: [
    ("Sources/ByteBuffers/A.swift", "// import Glibc"),
    ("Sources/StreamCoding/A.swift", "internal import COpenSSL\npublic import ByteBuffers"),
    ("Sources/Reactor/A.swift", "import CCares\nimport Glibc"),
    ("Sources/frps/A.swift", "import RelayServer"),
  ])
  func allowedImportsPass(path: String, text: String) {
    #expect(ImportRules.check(source(text, path: path)) == [])
  }

  /// A module may import only modules of a tier that is not above its own.
  @Test func theImportTableRespectsTheTiers() {
    for (name, allowance) in ImportRules.modules {
      for imported in allowance.imports {
        guard let other = ImportRules.modules[imported] else { continue }
        #expect(other.tier <= allowance.tier && imported != name, "\(name) imports \(imported)")
      }
    }
  }

  // MARK: Layout

  @Test func straysAtTheTopLevelAreFound() {
    let entries = ["Package.swift", ".ci", "dist", "CHANGELOG.md", "Sources", "notes"]
    #expect(LayoutRules.checkTopLevel(entries).map(\.path) == ["CHANGELOG.md", "notes"])
  }

  @Test func modulesWithoutTestsAreFound() {
    let sources = [
      source("let a = 1", path: "Sources/Reactor/A.swift"),
      source("let a = 1", path: "Sources/Transports/A.swift"),
      source("let a = 1", path: "Sources/RelayServer/A.swift"),
      source("// empty", path: "Sources/Utils/A.swift"),
    ]
    let tests = [
      source("@Test func a() {}", path: "Tests/ReactorTests/A.swift"),
      source("@Test func a() {}", path: "Tests/LoopbackTests/A.swift"),
      source("func a() {}", path: "Tests/TransportsTests/A.swift"),
    ]
    let found = LayoutRules.checkModules(sources: sources, tests: tests)
    #expect(
      found.map(\.path) == [
        "Sources/Transports", "Sources/Utils", "Sources/Utils", "Sources/Utils/A.swift",
      ])
  }

  // MARK: Pages

  @Test func namedPathsAreFoundInProse() {
    let line =
      "See `docs/a.md`, Sources/B/ and /etc/config/x, not Tests/<Module>Tests or docs/*.md."
    #expect(DocumentationRules.namedPaths(in: line) == ["docs/a.md", "Sources/B"])
    #expect(
      DocumentationRules.namedPaths(in: ".ci/run (config/frps.ini).") == [
        ".ci/run", "config/frps.ini",
      ])
  }

  @Test func missingPathsAreFound() {
    let page =
      "[a](a.md#part), [b](../Sources/B), [w](https://x.org/docs/y).\n[c](gone.md)\n`docs/no.md`"
    let exists = { ["docs/a.md", "Sources/B"].contains($0) }
    let found = DocumentationRules.check(path: "docs/page.md", content: page, exists: exists)
    #expect(lines(found) == [2, 3])
    #expect(found.first?.message == "names docs/gone.md, which does not exist")
  }

  // MARK: Limits

  @Test func limitsWithoutRowsAndRowsWithoutLimitsAreFound() {
    let sample = source(
      """
      /// The maxima.
      public enum SampleLimits {
        /// Things at once;
        /// more are refused.
        public static let thingCountMax = 4 * 1024
        static let delay: Interval = .seconds(1)
      }
      enum Other { static let thing = 1 }
      """)
    let rows = LimitRules.rows(of: sample)
    let first = "| `Reactor` | `thingCountMax` | 4 * 1024 | Things at once; more are refused. |"
    #expect(rows == [first, "| `Reactor` | `delay` | .seconds(1) |  |"])
    let check = { LimitRules.check(page: "a.md", content: $0, rows: [first]).map(\.message) }
    #expect(check("| `a` | b |\n## Limits\n\(first)\n") == [])
    #expect(check("## Limits\n") == ["lacks the row \(first)"])
    let page =
      "# A\n## Limits\n\n| module | limit | value | meaning |\n|---|---|---|---|\n| old |\n"
    #expect(check(LimitRules.update(content: page, rows: [first])) == [])
    #expect(!LimitRules.update(content: page, rows: [first]).contains("old"))
    #expect(check("## Limits\n\(first)\n| `x` | `y` |") == ["has a row of no limit: | `x` | `y` |"])
  }

  // MARK: Configuration

  @Test func sectionsAreRead() {
    let sections = ConfigurationFileRules.parse("# c\n[common]\na = 1\n\n[web]\n b=x y\n")
    #expect(sections == ["common": ["a": "1"], "web": ["b": "x y"]])
  }

  @Test(arguments: ["a = 1", "[common]\na", "[common]\na = 1 # c", "[common]\na = 1\na = 2"])
  func wrongFilesAreRefused(text: String) {
    #expect(ConfigurationFileRules.parse(text) == nil)
  }
}
