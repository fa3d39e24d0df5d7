#if DEBUG
  /// A kernel in memory, for tests that need one network and one clock for several programs.
  ///
  /// Whatever this module would ask of the kernel it asks of `Simulation.kernel` instead when the
  /// current task has one: everything that makes a descriptor or reads a clock. What concerns a
  /// descriptor goes where the descriptor was made, which its number tells
  /// (`Simulation.firstDescriptor`). Debug builds alone have it.
  public protocol SimulatedKernel: AnyObject, Sendable {
    /// As `HostSystem.monotonicNanoseconds`.
    var monotonicNanoseconds: Int64 { get }
    /// As `HostSystem.bootNanoseconds`.
    var bootNanoseconds: Int64 { get }
    /// As `HostSystem.unixSeconds`.
    var unixSeconds: Int64 { get }
    /// As `HostSystem.hostName`.
    var hostName: String { get }
    /// As `HostSystem.randomNumber`.
    var randomNumber: UInt64 { get }

    /// Closes a descriptor.
    func close(_ descriptor: CInt)

    /// Makes a poller, as epoll_create1(2).
    func makePoller() throws(Errno) -> CInt
    /// Starts to watch a descriptor; one of the real kernel is never ready.
    func watch(
      _ descriptor: CInt, by poller: CInt, _ interest: Readiness, userData: UInt64
    ) throws(Errno)
    /// Changes what a descriptor is watched for.
    func rewatch(
      _ descriptor: CInt, by poller: CInt, _ interest: Readiness, userData: UInt64
    ) throws(Errno)
    /// Stops watching a descriptor.
    func unwatch(_ descriptor: CInt, by poller: CInt) throws(Errno)
    /// Takes events; never sleeps, but notes for how long the caller would have.
    func takeEvents(of poller: CInt, countMax: Int, milliseconds: CInt) -> [PollEvent]

    /// Makes what is readable after `raise` until `lower`.
    func makeFlag(_ kind: SimulatedFlag) throws(Errno) -> CInt
    /// Makes a flag readable.
    func raise(_ flag: CInt)
    /// Makes a flag unreadable.
    ///
    /// - Returns: whether it was readable.
    func lower(_ flag: CInt) -> Bool
    /// As `NetlinkSocket.route(to:from:)`.
    func route(to destination: SocketAddress, from source: SocketAddress?) -> RouteAnswer

    /// As `Socket.makeTCP`.
    func makeSocket(_ family: SocketAddress.Family) throws(Errno) -> CInt
    /// Binds, and listens if there is a backlog.
    func bind(_ descriptor: CInt, to address: SocketAddress, backlog: CInt?) throws(Errno)
    /// As `Socket.accept`; no connection is waiting when there is `nil`.
    func accept(_ listener: CInt) -> (descriptor: CInt, peer: SocketAddress)?
    /// As `Socket.connect`.
    func connect(_ descriptor: CInt, to address: SocketAddress) throws(Errno)
    /// As `Socket.pendingError`.
    func pendingError(_ descriptor: CInt) -> Errno?
    /// As `Socket.receive`.
    func receive(_ descriptor: CInt, into buffer: UnsafeMutableRawBufferPointer) -> IOResult
    /// As `Socket.send`; a second block follows the first one.
    func send(
      _ descriptor: CInt, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
    ) -> IOResult
    /// As `Socket.shutdownWriting`.
    func shutdownWriting(_ descriptor: CInt)
    /// As `Socket.localAddress`.
    func localAddress(_ descriptor: CInt) -> SocketAddress?
    /// As `Socket.peerAddress`.
    func peerAddress(_ descriptor: CInt) -> SocketAddress?
    /// As `Socket.isLocal`.
    func isLocal(_ address: SocketAddress) -> Bool
    /// As `Socket.roundTrip`.
    func roundTrip(_ descriptor: CInt) -> Int64?
    /// As `Socket.acknowledgedByteCount`.
    func acknowledgedByteCount(_ descriptor: CInt) -> UInt64?
    /// Sets an option of a socket.
    func set(_ option: SimulatedOption, of descriptor: CInt)

    /// Makes both ends of a pipe, with that room at most.
    func makePipe(capacity: Int) throws(Errno) -> (readEnd: CInt, writeEnd: CInt)
    /// As `splice(from:to:byteCount:)`.
    func splice(from source: CInt, to destination: CInt, byteCount: Int) -> IOResult
  }

  /// What a descriptor that only says "now" stands for.
  public enum SimulatedFlag: Sendable {
    /// An eventfd.
    case event
    /// A timer that waits for the clock to be set; the kernel raises it.
    case clockChange
    /// A routing socket that is told of changes; the kernel raises it.
    case networkMonitor
    /// A routing socket for queries; never raised.
    case networkQuery
  }

  /// What a socket can be told.
  public enum SimulatedOption: Sendable {
    /// The next close sends a reset.
    case resetOnClose
    /// TCP_NOTSENT_LOWAT.
    case notSentLimit(Int)
    /// SO_KEEPALIVE and its times.
    case keepalive(KeepaliveTiming)
    /// TCP_USER_TIMEOUT.
    case userTimeout(milliseconds: Int)
  }

  /// Where the simulated kernel of a test is.
  public enum Simulation {
    /// The kernel of the current task; `nil` for the real one.
    @TaskLocal public static var kernel: (any SimulatedKernel)?

    /// The lowest number of a simulated descriptor; the real kernel has none so high
    /// (fs.nr_open is below it).
    public static let firstDescriptor: CInt = 1 << 30

    /// The kernel that made a descriptor, if it is a simulated one.
    @inline(__always)
    static func kernel(of descriptor: CInt) -> (any SimulatedKernel)? {
      descriptor < firstDescriptor ? nil : kernel
    }
  }
#endif
