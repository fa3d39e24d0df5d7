import LinuxSystem
import Testing

@Suite struct SocketAddressTests {
  @Test(arguments: [
    ("127.0.0.1", "127.0.0.1:80"), ("255.255.255.255", "255.255.255.255:80"),
    ("::1", "[::1]:80"), ("[::1]", "[::1]:80"), ("2001:DB8::00ff", "[2001:db8::ff]:80"),
    ("::ffff:1.2.3.4", "[::ffff:1.2.3.4]:80"), ("0.0.0.0", "0.0.0.0:80"), ("::", "[::]:80"),
  ])
  func literalsAreParsedAndPrinted(_ host: String, _ expected: String) {
    #expect(SocketAddress(host: host, port: 80)?.description == expected)
  }

  @Test(arguments: [
    "", " ", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ", ":::", "[127.0.0.1",
    "12345::", "%1", "1.2.3.4%1", "[]", "fe80::1%no-such-interface", "fe80::1%",
  ])
  func whatIsNoLiteralIsRefused(_ host: String) {
    #expect(SocketAddress(host: host, port: 80) == nil)
  }

  @Test func interfacesBelongToTheAddress() throws {
    let plain = try #require(SocketAddress(host: "fe80::1", port: 1))
    let scoped = try #require(SocketAddress(host: "fe80::1%1", port: 1))
    #expect(scoped.scopeID == 1)
    #expect(plain != scoped)
    #expect(SocketAddress(host: "fe80::1%lo", port: 1)?.scopeID == scoped.scopeID)
  }

  @Test func equalAddressesHashAlike() {
    let one = SocketAddress(host: "::1", port: 7)
    #expect(Set([one, SocketAddress(host: "0::1", port: 7)]).count == 1)
    #expect(one != SocketAddress(host: "::1", port: 8))
    #expect(one != SocketAddress(host: "0.0.0.1", port: 7))
    #expect(SocketAddress.loopback(port: 5) == SocketAddress(host: "127.0.0.1", port: 5))
  }
}
