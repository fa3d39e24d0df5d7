import LinuxSystem
import Testing

@testable import Dashboard

@Suite struct NetworkReachTests {
  @Test(arguments: [
    ("127.0.0.1", NetworkReach.thisMachine), ("127.9.9.9", .thisMachine), ("::1", .thisMachine),
    ("10.0.0.1", .privateNetwork), ("172.16.0.1", .privateNetwork),
    ("172.31.255.255", .privateNetwork), ("192.168.1.1", .privateNetwork),
    ("169.254.1.1", .privateNetwork), ("100.64.0.1", .privateNetwork), ("fd00::1", .privateNetwork),
    ("fe80::1", .privateNetwork), ("::ffff:10.0.0.1", .privateNetwork), ("0.0.0.0", .everybody),
    ("::", .everybody), ("172.32.0.1", .everybody), ("192.0.2.1", .everybody),
    ("100.128.0.1", .everybody), ("2001:db8::1", .everybody), ("::ffff:192.0.2.1", .everybody),
  ])
  func reachIsToldByTheAddress(host: String, reach: NetworkReach) throws {
    #expect(NetworkReach(try #require(SocketAddress(host: host, port: 80))) == reach)
  }
}
