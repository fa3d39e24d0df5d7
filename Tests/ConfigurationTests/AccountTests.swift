import Testing

@testable import Configuration

/// The users file.
@Suite struct AccountTests {
  private func load(_ text: String) -> LoadedAccounts {
    ConfigurationLoader.loadAccounts(bytes: Array(text.utf8), file: "users")
  }

  private func errors(_ text: String) -> [String] {
    let loaded = load(text)
    #expect(loaded.accounts == nil)
    return loaded.issues.filter { $0.severity == .error }.map { issue in
      var issue = issue
      issue.column = nil
      return issue.description
    }
  }

  @Test func everyKeyIsRead() throws {
    let loaded = load(
      """
      # comment
      [bob]
      token = "b"

      [alice-1_x]
      token = a
      allow_ports = 1000-2000,3000
      proxy_types = tcp, http
      proxy_names = web*, db
      domains = *.Example.com
      max_ports = 3
      max_connections = 4
      max_clients = 5
      expires = 2027-12-31
      enabled = false
      """)
    #expect(loaded.issues.isEmpty)
    let accounts = try #require(loaded.accounts)
    #expect(accounts.map(\.name) == ["alice-1_x", "bob"])
    #expect(accounts[1] == Account(name: "bob", token: Secret("b")))
    let alice = accounts[0]
    #expect(alice.token.value == "a")
    #expect(alice.allowedPorts == PortRanges([1000...2000, 3000...3000]))
    #expect(alice.proxyKinds == [.tcp, .http])
    #expect(alice.proxyNames.allow("webshop") && alice.proxyNames.allow("db"))
    #expect(!alice.proxyNames.allow("db2"))
    #expect(alice.domains.allow("a.example.com") && !alice.domains.allow("example.org"))
    #expect((alice.portCountMax, alice.connectionCountMax, alice.clientCountMax) == (3, 4, 5))
    #expect(alice.expiry == 1_830_297_600 && !alice.isEnabled)
  }

  @Test func defaultsAllowWhatEverybodyMay() throws {
    let account = try #require(load("[a]\ntoken = t\n").accounts?.first)
    #expect(account.proxyNames.allow("anything") && account.domains.allow("any.host"))
    #expect(account.allowedPorts == .all && account.proxyKinds == nil)
    #expect(account.isValid(at: .max))
  }

  @Test func allMistakesAreNamedWithTheirLines() {
    let found = errors(
      """
      [a.b]
      token = x
      [common]
      token = x
      [c]
      [d]
      token = secret
      max_port = 3
      allow_ports = 5-3
      proxy_types = tcp, gopher
      proxy_names = [a
      max_clients = -1
      expires = 2027-02-29
      enabled = perhaps
      """)
    let name = "expected the name of a user, of letters, digits, - and _, and not common, found"
    #expect(found.count == 10)
    #expect(found[0] == "users:1: \(name) \"a.b\"")
    #expect(found[1] == "users:3: \(name) \"common\"")
    #expect(found[2] == "users:5: token: expected a token for \"c\"")
    #expect(found[3].hasPrefix("users:8: max_port: expected one of token, allow_ports"))
    #expect(found[4].hasPrefix("users:9: allow_ports: expected A-B with A not above B"))
    #expect(found[5].hasPrefix("users:10: proxy_types: expected kinds out of tcp, udp"))
    #expect(found[6] == "users:11: proxy_names: expected complete patterns, found \"[a\"")
    #expect(
      found[7] == "users:12: max_clients: expected a number from 0 to 100000000, found \"-1\"")
    #expect(found[8].hasPrefix("users:13: expires: expected a date such as 2027-12-31 or"))
    #expect(found[9] == "users:14: enabled: expected true or false, found \"perhaps\"")
    #expect(!found.contains { $0.contains("secret") })
  }

  @Test func bytesThatAreNoTextAndTooManyAreErrors() {
    let bad = ConfigurationLoader.loadAccounts(bytes: [0x5B, 0xFF], file: "users")
    #expect(bad.issues.map(\.description) == ["users: expected text in UTF-8"])
    let large = [UInt8](repeating: 0x23, count: ConfigurationLimits.fileBytesMax + 1)
    #expect(ConfigurationLoader.loadAccounts(bytes: large, file: "users").accounts == nil)
  }

  @Test func largestNameAndNumberOfUsers() throws {
    let longest = String(repeating: "n", count: ConfigurationLimits.accountNameBytesMax)
    #expect(Account.isName(longest) && !Account.isName(longest + "n") && !Account.isName(""))
    let most = (0..<ConfigurationLimits.accountCountMax).map { "[u\($0)]\ntoken=t\n" }.joined()
    #expect(load(most).accounts?.count == ConfigurationLimits.accountCountMax)
    #expect(load(most + "[more]\ntoken=t\n").accounts == nil)
  }

  @Test(arguments: [
    ("1970-01-01", 86_400), ("2000-02-29", 951_868_800), ("2024-12-31", 1_735_689_600),
    ("2100-03-01", 4_107_628_800), ("2027-12-31T18:00:00Z", 1_830_276_000),
  ])
  func timesAreThoseOfTheCalendar(_ text: String, _ seconds: Int64) {
    #expect(UTCTime.end(text) == seconds)
  }

  @Test(arguments: [
    "", "2027", "2027-13-01", "2027-00-01", "2027-04-31", "2100-02-29", "1969-12-31",
    "2027-12-31T18:00:00", "2027-12-31T24:00:00Z", "2027-12-31 18:00:00Z", "２027-12-31",
  ])
  func otherTextsAreNoTimes(_ text: String) {
    #expect(UTCTime.end(text) == nil)
  }

  @Test func expiryIsTheMomentAtWhichItEnds() {
    var account = Account(name: "a", token: Secret("t"))
    account.expiry = 100
    #expect(account.isValid(at: 99) && !account.isValid(at: 100))
    account.isEnabled = false
    #expect(!account.isValid(at: 1))
  }
}
