import Testing

@testable import Configuration

@Suite struct TemplateTests {
  private let environment = ["HOST": "h", "LINES": "a\nb", "BRACES": "{{ .Envs.HOST }}", "E": ""]

  private func render(_ text: String) throws(TemplateFault) -> RenderedText {
    var renderer = TemplateRenderer(Array(text.utf8), environment: environment)
    return try renderer.render()
  }

  @Test(arguments: [
    ("", ""), ("plain { text } }}", "plain { text } }}"), ("{{ .Envs.HOST }}", "h"),
    ("{{.Envs.HOST}}", "h"), ("a{{ .Envs.HOST }}b{{.Envs.HOST}}c", "ahbhc"),
    ("{{\t.Envs.HOST\n}}", "h"), ("{{ .Envs.MISSING }}", "<no value>"), ("{{ .Envs.E }}", ""),
    ("{{ .Envs.BRACES }}", "{{ .Envs.HOST }}"), ("a \n {{- .Envs.HOST -}} \n b", "ahb"),
    ("a {{- .Envs.HOST }} b", "ah b"), ("a {{ .Envs.HOST -}} b", "a hb"),
    ("{{/* note }} */}}x", "x"), ("{{ \"}}\" }}", "}}"), ("{{ `a` }}", "a"), ("{{ \"\" }}", ""),
    ("{{ .Envs.HOST }} {{- .Envs.HOST }}", "hh"), ("{{ .Envs.LINES }}\n{{- .Envs.HOST }}", "a\nbh"),
  ])
  func actionsAreFilledIn(text: String, expected: String) throws {
    #expect(String(decoding: try render(text).bytes, as: UTF8.self) == expected)
  }

  @Test(arguments: [
    ("{{", 1), ("x\n{{ .Envs.HOST }", 2), ("\n\n{{ .Foo }}", 3), ("{{ }}", 1), ("{{}}", 1),
    ("{{ .Envs }}", 1), ("{{ .Envs. }}", 1), ("{{ .Envs.A-B }}", 1), ("{{ .Envs.A | .Envs.B }}", 1),
    ("{{ range $i := .Envs }}", 1), ("{{ parseNumberRange \"1-2\" }}", 1), ("{{ \"a }}", 1),
    ("{{/* a }}", 1), ("{{/*/}}", 1),
    ("{{ \"a\\x\" }}", 1), ("{{-.Envs.HOST}}", 1), ("{{ .Envs.HOST-}}", 1), ("{{ \"a\nb\" }}", 1),
  ])
  func otherActionsAreErrors(text: String, line: Int) {
    let error = #expect(throws: TemplateFault.self) { try render(text) }
    #expect(error?.line == line)
  }

  /// Every output line knows its source line, whatever actions add or take away.
  @Test func linesAreTracked() throws {
    let text = "1\n{{ .Envs.LINES }}\n3\n\n{{- .Envs.HOST -}}\n\n\n8\n{{\n.Envs.HOST\n}}\n12"
    let rendered = try render(text)
    let lines = String(decoding: rendered.bytes, as: UTF8.self).split(
      separator: "\n", omittingEmptySubsequences: false)
    #expect(lines == ["1", "a", "b", "3h8", "h", "12"])
    #expect(rendered.lineNumbers == [1, 2, 2, 3, 9, 12])
  }

  @Test func missingNamesAreCollected() throws {
    var renderer = TemplateRenderer(Array("\n{{ .Envs.X }}".utf8), environment: [:])
    _ = try renderer.render()
    #expect(renderer.missingNames.map(\.name) == ["X"])
    #expect(renderer.missingNames.map(\.line) == [2])
  }

  private func current(_ text: String) throws(TemplateFault) -> String {
    var renderer = TemplateRenderer(
      Array(text.utf8), environment: environment, generation: .v1)
    return String(decoding: try renderer.render().bytes, as: UTF8.self)
  }

  @Test(arguments: [
    ("{{ range parseNumberRange \"1-3,7\" }}{{ . }},{{ end }}", "1,2,3,7,"),
    ("{{ range $v := parseNumberRange \" 2 \" }}{{ $v }}{{ end }}", "2"),
    ("{{ range $i, $v := parseNumberRange \"5-6\" }}{{ $i }}:{{ $v }} {{ end }}", "0:5 1:6 "),
    (
      "{{ range parseNumberRangePair \"1-2\" \"8,9\" }}{{ .First }}-{{ .Second }};{{ end }}",
      "1-8;2-9;"
    ),
    (
      "{{ range $p := parseNumberRangePair \"1\" \"8\" }}{{ $p.Second }}{{ $p }}{{ end }}", "8{1 8}"
    ),
    ("{{- range parseNumberRange \"1-2\" -}} \n x{{ . }} {{- end -}} ", "x1x2"),
    ("{{ if .Envs.HOST }}a{{ else }}b{{ end }}", "a"),
    ("{{ if .Envs.E }}a{{ else }}b{{ end }}", "b"),
    ("{{ if .Envs.MISSING }}a{{ end }}", ""), ("{{ if eq .Envs.HOST \"h\" }}yes{{ end }}", "yes"),
    ("{{ if eq 1 2 }}a{{ else if lt 1 2 }}b{{ else }}c{{ end }}", "b"),
    ("{{ if and true (ne .Envs.HOST \"x\") }}a{{ end }}", "a"),
    ("{{ if not (or false 0) }}a{{ end }}", "a"),
    ("{{ $x := 5 }}{{ if ge $x 5 }}{{ $x = 6 }}{{ end }}{{ $x }}", "6"),
    ("{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ end }}{{ $x }}", "1"),
    ("{{ print \"a\" 1 true }}", "a1true"),
    ("{{ printf \"%s-%d%%%q\" .Envs.HOST 7 \"x\" }}", "h-7%\"x\""),
    ("{{ \"a\\t\\\"b\" }}", "a\t\"b"), ("{{ .Envs.HOST | printf \"<%s>\" }}", "<h>"),
    ("{{ len (parseNumberRange \"1-9\") }}", "9"), ("{{ index .Envs \"HOST\" }}", "h"),
    ("{{ index (parseNumberRange \"4-6\") 1 }}", "5"), ("{{ $.Envs.HOST }}", "h"),
    ("{{ range parseNumberRange \"1\" }}{{ $.Envs.HOST }}{{ end }}", "h"),
    ("{{ range $k, $v := .Envs }}{{ if eq $k \"HOST\" }}{{ $v }}{{ end }}{{ end }}", "h"),
  ])
  func currentFilesHaveMore(text: String, expected: String) throws {
    #expect(try current(text) == expected)
  }

  @Test(arguments: [
    "{{ range 5 }}{{ end }}", "{{ range parseNumberRange \"1\" }}", "{{ end }}", "{{ else }}",
    "{{ if }}a{{ end }}", "{{ if true }}{{ else }}{{ else }}{{ end }}", "{{ if true }}{{ end x }}",
    "{{ parseNumberRange \"2-1\" }}", "{{ parseNumberRange \"1-70000\" }}",
    "{{ parseNumberRange }}",
    "{{ parseNumberRangePair \"1\" \"1-2\" }}", "{{ $x }}", "{{ $x = 1 }}",
    "{{ range $a, $b, $c := .Envs }}{{ end }}",
    "{{ range a := .Envs }}{{ end }}", "{{ .Envs.HOST.X }}", "{{ lt 1 \"a\" }}", "{{ eq 1 }}",
    "{{ printf \"%d\" }}",
    "{{ printf \"%x\" 1 }}", "{{ printf \"a\" 1 }}", "{{ index (parseNumberRange \"1\") 1 }}",
    "{{ (1 }}", "{{ 1) }}",
    "{{ foo }}", "{{ 1 | 2 }}", "{{ .. }}", "{{ $ }}", "{{ .Envs }}", "{{ not }}",
    "{{ with .Envs }}{{ end }}",
  ])
  func currentFilesHaveNoMore(text: String) {
    #expect(throws: TemplateFault.self) { try current(text) }
  }

  @Test func outputIsBounded() {
    let big = ["B": String(repeating: "x", count: 1 << 20)]
    var renderer = TemplateRenderer(
      Array(String(repeating: "{{.Envs.B}}", count: 100).utf8), environment: big)
    #expect(throws: TemplateFault.self) { try renderer.render() }
  }
}

@Suite struct GlobPatternTests {
  @Test(arguments: [
    ("*", "", true), ("*", "a.ini", true), ("*.ini", "a.ini", true), ("*.ini", ".ini", true),
    ("*.ini", "a.ini.bak", false), ("a?c", "abc", true), ("a?c", "ac", false),
    ("a*b*c", "aXbYc", true),
    ("a*b*c", "aXbY", false), ("[a-c]x", "bx", true), ("[a-c]x", "dx", false),
    ("[^a-c]x", "dx", true),
    ("[^a]", "a", false), ("\\*", "*", true), ("\\*", "a", false), ("[\\]]", "]", true),
    ("", "", true), ("", "a", false), ("é?", "éa", true), ("**", "x", true), ("[abc]", "b", true),
    ("*a", "aaaaab", false), ("a", "A", false),
  ])
  func patterns(pattern: String, name: String, expected: Bool) throws {
    #expect(try #require(GlobPattern(pattern)).matches(name) == expected)
  }

  @Test(arguments: ["[", "[]", "[a", "[a-", "[a-]", "\\", "[b-a]", "[^", "[]a]", "[-]", "a[\\"])
  func brokenPatterns(pattern: String) {
    #expect(GlobPattern(pattern) == nil)
  }

  @Test func hostilePatternsTakeLittleTime() throws {
    let pattern = try #require(GlobPattern(String(repeating: "*a", count: 200) + "b"))
    #expect(!pattern.matches(String(repeating: "a", count: 2000)))
  }
}
