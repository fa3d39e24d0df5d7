internal import CLinux
internal import Glibc

/// Calls on non-blocking TCP sockets. Every descriptor made here is close-on-exec.
public enum Socket {
  /// Makes a non-blocking TCP socket.
  public static func makeTCP(_ family: SocketAddress.Family) throws(Errno) -> FileDescriptor {
    #if DEBUG
      if let kernel = Simulation.kernel {
        return FileDescriptor(owning: try kernel.makeSocket(family))
      }
    #endif
    let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
    let number = try throwing { socket(family.rawValue, type | CInt(SOCK_CLOEXEC.rawValue), 0) }
    return FileDescriptor(owning: number)
  }

  /// Binds and listens. Port 0 lets the kernel choose.
  ///
  /// - Throws: `.addressInUse`, EACCES, EADDRNOTAVAIL.
  public static func listen(
    on address: SocketAddress, backlog: CInt = 4096
  ) throws(Errno) -> FileDescriptor {
    let descriptor = try makeTCP(address.family)
    #if DEBUG
      if let kernel = Simulation.kernel {
        try kernel.bind(descriptor.rawValue, to: address, backlog: backlog)
        return descriptor
      }
    #endif
    try setOption(descriptor.rawValue, SOL_SOCKET, SO_REUSEADDR, 1)
    if address.family == .ipv6 {
      try setOption(descriptor.rawValue, CInt(IPPROTO_IPV6), IPV6_V6ONLY, 0)
    }
    let number = descriptor.rawValue
    try throwing { address.withSockaddr { bind(number, $0, $1) } }
    try throwing { Glibc.listen(number, backlog) }
    return descriptor
  }

  /// What an accept gave.
  public enum Accepted: ~Copyable {
    /// A new connection.
    case connection(FileDescriptor, peer: SocketAddress)
    /// Nothing waits.
    case wouldBlock
    /// The call failed; ECONNABORTED and its like were skipped before.
    case failed(Errno)
  }

  /// Takes the next waiting connection.
  public static func accept(_ listener: CInt) -> Accepted {
    #if DEBUG
      if let kernel = Simulation.kernel(of: listener) {
        guard let (number, peer) = kernel.accept(listener) else { return .wouldBlock }
        return .connection(FileDescriptor(owning: number), peer: peer)
      }
    #endif
    while true {
      var storage = sockaddr_storage()
      var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
      let number = frp_accept(listener, &storage, &length)
      if number >= 0 {
        let peer = SocketAddress(storage) ?? .loopback(port: 0)
        return .connection(FileDescriptor(owning: number), peer: peer)
      }
      let error = Errno.current
      switch error.code {
      case EAGAIN: return .wouldBlock
      // The waiting connection died, or its network did (accept(2)): take the next one.
      case EINTR, ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH,
        EOPNOTSUPP, ENETUNREACH:
        continue
      default: return .failed(error)
      }
    }
  }

  /// Starts to connect. Returns normally both when done and when under way; the outcome is
  /// `pendingError` once the socket is writable.
  public static func connect(_ descriptor: CInt, to address: SocketAddress) throws(Errno) {
    #if DEBUG
      if let kernel = Simulation.kernel(of: descriptor) {
        return try kernel.connect(descriptor, to: address)
      }
    #endif
    do throws(Errno) {
      try throwing { address.withSockaddr { Glibc.connect(descriptor, $0, $1) } }
    } catch {
      // The last two: an interrupted call that went on by itself was repeated.
      if error.code != EINPROGRESS, error.code != EALREADY, error.code != EISCONN { throw error }
    }
  }

  /// Binds the local end of an outgoing connection.
  public static func bindLocal(_ descriptor: CInt, to address: SocketAddress) throws(Errno) {
    #if DEBUG
      if let kernel = Simulation.kernel(of: descriptor) {
        return try kernel.bind(descriptor, to: address, backlog: nil)
      }
    #endif
    try throwing { address.withSockaddr { bind(descriptor, $0, $1) } }
  }

  /// Takes the asynchronous error of a socket; `nil` when there is none.
  public static func pendingError(_ descriptor: CInt) -> Errno? {
    #if DEBUG
      if let kernel = Simulation.kernel(of: descriptor) { return kernel.pendingError(descriptor) }
    #endif
    var code: CInt = 0
    var length = socklen_t(MemoryLayout<CInt>.size)
    guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 else {
      return Errno.current
    }
    return code == 0 ? nil : Errno(code: code)
  }

  /// Reads into `buffer`; `.bytes(0)` is the end of the stream.
  public static func receive(_ descriptor: CInt, into buffer: UnsafeMutableRawBufferPointer)
    -> IOResult
  {
    #if DEBUG
      if let kernel = Simulation.kernel(of: descriptor) {
        return kernel.receive(descriptor, into: buffer)
      }
    #endif
    return retryingTransfer { recv(descriptor, buffer.baseAddress, buffer.count, 0) }
  }

  /// Writes as much of `bytes` as the kernel takes. Never raises SIGPIPE.
  public static func send(
    _ descriptor: CInt, _ bytes: UnsafeRawBufferPointer, isMoreComing: Bool = false
  ) -> IOResult {
    #if DEBUG
      if let kernel = Simulation.kernel(of: descriptor) {
        return kernel.send(descriptor, bytes, UnsafeRawBufferPointer(start: nil, count: 0))
      }
    #endif
    let flags = CInt(MSG_NOSIGNAL) | (isMoreComing ? CInt(MSG_MORE) : 0)
    return retryingTransfer { Glibc.send(descriptor, bytes.baseAddress, bytes.count, flags) }
  }

  /// Writes two blocks with one call, the first one first.
  public static func send(
    _ descriptor: CInt, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
  ) -> IOResult {
    #if DEBUG
      if let kernel = Simulation.kernel(of: descriptor) {
        return kernel.send(descriptor, first, second)
      }
    #endif
    return withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2) { vectors in
      vectors[0] = iovec(
        iov_base: UnsafeMutableRawPointer(mutating: first.baseAddress), iov_len: first.count)
      vectors[1] = iovec(
        iov_base: UnsafeMutableRawPointer(mutating: second.baseAddress), iov_len: second.count)
      var message = msghdr()
      message.msg_iov = vectors.baseAddress
      message.msg_iovlen = 2
      return retryingTransfer { sendmsg(descriptor, &message, CInt(MSG_NOSIGNAL)) }
    }
  }

  /// The lowest port that the kernel gives to a socket that asked for none (ip(7),
  /// ip_local_port_range), as it was when it was first needed.
  public static let ephemeralPortMin: UInt16 = {
    let file = "/proc/sys/net/ipv4/ip_local_port_range"
    let text = (try? HostSystem.readFile(file, byteCountMax: 64)) ?? []
    return UInt16(String(decoding: text.prefix { $0 >= 0x30 && $0 <= 0x39 }, as: UTF8.self)) ?? 1
  }()

  /// The shortest round trip that a TCP connection has measured lately, in nanoseconds
  /// (TCP_INFO, tcp(7)); `nil` when there is none.
  public static func roundTrip(_ descriptor: CInt) -> Int64? {
    #if DEBUG
      if let kernel = Simulation.kernel(of: descriptor) { return kernel.roundTrip(descriptor) }
    #endif
    let microseconds = frp_tcp_min_rtt(descriptor)
    return microseconds < 0 ? nil : microseconds * 1000
  }

  /// How many bytes of a TCP connection the peer's host has acknowledged (TCP_INFO, tcp(7)).
  public static func acknowledgedByteCount(_ descriptor: CInt) -> UInt64? {
    #if DEBUG
      if let kernel = Simulation.kernel(of: descriptor) {
        return kernel.acknowledgedByteCount(descriptor)
      }
    #endif
    return UInt64(exactly: frp_tcp_bytes_acked(descriptor))
  }

  /// Bounds what the kernel takes of bytes that it cannot send yet (TCP_NOTSENT_LOWAT, tcp(7)).
  public static func limitNotSent(_ descriptor: CInt, to byteCount: Int) {
    #if DEBUG
      if let kernel = Simulation.kernel(of: descriptor) {
        return kernel.set(.notSentLimit(byteCount), of: descriptor)
      }
    #endif
    try? setOption(descriptor, CInt(IPPROTO_TCP), TCP_NOTSENT_LOWAT, CInt(byteCount))
  }

  /// Sends a FIN; ignores a connection that is gone already.
  public static func shutdownWriting(_ descriptor: CInt) {
    #if DEBUG
      if let kernel = Simulation.kernel(of: descriptor) {
        return kernel.shutdownWriting(descriptor)
      }
    #endif
    _ = shutdown(descriptor, CInt(SHUT_WR))
  }

  /// Makes the next close send a RST instead of a FIN.
  public static func resetOnClose(_ descriptor: CInt) {
    #if DEBUG
      if let kernel = Simulation.kernel(of: descriptor) {
        return kernel.set(.resetOnClose, of: descriptor)
      }
    #endif
    var option = linger(l_onoff: 1, l_linger: 0)
    _ = setsockopt(
      descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
  }

  /// The local address.
  public static func localAddress(_ descriptor: CInt) -> SocketAddress? {
    #if DEBUG
      if let kernel = Simulation.kernel(of: descriptor) { return kernel.localAddress(descriptor) }
    #endif
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        getsockname(descriptor, $0, &length)
      }
    }
    return result == 0 ? SocketAddress(storage) : nil
  }

  /// The peer's address; `nil` when not connected.
  public static func peerAddress(_ descriptor: CInt) -> SocketAddress? {
    #if DEBUG
      if let kernel = Simulation.kernel(of: descriptor) { return kernel.peerAddress(descriptor) }
    #endif
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        getpeername(descriptor, $0, &length)
      }
    }
    return result == 0 ? SocketAddress(storage) : nil
  }

  /// Sets a whole-number option.
  public static func setOption(
    _ descriptor: CInt, _ level: CInt, _ name: CInt, _ value: CInt
  ) throws(Errno) {
    #if DEBUG
      // What matters to a simulated socket has a call of its own.
      if Simulation.kernel(of: descriptor) != nil { return }
    #endif
    var value = value
    try throwing {
      setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<CInt>.size))
    }
  }

  /// Switches Nagle's algorithm off.
  public static func setNoDelay(_ descriptor: CInt) {
    try? setOption(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, 1)
  }

  /// Switches keepalive probes on.
  public static func setKeepalive(_ descriptor: CInt, _ timing: KeepaliveTiming) {
    #if DEBUG
      if let kernel = Simulation.kernel(of: descriptor) {
        return kernel.set(.keepalive(timing), of: descriptor)
      }
    #endif
    try? setOption(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
    let level = CInt(IPPROTO_TCP)
    try? setOption(descriptor, level, TCP_KEEPIDLE, CInt(clamping: max(1, timing.idleSeconds)))
    guard let seconds = timing.probeSeconds else { return }
    try? setOption(descriptor, level, TCP_KEEPINTVL, CInt(clamping: max(1, seconds)))
    try? setOption(descriptor, level, TCP_KEEPCNT, CInt(clamping: max(1, timing.probeCount)))
  }

  /// Whether an address is one of this machine's: whether a socket may be bound to it.
  ///
  /// - Returns: `nil` when that cannot be found out.
  public static func isLocal(_ address: SocketAddress) -> Bool? {
    #if DEBUG
      if let kernel = Simulation.kernel { return kernel.isLocal(address) }
    #endif
    let type = CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    let number = socket(address.family.rawValue, type, 0)
    guard number >= 0 else { return nil }
    let descriptor = FileDescriptor(owning: number)
    var free = address
    free.port = 0
    let result = free.withSockaddr { bind(descriptor.rawValue, $0, $1) }
    if result == 0 { return true }
    return Errno.current.code == EADDRNOTAVAIL ? false : nil
  }

  /// Gives a connection up when written bytes stay unacknowledged for so long (RFC 5482).
  public static func setUserTimeout(_ descriptor: CInt, milliseconds: Int) {
    #if DEBUG
      if let kernel = Simulation.kernel(of: descriptor) {
        return kernel.set(.userTimeout(milliseconds: milliseconds), of: descriptor)
      }
    #endif
    try? setOption(
      descriptor, CInt(IPPROTO_TCP), TCP_USER_TIMEOUT, CInt(clamping: milliseconds))
  }
}

/// When the kernel probes a silent connection.
public struct KeepaliveTiming: Equatable, Sendable {
  /// The silence before the first probe.
  public var idleSeconds: Int
  /// The time between unanswered probes; `nil` leaves it, and their number, to the kernel (nine,
  /// 75 s apart).
  public var probeSeconds: Int?
  /// How many probes in a row may stay unanswered, if `probeSeconds` is set.
  public var probeCount: Int

  /// Says when to probe.
  public init(idleSeconds: Int, probeSeconds: Int? = nil, probeCount: Int = 9) {
    self.idleSeconds = idleSeconds
    self.probeSeconds = probeSeconds
    self.probeCount = probeCount
  }
}
