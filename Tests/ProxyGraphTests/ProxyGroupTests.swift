import TestKit
import Testing
import Timekeeping
import WireProtocol

@testable import ProxyGraph

/// Which member of a group is next, who may join, and who is left out.
@Suite struct ProxyGroupTests {
  private static let terms = GroupTerms.tcp(remotePort: 6000)

  private func makeGroup(
    _ weights: [Int], terms: GroupTerms = terms, now: Instant = .init(nanoseconds: 0),
    _ change: (inout GroupSettings) -> Void = { _ in }
  ) -> ProxyGroup {
    var settings = GroupSettings()
    change(&settings)
    var group = ProxyGroup(terms: terms, key: "k", settings: settings)
    for (index, weight) in weights.enumerated() {
      let refusal = group.join(
        ProxyID(rawValue: UInt64(index)), proxyName: "p", key: "k", terms: terms, weight: weight,
        now: now)
      #expect(refusal == nil)
    }
    return group
  }

  /// The numbers of the members chosen, one after the other.
  private func choose(
    _ count: Int, from group: inout ProxyGroup, at now: Instant = .init(nanoseconds: 0)
  ) -> [UInt64] {
    (0..<count).compactMap { _ in
      group.choose(source: [], random: 0, now: now)?.rawValue
    }
  }

  private func at(_ seconds: Int) -> Instant { Instant(nanoseconds: 0) + .seconds(seconds) }

  private func shares(_ chosen: [UInt64]) -> [UInt64: Int] {
    chosen.reduce(into: [:]) { $0[$1, default: 0] += 1 }
  }

  // MARK: Joining

  @Test func membersHaveToAgree() {
    let connect = GroupTerms.tcpmux(host: "a", user: "u", httpUser: "x", httpPassword: "y")
    let cases: [(GroupTerms, GroupTerms, String, ControlErrorText?)] = [
      (.tcp(remotePort: 0), .tcp(remotePort: 0), "k", nil),
      (.tcp(remotePort: 1), .tcp(remotePort: 2), "k", .groupPortDiffers("p")),
      (.tcp(remotePort: 1), .tcp(remotePort: 1), "other", .groupKeyMismatch("p")),
      (.https(host: "a"), .https(host: "a"), "k", nil),
      (.https(host: "a"), .https(host: "b"), "k", .groupParametersDiffer("p")),
      (connect, connect, "k", nil),
      (
        connect, .tcpmux(host: "a", user: "u", httpUser: "x", httpPassword: "z"), "k",
        .groupParametersDiffer("p")
      ),
      (
        .http(host: "a", location: "/", user: ""), .http(host: "a", location: "", user: ""), "k",
        .groupParametersDiffer("p")
      ),
    ]
    for (first, second, key, refusal) in cases {
      var group = makeGroup([1], terms: first)
      let result = group.join(
        ProxyID(rawValue: 7), proxyName: "p", key: key, terms: second, now: at(0))
      #expect(result == refusal)
      #expect(group.memberIDs.count == (refusal == nil ? 2 : 1))
    }
    #expect(GroupTerms.http(hosts: ["a", "b"], locations: [], user: "") == nil)
    #expect(GroupTerms.http(hosts: ["a"], locations: ["/", "/x"], user: "") == nil)
    #expect(
      GroupTerms.http(hosts: ["A"], locations: [], user: "u")
        == .http(host: "a", location: "", user: "u"))
  }

  @Test func nobodyJoinsTwiceAndGroupsAreBounded() {
    var group = makeGroup(
      [Int](repeating: 1, count: ProxyGraphLimits.groupMemberCountMax - 1))
    func join(_ number: UInt64) -> ControlErrorText? {
      group.join(
        ProxyID(rawValue: number), proxyName: "p", key: "k", terms: Self.terms, now: at(0))
    }
    #expect(join(5) == .groupProxyRepeated("p"))
    #expect(join(5_000) == nil)
    #expect(join(5_001) == .groupFull("p"))
    for id in group.memberIDs { group.leave(id) }
    #expect(group.isEmpty)
    #expect(choose(1, from: &group).isEmpty)
  }

  // MARK: Choosing

  @Test func equalsTakeTurnsAsWithFrp() {
    var tcp = makeGroup([1, 1, 1])
    #expect(choose(7, from: &tcp) == [0, 1, 2, 0, 1, 2, 0])
    var http = makeGroup([1, 1, 1], terms: .http(host: "a", location: "", user: ""))
    #expect(choose(7, from: &http) == [1, 2, 0, 1, 2, 0, 1])
    var alone = makeGroup([1], terms: .http(host: "a", location: "", user: ""))
    #expect(choose(2, from: &alone) == [0, 0])
  }

  @Test func weightsAreKeptExactlyAndSpreadEvenly() {
    var group = makeGroup([5, 1, 1])
    #expect(choose(7, from: &group) == [0, 0, 1, 0, 2, 0, 0])
    #expect(shares(choose(700, from: &group)) == [0: 500, 1: 100, 2: 100])
    var bounded = makeGroup([1_000_000, -5])
    #expect(shares(choose(257, from: &bounded)) == [0: 256, 1: 1])
  }

  @Test func chanceFollowsTheWeights() {
    var group = makeGroup([3, 1]) { $0.policy = .random }
    var generator = RepeatableGenerator(seed: 1)
    var counts = [0, 0]
    for _ in 0..<4_000 {
      let id = group.choose(source: [], random: generator.next(), now: at(0))
      counts[Int(id?.rawValue ?? 0)] += 1
    }
    #expect((2_850...3_150).contains(counts[0]), "\(counts), seed \(generator.seed)")
    let last = group.choose(source: [], random: .max, now: at(0))
    let first = group.choose(source: [], random: 0, now: at(0))
    #expect(last?.rawValue == 1)
    #expect(first?.rawValue == 0)
  }

  /// Against a naive model: whoever is chosen has the smallest fraction of connections to weight.
  @Test(arguments: UInt64(1)...10)
  func fewestConnectionsAreNext(seed: UInt64) throws {
    var generator = RepeatableGenerator(seed: seed)
    let weights = [1, 2, 3, 10]
    var group = makeGroup(weights) { $0.policy = .leastConnections }
    var counts = [0, 0, 0, 0]
    for _ in 0..<500 {
      if Int.random(in: 0..<3, using: &generator) == 0 {
        let index = Int.random(in: 0..<4, using: &generator)
        group.connectionEnded(ProxyID(rawValue: UInt64(index)))
        counts[index] = max(0, counts[index] - 1)
      } else {
        let chosen = group.choose(source: [], random: 0, now: at(0))
        let id = try #require(chosen)
        let index = Int(id.rawValue)
        let load = (counts[index] + 1) * 60 / weights[index]
        let least = weights.indices.map { (counts[$0] + 1) * 60 / weights[$0] }.min()
        #expect(load == least, "seed \(generator.seed)")
        counts[index] += 1
      }
      for index in 0..<4 {
        #expect(group.connectionCount(of: ProxyID(rawValue: UInt64(index))) == counts[index])
      }
    }
  }

  @Test func equallyLoadedMembersTakeTurns() {
    var group = makeGroup([1, 1, 1]) { $0.policy = .leastConnections }
    var chosen: [UInt64] = []
    for _ in 0..<6 {
      chosen += choose(1, from: &group)
      group.connectionEnded(ProxyID(rawValue: chosen.last ?? 0))
    }
    #expect(shares(chosen) == [0: 2, 1: 2, 2: 2])
  }

  private func map(_ group: inout ProxyGroup) -> [UInt64] {
    (0..<2_000).map { number in
      let source = [UInt8(10), 0, UInt8(number / 256), UInt8(number % 256)]
      return group.choose(source: source, random: 0, now: at(0))?.rawValue ?? .max
    }
  }

  @Test func sourcesStayWithTheirMember() {
    var group = makeGroup([1, 1, 2, 1]) { $0.policy = .sourceHash }
    let before = map(&group)
    #expect(map(&group) == before)
    let counts = shares(before)
    for (number, share) in [(0, 400), (1, 400), (2, 800), (3, 400)] as [(UInt64, Int)] {
      #expect(abs((counts[number] ?? 0) - share) < share / 4, "\(counts)")
    }
    // Only those who were with the member that left go elsewhere, and come back with it.
    group.leave(ProxyID(rawValue: 1))
    let without = map(&group)
    for (old, new) in zip(before, without) {
      #expect(old == 1 ? new != 1 : new == old)
    }
    let refusal = group.join(
      ProxyID(rawValue: 1), proxyName: "p", key: "k", terms: Self.terms, now: at(0))
    #expect(refusal == nil)
    #expect(map(&group) == before)
  }

  // MARK: Failures

  @Test func frpNeverSkipsAnybody() {
    var group = makeGroup([1, 1])
    for _ in 0..<100 { group.failed(ProxyID(rawValue: 0), now: at(0)) }
    #expect(choose(4, from: &group) == [0, 1, 0, 1])
  }

  @Test func failuresInARowThrowAMemberOut() {
    var group = makeGroup([1, 1, 1, 1]) { $0.failureCountMax = 3 }
    let bad = ProxyID(rawValue: 2)
    group.failed(bad, now: at(0))
    group.failed(bad, now: at(0))
    group.succeeded(bad, now: at(0))
    group.failed(bad, now: at(0))
    group.failed(bad, now: at(0))
    #expect(choose(8, from: &group).contains(2))
    group.failed(bad, now: at(0))
    #expect(!choose(1_000, from: &group, at: at(9)).contains(2))
    // Its time is over: one connection tries, and no other one until that is known.
    #expect(shares(choose(1_000, from: &group, at: at(10)))[2] == 1)
    group.failed(bad, now: at(10))
    // Twice as long now.
    #expect(!choose(1_000, from: &group, at: at(29)).contains(2))
    #expect(shares(choose(1_000, from: &group, at: at(30)))[2] == 1)
    group.succeeded(bad, now: at(30))
    #expect(shares(choose(400, from: &group, at: at(30)))[2] == 100)
  }

  /// Goal: of a group of four with one that always fails, fewer than one connection in a hundred
  /// goes to that one after its third failure. 100 connections a second, 200 seconds.
  @Test(arguments: [
    GroupPolicy.roundRobin, .random, .leastConnections, .sourceHash,
  ])
  func failingMemberGetsNearlyNothing(_ policy: GroupPolicy) {
    var group = makeGroup([1, 1, 1, 1]) {
      $0.policy = policy
      $0.failureCountMax = 3
    }
    var generator = RepeatableGenerator(seed: 9)
    var failures = 0
    var laterCount = 0
    var laterFailures = 0
    for step in 0..<20_000 {
      let now = Instant(nanoseconds: 0) + .milliseconds(10 * step)
      let id = group.choose(source: generator.bytes(4), random: generator.next(), now: now)
      guard let id else { continue }
      if failures >= 3 { laterCount += 1 }
      if id.rawValue == 3 {
        if failures >= 3 { laterFailures += 1 }
        failures += 1
        group.failed(id, now: now)
      } else {
        group.succeeded(id, now: now)
      }
      group.connectionEnded(id)
    }
    #expect(laterCount > 19_000)
    #expect(laterFailures * 100 < laterCount, "\(laterFailures) of \(laterCount)")
    #expect(laterFailures > 0)
  }

  @Test func withNobodyLeftEverybodyIsTried() {
    var group = makeGroup([1, 1]) { $0.failureCountMax = 1 }
    group.failed(ProxyID(rawValue: 0), now: at(0))
    group.failed(ProxyID(rawValue: 1), now: at(0))
    #expect(Set(choose(4, from: &group, at: at(1))) == [0, 1])
  }

  // MARK: Other settings

  @Test func newSettingsLeaveMembersAsTheyAre() {
    var group = makeGroup([1, 1, 1]) {
      $0.failureCountMax = 2
      $0.ejectionTime = .seconds(60)
    }
    #expect(choose(6, from: &group).count == 6)
    group.failed(ProxyID(rawValue: 1), now: at(0))
    group.failed(ProxyID(rawValue: 1), now: at(0))
    var other = group.settings
    other.policy = .leastConnections
    other.failureCountMax = 1
    group.follow(other) { _ in 1 }
    // Who is out stays out, and connections count on.
    group.connectionEnded(ProxyID(rawValue: 2))
    #expect(choose(3, from: &group, at: at(1)) == [2, 0, 2])
    #expect(group.connectionCount(of: ProxyID(rawValue: 1)) == 2)
    group.failed(ProxyID(rawValue: 0), now: at(1))
    #expect(choose(2, from: &group, at: at(2)) == [2, 2])
    // Nobody is left out any more.
    other.failureCountMax = 0
    other.policy = .roundRobin
    group.follow(other) { _ in 1 }
    #expect(Set(choose(3, from: &group, at: at(3))) == [0, 1, 2])
    group.failed(ProxyID(rawValue: 1), now: at(3))
    #expect(Set(choose(3, from: &group, at: at(3))) == [0, 1, 2])
  }

  @Test func newWeightsHoldAtOnce() {
    var group = makeGroup([256, 1])
    _ = choose(128, from: &group)
    group.follow(group.settings) { $0.rawValue == 0 ? 1 : 3 }
    #expect(shares(choose(8, from: &group)) == [0: 2, 1: 6])
    // Weights are bounded as those of newcomers.
    group.follow(group.settings) { $0.rawValue == 0 ? -5 : .max }
    #expect(shares(choose(257, from: &group)) == [0: 1, 1: 256])
  }

  @Test func timesOutAreBounded() {
    var group = makeGroup([1, 1]) {
      $0.failureCountMax = 1
      $0.ejectionTimeMax = .seconds(40)
    }
    var now = at(0)
    for _ in 0..<80 {
      group.failed(ProxyID(rawValue: 0), now: now)
      now = now + .seconds(40)
      #expect(choose(10, from: &group, at: now).contains(0))
    }
  }

  /// A member that is new or comes back begins with little and has its share in the end.
  @Test func sharesGrowSlowly() {
    var group = makeGroup([1], now: at(0)) {
      $0.slowStart = .seconds(100)
      $0.failureCountMax = 1
    }
    let refusal = group.join(
      ProxyID(rawValue: 1), proxyName: "p", key: "k", terms: Self.terms, now: at(200))
    #expect(refusal == nil)
    let early = shares(choose(1_000, from: &group, at: at(210)))[1] ?? 0
    #expect((80...100).contains(early))
    let later = shares(choose(1_000, from: &group, at: at(250)))[1] ?? 0
    #expect((320...345).contains(later))
    let settled = choose(1_000, from: &group, at: at(300))
    #expect((499...501).contains(shares(settled)[1] ?? 0))
    group.failed(ProxyID(rawValue: 0), now: at(300))
    _ = choose(2, from: &group, at: at(310))
    group.succeeded(ProxyID(rawValue: 0), now: at(310))
    let returned = shares(choose(1_000, from: &group, at: at(320)))[0] ?? 0
    #expect((80...100).contains(returned))
  }
}
