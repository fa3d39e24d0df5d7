import Testing

@testable import Configuration

@Suite struct ScalarTextTests {
  @Test(arguments: [
    ("0", 0), ("7000", 7000), ("-1", -1), ("+5", 5), ("0x1B58", 7000), ("0X1b58", 7000),
    ("0o17", 15), ("017", 15), ("0b101", 5), ("1_000", 1000), ("0x_1f", 31), ("0_7", 7),
    ("-0x10", -16), ("9223372036854775807", Int.max), ("-9223372036854775808", Int.min), ("00", 0),
  ])
  func integersAreRead(text: String, expected: Int) {
    #expect(ScalarText.integer(text) == expected)
  }

  @Test(arguments: [
    "", " 1", "1 ", "1.0", "1e3", "abc", "0x", "0b2", "08", "0080", "--1", "+-1", "-", "+", "_1",
    "1_", "1__0", "0x-1", "0x+1", "9223372036854775808", "٣", "1\u{0301}", "0_", "7000 # x",
    "99999999999999999999999999999",
  ])
  func otherNumbersAreNot(text: String) {
    #expect(ScalarText.integer(text) == nil)
  }

  @Test func booleansAreRead() {
    for text in ["1", "t", "T", "true", "TRUE", "True", "y", "yes", "YES", "on", "On"] {
      #expect(ScalarText.boolean(text) == true, "\(text)")
    }
    for text in ["0", "f", "F", "false", "FALSE", "False", "n", "no", "NO", "off", "Off"] {
      #expect(ScalarText.boolean(text) == false, "\(text)")
    }
    for text in ["", "2", "ja", "tru", "true ", "truе", "enabled", "-1"] {
      #expect(ScalarText.boolean(text) == nil, "\(text)")
    }
  }

  @Test func quotingKeepsIssuesOnOneLine() {
    #expect(quoted("a\"b\\c") == #""a\"b\\c""#)
    #expect(quoted("a\n\u{1B}[31m\u{202E}\u{2028}") == #""a\u{a}\u{1b}[31m\u{202e}\u{2028}""#)
    #expect(quoted("grüße 日本") == "\"grüße 日本\"")
    let long = quoted(String(repeating: "x", count: 100_000))
    #expect(long.count == ConfigurationLimits.quotedCharactersMax + 3)
    // One grapheme, many scalars.
    #expect(quoted("e" + String(repeating: "\u{301}", count: 5000)).unicodeScalars.count < 70)
  }

  @Test func trimmingTakesAnyWhiteSpace() {
    #expect(trimmed(" \t\r\n\u{A0}\u{3000}a b\u{2003}\r\n") == "a b")
    #expect(trimmed("\r\n") == "")
    #expect(listItems(" a, ,b ,,c") == ["a", "b", "c"])
  }
}

@Suite struct HostTextTests {
  @Test(arguments: ["0.0.0.0", "127.0.0.1", "255.255.255.255", "1.2.3.4"])
  func goodIPv4(text: String) { #expect(HostText.isIPv4(text)) }

  @Test(arguments: [
    "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.", "1..2.3", "a.b.c.d", "1.2.3.4 ",
    "1.2.3.-4", "1.2.3.+4", "1.2.3.٣",
  ])
  func badIPv4(text: String) { #expect(!HostText.isIPv4(text)) }

  @Test(arguments: [
    "::", "::1", "1::", "2001:db8::1", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4",
    "fe80::1%eth0", "1:2:3:4:5:6:7::", "FE80::A",
  ])
  func goodIPv6(text: String) { #expect(HostText.isIPv6(text)) }

  @Test(arguments: [
    "", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "::1:", ":1::", "12345::",
    "::g", "[::1]", "fe80::1%", "1:2:3:4:5:6:7::8", "1.2.3.4", "::1.2.3", "1.2.3.4::", "::1 ",
    "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3.4:5",
  ])
  func badIPv6(text: String) { #expect(!HostText.isIPv6(text)) }

  @Test func names() {
    let label = String(repeating: "a", count: 63)
    for good in ["a", "frp.example.com", "a-b_c.d", "example.com.", label, "bücher.example"] {
      #expect(HostText.isName(good), "\(good)")
    }
    for bad in [
      "", ".", "a..b", ".a", label + "a", "a b", "a:1", "a/b", "[a]", "a#", "a\u{A0}b",
      "a\u{202E}b",
      Array(repeating: label, count: 4).joined(separator: ".") + ".a",
    ] {
      #expect(!HostText.isName(bad), "\(bad)")
    }
  }

  @Test(arguments: [
    ("8.8.8.8", "8.8.8.8:53"), ("8.8.8.8:5353", "8.8.8.8:5353"), ("dns.example", "dns.example:53"),
    ("::1", "[::1]:53"), ("[::1]", "[::1]:53"), ("[::1]:5", "[::1]:5"),
    ("2001:db8::1", "[2001:db8::1]:53"),
  ])
  func hostsWithPorts(text: String, expected: String) {
    #expect(HostAndPort(parsing: text, defaultPort: 53)?.description == expected)
  }

  @Test(arguments: [
    "", ":", ":53", "a:", "a:0", "a:65536", "a:x", "a:+5", "a:1:2", "[::1", "[::1]5", "[a]:5", "[]",
    "[1.2.3.4]:5", "a b", "[::1]:", "a:٣",
  ])
  func otherHostsWithPorts(text: String) {
    #expect(HostAndPort(parsing: text, defaultPort: 53) == nil)
  }
}

@Suite struct UpstreamProxyTests {
  @Test func urlsAreRead() throws {
    #expect(
      try UpstreamProxy(parsing: "http://proxy.example:3128")
        == UpstreamProxy(
          kind: .http, address: HostAndPort(host: "proxy.example", port: 3128)))
    #expect(
      try UpstreamProxy(parsing: "SOCKS5://u%40x:p%3Aq:r%25@[::1]/path?x#y")
        == UpstreamProxy(
          kind: .socks5, address: HostAndPort(host: "::1", port: 1080), user: "u@x",
          password: Secret("p:q:r%")))
    #expect(try UpstreamProxy(parsing: "http://a@b@host").user == "a@b")
    #expect(try UpstreamProxy(parsing: "http://host").address.port == 80)
    #expect(try UpstreamProxy(parsing: "http://user@host").password == nil)
  }

  @Test(arguments: [
    ("", UpstreamProxy.Fault.schemeMissing), ("host:80", .schemeMissing),
    ("http:/host", .schemeMissing), ("a:b://c", .schemeMissing),
    ("https://host", .schemeNotInThisVersion("https")),
    ("ntlm://host", .schemeNotInThisVersion("ntlm")), ("ftp://host", .schemeUnknown("ftp")),
    ("://host", .schemeUnknown("")), ("http://", .hostInvalid), ("http://:80", .hostInvalid),
    ("http://host:0", .hostInvalid), ("http://host:99999", .hostInvalid),
    ("http://ho st", .hostInvalid), ("http://u:p@", .hostInvalid),
    ("http://u:%@host", .escapeInvalid), ("http://u:%4@host", .escapeInvalid),
    ("http://u:%zz@host", .escapeInvalid), ("http://u:%+1@host", .escapeInvalid),
    ("http://%ff@host", .escapeInvalid), ("http://%e2%82@host", .escapeInvalid),
  ])
  func otherTextIsRefused(text: String, expected: UpstreamProxy.Fault) {
    #expect(throws: expected) { try UpstreamProxy(parsing: text) }
  }
}

@Suite struct SecretTests {
  @Test func secretsAreMasked() {
    let secret = Secret("hunter2")
    var dumped = ""
    dump(secret, to: &dumped)
    var configuration = ServerConfiguration()
    configuration.authentication.token = secret
    dump(configuration, to: &dumped)
    for text in ["\(secret)", String(reflecting: secret), dumped, "\(configuration)"] {
      #expect(!text.contains("hunter2"), "\(text)")
    }
    #expect(secret.value == "hunter2")
    #expect("\(Secret(""))" == "(empty)")
  }
}
