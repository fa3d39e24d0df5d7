internal import Configuration
internal import Diagnostics
internal import LinuxSystem
internal import StreamCoding
internal import Transports
internal import WireProtocol

/// The login: first as configured; if nothing sensible comes back, in the other manners that a
/// relay may want; then what the stranger says.
extension ClientDoctor {
  private var configuredManner: LoginProbe.Manner {
    LoginProbe.Manner(
      isMultiplexed: configuration.transport.isMultiplexed, isTLS: settings.tls != nil)
  }

  /// Logs in as configured.
  func logIn() {
    probe(configuredManner) { [unowned self] outcome in
      // Cancelled by whoever ends the doctor.
      switch outcome {
      case .answered(let answer, let showsFutureCertificate):
        if showsFutureCertificate { addFutureCertificate() }
        if answer.error.isEmpty { didLogIn(answer) } else { addRefusal(answer.error) }
      case .notConnected(let error):
        add(
          "login", .fault(settings.proxy == nil ? .unreachable : .upstreamProxy),
          error.description)
        relayIsDone()
      case .tlsFailed(let text):
        guard let fault = Self.certificateFault(text) else { return tryOtherManners() }
        add("TLS", .fault(fault), certificateText(text, fault))
        relayIsDone()
      case .ended, .garbled, .silent: tryOtherManners(isSilent: outcome.isSilent)
      }
    }
  }

  private func probe(
    _ manner: LoginProbe.Manner, _ completion: @escaping (LoginProbe.Outcome) -> Void
  ) {
    var settings = settings
    if !manner.isTLS {
      settings.tls = nil
    } else if settings.tls == nil {
      settings.tls = try? TLSContext(.client, TLSSettings())
    }
    let probe = LoginProbe(
      context, resolver: resolver, settings: settings, manner: manner,
      login: makeLogin(isSecretShown: manner.isTLS || !configuredManner.isTLS),
      timeout: manner == configuredManner ? times.login : times.otherLogin, completion: completion)
    enter("login") { probe.cancel() }
  }

  /// - Parameter isSecretShown: whether the token may be proved; not in the clear, where the
  ///   configuration wants TLS. Any answer tells that somebody understood.
  private func makeLogin(isSecretShown: Bool) -> Login {
    Login(of: configuration, isSecretShown: isSecretShown)
  }

  // MARK: An answer

  private func didLogIn(_ answer: LoginResponse) {
    let program = answer.extensions.isEmpty ? "frps" : "frps of swift-frp"
    let version = answer.version.isEmpty ? "" : ", protocol \(answer.version)"
    add("login", .good, "the relay lets this client in: \(program)\(version)")
    lookAtPublicPorts()
  }

  private func addRefusal(_ text: String) {
    add("login", .fault(Self.refusal(text)), "the relay refuses: \(text)")
    relayIsDone()
  }

  /// What a refusal means; relays of frp and ours have these words.
  static func refusal(_ text: String) -> DoctorFault {
    let text = text.lowercased()
    if text.contains("token") { return .wrongToken }
    if text.contains("version") { return .version }
    if text.contains("as many clients") { return .relayFull }
    if text.contains("not let in") { return .account }
    return .refusedLogin
  }

  // MARK: TLS

  private func addFutureCertificate() {
    add(
      "clock", .fault(.clock),
      "the relay's certificate begins to hold only later than it is here: \(clockText)")
  }

  private var clockText: String {
    let now = LogClock.system.now()
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(now.year)-\(two(now.month))-\(two(now.day)) \(two(now.hour)):\(two(now.minute))"
  }

  /// What is wrong with certificates; `nil` when it is something else. The words are OpenSSL's.
  static func certificateFault(_ text: String) -> DoctorFault? {
    let text = text.lowercased()
    if text.contains("alert certificate required") || text.contains("alert bad certificate")
      || text.contains("alert unknown ca") || text.contains("alert handshake failure")
    {
      return .certificateWanted
    }
    guard text.contains("certificate:") else { return nil }
    if text.contains("not yet valid") { return .clock }
    if text.contains("expired") { return .certificateExpired }
    if text.contains("hostname mismatch") || text.contains("ip address mismatch") {
      return .certificateName
    }
    return .certificateUntrusted
  }

  private func certificateText(_ text: String, _ fault: DoctorFault) -> String {
    switch fault {
    case .clock, .certificateExpired: return "\(text); the clock of this machine says \(clockText)"
    case .certificateName:
      return "\(text): the relay's certificate is not for \(settings.serverName)"
    case _: return text
    }
  }

  // MARK: Other manners

  private func tryOtherManners(isSilent: Bool = false) {
    let own = configuredManner
    let others: [(LoginProbe.Manner, DoctorFault)] = [
      (.init(isMultiplexed: !own.isMultiplexed, isTLS: own.isTLS), .muxMismatch),
      (
        .init(isMultiplexed: own.isMultiplexed, isTLS: !own.isTLS),
        own.isTLS ? .tlsNotSpoken : .tlsRequired
      ),
      (.init(isMultiplexed: !own.isMultiplexed, isTLS: !own.isTLS), .muxAndTLSMismatch),
    ]
    tryManner(others[...], isSilent: isSilent)
  }

  private func tryManner(
    _ others: ArraySlice<(LoginProbe.Manner, DoctorFault)>, isSilent: Bool
  ) {
    guard let (manner, fault) = others.first else { return listen(isSilent: isSilent) }
    probe(manner) { [unowned self] outcome in
      // Cancelled by whoever ends the doctor.
      switch outcome {
      case .answered:
        add("login", .fault(fault), mannerText(fault))
        relayIsDone()
      case .tlsFailed(let text) where Self.certificateFault(text) == .certificateWanted:
        add("TLS", .fault(.certificateWanted), text)
        relayIsDone()
      case .notConnected, .tlsFailed, .ended, .garbled, .silent:
        tryManner(others.dropFirst(), isSilent: isSilent)
      }
    }
  }

  private func mannerText(_ fault: DoctorFault) -> String {
    let own = configuredManner
    let mux = "tcp_mux is \(own.isMultiplexed) here and \(!own.isMultiplexed) at the relay"
    switch fault {
    case .muxMismatch: return mux
    case .tlsRequired: return "the relay takes TLS only, and tls_enable is false here"
    case .tlsNotSpoken: return "the relay answers without TLS only, and tls_enable is true here"
    case _: return "\(mux); and TLS is \(own.isTLS ? "on" : "off") here and not at the relay"
    }
  }

  private func listen(isSilent: Bool) {
    var settings = settings
    settings.tls = nil
    let probe = WordsProbe(context, resolver: resolver, settings: settings, timeout: times.words) {
      [unowned self] words in
      // Cancelled by whoever ends the doctor.
      if words.isEmpty, isSilent {
        add("login", .fault(.silent), "the relay takes the connection and says nothing to a login")
      } else if words.isEmpty {
        add(
          "login", .fault(.notFrps),
          "whoever listens there hangs up on a login in every manner of frp")
      } else {
        add("login", .fault(.notFrps), "whoever listens there is no frps; it says \"\(words)\"")
      }
      relayIsDone()
    }
    enter("login") { probe.cancel() }
  }
}

extension LoginProbe.Outcome {
  fileprivate var isSilent: Bool {
    if case .silent = self { return true }
    return false
  }
}
