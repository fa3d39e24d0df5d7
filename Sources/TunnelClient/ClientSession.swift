internal import Configuration
internal import Diagnostics
internal import LinuxSystem
internal import Logging
internal import Reactor
internal import StreamCoding
internal import Timekeeping
internal import Transports
internal import WireProtocol

/// One login and what follows from it: the control connection, the announced proxies, and the work
/// connections, until the control connection ends.
///
/// States: logging in; established; over.
final class ClientSession {
  /// How a session ended.
  enum End {
    /// The login failed; why. `isRefused` when the server said no.
    case loginFailed(String, isRefused: Bool)
    /// An established session ended; why. `isSilent` when the server does not know it yet.
    case lost(String, isSilent: Bool)
  }

  let context: TransportContext
  private let resolver: Resolver
  private let health: HealthWatch
  private(set) var configuration: ClientConfiguration
  private var proxyConfigurations: [String: ProxyConfiguration]
  let link: ServerLink
  private let onLogin: (_ runID: String) -> Void
  private(set) var onEnd: ((End) -> Void)?
  private(set) var logger: Logger
  private var channel: MessageChannel?
  private var runID: String
  private(set) var isEstablished = false
  private(set) var isPeerOurs = false
  var proxies: [String: AnnouncedProxy] = [:]
  var limiters: [String: BandwidthLimiter] = [:]
  var works: [ObjectIdentifier: ClientWorkConnection] = [:]
  /// Set while users are served beside a former session.
  var bridging: Bridging?
  private var terms: ClientWorkConnection.Terms?
  private var loginTimer: TimerID?
  private var heartbeatTimer: TimerID?
  private var announceTimer: TimerID?
  private var announceDeadline: Instant?
  private var lastHeard: Instant

  private let controlKey: [UInt8]

  /// Prepares a session; `begin()` starts it.
  init(
    _ context: TransportContext, resolver: Resolver, health: HealthWatch,
    configuration: ClientConfiguration, link: ServerLink, runID: String, logger: Logger,
    onLogin: @escaping (String) -> Void,
    onEnd: @escaping (End) -> Void
  ) {
    self.context = context
    self.resolver = resolver
    self.health = health
    self.configuration = configuration
    proxyConfigurations = Self.byName(configuration.proxies)
    self.link = link
    self.runID = runID
    self.logger = logger
    self.onLogin = onLogin
    self.onEnd = onEnd
    controlKey = StreamKey.derive(from: configuration.authentication.token.value)
    lastHeard = context.loop.now
  }

  /// Dials and logs in; first serves the users of the former session, if there is a bridge to it.
  func begin(over bridge: Bridge? = nil) {
    link.onLost = { [unowned self] reason in
      // `finish` closes the link, which clears this closure.
      finish(
        isEstablished
          ? .lost("\(reason)", isSilent: Self.isSilent(reason))
          : .loginFailed(loginText(.failed(reason)), isRefused: false))
    }
    if let bridge { beginBridging(bridge) } else { beginLogin() }
  }

  /// Whether the server has not been heard of, and perhaps has not noticed.
  private static func isSilent(_ reason: CloseReason) -> Bool {
    switch reason {
    case .muxFailed: true
    case .failed(let error): error == .timedOut
    case .reset, .tlsFailed, .codingFailed, .carrierLost, .drainTimedOut, .tooManyBytesOfStranger:
      false
    }
  }

  /// Logs in, over the link as it is.
  func beginLogin() {
    loginTimer = context.loop.schedule(
      after: configuration.transport.dialTimeout + TunnelClientLimits.loginTimeout
    ) { [unowned self] in
      // Cancelled in `finish` and at login.
      loginTimer = nil
      finish(.loginFailed("the server does not answer the login", isRefused: false))
    }
    link.open { [weak self] result in
      guard let self, onEnd != nil else { return }
      switch result {
      case .success(let stream): logIn(over: stream)
      case .failure(let error): finish(.loginFailed(error.description, isRefused: false))
      }
    }
  }

  /// The number of work connections that carry a user's bytes.
  var busyWorkConnectionCount: Int { works.values.count { $0.isBusy } }

  /// Withdraws all proxies, so that no new user comes.
  func withdrawProxies() {
    for name in proxies.keys.sorted() { withdraw(wireName(name)) }
    proxies = [:]
  }

  /// Ends the session at once, without an event. With `isAborting` the server is not told: it
  /// would not hear it.
  func close(isAborting: Bool = false) {
    onEnd = nil
    release(isAborting: isAborting)
  }

  // MARK: Login

  private func logIn(over stream: any ByteStream) {
    let channel = MessageChannel(context, over: stream)
    self.channel = channel
    channel.onMessage = { [unowned self] message in
      // `release` closes the channel, which clears its closures.
      handle(message)
    }
    channel.onEnd = { [unowned self] reason in
      self.channel = nil
      // Why the carrier is lost, the link says next.
      if reason == .failed(.carrierLost) { return }
      finish(
        isEstablished
          ? .lost("\(reason)", isSilent: false) : .loginFailed(loginText(reason), isRefused: false))
    }
    var login = Login(of: configuration)
    login.clientID = configuration.clientID
    login.runID = runID
    login.poolCount = configuration.transport.poolCount
    login.extensions = .ours
    channel.send(.login(login))
  }

  private func loginText(_ reason: MessageChannelEnd) -> String {
    // A server with another mux or TLS setting closes without an answer (wire-protocol.md 1.1).
    switch reason {
    case .ended, .failed(.reset), .failed(.carrierLost):
      "\(reason); if the address is right, check that tcp_mux and tls settings agree"
    case .failed, .violated, .congested: "\(reason)"
    }
  }

  private func handle(_ message: Message) {
    guard isEstablished else { return handleLoginAnswer(message) }
    lastHeard = context.loop.now
    switch message {
    case .requestWorkConnection: openWorkConnection()
    case .newProxyResponse(let answer): handleProxyAnswer(answer)
    case .pong(let pong): handlePong(pong)
    case .login, .loginResponse, .newProxy, .closeProxy, .newWorkConnection,
      .startWorkConnection, .newVisitorConnection, .newVisitorConnectionResponse, .ping,
      .udpPacket, .natHoleVisitor, .natHoleClient, .natHoleResponse, .natHoleSid,
      .natHoleReport:
      break
    }
  }

  private func handleLoginAnswer(_ message: Message) {
    guard case .loginResponse(let answer) = message else {
      return finish(.loginFailed("the server did not answer the login", isRefused: false))
    }
    guard answer.error.isEmpty else {
      return finish(.loginFailed(answer.error, isRefused: true))
    }
    if let loginTimer { context.loop.cancel(loginTimer) }
    loginTimer = nil
    isEstablished = true
    runID = answer.runID
    isPeerOurs = answer.extensions.contains(.halfClose)
    logger = logger.prefixed(by: RunID.shown(runID))
    channel?.startEncryption(key: controlKey)
    (channel?.stream as? SocketStream)?.limitSilence()
    proxies = [:]
    onLogin(runID)
    startHeartbeats()
    for proxy in configuration.proxies {
      proxies[proxy.name] = announced(proxy, now: context.loop.now)
      limiters[proxy.name] = makeLimiter(proxy)
    }
    announceDueProxies()
  }

  // MARK: Proxies

  /// Goes on with other proxies: those that differ in nothing keep their ports and connections, and
  /// running connections of the others go on until they end by themselves.
  func follow(_ configuration: ClientConfiguration, _ changes: EntryChanges<ProxyConfiguration>) {
    self.configuration = configuration
    proxyConfigurations = Self.byName(configuration.proxies)
    // At the login all of them are announced.
    guard isEstablished else { return }
    for name in changes.removedNames + changes.changed.map(\.name) {
      proxies[name] = nil
      limiters[name] = nil
      withdraw(wireName(name))
    }
    let now = context.loop.now
    for proxy in changes.changed + changes.added {
      proxies[proxy.name] = announced(proxy, now: now)
      limiters[proxy.name] = makeLimiter(proxy)
      announceIfDue(proxy, now: now)
    }
  }

  private func announced(_ proxy: ProxyConfiguration, now: Instant) -> AnnouncedProxy {
    AnnouncedProxy(now: now, isServiceThere: health.isAlive(proxy.name))
  }

  /// Announces a proxy whose local service has begun to answer, or withdraws one whose service does
  /// not answer any more; its running connections go on.
  func serviceDidChange(_ name: String, isAlive: Bool) {
    guard isEstablished, let proxy = proxyConfigurations[name] else { return }
    let entryLogger = logger.prefixed(by: name)
    if isAlive {
      entryLogger.info("health check success")
      proxies[name]?.serviceDidAnswer(now: context.loop.now)
      announceIfDue(proxy, now: context.loop.now)
    } else {
      entryLogger.info("health check failed")
      if proxies[name]?.serviceDidFail() == true { withdraw(wireName(name)) }
    }
  }

  /// How the proxies are, by name.
  var status: [ProxyStatus] {
    configuration.proxies.compactMap { proxy in
      proxies[proxy.name].map {
        ProxyStatus(proxy, $0, of: configuration)
      }
    }
  }

  private static func byName(_ proxies: [ProxyConfiguration]) -> [String: ProxyConfiguration] {
    Dictionary(proxies.map { ($0.name, $0) }) { first, _ in first }
  }

  private func withdraw(_ wireName: String) {
    var message = CloseProxy()
    message.proxyName = wireName
    channel?.send(.closeProxy(message))
  }

  private func wireName(_ name: String) -> String {
    configuration.user.isEmpty ? name : "\(configuration.user).\(name)"
  }

  private func localName(_ wireName: String) -> String {
    let prefix = configuration.user.isEmpty ? "" : "\(configuration.user)."
    return wireName.hasPrefix(prefix) ? String(wireName.dropFirst(prefix.count)) : wireName
  }

  private func announceDueProxies() {
    if let announceTimer { context.loop.cancel(announceTimer) }
    announceTimer = nil
    announceDeadline = nil
    let now = context.loop.now
    for proxy in configuration.proxies { announceIfDue(proxy, now: now) }
  }

  private func announceIfDue(_ proxy: ProxyConfiguration, now: Instant) {
    if proxies[proxy.name]?.announceIfDue(now: now) == true {
      channel?.send(.newProxy(announcement(of: proxy)))
    }
    if let next = proxies[proxy.name]?.nextAnnouncement { armAnnouncement(at: next) }
  }

  /// Looks at all proxies at the earliest moment at which one of them may have to be announced;
  /// never for each of them.
  private func armAnnouncement(at instant: Instant) {
    if let announceDeadline, announceDeadline <= instant { return }
    if let announceTimer { context.loop.cancel(announceTimer) }
    announceDeadline = instant
    announceTimer = context.loop.schedule(at: instant) { [unowned self] in
      // Cancelled in `release`.
      announceDueProxies()
    }
  }

  /// The limiter of a proxy in client mode; `nil` when there is nothing to limit.
  private func makeLimiter(_ proxy: ProxyConfiguration) -> BandwidthLimiter? {
    guard proxy.bandwidthLimitMode == .client, let limit = proxy.bandwidthLimit,
      limit.bytesPerSecond > 0
    else { return nil }
    return BandwidthLimiter(context.loop, bytesPerSecond: limit.bytesPerSecond)
  }

  private func announcement(of proxy: ProxyConfiguration) -> NewProxy {
    var message = NewProxy()
    message.proxyName = wireName(proxy.name)
    message.proxyType = proxy.kind.rawValue
    message.useEncryption = proxy.usesEncryption
    message.useCompression = proxy.usesCompression
    message.bandwidthLimit = proxy.bandwidthLimit?.text ?? ""
    // As frp: the client's part needs no word.
    if proxy.bandwidthLimitMode == .server {
      message.bandwidthLimitMode = proxy.bandwidthLimitMode.rawValue
    }
    if let balancing = proxy.loadBalancing {
      message.group = balancing.group
      message.groupKey = balancing.key.value
    }
    message.metas = proxy.metadata
    message.annotations = proxy.annotations
    message.describe(proxy.service)
    return message
  }

  private func handleProxyAnswer(_ answer: NewProxyResponse) {
    let name = localName(answer.proxyName)
    guard let phase = proxies[name]?.phase, phase != .checkFailed else {
      // Withdrawn before the answer came; once more, if the server did not know it then.
      if answer.error.isEmpty { withdraw(answer.proxyName) }
      return
    }
    let entryLogger = logger.prefixed(by: name)
    proxies[name]?.handleAnswer(
      error: answer.error, remoteAddress: answer.remoteAddress, now: context.loop.now)
    if answer.error.isEmpty {
      entryLogger.info("start proxy success")
    } else {
      entryLogger.warning("start error: \(answer.error)")
    }
    if let next = proxies[name]?.nextAnnouncement { armAnnouncement(at: next) }
  }

  private func runningProxy(_ wireName: String) -> ProxyConfiguration? {
    let name = localName(wireName)
    switch proxies[name]?.phase {
    // Without mux a user may overtake the answer to the announcement: the server has him because it
    // listens already.
    case .running, .waitStart: return proxyConfigurations[name]
    case .new, .startError, .checkFailed, nil: return nil
    }
  }

  // MARK: Work connections

  func openWorkConnection(_ terms: ClientWorkConnection.Terms? = nil) {
    guard works.count < TunnelClientLimits.workConnectionCountMax else {
      logger.warning("too many work connections; the server's request is ignored")
      return
    }
    let work = ClientWorkConnection(
      context, resolver: resolver, terms: terms ?? workTerms(), logger: logger)
    works[ObjectIdentifier(work)] = work
    link.open { [weak self] result in
      guard let self, onEnd != nil else { return }
      switch result {
      case .success(let stream): work.begin(over: stream)
      case .failure(let error):
        logger.warning("work connection: \(error)")
        works[ObjectIdentifier(work)] = nil
      }
    }
  }

  /// Made once, at the first work connection: the login is over by then.
  private func workTerms() -> ClientWorkConnection.Terms {
    if let terms { return terms }
    let made = makeTerms(
      onStart: {}, onEnd: { [weak self] work in self?.works[ObjectIdentifier(work)] = nil })
    terms = made
    return made
  }

  func makeTerms(
    onStart: @escaping () -> Void, onEnd: @escaping (ClientWorkConnection) -> Void
  ) -> ClientWorkConnection.Terms {
    ClientWorkConnection.Terms(
      payloadKey: controlKey, isHalfCloseKept: isPeerOurs,
      makeGreeting: { [unowned self] in greeting() },
      // Called while the session lives: `release` aborts its work connections.
      findProxy: { [unowned self] in runningProxy($0) },
      findLimiter: { [unowned self] in limiters[$0] }, onStart: onStart, onEnd: onEnd)
  }

  private func greeting() -> NewWorkConnection {
    var greeting = NewWorkConnection()
    greeting.runID = runID
    if configuration.authentication.authenticatesNewWorkConnections {
      greeting.timestamp = HostSystem.unixSeconds
      greeting.privilegeKey = Credentials.privilegeKey(
        secret: configuration.authentication.token.value, timestamp: greeting.timestamp)
    }
    return greeting
  }

  // MARK: Heartbeats

  private func startHeartbeats() {
    lastHeard = context.loop.now
    guard configuration.transport.heartbeatInterval != nil else { return }
    sendHeartbeat()
  }

  private func sendHeartbeat() {
    guard let interval = configuration.transport.heartbeatInterval else { return }
    if let timeout = configuration.transport.heartbeatTimeout,
      context.loop.now - lastHeard > timeout
    {
      return finish(.lost("heartbeat timeout", isSilent: true))
    }
    var ping = Ping()
    if configuration.authentication.authenticatesHeartbeats {
      ping.timestamp = HostSystem.unixSeconds
      ping.privilegeKey = Credentials.privilegeKey(
        secret: configuration.authentication.token.value, timestamp: ping.timestamp)
    }
    logger.debug("send heartbeat to server")
    channel?.send(.ping(ping))
    heartbeatTimer = context.loop.schedule(after: interval) { [unowned self] in
      // Cancelled in `release`.
      heartbeatTimer = nil
      sendHeartbeat()
    }
  }

  private func handlePong(_ pong: Pong) {
    guard !pong.error.isEmpty else { return }
    finish(.lost("pong contains error: \(pong.error)", isSilent: false))
  }

  // MARK: End

  func finish(_ end: End) {
    guard let onEnd else { return }
    self.onEnd = nil
    release()
    onEnd(end)
  }

  private func release(isAborting: Bool = false) {
    for timer in [loginTimer, heartbeatTimer, announceTimer, bridging?.timer] {
      if let timer { context.loop.cancel(timer) }
    }
    loginTimer = nil
    heartbeatTimer = nil
    announceTimer = nil
    bridging = nil
    if isAborting { channel?.abort() } else { channel?.close() }
    channel = nil
    // Ended over mux by the link; without mux they are connections of their own.
    let abandoned = works.values.filter { !$0.isBusy || isEstablished }
    works = [:]
    link.close(isAborting: isAborting)
    for work in abandoned { work.abort() }
  }
}
