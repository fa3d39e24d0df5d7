import TestKit
import Testing

@testable import Configuration

/// What happens to files that nobody would write. `ConfigurationLoader` takes any bytes, so its
/// functions are the entry points of a fuzzer, too.
@Suite struct DamagedFileTests {
  private static let seeds: [(file: String, text: String)] = [
    (
      "f.ini",
      """
      [common]
      bind_port = 7000
      allow_ports = 1-9,20
      token = {{ .Envs.T }}
      [plugin.x]
      """
    ),
    (
      "f.ini",
      """
      [common]
      server_addr = h
      http_proxy = http://u:p@h:1
      dns_server = [::1]:5
      includes = a
      [range:r]
      local_port = 1-3
      remote_port = 4-6
      [a.b]
      local_port = 0x1
      role = server
      [v]
      role = visitor
      type = xtcp
      plugin = socks5
      """
    ),
    (
      "f.toml",
      #"""
      bindPort = 7000
      allowPorts = [{ start = 1, end = 9 }, { single = 20 }]
      includes = ["a"]
      auth.token = "{{ .Envs.T }}"
      [log]
      to = 'x'
      maxDays = 3
      [[proxies]]
      name = "p"
      type = "http"
      customDomains = ["a", """b"""]
      metadatas.a = "\u00e9"
      """#
    ),
    (
      "f.toml",
      """
      {{- range $i, $v := parseNumberRangePair "1-3" "4-6" }}
      {{ if eq $i 1 }}# {{ $v.First }}{{ else }}#{{ end }}
      [[proxies]]
      name = "p{{ $i }}"
      type = "tcp"
      localPort = 1.0
      {{ end }}
      """
    ),
    (
      "f.yaml",
      """
      bindPort: 0x10
      .d: &d {a: 1, b: [x, ~]}
      log: &l
        level: info
      auth:
        <<: *l
        token: |
          x
      proxies:
        - {name: a, type: tcp, localPort: 1}
        - *d
      """
    ),
    (
      "f.json",
      #"""
      {"bindPort": 7000, "auth": {"token": "\u00e9\n"}, "log": null, "proxies": [{"name": "a",
      "type": "tcp", "localPort": 1e1, "annotations": {"a/b": "c"}}], "start": []}
      """#
    ),
  ]

  private static let alphabet =
    Array("[]=:\"'`\\#;\n\r {}-,.%0/@x*&!?|><$~_1eT\t".utf8) + [0x00, 0xFF, 0xC3, 0xA9, 0xE2]

  /// Damages good files at random: no trap, every issue is one line with a place, and a value comes
  /// exactly when there is no error.
  @Test(arguments: seeds.indices)
  func neverTrap(seed: Int) {
    var generator = RepeatableGenerator(seed: UInt64(0xC0F1 + seed))
    let (file, text) = Self.seeds[seed]
    for round in 0..<300 {
      var bytes = Array(text.utf8)
      for _ in 0...Int.random(in: 0..<4, using: &generator) { Self.damage(&bytes, &generator) }
      let relay = ConfigurationLoader.loadServer(bytes: bytes, file: file, environment: ["T": "t"])
      let home = ConfigurationLoader.loadClient(
        bytes: bytes, file: file, environment: ["T": "t"], includes: files(["a": "[z]\n"]))
      #expect((relay.value == nil) == !relay.errors.isEmpty)
      #expect((home.value == nil) == !home.errors.isEmpty)
      #expect((home.value == nil) == (home.dump() == nil))
      for issue in relay.issues + home.issues {
        let isOneLine = !issue.description.unicodeScalars.contains {
          $0.properties.generalCategory == .control
        }
        #expect(isOneLine, "seed \(generator.seed), round \(round)")
      }
    }
  }

  private static func damage(_ bytes: inout [UInt8], _ generator: inout RepeatableGenerator) {
    let position = Int.random(in: 0..<bytes.count, using: &generator)
    let byte = alphabet.randomElement(using: &generator) ?? 0
    switch Int.random(in: 0..<4, using: &generator) {
    case 0: bytes[position] = byte
    case 1: bytes.insert(byte, at: position)
    case 2: bytes.removeSubrange(position..<min(bytes.count, position + 5))
    case _: bytes.insert(contentsOf: bytes[..<position], at: position)
    }
    if bytes.isEmpty { bytes = [0x0A] }
  }

  /// Bytes that have no form at all.
  @Test(arguments: ["f.ini", "f.toml", "f.yaml", "f.json", "f"])
  func noiseNeverTraps(file: String) {
    var generator = RepeatableGenerator(seed: 0x5EED)
    for _ in 0..<600 {
      let count = Int.random(in: 0..<40, using: &generator)
      let bytes = (0..<count).map { _ in Self.alphabet.randomElement(using: &generator) ?? 0 }
      let loaded = ConfigurationLoader.loadServer(bytes: bytes, file: file, environment: [:])
      #expect((loaded.value == nil) == !loaded.errors.isEmpty)
    }
  }

  // MARK: Size

  @Test(arguments: [
    ("f.toml", "a = ", "[", ""), ("f.json", "", "[", ""), ("f.json", "", "{\"a\":", ""),
    ("f.yaml", "a: ", "[", ""), ("f.yaml", "", "- ", ""), ("f.toml", "", "{{ if true }}", ""),
    ("f.toml", "a = {{ ", "(", " }}"), ("f.toml", "[", "a.", "a]"), ("f.toml", "", "[a.b]\n", ""),
    ("f.toml", "", "a.b.c.d = 1\n", ""), ("f.toml", "", "a = ?\n", ""),
    ("f.yaml", "", "a: *a\n", ""),
    ("f.toml", "", "{{ range .Envs }}x{{ end }}", ""), ("f.toml", "", "{{ \"a\" }}", ""),
    ("f.toml", "", "{{ $x := 1 }}", ""), ("f.ini", "[common]\n", "{{/* */}}", ""),
    ("f.yaml", "", "&a ", ""), ("f.yaml", "", "? ", ""), ("f.yaml", "", "{", ""),
    ("f.toml", "a = [", "{},", ""),
  ])
  func repetitionIsBounded(file: String, start: String, piece: String, end: String) {
    let count = min(50_000, ConfigurationLimits.fileBytesMax / max(1, piece.utf8.count) - 10)
    let text = start + String(repeating: piece, count: count) + end
    let loaded = ConfigurationLoader.loadServer(text: text, file: file, environment: ["A": "a"])
    #expect(loaded.issues.count <= 2 * ConfigurationLimits.issueCountMax + 1)
  }

  /// A loop in a loop in a loop.
  @Test func templatesAreBounded() {
    let loop = "{{ range parseNumberRange \"1-1000\" }}"
    let text = String(repeating: loop, count: 5) + String(repeating: "{{ end }}", count: 5)
    let loaded = ConfigurationLoader.loadServer(text: text, file: "f.toml")
    #expect(loaded.errors.map(\.message) == ["expected at most 524288 template steps"])
    let big = ConfigurationLoader.loadServer(
      text: "{{ range parseNumberRange \"1-60000\" }}" + String(repeating: "x", count: 1000)
        + "{{ end }}", file: "f.toml")
    #expect(big.errors.map(\.message) == ["expected at most 8388608 bytes of text"])
  }
}
