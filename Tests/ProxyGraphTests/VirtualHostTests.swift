import ProxyGraph
import Testing
import Timekeeping
import WireProtocol

/// Proxies of virtual hosts, and groups, in the graph: who is refused, who is found, what ends.
@Suite struct VirtualHostTests {
  private static func makeRig(_ change: (inout RelayPolicy) -> Void = { _ in }) -> GraphRig {
    GraphRig {
      $0.hostPorts = [.http: 8080, .https: 443, .tcpmux: 1337]
      $0.subdomainHost = "apps.test"
      change(&$0)
    }
  }

  private static func request(
    _ name: String, _ type: String = "http", hosts: [String] = ["a.test"],
    _ change: (inout NewProxy) -> Void = { _ in }
  ) -> NewProxy {
    var request = NewProxy(proxyName: name, proxyType: type, customDomains: hosts)
    if type == "tcpmux" { request.multiplexer = "httpconnect" }
    change(&request)
    return request
  }

  private func open(_ actions: [RelayAction]) throws -> (ProxyID, String) {
    guard case .openProxy(let id, let remoteAddress) = actions.first, actions.count == 1 else {
      throw GraphRigError.notListening
    }
    return (id, remoteAddress)
  }

  private func refusal(_ actions: [RelayAction]) -> String? {
    guard case .replyProxyRefused(_, _, let text) = actions.first, actions.count == 1 else {
      return nil
    }
    return text.detailed
  }

  // MARK: Hosts

  @Test func everyKindHasATableOfItsOwn() throws {
    var rig = Self.makeRig()
    let (session, _) = try rig.logIn(poolCount: 0)
    let types: [(String, VirtualHostKind, String)] = [
      ("http", .http, "a.test:8080,a.test:8080"), ("https", .https, "a.test"),
      ("tcpmux", .tcpmux, "a.test:1337"),
    ]
    for (type, kind, expected) in types {
      let (id, remoteAddress) = try open(
        rig.announce(session, Self.request(type, type) { $0.locations = ["/x", "/y"] }))
      #expect(remoteAddress == expected)
      let path = Array((kind == .http ? "/y/z" : "").utf8)
      let route = rig.graph.route(kind, host: "a.test", path: path.span.bytes)
      #expect(rig.choose(route) == id)
      #expect(rig.graph.route(kind, host: "b.test") == nil)
      #expect(route.flatMap { rig.graph.lead(of: $0)?.proxyName } == type)
    }
    #expect(rig.graph.portCount(of: session) == 0)
    rig.graph.closeSession(session, isLost: true, now: rig.now)
    #expect(rig.drain().count == 3)
    for kind in VirtualHostKind.allCases {
      #expect(rig.graph.route(kind, host: "a.test") == nil)
    }
  }

  @Test func refusalsAreThoseOfTheReference() throws {
    var rig = GraphRig { $0.hostPorts = [:] }
    let (session, _) = try rig.logIn(poolCount: 0)
    func refusal(_ request: NewProxy) -> String? { self.refusal(rig.announce(session, request)) }
    #expect(
      refusal(Self.request("p", "http"))
        == "type [http] not supported when vhost http port is not set")
    #expect(
      refusal(Self.request("p", "https"))
        == "type [https] not supported when vhost https port is not set")
    #expect(
      refusal(Self.request("p", "tcpmux"))
        == "tcpmux with multiplexer httpconnect not supported because this feature is not enabled "
        + "in server")
    rig = Self.makeRig()
    let (other, _) = try rig.logIn(poolCount: 0)
    func second(_ request: NewProxy) -> String? { self.refusal(rig.announce(other, request)) }
    let unknown = Self.request("p", "tcpmux") { $0.multiplexer = "x" }
    #expect(second(unknown) == "unknown multiplexer [x]")
    #expect(
      second(Self.request("p", hosts: ["b.apps.test"]))
        == "custom domain [b.apps.test] should not belong to subdomain host [apps.test]")
    _ = try open(rig.announce(other, Self.request("first", hosts: ["a.test"])))
    #expect(second(Self.request("first", hosts: ["z.test"])) == "proxy [first] already exists")
    #expect(second(Self.request("p", hosts: ["b.test", "A.test"])) == "router config conflict")
    // All of it or nothing.
    #expect(rig.graph.route(.http, host: "b.test") == nil)
    _ = try open(rig.announce(other, Self.request("p") { $0.routeByHTTPUser = "u" }))
    _ = try open(
      rig.announce(other, Self.request("q", hosts: []) { $0.subdomain = "q" }))
    #expect(rig.graph.route(.http, host: "q.apps.test") != nil)
  }

  @Test func hostsCountAsNoPorts() throws {
    var rig = Self.makeRig { $0.portsPerSessionMax = 1 }
    let (session, _) = try rig.logIn(poolCount: 0)
    _ = try rig.open(session)
    _ = try open(rig.announce(session, Self.request("p")))
    #expect(rig.graph.portCount(of: session) == 1)
    #expect(
      refusal(rig.announce(session, NewProxy(proxyName: "q", remotePort: 7000)))
        == "exceed the max_ports_per_client")
  }

  // A client that was started anew gets the hosts of its dead former self.
  @Test func hostsAreHandedOver() throws {
    var rig = Self.makeRig()
    let (old, _) = try rig.logIn(user: "u", poolCount: 0)
    let (gone, _) = try open(rig.announce(old, Self.request("u.p")))
    let (new, _) = try rig.logIn(user: "u", poolCount: 0)
    #expect(rig.announce(new, Self.request("u.p")) == [.probeSession(old)])
    rig.graph.closeSession(old, isLost: true, now: rig.now)
    let actions = rig.drain()
    #expect(actions.first == .closeProxy(gone))
    let (heir, _) = try open(Array(actions.dropFirst()))
    #expect(rig.choose(rig.graph.route(.http, host: "a.test")) == heir)
  }

  // MARK: Groups

  @Test func portIsSharedUntilTheLastMemberHasLeft() throws {
    var rig = Self.makeRig()
    let (session, _) = try rig.logIn(poolCount: 0)
    func member(_ name: String, _ port: Int = 6000, key: String = "k") -> NewProxy {
      NewProxy(proxyName: name, group: "g", groupKey: key, remotePort: port)
    }
    guard case .listen(let route, port: 6000) = rig.announce(session, member("a")).first else {
      Issue.record("no listen")
      return
    }
    // Who comes while it is not known whether the port can be bound waits with the first.
    #expect(rig.announce(session, member("b")).isEmpty)
    rig.graph.listenSucceeded(route)
    let started = rig.drain()
    #expect(started.count == 2)
    let (third, remoteAddress) = try open(rig.announce(session, member("c")))
    #expect(remoteAddress == ":6000")
    #expect(refusal(rig.announce(session, member("d", key: "x"))) == "group auth failed")
    #expect(
      refusal(rig.announce(session, member("d", 6001))) == "group should have same remote port")
    #expect(rig.graph.portCount(of: session) == 3)
    let chosen = (0..<6).compactMap { _ in rig.choose(route) }
    #expect(Set(chosen).count == 3 && Set(chosen[0..<3]) == Set(chosen[3..<6]))
    for name in ["a", "b"] {
      rig.graph.closeProxy(session: session, name: name, now: rig.now)
      #expect(rig.drain().count == 1)
    }
    #expect((0..<3).allSatisfy { _ in rig.choose(route) == third })
    rig.graph.closeProxy(session: session, name: "c", now: rig.now)
    #expect(rig.drain() == [.stopListening(route), .closeProxy(third)])
    // The name is free for another key, and the port for another name.
    guard case .listen(_, port: 6000) = rig.announce(session, member("e", key: "x")).first else {
      Issue.record("the port is not free")
      return
    }
  }

  @Test func membersOfAPortThatCannotBeBoundAreAllRefused() throws {
    var rig = Self.makeRig()
    let (session, _) = try rig.logIn(poolCount: 0)
    let names = ["a", "b"]
    var routes: [RouteID] = []
    for name in names {
      let actions = rig.announce(
        session, NewProxy(proxyName: name, group: "g", remotePort: 6000))
      if case .listen(let route, _) = actions.first { routes.append(route) }
    }
    let route = try #require(routes.first)
    rig.graph.listenFailed(route, now: rig.now)
    #expect(
      rig.drain()
        == names.map { .replyProxyRefused(session, name: $0, .portUnavailable($0)) })
    #expect(rig.graph.portCount(of: session) == 0)
  }

  @Test func groupsOfHostsKeepTheTermsAndTheLead() throws {
    var rig = Self.makeRig()
    let (session, _) = try rig.logIn(poolCount: 0)
    func member(_ name: String, _ type: String, _ hosts: [String] = ["a.test"]) -> NewProxy {
      Self.request(name, type, hosts: hosts) {
        $0.group = "g"
        $0.groupKey = "k"
        $0.hostHeaderRewrite = name
      }
    }
    for type in ["http", "https", "tcpmux"] {
      let kind = try #require(VirtualHostKind(rawValue: type))
      let (first, _) = try open(rig.announce(session, member("\(type)1", type)))
      let (second, _) = try open(rig.announce(session, member("\(type)2", type)))
      for hosts in [["b.test"], ["a.test", "b.test"], []] {
        #expect(refusal(rig.announce(session, member("x", type, hosts))) == "group params invalid")
      }
      #expect(
        refusal(rig.announce(session, Self.request("x", type))) == "router config conflict")
      let route = rig.graph.route(kind, host: "a.test")
      let chosen = (0..<4).compactMap { _ in rig.choose(route) }
      // As frp: requests start with the second member, connections with the first.
      #expect(chosen.first == (type == "http" ? second : first))
      #expect(chosen[0] == chosen[2] && chosen[1] == chosen[3] && chosen[0] != chosen[1])
      rig.graph.closeProxy(session: session, name: "\(type)1", now: rig.now)
      _ = rig.drain()
      #expect(rig.choose(route) == second)
      #expect(route.flatMap { rig.graph.lead(of: $0)?.hostHeaderRewrite } == "\(type)1")
    }
  }

  /// Settings by name hold for groups of that name, of every type, and follow the rules.
  @Test func groupsHaveSettingsOfTheirOwn() throws {
    var named = GroupSettings()
    named.policy = .sourceHash
    var policy = RelayPolicy()
    policy.hostPorts = [.https: 443]
    policy.groups.settings.weightKey = "weight"
    policy.groups.named = ["g": named]
    let first = policy
    var rig = GraphRig { $0 = first }
    let (session, _) = try rig.logIn(poolCount: 0)
    var routes: [String: RouteID] = [:]
    for (host, group) in [("a.test", "g"), ("b.test", "h")] {
      for weight in [1, 3] {
        let request = Self.request("\(group)\(weight)", "https") {
          $0.group = group
          $0.customDomains = [host]
          $0.metas = ["weight": "\(weight)", "share": "\(4 - weight)"]
        }
        _ = try open(rig.announce(session, request))
      }
      let route = rig.graph.route(.https, host: host)
      routes[group] = route
    }
    let (g, h) = (choose(4, routes["g"], &rig), choose(4, routes["h"], &rig))
    #expect(Set(g).count == 1, "one address, one member")
    #expect(h.count { $0 == "h3" } == 3)
    // The other way round.
    policy.groups.named = ["h": named]
    policy.groups.settings.weightKey = "share"
    rig.graph.setPolicy(policy, now: rig.now)
    let (otherG, otherH) = (choose(4, routes["g"], &rig), choose(4, routes["h"], &rig))
    #expect(otherG.count { $0 == "g1" } == 3)
    #expect(Set(otherH).count == 1)
    let inconsistencies = rig.graph.findInconsistencies()
    #expect(inconsistencies.isEmpty)
  }

  private func choose(_ count: Int, _ route: RouteID?, _ rig: inout GraphRig) -> [String] {
    var names: [String] = []
    for _ in 0..<count {
      if let proxy = rig.choose(route), let name = rig.graph.name(of: proxy) { names.append(name) }
    }
    return names
  }

  @Test func failingMemberIsLeftOutAndComesBack() throws {
    var rig = Self.makeRig {
      $0.groups.settings.failureCountMax = 3
      $0.groups.settings.weightKey = "weight"
    }
    let (session, _) = try rig.logIn(poolCount: 0)
    var members: [ProxyID] = []
    for name in ["a", "b", "c", "d"] {
      let request = Self.request(name, "https") {
        $0.group = "g"
        $0.metas = ["weight": "2"]
      }
      members.append(try open(rig.announce(session, request)).0)
    }
    let route = rig.graph.route(.https, host: "a.test")
    var counts: [ProxyID: Int] = [:]
    for _ in 0..<400 {
      let found = rig.choose(route)
      let chosen = try #require(found)
      counts[chosen, default: 0] += 1
      if chosen == members[1] {
        rig.graph.connectionFailed(chosen, now: rig.now)
      } else {
        rig.graph.connectionSucceeded(chosen, now: rig.now)
      }
      rig.graph.connectionEnded(chosen)
    }
    #expect(counts[members[1]] == 3)
    rig.now = rig.now + .seconds(11)
    let later = (0..<8).compactMap { _ in rig.choose(route) }
    #expect(later.count { $0 == members[1] } == 1, "one tries it")
  }
}
