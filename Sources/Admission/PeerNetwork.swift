/// Where a peer comes from, as far as one holder of addresses goes: an IPv4 address, or the first
/// 64 bits of an IPv6 address, of which a host may have all others (RFC 6177, RFC 7421).
public struct PeerNetwork: Hashable, Sendable {
  private let prefix: UInt64
  private let isIPv6: Bool

  /// The network of an address in network byte order: of IPv4 the first 4 octets count. An IPv4
  /// address inside an IPv6 one (`::ffff:192.0.2.1`; RFC 4291, 2.5.5.2) is the IPv4 address.
  public init(isIPv6: Bool, octets: [16 of UInt8]) {
    let isMapped = isIPv6 && Self.isMapped(octets)
    let range = isMapped ? 12..<16 : isIPv6 ? 0..<8 : 0..<4
    var prefix: UInt64 = 0
    for index in range { prefix = prefix << 8 | UInt64(octets[index]) }
    self.prefix = prefix
    self.isIPv6 = isIPv6 && !isMapped
  }

  private static func isMapped(_ octets: [16 of UInt8]) -> Bool {
    for index in 0..<10 where octets[index] != 0 { return false }
    return octets[10] == 0xff && octets[11] == 0xff
  }
}
