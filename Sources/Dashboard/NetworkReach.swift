public import LinuxSystem

/// Who can reach a server that listens at an address, as far as the address tells.
public enum NetworkReach: Sendable {
  /// The users of this machine.
  case thisMachine
  /// Whoever is in a private network with it.
  case privateNetwork
  /// Anybody.
  case everybody

  /// By the ranges of RFC 1122, 1918, 3927, 6598, 4193 and 4291; all addresses of a machine reach
  /// as far as the farthest of them may.
  public init(_ address: SocketAddress) {
    let octets = address.octetArray
    switch address.family {
    case .ipv4: self = Self.reach(ofIPv4: octets)
    case .ipv6:
      if octets.dropLast().allSatisfy({ $0 == 0 }), octets.last == 1 {
        self = .thisMachine
      } else if octets.prefix(12) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff] {
        self = Self.reach(ofIPv4: Array(octets.suffix(4)))
      } else {
        let isPrivate = octets[0] & 0xfe == 0xfc || octets[0] == 0xfe && octets[1] & 0xc0 == 0x80
        self = isPrivate ? .privateNetwork : .everybody
      }
    }
  }

  private static func reach(ofIPv4 octets: [UInt8]) -> NetworkReach {
    switch (octets[0], octets[1]) {
    case (127, _): .thisMachine
    case (10, _), (172, 16...31), (192, 168), (169, 254), (100, 64...127): .privateNetwork
    case (_, _): .everybody
    }
  }
}
