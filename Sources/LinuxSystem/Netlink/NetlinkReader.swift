internal import CLinux
internal import Glibc

/// Reads the messages of one datagram of the kernel's routing socket, without input or output.
///
/// | offset | size | field of a message | |
/// |---|---|---|---|
/// | 0 | 4 | length with this header | in host byte order, as all but addresses |
/// | 4 | 2 | type | |
/// | 6 | 2 | flags | |
/// | 8 | 4 | sequence number of the request | |
/// | 12 | 4 | port of the receiver | |
/// | 16 | … | a fixed part by type, then attributes at multiples of 4 | |
///
/// An attribute is its length with this header (2), its type (2), and a value.
///
/// Lengths are checked against the bytes that are there: a message that lies about its length ends
/// the reading, an attribute that does so ends its message.
///
/// Specification: netlink(7), rtnetlink(7), `linux/rtnetlink.h`.
public struct NetlinkReader {
  private static let headerByteCount = 16

  /// Whether the bytes ended in something that is no message.
  public private(set) var isDamaged = false
  /// The sequence number of the last message.
  public private(set) var sequence: UInt32 = 0

  private let bytes: UnsafeRawBufferPointer
  private var offset = 0

  /// Reads `bytes`, which the caller keeps alive.
  public init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  /// The next message; `nil` at the end.
  public mutating func next() -> NetlinkMessage? {
    let rest = bytes.count - offset
    guard rest >= Self.headerByteCount else {
      if rest > 0 { isDamaged = true }
      return nil
    }
    let length = Int(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    guard length >= Self.headerByteCount, length <= rest else {
      isDamaged = true
      return nil
    }
    let type = bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt16.self)
    sequence = bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt32.self)
    let body = UnsafeRawBufferPointer(
      rebasing: bytes[(offset + Self.headerByteCount)..<(offset + length)])
    offset = min(bytes.count, offset + aligned(length))
    return Self.message(type, body) ?? .ignored(type: type)
  }

  private static func message(_ type: UInt16, _ body: UnsafeRawBufferPointer) -> NetlinkMessage? {
    switch Int(type) {
    case Int(NLMSG_DONE): .answer(nil)
    case Int(NLMSG_ERROR): answer(body)
    case RTM_NEWLINK: link(body, isRemoved: false)
    case RTM_DELLINK: link(body, isRemoved: true)
    case RTM_NEWADDR: address(body, isRemoved: false)
    case RTM_DELADDR: address(body, isRemoved: true)
    case RTM_NEWROUTE: route(body, isRemoved: false)
    case RTM_DELROUTE: route(body, isRemoved: true)
    default: nil
    }
  }

  /// `nlmsgerr`: the negative error number (4), then the request.
  private static func answer(_ body: UnsafeRawBufferPointer) -> NetlinkMessage? {
    guard body.count >= 4 else { return nil }
    let code = body.loadUnaligned(as: Int32.self)
    return .answer(code == 0 ? nil : Errno(code: code == .min ? .max : abs(code)))
  }

  /// `ifinfomsg`: family (1), padding (1), device type (2), index (4), flags (4), change mask (4).
  private static func link(
    _ body: UnsafeRawBufferPointer, isRemoved: Bool
  ) -> NetlinkMessage? {
    guard body.count >= 16 else { return nil }
    let index = body.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
    if isRemoved { return .linkRemoved(interface: index) }
    let flags = body.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
    let running = UInt32(IFF_UP) | UInt32(IFF_RUNNING)
    return .link(interface: index, isRunning: flags & running == running)
  }

  /// `ifaddrmsg`: family (1), prefix length (1), flags (1), scope (1), interface (4).
  private static func address(
    _ body: UnsafeRawBufferPointer, isRemoved: Bool
  ) -> NetlinkMessage? {
    guard body.count >= 8 else { return nil }
    let index = body.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
    var local: SocketAddress?
    var other: SocketAddress?
    forEachAttribute(of: body, after: 8) { type, value in
      // On a point-to-point link IFA_ADDRESS is the other end's.
      if type == IFA_LOCAL { local = socketAddress(family: body[0], value) }
      if type == IFA_ADDRESS { other = socketAddress(family: body[0], value) }
    }
    guard let found = local ?? other else { return nil }
    return .address(found, interface: index, isRemoved: isRemoved)
  }

  /// `rtmsg`: family (1), destination and source prefix length (1 each), type of service (1),
  /// table (1), protocol (1), scope (1), type (1), flags (4).
  private static func route(
    _ body: UnsafeRawBufferPointer, isRemoved: Bool
  ) -> NetlinkMessage? {
    guard body.count >= 12 else { return nil }
    let type = Int(body[7])
    var route = NetlinkRoute(
      prefixLength: body[1], interface: 0, isUsable: type == RTN_UNICAST || type == RTN_LOCAL)
    forEachAttribute(of: body, after: 12) { type, value in
      switch rtattr_type_t(UInt32(type)) {
      case RTA_DST: route.destination = socketAddress(family: body[0], value)
      case RTA_PREFSRC: route.source = socketAddress(family: body[0], value)
      case RTA_GATEWAY: route.gateway = socketAddress(family: body[0], value)
      case RTA_OIF where value.count == 4: route.interface = value.loadUnaligned(as: UInt32.self)
      default: break
      }
    }
    return .route(route, isRemoved: isRemoved)
  }

  // MARK: Attributes

  private static func forEachAttribute(
    of body: UnsafeRawBufferPointer, after fixedByteCount: Int,
    _ visit: (_ type: Int, _ value: UnsafeRawBufferPointer) -> Void
  ) {
    var offset = fixedByteCount
    while body.count - offset >= 4 {
      let length = Int(body.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
      guard length >= 4, length <= body.count - offset else { return }
      // The two upper bits say that the value is nested or in network byte order.
      let type = body.loadUnaligned(fromByteOffset: offset + 2, as: UInt16.self) & 0x3fff
      visit(Int(type), UnsafeRawBufferPointer(rebasing: body[(offset + 4)..<(offset + length)]))
      offset += aligned(length)
    }
  }

  private static func socketAddress(
    family: UInt8, _ value: UnsafeRawBufferPointer
  ) -> SocketAddress? {
    let known: SocketAddress.Family
    switch (CInt(family), value.count) {
    case (AF_INET, 4): known = .ipv4
    case (AF_INET6, 16): known = .ipv6
    default: return nil
    }
    var octets = [16 of UInt8](repeating: 0)
    for index in 0..<value.count { octets[index] = value[index] }
    return SocketAddress(family: known, octets: octets, port: 0)
  }
}

/// Messages and attributes begin at multiples of four.
private func aligned(_ length: Int) -> Int { (length + 3) & ~3 }
