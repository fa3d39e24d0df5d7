import LinuxSystem
import TestKit
import Testing
import Transports

/// The first bytes that a local service gets, as the real client sends them.
@Suite struct ProxyProtocolHeaderTests {
  private func address(_ value: JSONValue) throws -> SocketAddress {
    let parts = value.array
    return try #require(
      SocketAddress(host: parts[0].string ?? "", port: UInt16(parts[1].int ?? 0)))
  }

  @Test(arguments: [("tcp_v1", ProxyProtocolHeader.Version.text), ("tcp_v2", .binary)])
  func bytesAreThoseOfTheRealClient(_ row: String, _ version: ProxyProtocolHeader.Version) throws {
    let vector = try Vectors.load("proxy-protocol")[row]
    let destination = SocketAddress.loopback(port: UInt16(vector["public_port"].int ?? 0))
    let made = ProxyProtocolHeader.make(
      version, source: try address(vector["user"]), destination: destination)
    #expect(made == vector["hex"].hexBytes)
  }

  @Test func ipv6HasItsOwnForms() throws {
    let source = try #require(SocketAddress(host: "2001:db8::1", port: 40_000))
    let destination = try #require(SocketAddress(host: "2001:db8::2", port: 443))
    let text = ProxyProtocolHeader.make(.text, source: source, destination: destination)
    #expect(
      String(decoding: text, as: UTF8.self)
        == "PROXY TCP6 2001:db8::1 2001:db8::2 40000 443\r\n")
    let binary = ProxyProtocolHeader.make(.binary, source: source, destination: destination)
    #expect(binary[12...15].elementsEqual([0x21, 0x21, 0x00, 0x24]))
    #expect(binary.count == 16 + 36)
    #expect(binary[16..<32].elementsEqual(source.octetArray))
    #expect(binary.suffix(4).elementsEqual([0x9c, 0x40, 0x01, 0xbb]))
  }

  @Test func mixedFamiliesSayNothingFalse() throws {
    let source = try #require(SocketAddress(host: "2001:db8::1", port: 1))
    let destination = SocketAddress.loopback(port: 2)
    let text = ProxyProtocolHeader.make(.text, source: source, destination: destination)
    #expect(String(decoding: text, as: UTF8.self) == "PROXY UNKNOWN\r\n")
    let binary = ProxyProtocolHeader.make(.binary, source: source, destination: destination)
    #expect(binary[12...].elementsEqual([0x20, 0x00, 0x00, 0x00]))
  }
}
