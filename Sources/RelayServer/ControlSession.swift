internal import Admission
internal import Configuration
internal import Diagnostics
internal import Logging
internal import ProxyGraph
internal import Reactor
internal import StreamCoding
internal import Timekeeping
internal import Transports
internal import WireProtocol

/// The control connection of one logged-in client.
final class ControlSession {
  /// The session's name in the graph.
  let id: SessionID
  /// The client's run ID.
  let runID: String
  /// What the client logged in with.
  let credential: Credential
  /// Who the client says it is.
  let user: String
  /// Whether the client is ours and keeps half-closed connections open.
  let isHalfCloseKept: Bool
  /// Marks records with the run ID.
  let logger: Logger

  private let server: RelayServer
  private let channel: MessageChannel
  private let heartbeatTimeout: Interval?
  let carrier: InboundCarrier
  private var heartbeatTimer: TimerID?
  private var probe: SessionProbe?
  private var isOver = false

  init(
    _ server: RelayServer, id: SessionID, runID: String, login: Login, credential: Credential,
    channel: MessageChannel, carrier: InboundCarrier
  ) {
    self.server = server
    self.id = id
    self.runID = runID
    self.credential = credential
    user = login.user
    heartbeatTimeout = server.configuration.transport.heartbeatTimeout
    self.channel = channel
    self.carrier = carrier
    isHalfCloseKept = login.extensions.contains(.halfClose)
    logger = server.logger.prefixed(by: RunID.shown(runID))
  }

  /// Answers the login and takes messages from here on.
  func begin() {
    var answer = LoginResponse()
    answer.version = ProtocolVersion.current
    answer.runID = runID
    answer.extensions = .ours
    channel.send(.loginResponse(answer))
    channel.onMessage = { [unowned self] message in
      // `close` closes the channel, which clears its closures.
      handle(message)
    }
    channel.onEnd = { [unowned self] reason in
      // Why the carrier is lost, `carrierDidClose` says next.
      if reason == .failed(.carrierLost) { return }
      didEnd("\(reason)", isLost: reason != .ended)
    }
    channel.startEncryption(key: credential.key)
    (channel.stream as? SocketStream)?.limitSilence()
    armHeartbeat()
  }

  /// Sends a message.
  func send(_ message: Message) {
    channel.send(message)
  }

  /// Closes the control connection and, with mux, everything else on its carrier.
  ///
  /// - Parameter isAborting: whether nothing that waits is sent any more, and nothing of the
  ///   connection stays.
  func close(isAborting: Bool = false) {
    guard !isOver else { return }
    isOver = true
    cancelHeartbeat()
    if isAborting { channel.abort() } else { channel.close() }
    carrier.session = nil
    carrier.close(isReset: isAborting)
    let probe = self.probe
    self.probe = nil
    probe?.conclude(isAlive: false)
  }

  /// The carrier is gone, and with it the control connection, which the client had not ended.
  func carrierDidClose(_ reason: CloseReason) {
    didEnd("\(reason)", isLost: true)
  }

  private func didEnd(_ reason: String, isLost: Bool) {
    guard !isOver else { return }
    // The books are in order before anybody who waits for the end is told.
    let probe = self.probe
    self.probe = nil
    probe?.cancel()
    close(isAborting: isLost)
    server.sessionDidEnd(self, reason, isLost: isLost)
    probe?.conclude(isAlive: false)
  }

  // MARK: Probing

  /// Finds out whether the client is alive. Who asks while that is under way gets the same answer.
  func findOutWhetherAlive(_ completion: @escaping (Bool) -> Void) {
    guard !isOver else { return completion(false) }
    if let probe { return probe.add(completion) }
    let probe = SessionProbe(server.context.loop, askForLife(), lookForLife) { [unowned self] in
      // Cancelled in `didEnd` and concluded in `close`.
      self.probe = nil
      logger.warning("the client does not answer, and gives way to a newer one")
      server.admission.counters.handedOverSessions += 1
      didEnd("no answer", isLost: true)
    } onLife: { [unowned self] in
      self.probe = nil
    }
    probe.add(completion)
    self.probe = probe
  }

  /// Provokes a sign of life: over mux an answer to a ping, else that the client's host takes a
  /// message, which the client expects now and then anyway.
  private func askForLife() -> SignOfLife {
    if let heardAt = carrier.probe() { return .heard(at: heardAt) }
    channel.send(.pong(Pong()))
    return .acknowledged(byteCount: acknowledgedByteCount)
  }

  private func lookForLife(since sign: SignOfLife) -> Bool {
    switch sign {
    case .heard(let before): carrier.lastHeardAt.map { $0 > before } ?? false
    case .acknowledged(let before): acknowledgedByteCount > before
    }
  }

  private var acknowledgedByteCount: UInt64 {
    (channel.stream as? SocketStream)?.acknowledgedByteCount ?? 0
  }

  private func handle(_ message: Message) {
    switch message {
    case .newProxy(let request):
      // A sign of life as good as a ping.
      armHeartbeat()
      server.requestProxy(request, from: self)
    case .closeProxy(let request):
      armHeartbeat()
      server.closeProxy(request.proxyName, from: self)
    case .ping(let ping): handlePing(ping)
    case .login, .loginResponse, .newProxyResponse, .newWorkConnection, .requestWorkConnection,
      .startWorkConnection, .newVisitorConnection, .newVisitorConnectionResponse, .pong,
      .udpPacket, .natHoleVisitor, .natHoleClient, .natHoleResponse, .natHoleSid,
      .natHoleReport:
      // Known messages without a handler are ignored (wire-protocol.md 2.1).
      break
    }
  }

  // MARK: Heartbeats

  private func handlePing(_ ping: Ping) {
    var answer = Pong()
    if let refusal = server.refusal(of: ping, from: self) {
      answer.error = refusal
      server.admission.complaints.write(
        .login, from: carrier.network, to: logger, "received invalid ping: \(refusal)")
    } else {
      armHeartbeat()
    }
    channel.send(.pong(answer))
  }

  private func armHeartbeat() {
    cancelHeartbeat()
    guard let timeout = heartbeatTimeout else { return }
    heartbeatTimer = server.context.loop.schedule(after: timeout) { [unowned self] in
      // Cancelled in `close`.
      heartbeatTimer = nil
      logger.warning("heartbeat timeout")
      didEnd("heartbeat timeout", isLost: true)
    }
  }

  private func cancelHeartbeat() {
    if let heartbeatTimer { server.context.loop.cancel(heartbeatTimer) }
    heartbeatTimer = nil
  }
}
