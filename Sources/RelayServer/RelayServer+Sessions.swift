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

  /// Decides about a login; answers it either way.
  ///
  /// - Returns: whether a session was made that owns `channel` now.
  func logIn(_ login: Login, over channel: MessageChannel, on carrier: InboundCarrier) -> Bool {
    let peer = carrier.peer?.description ?? "?"
    let expected = Credentials.privilegeKey(
      secret: configuration.authentication.token.value, timestamp: login.timestamp)
    guard Credentials.areEqual(expected, login.privilegeKey) else {
      refuse(channel, peer, .loginTokenMismatch())
      return false
    }
    // The actions wait until there is a session to execute them on.
    let decision = graph.openSession(
      runID: login.runID, freshRunID: SecureRandom.hexString(byteCount: 8), user: login.user,
      clientID: login.clientID, poolCount: login.poolCount, now: context.loop.now)
    switch decision {
    case .accepted(let id, let runID):
      let client = "version [\(login.version)] hostname [\(login.hostname)]"
      logger.prefixed(by: runID).info(
        "client login info: ip [\(peer)] \(client) os [\(login.os)] arch [\(login.arch)]")
      let session = ControlSession(
        self, id: id, runID: runID, login: login, key: payloadKey, channel: channel,
        carrier: carrier)
      sessions[id] = session
      carrier.session = session
      if !carrier.isAuthenticated { carrier.accept() }
      session.begin()
      decide { _ in }
      return true
    case .refused(let text):
      refuse(channel, peer, text)
      return false
    }
  }

  private func refuse(_ channel: MessageChannel, _ peer: String, _ text: ControlErrorText) {
    logger.warning("register control error: \(text.detailed), client [\(peer)]")
    var answer = LoginResponse()
    answer.version = ProtocolVersion.current
    answer.error = text.text(isDetailed: configuration.sendsDetailedErrors)
    channel.send(.loginResponse(answer))
    channel.close()
  }

  /// A session's control connection is gone.
  func sessionDidEnd(_ session: ControlSession, _ reason: String) {
    guard sessions.removeValue(forKey: session.id) != nil else { return }
    session.logger.info("client exit success: \(reason)")
    decide { $0.closeSession(session.id, now: context.loop.now) }
  }

  // MARK: Checks

  /// Why a work connection is not welcome; `nil` when it is.
  func refusal(of greeting: NewWorkConnection) -> String? {
    guard configuration.authentication.authenticatesNewWorkConnections else { return nil }
    let expected = Credentials.privilegeKey(
      secret: configuration.authentication.token.value, timestamp: greeting.timestamp)
    if Credentials.areEqual(expected, greeting.privilegeKey) { return nil }
    return ControlErrorText.workConnectionTokenMismatch()
      .text(isDetailed: configuration.sendsDetailedErrors)
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
  func refusal(of ping: Ping) -> String? {
    guard configuration.authentication.authenticatesHeartbeats else { return nil }
    let expected = Credentials.privilegeKey(
      secret: configuration.authentication.token.value, timestamp: ping.timestamp)
    if Credentials.areEqual(expected, ping.privilegeKey) { return nil }
    return ControlErrorText.pingTokenMismatch()
      .text(isDetailed: configuration.sendsDetailedErrors)
  }

  // MARK: Proxies

  /// Asks the graph for a proxy.
  func requestProxy(_ request: NewProxy, from session: ControlSession) {
    announcements[AnnouncementKey(session: session.id, name: request.proxyName)] = request
    decide { graph in
      graph.requestProxy(
        session: session.id, name: request.proxyName, type: request.proxyType,
        remotePort: request.remotePort, now: context.loop.now,
        random: UInt64.random(in: 0...UInt64.max))
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
    case .listen(let id, let port):
      listen(for: id, port: port)
    case .stopListening(let id):
      guard let proxy = proxies.removeValue(forKey: id) else { return }
      proxy.listener.close()
      proxy.logger.info("proxy closing")
    case .replyProxyStarted(let id, let name, let remoteAddress):
      answer(id, name, remoteAddress: remoteAddress, refusal: nil)
    case .replyProxyRefused(let id, let name, let text):
      answer(id, name, remoteAddress: "", refusal: text)
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
    guard let session = sessions.removeValue(forKey: id) else { return }
    session.logger.info("replaced by client [\(session.runID)]")
    session.close()
  }

  private func answer(
    _ id: SessionID, _ name: String, remoteAddress: String, refusal: ControlErrorText?
  ) {
    let request = announcements.removeValue(forKey: AnnouncementKey(session: id, name: name))
    guard let session = sessions[id] else { return }
    var answer = NewProxyResponse()
    answer.proxyName = name
    answer.remoteAddress = remoteAddress
    answer.error = refusal?.text(isDetailed: configuration.sendsDetailedErrors) ?? ""
    let type = request.map(\.proxyType) ?? ""
    let entry = "new proxy [\(name)] type [\(type.isEmpty ? "tcp" : type)]"
    if let refusal {
      session.logger.warning("\(entry) error: \(refusal.detailed)")
    } else {
      session.logger.info("\(entry) success")
    }
    session.send(.newProxyResponse(answer))
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
    return policy
  }
}
