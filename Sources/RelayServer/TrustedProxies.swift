internal import LinuxSystem

/// The front proxies whose word about their users' addresses counts.
struct TrustedProxies {
  private struct Network {
    let octets: [UInt8]
    let bitCount: Int
  }

  private var networks: [Network] = []

  /// Reads addresses, alone or with the bits that count, as the configuration has checked them.
  init(_ texts: [String]) {
    for text in texts {
      let parts = text.split(separator: "/", maxSplits: 1)
      guard let host = parts.first, let address = SocketAddress(host: String(host), port: 0) else {
        continue
      }
      let octets = Self.octets(of: address)
      let bitCount = parts.count > 1 ? Int(parts[1]) ?? octets.count * 8 : octets.count * 8
      networks.append(Network(octets: octets, bitCount: min(bitCount, octets.count * 8)))
    }
  }

  /// Whether the peer is one of them.
  func contain(_ address: SocketAddress) -> Bool {
    guard !networks.isEmpty else { return false }
    let octets = Self.octets(of: address)
    return networks.contains { Self.isSame($0.octets, octets, bitCount: $0.bitCount) }
  }

  /// An IPv4 address inside an IPv6 one (RFC 4291, 2.5.5.2) is the IPv4 address.
  private static func octets(of address: SocketAddress) -> [UInt8] {
    switch address.family {
    case .ipv4: return (0..<4).map { address.octets[$0] }
    case .ipv6:
      let all = (0..<16).map { address.octets[$0] }
      let isMapped = all[..<10].allSatisfy { $0 == 0 } && all[10] == 0xff && all[11] == 0xff
      return isMapped ? Array(all[12...]) : all
    }
  }

  private static func isSame(_ one: [UInt8], _ other: [UInt8], bitCount: Int) -> Bool {
    guard one.count == other.count else { return false }
    let whole = bitCount / 8
    guard one[..<whole] == other[..<whole] else { return false }
    let rest = bitCount % 8
    return rest == 0 || (one[whole] ^ other[whole]) >> (8 - rest) == 0
  }
}
