import LinuxSystem
import Testing

@testable import TunnelClient

/// Which changes of the network end a connection, without I/O.
@Suite struct ServerPathTests {
  private let local = SocketAddress(host: "192.168.1.5", port: 0)!
  private let other = SocketAddress(host: "192.168.1.6", port: 0)!
  private let peer = SocketAddress(host: "198.51.100.1", port: 7000)!
  private let unreachable = RouteAnswer.unreachable(.networkUnreachable)

  private func path(from source: SocketAddress? = nil, _ route: RouteAnswer? = nil) -> ServerPath {
    ServerPath(
      local: local, peer: peer, chosenSource: source,
      route: route ?? .via(interface: 2, source: source == nil ? local : nil))
  }

  @Test func sameWayIsIntact() {
    let same = RouteAnswer.via(interface: 2, source: local)
    #expect(path().finding(isLocalPresent: true, current: same) == .intact)
    #expect(path().finding(isLocalPresent: nil, current: same) == .intact)
    #expect(path().finding(isLocalPresent: true, current: nil) == .intact)
    let bound = RouteAnswer.via(interface: 2, source: nil)
    #expect(path(from: local).finding(isLocalPresent: true, current: bound) == .intact)
  }

  @Test func anotherWayIsAChange() {
    let findings = [
      path().finding(isLocalPresent: true, current: .via(interface: 3, source: local)),
      path().finding(isLocalPresent: true, current: .via(interface: 2, source: other)),
      path().finding(isLocalPresent: false, current: .via(interface: 2, source: other)),
    ]
    #expect(
      findings == [
        .changed("the route to 198.51.100.1 leads over another interface"),
        .changed("the route to 198.51.100.1 leads from address 192.168.1.6"),
        .changed("local address 192.168.1.5 is gone"),
      ])
  }

  @Test func noWayMayComeBack() {
    let gone = ServerPath.Finding.lost("local address 192.168.1.5 is gone")
    #expect(
      path().finding(isLocalPresent: true, current: unreachable)
        == .lost("no route to 198.51.100.1"))
    #expect(path().finding(isLocalPresent: false, current: unreachable) == gone)
    #expect(path().finding(isLocalPresent: false, current: nil) == gone)
    let bound = RouteAnswer.via(interface: 2, source: nil)
    #expect(path(from: local).finding(isLocalPresent: false, current: bound) == gone)
  }

  /// A kernel that never knew a route (a sandbox, a policy) is no reason to drop what works.
  @Test func unknownWayIsLeftAlone() {
    #expect(path(unreachable).finding(isLocalPresent: true, current: unreachable) == .intact)
  }

  @Test func newPrivacyAddressIsNoChange() {
    func six(_ host: String) -> SocketAddress { SocketAddress(host: host, port: 0)! }
    let path = ServerPath(
      local: six("2001:db8:1:2::5"), peer: six("2001:db8:9::1"), chosenSource: nil,
      route: .via(interface: 2, source: six("2001:db8:1:2::5")))
    func finding(_ source: String, isLocalPresent: Bool = true) -> ServerPath.Finding {
      path.finding(
        isLocalPresent: isLocalPresent, current: .via(interface: 2, source: six(source)))
    }
    #expect(finding("2001:db8:1:2::77") == .intact)
    #expect(
      finding("2001:db8:1:2::77", isLocalPresent: false)
        == .changed("local address 2001:db8:1:2::5 is gone"))
    #expect(
      finding("2001:db8:1:3::5")
        == .changed("the route to 2001:db8:9::1 leads from address 2001:db8:1:3::5"))
  }
}
