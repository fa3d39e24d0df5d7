public import LinuxSystem
public import Timekeeping

/// Connects to the first of several addresses that answers (RFC 8305, "happy eyeballs").
///
/// The families take turns, beginning with the first address's. A further address is tried when
/// the last one has failed, or has not answered for `ReactorLimits.connectAttemptDelay`; the first
/// that answers wins and the others are closed.
///
/// States: resolving, connecting, done. The loop keeps the connector until it is done.
public final class Connector {
  // In a struct so that it is stored without a reabstraction thunk.
  private struct Completion {
    let body: (consuming ConnectOutcome) -> Void
  }

  private let loop: EventLoop
  private let localAddress: SocketAddress?
  private let timeout: Interval
  private var completion: Completion?
  private var request: ResolveRequest?
  private var untried: [SocketAddress] = []
  private var attempts: [ConnectAttempt] = []
  private var failures: [ConnectFailure] = []
  private var deadlineTimer: TimerID?
  private var attemptTimer: TimerID?

  /// Connects to one of `addresses`. `completion` is called once unless the connector is
  /// cancelled, and never before this method has returned. With `localAddress`, only addresses
  /// of its family are reachable.
  @discardableResult
  public static func connect(
    loop: EventLoop, addresses: [SocketAddress], localAddress: SocketAddress? = nil,
    timeout: Interval, completion: @escaping (consuming ConnectOutcome) -> Void
  ) -> Connector {
    let connector = Connector(loop, localAddress, timeout, completion)
    connector.untried = interleaved(addresses)
    connector.scheduleAttempt(after: .zero)
    return connector
  }

  /// Resolves `host` and connects to one of its addresses; `timeout` is for both together.
  @discardableResult
  public static func connect(
    loop: EventLoop, resolver: Resolver, host: String, port: UInt16,
    localAddress: SocketAddress? = nil, timeout: Interval,
    completion: @escaping (consuming ConnectOutcome) -> Void
  ) -> Connector {
    let connector = Connector(loop, localAddress, timeout, completion)
    connector.request = resolver.resolve(host, timeout: timeout) { [connector] result in
      connector.handleResolved(result, port: port)
    }
    return connector
  }

  private init(
    _ loop: EventLoop, _ localAddress: SocketAddress?, _ timeout: Interval,
    _ completion: @escaping (consuming ConnectOutcome) -> Void
  ) {
    self.loop = loop
    self.localAddress = localAddress
    self.timeout = timeout
    self.completion = Completion(body: completion)
    deadlineTimer = loop.schedule(after: timeout) { [self] in handleDeadline() }
  }

  /// Gives up and closes what was begun: the completion is not called any more.
  public func cancel() {
    _ = takeCompletion()
  }

  // MARK: Events

  private func handleResolved(_ result: Result<[SocketAddress], ResolveError>, port: UInt16) {
    request = nil
    switch result {
    case .success(var addresses):
      for index in addresses.indices { addresses[index].port = port }
      untried = Self.interleaved(addresses)
      startAttempt()
    case .failure(let error): fail(.unresolved(error))
    }
  }

  private func handleDeadline() {
    deadlineTimer = nil
    if let request {
      fail(.unresolved(.timedOut(request.host, after: timeout)))
      return
    }
    for attempt in attempts {
      failures.append(ConnectFailure(address: attempt.address, error: .timedOut))
    }
    fail(.timedOut(after: timeout, failures))
  }

  fileprivate func handleWritable(_ attempt: ConnectAttempt) {
    guard completion != nil else { return }
    attempts.removeAll { $0 === attempt }
    switch attempt.takeSocket() {
    case .connected(let descriptor, let address):
      guard let completion = takeCompletion() else { return }
      completion.body(.connected(descriptor, address))
    case .failed(let error):
      failures.append(ConnectFailure(address: attempt.address, error: error))
      startAttempt()
    }
  }

  // MARK: Attempts

  /// Tries the next address, and those behind it as long as they fail at once.
  private func startAttempt() {
    while !untried.isEmpty {
      let address = untried.removeFirst()
      do throws(Errno) {
        attempts.append(try ConnectAttempt(self, loop, to: address, from: localAddress))
        scheduleAttempt(after: ReactorLimits.connectAttemptDelay)
        return
      } catch {
        failures.append(ConnectFailure(address: address, error: error))
      }
    }
    if attempts.isEmpty { fail(failures.isEmpty ? .noAddresses : .failed(failures)) }
  }

  private func scheduleAttempt(after delay: Interval) {
    if let attemptTimer { loop.cancel(attemptTimer) }
    attemptTimer = loop.schedule(after: delay) { [self] in
      attemptTimer = nil
      startAttempt()
    }
  }

  private func fail(_ error: ConnectError) {
    guard let completion = takeCompletion() else { return }
    completion.body(.failed(error))
  }

  /// Ends everything that runs; the one way out.
  private func takeCompletion() -> Completion? {
    request?.cancel()
    request = nil
    for timer in [deadlineTimer, attemptTimer] {
      if let timer { loop.cancel(timer) }
    }
    deadlineTimer = nil
    attemptTimer = nil
    untried = []
    for attempt in attempts { attempt.close() }
    attempts = []
    let completion = completion
    self.completion = nil
    return completion
  }

  /// The families by turns, the first address's family first (RFC 8305, section 4).
  static func interleaved(_ addresses: [SocketAddress]) -> [SocketAddress] {
    guard let first = addresses.first else { return [] }
    let own = addresses.filter { $0.family == first.family }
    let other = addresses.filter { $0.family != first.family }
    var result: [SocketAddress] = []
    for index in 0..<max(own.count, other.count) {
      if index < own.count { result.append(own[index]) }
      if index < other.count { result.append(other[index]) }
    }
    return Array(result.prefix(ReactorLimits.connectAddressCountMax))
  }
}

@available(*, unavailable)
extension Connector: Sendable {}

/// One socket on its way to one address.
private final class ConnectAttempt: ReadinessHandler {
  enum Outcome: ~Copyable {
    case connected(FileDescriptor, SocketAddress)
    case failed(Errno)
  }

  let address: SocketAddress
  private let loop: EventLoop
  // The loop holds attempts and attempts hold the connector, until `Connector.takeCompletion`.
  private let connector: Connector
  private var descriptor: FileDescriptor?
  private var registration: RegistrationID?

  init(
    _ connector: Connector, _ loop: EventLoop, to address: SocketAddress,
    from localAddress: SocketAddress?
  ) throws(Errno) {
    self.connector = connector
    self.loop = loop
    self.address = address
    let socket = try Socket.makeTCP(address.family)
    let number = socket.rawValue
    descriptor = consume socket
    if let localAddress {
      if localAddress.family != address.family { throw .addressFamilyNotSupported }
      try Socket.bindLocal(number, to: localAddress)
    }
    try Socket.connect(number, to: address)
    registration = try loop.register(number, .writable, self)
  }

  func handleReadiness(_ readiness: Readiness) {
    connector.handleWritable(self)
  }

  /// Gives the socket away if it is connected, and closes it if it is not.
  func takeSocket() -> Outcome {
    if let registration { loop.deregister(registration) }
    registration = nil
    guard let socket = descriptor.take() else { return .failed(.cancelled) }
    if let error = Socket.pendingError(socket.rawValue) { return .failed(error) }
    guard let peer = Socket.peerAddress(socket.rawValue) else { return .failed(.connectionReset) }
    // A socket that is given the very port to which it connects meets itself (RFC 9293, section
    // 3.5, simultaneous open): nobody listens there.
    if Socket.localAddress(socket.rawValue) == peer { return .failed(.connectionRefused) }
    Socket.setNoDelay(socket.rawValue)
    return .connected(socket, address)
  }

  func close() {
    if let registration { loop.deregister(registration, isClosing: true) }
    registration = nil
    descriptor = nil
  }
}
