internal import CLinux
internal import Glibc

/// An IPv4 or IPv6 address with a port.
public struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
  /// The address families that we speak.
  public enum Family: Hashable, Sendable {
    /// 32-bit addresses.
    case ipv4
    /// 128-bit addresses.
    case ipv6

    var rawValue: CInt {
      switch self {
      case .ipv4: AF_INET
      case .ipv6: AF_INET6
      }
    }
  }

  /// The family.
  public let family: Family
  /// The address in network byte order, 4 or 16 bytes, in the first bytes of this array.
  public let octets: [16 of UInt8]
  /// The port.
  public var port: UInt16
  /// The interface of a link-local IPv6 address; 0 for none.
  public let scopeID: UInt32

  /// Makes an address from raw octets: the first 4 (IPv4) or all 16 (IPv6) count.
  public init(family: Family, octets: [16 of UInt8], port: UInt16, scopeID: UInt32 = 0) {
    self.family = family
    self.octets = octets
    self.port = port
    self.scopeID = scopeID
  }

  /// Parses a literal such as `127.0.0.1`, `::1` or `fe80::1%2`; `nil` when it is none.
  public init?(host: String, port: UInt16) {
    // Nearly all are plain IPv4 literals, which need no parsing of ours.
    if let octets = Self.parse(host, AF_INET) {
      self.init(family: .ipv4, octets: octets, port: port)
      return
    }
    var literal = Substring(host)
    if literal.hasPrefix("["), literal.hasSuffix("]") { literal = literal.dropFirst().dropLast() }
    let parts = literal.split(separator: "%", maxSplits: 1)
    guard let address = parts.first else { return nil }
    let isIPv6 = address.utf8.contains(UInt8(ascii: ":"))
    var scope: UInt32 = 0
    if literal.utf8.contains(UInt8(ascii: "%")) {
      guard isIPv6, parts.count == 2 else { return nil }
      scope = UInt32(parts[1]) ?? if_nametoindex(String(parts[1]))
      if scope == 0 { return nil }
    }
    guard let octets = Self.parse(String(address), isIPv6 ? AF_INET6 : AF_INET) else { return nil }
    self.init(family: isIPv6 ? .ipv6 : .ipv4, octets: octets, port: port, scopeID: scope)
  }

  private static func parse(_ literal: String, _ family: CInt) -> [16 of UInt8]? {
    var octets = [16 of UInt8](repeating: 0)
    // Passed as it is, the text would be copied to the heap.
    let result = unsafe withUnsafeMutableBytes(of: &octets) { room in
      unsafe literal.withCString { unsafe inet_pton(family, $0, room.baseAddress) }
    }
    return result == 1 ? octets : nil
  }

  /// 127.0.0.1 with that port.
  public static func loopback(port: UInt16) -> SocketAddress {
    var octets = [16 of UInt8](repeating: 0)
    octets[0] = 127
    octets[3] = 1
    return SocketAddress(family: .ipv4, octets: octets, port: port)
  }

  /// The 4 or 16 octets in network byte order.
  public var octetArray: [UInt8] {
    let count = family == .ipv4 ? 4 : 16
    return (0..<count).map { octets[$0] }
  }

  /// The address without the port, for example `127.0.0.1` or `::1`.
  public var host: String {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) {
      let text = unsafe $0
      let isPrinted = unsafe withUnsafeBytes(of: octets) { octets in
        unsafe inet_ntop(
          family.rawValue, octets.baseAddress, text.baseAddress, socklen_t(text.count)) != nil
      }
      guard isPrinted, let start = text.baseAddress else { return "?" }
      return unsafe String(cString: start)
    }
  }

  /// The address with the port, for example `127.0.0.1:80` or `[::1]:80`.
  public var description: String {
    switch family {
    case .ipv4: "\(host):\(port)"
    case .ipv6: "[\(host)]:\(port)"
    }
  }

  /// Compares family, octets, port and interface.
  public static func == (left: SocketAddress, right: SocketAddress) -> Bool {
    left.family == right.family && left.port == right.port && left.scopeID == right.scopeID
      && left.octetPair == right.octetPair
  }

  /// Feeds family, octets, port and interface.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(family)
    hasher.combine(octetPair.0)
    hasher.combine(octetPair.1)
    hasher.combine(port)
    hasher.combine(scopeID)
  }

  private var octetPair: (UInt64, UInt64) {
    unsafe withUnsafeBytes(of: octets) {
      unsafe (
        $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
        $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
      )
    }
  }

  /// Lends the address as the kernel wants it.
  func withSockaddr<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
    switch family {
    case .ipv4:
      var native = sockaddr_in()
      native.sin_family = sa_family_t(AF_INET)
      native.sin_port = port.bigEndian
      unsafe withUnsafeBytes(of: octets) { source in
        unsafe withUnsafeMutableBytes(of: &native.sin_addr) {
          unsafe $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<4]))
        }
      }
      return unsafe withUnsafePointer(to: &native) {
        unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
    case .ipv6:
      var native = sockaddr_in6()
      native.sin6_family = sa_family_t(AF_INET6)
      native.sin6_port = port.bigEndian
      native.sin6_scope_id = scopeID
      unsafe withUnsafeBytes(of: octets) { source in
        unsafe withUnsafeMutableBytes(of: &native.sin6_addr) { unsafe $0.copyMemory(from: source) }
      }
      return unsafe withUnsafePointer(to: &native) {
        unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
        }
      }
    }
  }

  /// Reads what the kernel wrote; IPv4-mapped IPv6 becomes IPv4; `nil` for other families.
  init?(_ storage: sockaddr_storage) {
    var octets = [16 of UInt8](repeating: 0)
    let family = CInt(storage.ss_family)
    guard family == AF_INET || family == AF_INET6 else { return nil }
    // Layouts of RFC 3493: port at 2; IPv4 address at 4; IPv6 address at 8, interface at 24.
    let (port, scope) = unsafe withUnsafeBytes(of: storage) { source in
      let isIPv4 = family == AF_INET
      let from = isIPv4 ? 4 : 8
      for index in 0..<(isIPv4 ? 4 : 16) { octets[index] = unsafe source[from + index] }
      return unsafe (
        UInt16(bigEndian: source.loadUnaligned(fromByteOffset: 2, as: UInt16.self)),
        isIPv4 ? 0 : source.loadUnaligned(fromByteOffset: 24, as: UInt32.self)
      )
    }
    if family == AF_INET6, Self.isMapped(octets) {
      var short = [16 of UInt8](repeating: 0)
      for index in 0..<4 { short[index] = octets[12 + index] }
      self.init(family: .ipv4, octets: short, port: port)
    } else {
      self.init(
        family: family == AF_INET ? .ipv4 : .ipv6, octets: octets, port: port, scopeID: scope)
    }
  }

  private static func isMapped(_ octets: [16 of UInt8]) -> Bool {
    for index in 0..<10 where octets[index] != 0 { return false }
    return octets[10] == 0xff && octets[11] == 0xff
  }
}
