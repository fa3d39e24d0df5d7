import Testing

@testable import Configuration

/// A tree as one line of text, for comparison.
func shown(_ value: ConfigurationValue) -> String {
  switch value.content {
  case .null: "null"
  case .boolean(let boolean): "\(boolean)"
  case .integer(let number): "\(number)"
  case .number(let number): "\(number)f"
  case .text(let text): TOMLText.quoted(text)
  case .date: "date"
  case .list(let items): "[" + items.map(shown).joined(separator: ", ") + "]"
  case .table(let members):
    "{" + members.map { "\($0.name): \(shown($0.value))" }.joined(separator: ", ") + "}"
  }
}

@Suite struct TOMLReaderTests {
  private func read(_ text: String) -> String {
    let (tree, faults) = TOMLReader.read(Array(text.utf8))
    return faults.isEmpty ? shown(tree) : "fault"
  }

  @Test(arguments: [
    ("", "{}"), ("# c\n\n \t\n", "{}"), ("a = 1", "{a: 1}"),
    ("a=1\r\nb =2 # c\r\n", "{a: 1, b: 2}"),
    ("a.b.c = 1\na.b.d = 2", "{a: {b: {c: 1, d: 2}}}"), ("\"a b\".'c.d' = 1", "{a b: {c.d: 1}}"),
    ("a . b = 1", "{a: {b: 1}}"), ("3.14 = 1", "{3: {14: 1}}"), ("'' = 1", "{: 1}"),
    (
      "a = +0\nb = -17\nc = 1_000\nd = 0xDEAD_beef\ne = 0o17\nf = 0b101",
      "{a: 0, b: -17, c: 1000, d: 3735928559, e: 15, f: 5}"
    ),
    (
      "a = 1.5\nb = -0.5e1\nc = 5e+2\nd = 1_0.2_5\ne = inf\nf = -inf",
      "{a: 1.5f, b: -5.0f, c: 500.0f, d: 10.25f, e: inff, f: -inff}"
    ),
    ("a = true\nb = false", "{a: true, b: false}"),
    ("a = \"x\\t\\\"\\\\\\u00e9\\U0001F600\"", "{a: \"x\\t\\\"\\\\é😀\"}"),
    ("a = 'C:\\dir'", "{a: \"C:\\\\dir\"}"),
    ("a = \"\"\"\none\\\n   two\"\"\"\"\"", "{a: \"onetwo\\\"\\\"\"}"),
    ("a = '''\nx\ny'''", "{a: \"x\\ny\"}"), ("a = \"\"\"\"\"\"", "{a: \"\"}"),
    ("a = [1, 2,\n # c\n 3,\n]", "{a: [1, 2, 3]}"),
    ("a = [[], [\"x\"], {b = 1}]", "{a: [[], [\"x\"], {b: 1}]}"),
    ("a = {}\nb = { c = 1, d.e = 2 }", "{a: {}, b: {c: 1, d: {e: 2}}}"),
    (
      "a = 1979-05-27\nb = 1979-05-27T07:32:00Z\nc = 07:32:00\nd = 1979-05-27 07:32:00.5-07:00",
      "{a: date, b: date, c: date, d: date}"
    ),
    ("[a]\nx = 1\n[a.b]\ny = 2\n[c]", "{a: {x: 1, b: {y: 2}}, c: {}}"),
    ("[a.b]\ny = 2\n[a]\nx = 1", "{a: {b: {y: 2}, x: 1}}"),
    (
      "[[p]]\nn = 1\n[p.t]\nu = 1\n[[p]]\nn = 2\n[[p.q]]\n[[p.q]]\nz = 1",
      "{p: [{n: 1, t: {u: 1}}, {n: 2, q: [{}, {z: 1}]}]}"
    ),
    ("[ a . \"b\" ] # c\nx = 1", "{a: {b: {x: 1}}}"),
    (
      "[fruit]\napple.color = 1\n[fruit.apple.taste]\nsweet = true",
      "{fruit: {apple: {color: 1, taste: {sweet: true}}}}"
    ),
  ])
  func good(text: String, expected: String) { #expect(read(text) == expected) }

  @Test(arguments: [
    "a", "a =", "= 1", "a = 1 b = 2", "a = b", "a = 01", "a = 1__0", "a = _1", "a = 1_", "a = .5",
    "a = 5.", "a = 0x", "a = 0xG", "a = +0x1", "a = 99999999999999999999", "a = 1e", "a = tru",
    "a = \"x", "a = 'x", "a = \"\"\"x", "a = \"\\x\"", "a = \"\\uD800\"", "a = \"\\u12\"",
    "a = \"\u{1}\"",
    "a = [1", "a = [1 2]", "a = {b = 1", "a = {b = 1,}", "a = {b = 1\n}", "a = {b}", "[a", "[]",
    "[a.]", "[[a]", "[a]]", "[a] b", "[@]", "[a]\n[a]", "a = 1\na = 2", "a = 1\n[a]",
    "a = 1\n[a.b]",
    "a.b = 1\na = 2", "a = {b = 1}\na.c = 2", "a = {b = 1}\n[a.c]", "a = [1]\n[[a]]", "[[a]]\n[a]",
    "[a]\n[[a]]", "[a.b]\n[a]\nb.c = 1", "[a]\nb.c = 1\n[a.b]", "a = {b = 1, b = 2}",
    "\"\"\"a\"\"\" = 1",
    "a = 1979-05", "a.b\n= 1", "a b = 1", "a = \"x\" \"y\"",
  ])
  func bad(text: String) { #expect(read(text) == "fault") }

  /// One fault a line; what follows is read all the same.
  @Test func allFaultsAreTold() {
    let text = "a = ?\nb = 1\n[c\nd = 1\nd = 2\n[e]\nf = \"x\ng = 1\n"
    let (tree, faults) = TOMLReader.read(Array(text.utf8))
    #expect(faults.map { $0.place?.line } == [1, 3, 5, 7])
    #expect(shown(tree) == "{b: 1, e: {g: 1}}")
    let many = TOMLReader.read(Array(String(repeating: "a = ?\n", count: 500).utf8)).faults
    #expect(many.count == ConfigurationLimits.syntaxFaultCountMax)
  }

  @Test func placesAreInCharacters() throws {
    let (tree, faults) = TOMLReader.read(Array("# é\n[a]\n'é' = [ 1,\n  \"x\" ]\nb = ?".utf8))
    let list = try #require(tree.member("a")?.member("é"))
    #expect(list.place == .init(line: 3, column: 7))
    guard case .list(let items) = list.content else { return #expect(Bool(false)) }
    #expect(items.map(\.place) == [.init(line: 3, column: 9), .init(line: 4, column: 3)])
    #expect(faults.map(\.place) == [.init(line: 5, column: 5)])
  }

  @Test func depthAndCountAreBounded() {
    let limit = ConfigurationLimits.nestingMax
    func nested(_ count: Int) -> String {
      "a = " + String(repeating: "[", count: count) + String(repeating: "]", count: count)
    }
    #expect(read(nested(limit)) != "fault")
    #expect(read(nested(limit + 1)) == "fault")
    #expect(read(nested(100_000)) == "fault")
    let name = Array(repeating: "a", count: limit).joined(separator: ".")
    #expect(read("\(name) = 1") != "fault")
    #expect(read("\(name).a = 1") == "fault")
    #expect(read("[" + String(repeating: "a.", count: 500_000) + "a]") == "fault")
    let many = "a = [" + String(repeating: "0,", count: ConfigurationLimits.valueCountMax) + "]"
    #expect(read(many) == "fault")
  }
}

@Suite struct JSONReaderTests {
  private func read(_ text: String) -> String {
    do throws(FormatFault) {
      return shown(try JSONReader.read(Array(text.utf8)))
    } catch {
      return "fault \(error.place?.line ?? 0):\(error.place?.column ?? 0)"
    }
  }

  @Test(arguments: [
    ("{}", "{}"), (" [ ] ", "[]"),
    ("{\"a\":1,\"b\":[true,false,null]}", "{a: 1, b: [true, false, null]}"),
    ("{\"a\": {\"b\": []}, \"c\": {}}", "{a: {b: []}, c: {}}"), ("-0", "0"), ("1.5e-3", "0.0015f"),
    ("123456789012345678901", "1.2345678901234568e+20f"),
    ("\"\\u00e9\\ud83d\\ude00\\/\\n\"", "\"é😀/\\n\""), ("\"\\ud83d\"", "\"\u{FFFD}\""),
    ("[[[]],[1]]", "[[[]], [1]]"),
  ])
  func good(text: String, expected: String) { #expect(read(text) == expected) }

  @Test(arguments: [
    ("", "fault 1:1"), ("{", "fault 1:2"), ("{\"a\"}", "fault 1:5"), ("{\"a\":1,}", "fault 1:8"),
    ("[1,]", "fault 1:4"), ("[1\n2]", "fault 2:1"), ("{} x", "fault 1:4"), ("01", "fault 1:2"),
    ("1.", "fault 1:3"), ("+1", "fault 1:1"), ("tru", "fault 1:1"), ("'a'", "fault 1:1"),
    ("\"a", "fault 1:1"), ("\"\\x\"", "fault 1:2"), ("\"\t\"", "fault 1:2"), ("[é]", "fault 1:2"),
    ("{\"é\": ?}", "fault 1:7"), ("]", "fault 1:1"), ("[}", "fault 1:2"), ("// x", "fault 1:1"),
  ])
  func bad(text: String, expected: String) { #expect(read(text) == expected) }

  @Test func depthIsBounded() {
    let limit = ConfigurationLimits.nestingMax
    func nested(_ count: Int) -> String {
      String(repeating: "[", count: count) + String(repeating: "]", count: count)
    }
    #expect(!read(nested(limit)).hasPrefix("fault"))
    #expect(read(nested(limit + 1)) == "fault 1:\(limit + 1)")
    #expect(read(nested(1_000_000)) == "fault 1:\(limit + 1)")
  }
}

@Suite struct YAMLReaderTests {
  private func read(_ text: String) -> String {
    do throws(FormatFault) {
      return shown(try YAMLReader.read(Array(text.utf8)))
    } catch {
      return "fault \(error.place?.line ?? 0): \(error.message)"
    }
  }

  @Test(arguments: [
    ("", "{}"), ("# c\n", "{}"), ("a: 1\nb: [x, \"y\"]\n", "{a: 1, b: [\"x\", \"y\"]}"),
    ("a:\n  - b: 1\n    c: 2\n  - {d: e}\n", "{a: [{b: 1, c: 2}, {d: \"e\"}]}"),
    ("a: ~\nb:\nc: null\nd: ''", "{a: null, b: null, c: null, d: \"\"}"),
    ("a: yes\nb: Off\nc: \"yes\"\nd: !!str on", "{a: true, b: false, c: \"yes\", d: \"on\"}"),
    (
      "a: 0x10\nb: 010\nc: 0o17\nd: 1_000\ne: -5\nf: 1.5\ng: 1e3\nh: .inf",
      "{a: 16, b: 8, c: 15, d: 1000, e: -5, f: 1.5f, g: 1000.0f, h: inff}"
    ),
    (
      "a: 1.2.3.4\nb: 12:30\nc: 2001-01-01\nd: v1",
      "{a: \"1.2.3.4\", b: \"12:30\", c: \"2001-01-01\", d: \"v1\"}"
    ),
    ("a: |\n  x\n  y\nb: >-\n  x\n  y", "{a: \"x\\ny\\n\", b: \"x y\"}"),
    ("7: a\ntrue: b", "{7: \"a\", true: \"b\"}"),
    ("--- {a: 1}\n--- {b: 2}\n", "{a: 1}"),
    (".d: &d {x: 1, z: 2}\na:\n  <<: *d\n  z: 3", "{.d: {x: 1, z: 2}, a: {z: 3, x: 1}}"),
    (
      "d: &d {x: 1}\ne: &e {x: 2, z: 3}\na: {<<: [*d, *e]}",
      "{d: {x: 1}, e: {x: 2, z: 3}, a: {x: 1, z: 3}}"
    ),
    ("a: &x text\nb: *x\n*x : c", "{a: \"text\", b: \"text\", text: \"c\"}"),
  ])
  func good(text: String, expected: String) { #expect(read(text) == expected) }

  @Test(arguments: [
    "a: *b", "a: [", "a: {b", "\ta: 1", "a: 1\n b: 2", "? [x]\n: y", "a: &b\n  c: *b",
  ])
  func bad(text: String) { #expect(read(text).hasPrefix("fault")) }

  /// Ten times ten times ten … copies of one word.
  @Test func aliasesAreCountedAsWhatTheyStandFor() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1..<10 {
      let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(aliases)]\n"
    }
    #expect(read(text).contains("aliases counted"))
  }

  @Test func depthIsBounded() {
    #expect(read(String(repeating: "[", count: 100_000)).contains("inside each other"))
    #expect(read(String(repeating: "- ", count: 100_000) + "a").contains("inside each other"))
  }
}
