internal import Configuration
internal import LinuxSystem
internal import Reactor
internal import StreamCoding
internal import StreamMux
internal import Timekeeping
internal import Transports
internal import WireProtocol

/// One login that publishes nothing, with the configuration's transport or another one.
final class LoginProbe {
  /// What came of it.
  enum Outcome {
    /// The relay answered.
    case answered(LoginResponse, showsFutureCertificate: Bool)
    /// There was no connection to log in over.
    case notConnected(DialError)
    /// TLS failed.
    case tlsFailed(String)
    /// The connection ended without an answer.
    case ended
    /// Something came back that is no message.
    case garbled
    /// Nothing came back in time.
    case silent
  }

  /// How to speak to the relay.
  struct Manner: Equatable {
    var isMultiplexed: Bool
    var isTLS: Bool
  }

  private let context: TransportContext
  private let login: Login
  private let mux: MuxSettings?
  private var dialer: CarrierDialer?
  private var socket: SocketStream?
  private var carrier: MuxCarrier?
  private var channel: MessageChannel?
  private var timer: TimerID?
  private var settleTimer: TimerID?
  private var completion: ((Outcome) -> Void)?

  /// Starts; `completion` comes once, unless `cancel` comes before.
  init(
    _ context: TransportContext, resolver: Resolver, settings: CarrierSettings, manner: Manner,
    login: Login, timeout: Interval, completion: @escaping (Outcome) -> Void
  ) {
    self.context = context
    self.login = login
    self.completion = completion
    mux = manner.isMultiplexed ? MuxSettings() : nil
    timer = context.loop.schedule(after: timeout) { [unowned self] in
      // Cancelled in `release`.
      timer = nil
      conclude(.silent)
    }
    dialer = CarrierDialer(context, resolver: resolver, settings: settings) {
      [unowned self] result in
      // Cancelled in `release`.
      dialer = nil
      switch result {
      case .success(let socket): begin(over: socket)
      case .failure(let error): conclude(.notConnected(error))
      }
    }
  }

  /// Gives up without a completion.
  func cancel() {
    completion = nil
    release()
  }

  private func begin(over socket: SocketStream) {
    self.socket = socket
    guard let mux else { return speak(over: socket) }
    let carrier = MuxCarrier(context, over: socket, role: .client, settings: mux)
    self.carrier = carrier
    carrier.onClose = { [unowned self] reason in
      // Cleared in `release`.
      didLose(reason)
    }
    carrier.openStream { [weak self] stream in
      guard let self, completion != nil else { return }
      if let stream { speak(over: stream) } else { conclude(.ended) }
    }
  }

  private func speak(over stream: any ByteStream) {
    let channel = MessageChannel(context, over: stream)
    self.channel = channel
    channel.onMessage = { [unowned self] message in
      // The channel is closed in `release`.
      guard case .loginResponse(let answer) = message else { return conclude(.garbled) }
      conclude(
        .answered(answer, showsFutureCertificate: socket?.showsFutureCertificate ?? false))
    }
    channel.onEnd = { [unowned self] end in
      self.channel = nil
      switch end {
      case .violated: conclude(.garbled)
      case .failed(let reason): didLose(reason)
      case .ended, .congested: conclude(.ended)
      }
    }
    channel.send(.login(login))
  }

  private func didLose(_ reason: CloseReason) {
    switch reason {
    case .tlsFailed(let text): conclude(.tlsFailed(text))
    case .muxFailed: conclude(.garbled)
    case .carrierLost: settle()
    case .reset, .failed, .codingFailed, .drainTimedOut, .tooManyBytesOfStranger:
      conclude(.ended)
    }
  }

  /// The carrier tells its streams first, and then why.
  private func settle() {
    guard settleTimer == nil, completion != nil else { return }
    settleTimer = context.loop.schedule(after: .zero) { [unowned self] in
      // Cancelled in `release`.
      settleTimer = nil
      conclude(.ended)
    }
  }

  private func conclude(_ outcome: Outcome) {
    guard let completion else { return }
    self.completion = nil
    release()
    completion(outcome)
  }

  private func release() {
    for timer in [timer, settleTimer] {
      if let timer { context.loop.cancel(timer) }
    }
    timer = nil
    settleTimer = nil
    dialer?.cancel()
    dialer = nil
    channel?.close()
    channel = nil
    carrier?.onClose = nil
    if let carrier { carrier.close() } else { socket?.close() }
    carrier = nil
    socket = nil
  }
}
