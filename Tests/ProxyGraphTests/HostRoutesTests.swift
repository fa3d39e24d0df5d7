import ProxyGraph
import TestKit
import Testing
import WireProtocol

/// Which route a request takes, by the rules of behaviour.md 4.1.
@Suite struct HostRoutesTests {
  private func route(
    _ table: HostRoutes, _ host: String, _ path: String = "/", user: String = ""
  ) -> UInt64? {
    let bytes = Array(path.utf8)
    return table.route(host: host, path: bytes.span.bytes, user: user)
      .flatMap { id in (0..<100).first { RouteID(rawValue: $0) == id } }
  }

  private func add(
    _ table: inout HostRoutes, _ number: UInt64, _ hosts: [String], _ locations: [String] = [],
    user: String = ""
  ) -> ControlErrorText? {
    table.add(
      hosts: hosts, locations: locations, user: user, route: RouteID(rawValue: number),
      proxyName: "p\(number)")
  }

  @Test func wildcardsAreTriedStepByStep() {
    var table = HostRoutes()
    #expect(add(&table, 1, ["a.b.example.com"]) == nil)
    #expect(add(&table, 2, ["*.b.example.com"]) == nil)
    #expect(add(&table, 3, ["*.example.com"]) == nil)
    #expect(add(&table, 4, ["*.com"]) == nil)
    #expect(route(table, "a.b.example.com") == 1)
    #expect(route(table, "x.b.example.com") == 2)
    #expect(route(table, "x.y.b.example.com") == 2)
    #expect(route(table, "b.example.com") == 3)
    #expect(route(table, "x.y.example.com") == 3)
    // Three labels remain at least, so nobody comes to this one.
    #expect(route(table, "example.com") == nil)
    #expect(route(table, "com") == nil)
    #expect(route(table, "other.test") == nil)
    #expect(add(&table, 5, ["*"]) == nil)
    #expect(route(table, "example.com") == 5)
    #expect(route(table, "") == 5)
    // Names that look like our keys are none.
    #expect(route(table, ".example.com") == 3)
    #expect(route(table, "*") == 5)
    #expect(route(table, "..example.com") == 3)
  }

  @Test func longestLocationWins() {
    var table = HostRoutes()
    #expect(add(&table, 1, ["a.test"], ["/", "/api", "/api/v1"]) == nil)
    #expect(add(&table, 2, ["a.test"], ["/ap", "/api/v2/"]) == nil)
    #expect(add(&table, 3, ["*"]) == nil)
    for (path, expected) in [
      ("/", 1), ("/x", 1), ("/apixyz", 1), ("/ap", 2), ("/apple", 2), ("/api/v2", 1),
      ("/api/v2/x", 2), ("/api/v1x", 1), ("", 3), ("x", 3),
    ] as [(String, UInt64)] {
      #expect(route(table, "a.test", path) == expected, "\(path)")
    }
  }

  @Test func userComesBeforeEverybody() {
    var table = HostRoutes()
    #expect(add(&table, 1, ["a.test"], ["/x"], user: "u") == nil)
    #expect(add(&table, 2, ["a.test"]) == nil)
    #expect(add(&table, 3, ["*"], user: "v") == nil)
    #expect(route(table, "a.test", "/x", user: "u") == 1)
    #expect(route(table, "a.test", "/y", user: "u") == 2)
    #expect(route(table, "a.test", "/x") == 2)
    #expect(route(table, "a.test", "/x", user: "v") == 2)
    #expect(route(table, "b.test", "/x", user: "v") == 3)
    #expect(route(table, "b.test", "/x", user: "u") == nil)
  }

  @Test func namesAreMadeEven() {
    var table = HostRoutes()
    #expect(add(&table, 1, ["", "Web.Example.COM.", "[2001:DB8::1]"]) == nil)
    #expect(route(table, "web.example.com") == 1)
    #expect(route(table, "2001:db8::1") == 1)
    #expect(route(table, "") == nil)
    #expect(add(&table, 2, ["WEB.example.com"]) == .routeConflict("p2"))
  }

  @Test func duplicatesAreRefusedAndLeaveNothing() {
    var table = HostRoutes()
    #expect(add(&table, 1, ["a.test"], ["/a"]) == nil)
    #expect(
      add(&table, 2, ["b.test", "a.test"], ["/b", "/a"])?.detailed == "router config conflict")
    #expect(route(table, "b.test", "/b") == nil)
    #expect(route(table, "a.test", "/b") == nil)
    #expect(table.routeCount == 1)
    // Another user, or another location, is another route.
    #expect(add(&table, 2, ["a.test"], ["/a"], user: "u") == nil)
    #expect(add(&table, 3, ["a.test"], ["/"]) == nil)
    #expect(add(&table, 4, ["c.test", "C.test"]) == .routeConflict("p4"))
    table.remove(RouteID(rawValue: 1))
    #expect(add(&table, 5, ["a.test"], ["/a"]) == nil)
    #expect(route(table, "a.test", "/a/b") == 5)
  }

  // MARK: Against a model

  private struct Entry {
    let number: UInt64
    let host: String
    let location: String
    let user: String
  }

  /// The rules, written down without a thought for speed.
  private func modelRoute(
    _ entries: [Entry], _ host: String, _ path: String, _ user: String
  ) -> UInt64? {
    var candidates = [host]
    var labels = host.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    while labels.count >= 3 {
      labels.removeFirst()
      candidates.append((["*"] + labels).joined(separator: "."))
    }
    candidates.append("*")
    for candidate in candidates {
      for wanted in user.isEmpty ? [""] : [user, ""] {
        let found = entries.filter {
          $0.host == candidate && $0.user == wanted && path.hasPrefix($0.location)
        }.max { $0.location.utf8.count < $1.location.utf8.count }
        if let found { return found.number }
      }
    }
    return nil
  }

  @Test(arguments: UInt64(1)...12)
  func tableDoesWhatTheModelDoes(seed: UInt64) {
    var generator = RepeatableGenerator(seed: seed)
    let labels = ["a", "b", "cc"]
    let users = ["", "", "u", "v"]
    func name() -> String {
      (0..<Int.random(in: 1...5, using: &generator)).map { _ in
        labels.randomElement(using: &generator) ?? ""
      }.joined(separator: ".")
    }
    func path() -> String {
      (0..<Int.random(in: 0...4, using: &generator)).map { _ in
        ["/", "x", "xy", "/x"].randomElement(using: &generator) ?? ""
      }.joined()
    }
    var table = HostRoutes()
    var entries: [Entry] = []
    for step in 0..<300 {
      if Int.random(in: 0..<4, using: &generator) == 0,
        let gone = entries.randomElement(using: &generator)
      {
        table.remove(RouteID(rawValue: gone.number))
        entries.removeAll { $0.number == gone.number }
      } else {
        let host = ["", "*.", "*"].randomElement(using: &generator) ?? ""
        let entry = Entry(
          number: UInt64(step), host: host == "*" ? "*" : host + name(), location: path(),
          user: users.randomElement(using: &generator) ?? "")
        let isTaken = entries.contains {
          $0.host == entry.host && $0.location == entry.location && $0.user == entry.user
        }
        let refusal = table.add(
          hosts: [entry.host], locations: [entry.location], user: entry.user,
          route: RouteID(rawValue: entry.number), proxyName: "p")
        #expect((refusal != nil) == isTaken)
        if refusal == nil { entries.append(entry) }
      }
      let host = name()
      let wanted = path()
      let user = users.randomElement(using: &generator) ?? ""
      let bytes = Array(wanted.utf8)
      let found = table.route(host: host, path: bytes.span.bytes, user: user)
      let expected = modelRoute(entries, host, wanted, user).map { RouteID(rawValue: $0) }
      #expect(found == expected, "\(host) \(wanted) \(user), seed \(generator.seed)")
    }
    #expect(table.routeCount == entries.count)
  }

  // MARK: Names

  @Test func domainsAndSubdomainsArePutTogether() {
    func make(_ custom: [String], _ subdomain: String, _ host: String) -> VirtualHostNames.Decision
    {
      VirtualHostNames.make(
        customDomains: custom, subdomain: subdomain, subdomainHost: host, proxyName: "p")
    }
    #expect(make(["a.test", ""], "web", "frp.test") == .accepted(["a.test", "web.frp.test"]))
    #expect(make([], "web", "") == .refused(.subdomainNotEnabled("p")))
    #expect(make([], "w.eb", "frp.test") == .refused(.subdomainMalformed("p")))
    #expect(make([], "*", "frp.test") == .refused(.subdomainMalformed("p")))
    #expect(
      make(["x.FRP.test"], "", "frp.test")
        == .refused(.customDomainUnderSubdomainHost("p", domain: "x.FRP.test", host: "frp.test")))
    #expect(
      make(["frp.test", "xfrp.test"], "", "frp.test") == .accepted(["frp.test", "xfrp.test"]))
  }

  @Test func remoteAddressesAreThoseOfFrp() {
    #expect(
      VirtualHostNames.remoteAddress(hosts: ["a.test", "b.test"], locationCount: 2, port: 8080)
        == "a.test:8080,a.test:8080,b.test:8080,b.test:8080")
    #expect(VirtualHostNames.remoteAddress(hosts: ["a.test"], port: 80) == "a.test")
    #expect(
      VirtualHostNames.remoteAddress(hosts: ["a.test"], locationCount: 0, port: 443) == "a.test")
  }
}
