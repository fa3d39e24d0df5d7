internal import Admission
internal import Configuration
internal import Diagnostics
internal import LinuxSystem
internal import Logging
internal import ProxyGraph
internal import Reactor
internal import StreamCoding
internal import Timekeeping
internal import Transports
internal import WireProtocol

extension RelayServer {
  // MARK: Login

  /// What becomes of a login.
  enum LoginVerdict {
    /// There is a session for it.
    case accepted(SessionID, runID: String, Credential)
    /// It is refused with this text, not before this time.
    case refused(ControlErrorText, at: Instant)
    /// It gets no answer.
    case dropped
    /// It is refused with this text if that session is alive, and to be judged again if it is not.
    case contested(by: SessionID, ControlErrorText)
  }

  /// Judges a login, and notes what it says of the one who sent it.
  func judge(_ login: Login, from carrier: InboundCarrier) -> LoginVerdict {
    let proof = accounts.check(
      user: login.user, proof: login.privilegeKey, timestamp: login.timestamp)
    guard let credential = proof else {
      return judgeFailure(.loginTokenMismatch(), from: carrier)
    }
    if let verdict = accountRefusal(credential, login) {
      if case .refused(let text, _) = verdict { complain(about: text, from: carrier) }
      return verdict
    }
    // The actions wait until there is a session to execute them on.
    let decision = graph.openSession(
      runID: claimedRunID(login, credential), freshRunID: SecureRandom.hexString(byteCount: 8),
      user: login.user,
      clientID: login.clientID, host: carrier.peer?.host ?? "", poolCount: login.poolCount,
      ownPorts: credential.account?.allowedPorts.ranges, now: context.loop.now)
    switch decision {
    case .accepted(let id, let runID):
      return .accepted(id, runID: runID, credential)
    case .refused(let text):
      complain(about: text, from: carrier)
      return .refused(text, at: context.loop.now)
    case .contested(let owner, let text):
      return .contested(by: owner, text)
    }
  }

  private func judgeFailure(_ text: ControlErrorText, from carrier: InboundCarrier)
    -> LoginVerdict
  {
    complain(about: text, from: carrier)
    switch admission.throttle.handleFailure(from: carrier.network, now: context.loop.now) {
    case .answer(let time):
      if time > context.loop.now { admission.counters.slowedLogins += 1 }
      return .refused(text, at: time)
    case .drop:
      admission.counters.droppedLogins += 1
      return .dropped
    }
  }

  private func complain(about text: ControlErrorText, from carrier: InboundCarrier) {
    admission.counters.refusedLogins += 1
    let peer = carrier.peer?.description ?? "?"
    admission.complaints.write(
      .login, from: carrier.network, "register control error: \(text.detailed), client [\(peer)]")
  }

  /// Starts the session of an accepted login; `channel` belongs to it from here on.
  func beginSession(
    _ id: SessionID, runID: String, _ login: Login, _ credential: Credential,
    over channel: MessageChannel, on carrier: InboundCarrier
  ) {
    let peer = carrier.peer?.description ?? "?"
    let client = "version [\(login.version)] hostname [\(login.hostname)]"
    logger.prefixed(by: RunID.shown(runID)).info(
      "client login info: ip [\(peer)] \(client) os [\(login.os)] arch [\(login.arch)]")
    let session = ControlSession(
      self, id: id, runID: runID, login: login, credential: credential, channel: channel,
      carrier: carrier)
    sessions[id] = session
    credential.sessions.insert(id)
    admission.noteLogin(from: carrier.network)
    if !configuration.transport.isMultiplexed {
      admission.clientDidArrive(id, from: carrier.network)
    }
    carrier.session = session
    if !carrier.isAuthenticated { carrier.accept() }
    session.begin()
    decide { _ in }
  }

  /// Refuses a login with a text.
  func refuse(_ channel: MessageChannel, _ text: ControlErrorText) {
    var answer = LoginResponse()
    answer.version = ProtocolVersion.current
    answer.error = text.text(isDetailed: configuration.sendsDetailedErrors)
    channel.send(.loginResponse(answer))
    channel.close()
  }

  /// A session's control connection is gone.
  ///
  /// - Parameter isLost: whether its client did not end it.
  func sessionDidEnd(_ session: ControlSession, _ reason: String, isLost: Bool) {
    guard forget(session) else { return }
    session.logger.info("client exit success: \(reason)")
    decide { $0.closeSession(session.id, isLost: isLost, now: context.loop.now) }
  }

  private func forget(_ session: ControlSession) -> Bool {
    guard sessions.removeValue(forKey: session.id) != nil else { return false }
    session.credential.sessions.remove(session.id)
    if !configuration.transport.isMultiplexed {
      admission.clientDidLeave(session.id, from: session.carrier.network)
    }
    return true
  }

  /// Finds out whether the client of a session is alive; ends the session if it is not.
  func probe(_ id: SessionID, _ completion: @escaping (Bool) -> Void) {
    guard let session = sessions[id] else { return completion(false) }
    session.findOutWhetherAlive(completion)
  }

  // MARK: Checks

  /// Why a work connection is not welcome, and what to say.
  struct WorkConnectionRefusal {
    /// `nil` when no word is said.
    let answer: String?
  }

  /// Why a work connection is not welcome; `nil` when it is.
  func refusal(of greeting: NewWorkConnection, from carrier: InboundCarrier)
    -> WorkConnectionRefusal?
  {
    guard configuration.authentication.authenticatesNewWorkConnections else { return nil }
    let owner = graph.session(ofRunID: greeting.runID).flatMap { sessions[$0] }
    let expected = Credentials.privilegeKey(
      secret: (owner?.credential ?? accounts.shared).token, timestamp: greeting.timestamp)
    if Credentials.areEqual(expected, greeting.privilegeKey) { return nil }
    let text = ControlErrorText.workConnectionTokenMismatch()
    admission.counters.refusedWorkConnections += 1
    let peer = carrier.peer?.description ?? "?"
    admission.complaints.write(
      .workConnection, from: carrier.network, "\(text.detailed), client [\(peer)]")
    let now = context.loop.now
    // Who guesses the credential this way learns no more than by logging in.
    guard admission.throttle.handleFailure(from: carrier.network, now: now) == .answer(at: now)
    else { return WorkConnectionRefusal(answer: nil) }
    return WorkConnectionRefusal(
      answer: text.text(isDetailed: configuration.sendsDetailedErrors))
  }

  /// Why a visitor is not welcome: this version has no proxies for visitors.
  func refusal(of greeting: NewVisitorConnection) -> String {
    let isKnown = greeting.runID.isEmpty || sessions.values.contains { $0.runID == greeting.runID }
    let text: ControlErrorText =
      isKnown
      ? .visitorProxyUnknown(greeting.proxyName) : .visitorRunIDUnknown(greeting.runID)
    return text.text(isDetailed: configuration.sendsDetailedErrors)
  }

  /// Why a ping does not count; `nil` when it does.
  func refusal(of ping: Ping, from session: ControlSession) -> String? {
    guard configuration.authentication.authenticatesHeartbeats else { return nil }
    let expected = Credentials.privilegeKey(
      secret: session.credential.token, timestamp: ping.timestamp)
    if Credentials.areEqual(expected, ping.privilegeKey) { return nil }
    return ControlErrorText.pingTokenMismatch()
      .text(isDetailed: configuration.sendsDetailedErrors)
  }

  // MARK: Proxies

  /// Asks the graph for a proxy.
  func requestProxy(_ request: NewProxy, from session: ControlSession) {
    announcements[AnnouncementKey(session: session.id, name: request.proxyName)] = request
    if let refusal = accountRefusal(of: request, from: session) {
      return refuseProxy(request.proxyName, of: session.id, refusal)
    }
    decide { graph in
      graph.requestProxy(
        session: session.id, request, now: context.loop.now, random: HostSystem.randomNumber)
    }
  }

  /// Withdraws a proxy.
  func closeProxy(_ name: String, from session: ControlSession) {
    decide { $0.closeProxy(session: session.id, name: name, now: context.loop.now) }
  }

  // MARK: Actions

  /// Executes one decision of the graph.
  func execute(_ action: RelayAction) {
    switch action {
    case .closeSession(let id):
      replace(id)
    case .probeSession(let id):
      probe(id) { [unowned self] isAlive in
        // The probe ends with its session, before the server goes away.
        if isAlive { decide { $0.sessionDidAnswer(id) } }
      }
    case .listen(let id, let port):
      listen(for: id, port: port)
    case .stopListening(let id):
      stopListening(for: id)
    case .openProxy(let id, let remoteAddress):
      openProxy(id, remoteAddress: remoteAddress)
    case .closeProxy(let id):
      closeProxy(id)
    case .replyProxyRefused(let id, let name, let text):
      refuseProxy(name, of: id, text)
    case .requestWorkConnection(let id):
      sessions[id]?.send(.requestWorkConnection(RequestWorkConnection()))
    case .join(let user, let work, let proxy):
      join(user, work, proxy)
    case .closeUser(let id, let reason):
      closeUser(id, reason)
    case .closeWork(let id):
      closeWork(id)
    case .refuseWork(let id, let text):
      refuseWork(id, text.text(isDetailed: configuration.sendsDetailedErrors))
    }
  }

  private func replace(_ id: SessionID) {
    guard let session = sessions[id], forget(session) else { return }
    admission.counters.replacedSessions += 1
    session.logger.info("replaced by client [\(RunID.shown(session.runID))]")
    // Nothing of it stays: its client is here already, and what is under way belongs to nobody.
    session.close(isAborting: true)
  }
}

extension RelayServer {
  /// The rules of the configuration, as the graph wants them.
  static func makePolicy(_ configuration: ServerConfiguration) -> RelayPolicy {
    var policy = RelayPolicy()
    policy.allowedPorts = configuration.allowedPorts.ranges
    policy.portsPerSessionMax = configuration.portsPerClientMax ?? 0
    policy.poolCountMax = configuration.transport.poolCountMax
    policy.userWaitLimit = configuration.userConnectionTimeout
    policy.subdomainHost = configuration.subdomainHost ?? ""
    policy.groups.settings = makeGroupSettings(configuration.groups)
    policy.groups.named = configuration.namedGroups.mapValues { makeGroupSettings($0) }
    return policy
  }

  private static func makeGroupSettings(_ configuration: GroupConfiguration) -> GroupSettings {
    var settings = GroupSettings()
    settings.policy =
      switch configuration.policy {
      case .roundRobin: .roundRobin
      case .random: .random
      case .leastConnections: .leastConnections
      case .sourceHash: .sourceHash
      }
    settings.failureCountMax = configuration.failureCountMax
    settings.ejectionTime = configuration.failureTime
    settings.slowStart = configuration.slowStart
    settings.weightKey = configuration.weightKey
    return settings
  }
}
