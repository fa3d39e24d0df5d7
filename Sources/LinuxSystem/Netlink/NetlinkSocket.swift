internal import CLinux
internal import Glibc

/// A socket of the kernel's routing family (rtnetlink(7)).
public struct NetlinkSocket: ~Copyable {
  /// What one `receive` found.
  public enum Received: Equatable, Sendable {
    /// Nothing waits.
    case nothing
    /// A datagram; whether it tells of a link, an address or a route.
    case messages(isRelevant: Bool)
    /// The kernel had more to tell than the socket could hold: anything may have changed.
    case overflow
    /// The call failed.
    case failed(Errno)
  }

  /// What a datagram may have at most; the kernel writes notices into pages.
  private static let datagramByteCountMax = 32 * 1024

  private let descriptor: FileDescriptor
  private var sequence: UInt32 = 0

  /// Opens a socket that is told of changes of links, addresses and routes.
  public static func makeMonitor() throws(Errno) -> NetlinkSocket {
    try NetlinkSocket(
      groups: UInt32(
        RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE
          | RTMGRP_IPV6_ROUTE))
  }

  /// Opens a socket for queries.
  public static func makeQuery() throws(Errno) -> NetlinkSocket {
    try NetlinkSocket(groups: 0)
  }

  private init(groups: UInt32) throws(Errno) {
    #if DEBUG
      if let kernel = Simulation.kernel {
        let kind = groups == 0 ? SimulatedFlag.networkQuery : .networkMonitor
        descriptor = FileDescriptor(owning: try kernel.makeFlag(kind))
        return
      }
    #endif
    let type = CInt(SOCK_RAW.rawValue) | CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    let number = try throwing { Glibc.socket(AF_NETLINK, type, NETLINK_ROUTE) }
    let socket = FileDescriptor(owning: number)
    var address = sockaddr_nl()
    address.nl_family = sa_family_t(AF_NETLINK)
    address.nl_groups = groups
    let length = socklen_t(MemoryLayout<sockaddr_nl>.size)
    try throwing {
      withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(number, $0, length) }
      }
    }
    descriptor = socket
  }

  /// The number, for polling.
  public var rawValue: CInt { descriptor.rawValue }

  /// Takes the next datagram of a monitor.
  public func receive() -> Received {
    #if DEBUG
      if let kernel = Simulation.kernel(of: descriptor.rawValue) {
        return kernel.lower(descriptor.rawValue) ? .messages(isRelevant: true) : .nothing
      }
    #endif
    return withDatagram { result, bytes in
      switch result {
      case .wouldBlock: return .nothing
      case .failed(let error): return error == .noBufferSpace ? .overflow : .failed(error)
      case .bytes:
        var reader = NetlinkReader(bytes)
        var isRelevant = false
        while let message = reader.next() {
          switch message {
          case .link, .linkRemoved, .address, .route: isRelevant = true
          case .answer, .ignored: break
          }
        }
        return .messages(isRelevant: isRelevant)
      }
    }
  }

  /// Asks how this machine would send to `destination`. The kernel answers at once.
  ///
  /// - Parameter source: the address to send from; `nil` lets the routes choose it.
  /// - Throws: what the call said; `.unreachable` is an answer.
  public mutating func route(
    to destination: SocketAddress, from source: SocketAddress? = nil
  ) throws(Errno) -> RouteAnswer {
    #if DEBUG
      if let kernel = Simulation.kernel(of: descriptor.rawValue) {
        return kernel.route(to: destination, from: source)
      }
    #endif
    sequence &+= 1
    let request = Self.request(to: destination, from: source, sequence: sequence)
    let number = descriptor.rawValue
    let sent = request.withUnsafeBytes { bytes in
      retryingTransfer { send(number, bytes.baseAddress, bytes.count, 0) }
    }
    if case .failed(let error) = sent { throw error }
    while true {
      let (answer, failure) = readAnswer()
      if let failure { throw failure }
      if let answer { return answer }
    }
  }

  /// - Returns: neither when the datagram was that of another request.
  private func readAnswer() -> (RouteAnswer?, Errno?) {
    withDatagram { result, bytes in
      switch result {
      case .wouldBlock: return (nil, .noBufferSpace)
      case .failed(let error): return (nil, error)
      case .bytes: break
      }
      var reader = NetlinkReader(bytes)
      while let message = reader.next() {
        guard reader.sequence == sequence else { continue }
        switch message {
        case .route(let route, _):
          if !route.isUsable { return (.unreachable(.networkUnreachable), nil) }
          return (.via(interface: route.interface, source: route.source), nil)
        case .answer(let error): return (.unreachable(error ?? .networkUnreachable), nil)
        case .link, .linkRemoved, .address, .ignored: continue
        }
      }
      return (nil, nil)
    }
  }

  private func withDatagram<R>(_ body: (IOResult, UnsafeRawBufferPointer) -> R) -> R {
    let number = descriptor.rawValue
    return withUnsafeTemporaryAllocation(byteCount: Self.datagramByteCountMax, alignment: 8) {
      room in
      let result = retryingTransfer { recv(number, room.baseAddress, room.count, 0) }
      var count = 0
      if case .bytes(let received) = result { count = received }
      return body(result, UnsafeRawBufferPointer(rebasing: room[..<count]))
    }
  }

  /// RTM_GETROUTE: the header, `rtmsg`, and the attributes RTA_DST, RTA_SRC and RTA_OIF.
  static func request(
    to destination: SocketAddress, from source: SocketAddress?, sequence: UInt32
  ) -> [UInt8] {
    let bitCount: UInt8 = destination.family == .ipv4 ? 32 : 128
    var body: [UInt8] = [
      UInt8(destination.family.rawValue), bitCount, source == nil ? 0 : bitCount, 0, 0, 0, 0, 0,
    ]
    body += octets(UInt32(0))
    appendAttribute(RTA_DST, destination.octetArray, to: &body)
    if let source { appendAttribute(RTA_SRC, source.octetArray, to: &body) }
    if destination.scopeID != 0 {
      appendAttribute(RTA_OIF, octets(destination.scopeID), to: &body)
    }
    var request = octets(UInt32(16 + body.count))
    request += octets(UInt16(RTM_GETROUTE)) + octets(UInt16(NLM_F_REQUEST))
    request += octets(sequence) + octets(UInt32(0))
    return request + body
  }

  // Values have lengths that are multiples of four.
  private static func appendAttribute(
    _ type: rtattr_type_t, _ value: [UInt8], to body: inout [UInt8]
  ) {
    body += octets(UInt16(4 + value.count)) + octets(UInt16(type.rawValue)) + value
  }

  private static func octets(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value) { Array($0) }
  }
}
