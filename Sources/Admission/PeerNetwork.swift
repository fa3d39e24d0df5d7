/// Where a peer comes from, as far as one holder of addresses goes: an IPv4 address, or the first
/// 64 bits of an IPv6 address, of which a host may have all others (RFC 6177, RFC 7421).
public struct PeerNetwork: Hashable, Sendable {
  private let prefix: UInt64
  private let isIPv6: Bool

  /// The network of an address of 4 or 16 octets in network byte order. An IPv4 address inside an
  /// IPv6 one (`::ffff:192.0.2.1`; RFC 4291, 2.5.5.2) is the IPv4 address.
  public init(octets: some Collection<UInt8>) {
    let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
    let isMapped = octets.count == 16 && octets.starts(with: mapped)
    isIPv6 = octets.count == 16 && !isMapped
    let significant = isMapped ? octets.dropFirst(mapped.count) : octets.prefix(isIPv6 ? 8 : 4)
    prefix = significant.reduce(0) { $0 << 8 | UInt64($1) }
  }
}
