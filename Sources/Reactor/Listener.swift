public import LinuxSystem
internal import Timekeeping

/// Accepts connections on one listening socket.
///
/// Takes only so many in a turn. When no descriptor is left it stops
/// watching the socket for `ReactorLimits.acceptPause`, so it neither spins nor loses what waits
/// in the kernel's queue.
public final class Listener: ReadinessHandler {
  /// The address with the port that the kernel gave.
  public let address: SocketAddress
  /// How often accepting had to pause because no descriptor was left.
  public private(set) var pauseCount = 0

  private let loop: EventLoop
  private var descriptor: FileDescriptor?
  private var registration: RegistrationID?
  private var pauseTimer: TimerID?
  private var isTurnOver = false
  private let onAccept: (consuming FileDescriptor, SocketAddress) -> Void

  /// Binds, listens, and calls `onAccept` for each connection with its peer's address.
  ///
  /// - Parameter keepalive: when the kernel probes an accepted connection. Accepted
  ///   sockets inherit it, and TCP_NODELAY, from the listening one: no system call for each.
  public convenience init(
    _ loop: EventLoop, address: SocketAddress, keepalive: KeepaliveTiming? = nil,
    onAccept: @escaping (consuming FileDescriptor, SocketAddress) -> Void
  ) throws(Errno) {
    try self.init(
      loop, listening: try Socket.listen(on: address), address: address, keepalive: keepalive,
      onAccept: onAccept)
  }

  /// The same over a socket that listens already, at `address` unless the kernel says otherwise.
  public init(
    _ loop: EventLoop, listening socket: consuming FileDescriptor, address: SocketAddress,
    keepalive: KeepaliveTiming? = nil,
    onAccept: @escaping (consuming FileDescriptor, SocketAddress) -> Void
  ) throws(Errno) {
    self.address = Socket.localAddress(socket.rawValue) ?? address
    Socket.setNoDelay(socket.rawValue)
    if let keepalive { Socket.setKeepalive(socket.rawValue, keepalive) }
    self.loop = loop
    self.onAccept = onAccept
    let number = socket.rawValue
    descriptor = consume socket
    registration = try loop.register(number, .readable, self)
  }

  /// Accepts what waits.
  public func handleReadiness(_ readiness: Readiness) {
    isTurnOver = false
    for _ in 0..<ReactorLimits.acceptsPerTurnMax where !isTurnOver {
      guard let registration, let number = rawDescriptor else { return }
      switch loop.calls.accept(number) {
      case .connection(let connection, let peer):
        onAccept(connection, peer)
      case .wouldBlock:
        return
      case .failed:
        // EMFILE, ENFILE, ENOBUFS, ENOMEM: descriptors or memory have run out; try again later.
        pause(registration)
        return
      }
    }
  }

  /// Leaves what waits to the next turn; for the one who is told of a connection.
  public func endTurn() {
    isTurnOver = true
  }

  /// Stops accepting and closes the socket.
  public func close() {
    if let registration { loop.deregister(registration, isClosing: true) }
    registration = nil
    if let pauseTimer { loop.cancel(pauseTimer) }
    pauseTimer = nil
    descriptor = nil
  }

  private var rawDescriptor: CInt? {
    switch descriptor {
    case .some(let open): open.rawValue
    case .none: nil
    }
  }

  private func pause(_ id: RegistrationID) {
    guard pauseTimer == nil else { return }
    pauseCount += 1
    try? loop.modify(id, [])
    pauseTimer = loop.schedule(after: ReactorLimits.acceptPause) { [self] in
      pauseTimer = nil
      if let registration { try? loop.modify(registration, .readable) }
    }
  }
}
