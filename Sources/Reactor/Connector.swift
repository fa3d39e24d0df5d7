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
  private let isUrgent: Bool
  private var completion: Completion?
  private var request: ResolveRequest?
  private var untried: [SocketAddress] = []
  private var attempts: [ConnectAttempt] = []
  private var failures: [ConnectFailure] = []
  private var deadlineTimer: TimerID?
  private var attemptTimer: TimerID?
  private var repeatCount = 0

  /// Connects to one of `addresses`. `completion` is called once unless the connector is
  /// cancelled, and never before this method has returned. With `localAddress`, only addresses
  /// of its family are reachable. An urgent one does not wait for the kernel, which repeats a lost
  /// packet after one second, then two, then four: it dials again beside attempts that are not
  /// answered.
  @discardableResult
  public static func connect(
    loop: EventLoop, addresses: [SocketAddress], localAddress: SocketAddress? = nil,
    timeout: Interval, isUrgent: Bool = false,
    completion: @escaping (consuming ConnectOutcome) -> Void
  ) -> Connector {
    let connector = Connector(loop, localAddress, timeout, isUrgent, completion)
    connector.begin(addresses)
    return connector
  }

  /// Resolves `host` and connects to one of its addresses; `timeout` is for both together.
  @discardableResult
  public static func connect(
    loop: EventLoop, resolver: Resolver, host: String, port: UInt16,
    localAddress: SocketAddress? = nil, timeout: Interval, isUrgent: Bool = false,
    completion: @escaping (consuming ConnectOutcome) -> Void
  ) -> Connector {
    let connector = Connector(loop, localAddress, timeout, isUrgent, completion)
    if let literal = SocketAddress(host: host, port: port) {
      connector.begin([literal])
      return connector
    }
    connector.request = resolver.resolve(host, timeout: timeout) { [connector] result in
      connector.handleResolved(result, port: port)
    }
    return connector
  }

  private init(
    _ loop: EventLoop, _ localAddress: SocketAddress?, _ timeout: Interval, _ isUrgent: Bool,
    _ completion: @escaping (consuming ConnectOutcome) -> Void
  ) {
    self.loop = loop
    self.localAddress = localAddress
    self.timeout = timeout
    self.isUrgent = isUrgent
    self.completion = Completion(body: completion)
    deadlineTimer = loop.schedule(after: timeout) { [self] in handleDeadline() }
  }

  /// Gives up and closes what was begun: the completion is not called any more.
  public func cancel() {
    _ = takeCompletion()
  }

  /// Begins without a name to resolve. A failure at once is told in the next turn.
  private func begin(_ addresses: [SocketAddress]) {
    untried = Self.interleaved(addresses)
    if !startNextAttempt() { attemptTimer = loop.schedule(after: .zero) { [self] in giveUp() } }
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

  fileprivate func handle(_ readiness: Readiness, of attempt: ConnectAttempt) {
    guard completion != nil else { return }
    attempts.removeAll { $0 === attempt }
    switch attempt.takeSocket(readiness) {
    case .connected(let socket):
      guard let completion = takeCompletion() else { return }
      completion.body(.connected(socket))
    case .failed(let error):
      failures.append(ConnectFailure(address: attempt.address, error: error))
      startAttempt()
    }
  }

  // MARK: Attempts

  private func startAttempt() {
    if !startNextAttempt() { giveUp() }
  }

  /// Tries the next address, and those behind it as long as they fail at once.
  ///
  /// - Returns: whether an attempt runs.
  private func startNextAttempt() -> Bool {
    while !untried.isEmpty {
      let address = untried.removeFirst()
      do throws(Errno) {
        attempts.append(try ConnectAttempt(self, loop, to: address, from: localAddress))
        if !untried.isEmpty {
          scheduleAttempt(after: ReactorLimits.connectAttemptDelay)
        } else if isUrgent {
          scheduleRepeat()
        }
        return true
      } catch {
        failures.append(ConnectFailure(address: address, error: error))
      }
    }
    return !attempts.isEmpty
  }

  private func giveUp() {
    fail(failures.isEmpty ? .noAddresses : .failed(failures))
  }

  /// Dials the oldest address that is not answered once more, if it still is not by then.
  private func scheduleRepeat() {
    guard attempts.count < ReactorLimits.urgentAttemptCountMax else { return }
    let delay = min(
      ReactorLimits.connectAttemptDelay * (1 << repeatCount), ReactorLimits.urgentAttemptDelayMax)
    repeatCount = min(repeatCount + 1, 8)
    scheduleAttempt(after: delay, isRepeat: true)
  }

  private func scheduleAttempt(after delay: Interval, isRepeat: Bool = false) {
    if let attemptTimer { loop.cancel(attemptTimer) }
    attemptTimer = loop.schedule(after: delay) { [self] in
      attemptTimer = nil
      // Chosen now and not before: an attempt that is refused meanwhile is not repeated.
      if isRepeat, untried.isEmpty, let oldest = attempts.first { untried = [oldest.address] }
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
    if let deadlineTimer { loop.cancel(deadlineTimer) }
    if let attemptTimer { loop.cancel(attemptTimer) }
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
    guard addresses.count > 1, let first = addresses.first else { return addresses }
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
    case connected(ConnectedSocket)
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
    try loop.calls.connect(number, to: address)
    registration = try loop.register(number, .stream, self)
  }

  func handleReadiness(_ readiness: Readiness) {
    connector.handle(readiness, of: self)
  }

  /// Gives the socket away if it is connected, and closes it if it is not.
  func takeSocket(_ readiness: Readiness) -> Outcome {
    guard let registration, let socket = descriptor.take() else { return .failed(.cancelled) }
    self.registration = nil
    let number = socket.rawValue
    let hasFailed = !readiness.isDisjoint(with: [.error, .hangup])
    let error = hasFailed ? Socket.pendingError(number) : nil
    guard error == nil, !hasMetItself(number) else {
      loop.deregister(registration, isClosing: true)
      return .failed(error ?? .connectionRefused)
    }
    Socket.setNoDelay(number)
    return .connected(ConnectedSocket(socket, peer: address, registration, readiness))
  }

  /// A socket that is given the very port to which it connects meets itself (RFC 9293, section
  /// 3.5, simultaneous open): nobody listens there. Only ports that the kernel gives away can.
  private func hasMetItself(_ number: CInt) -> Bool {
    address.port >= Socket.ephemeralPortMin && Socket.localAddress(number) == address
  }

  func close() {
    if let registration { loop.deregister(registration, isClosing: true) }
    registration = nil
    descriptor = nil
  }
}
