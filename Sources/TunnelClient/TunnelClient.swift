public import Configuration
internal import Diagnostics
internal import LinuxSystem
public import Logging
public import Reactor
internal import StreamMux
internal import Timekeeping
internal import Transports
internal import WireProtocol

/// Why a client stopped by itself.
public enum TunnelClientEnd: Equatable, Sendable {
  /// It was asked to stop.
  case stopped
  /// The first login failed, and the configuration says to exit then.
  case firstLoginFailed(String)
}

/// The tunnel client: keeps one session with the server, for ever, until told to stop.
public final class TunnelClient {
  /// Called once, when the client is done.
  public var onEnd: ((TunnelClientEnd) -> Void)?
  /// Called when a session begins, with `true`, and when it ends.
  public var onLoginChange: ((Bool) -> Void)?

  private let context: TransportContext
  private var configuration: ClientConfiguration
  private let carrierSettings: CarrierSettings
  private let resolver: Resolver
  private let health: HealthWatch
  private let logger: Logger
  private var firstLogin: FirstLogin
  private var session: ClientSession?
  private var backoff: ReconnectBackoff
  /// The run ID that the relay gave; empty before the first login.
  public private(set) var runID = ""
  private var loggedInAt: Instant? {
    didSet {
      if (loggedInAt == nil) != (oldValue == nil) { onLoginChange?(loggedInAt != nil) }
    }
  }
  private var retryTimer: TimerID?
  private var stopTimer: TimerID?
  private var pathWatch: PathWatch?
  private var isCutOff = false
  private var bridge: Bridge?
  private var isStopping = false

  /// Prepares a client.
  ///
  /// - Parameter isService: whether a supervisor runs it: it then waits for a server that it cannot
  ///   reach, whatever `login_fail_exit` says.
  /// - Throws: what cannot work whatever the server does: a certificate that cannot be read, a
  ///   local address that is none.
  public init(
    _ loop: EventLoop, configuration: ClientConfiguration, logger: Logger,
    isService: Bool = false, backoff: ReconnectBackoff = ReconnectBackoff()
  ) throws {
    self.backoff = backoff
    firstLogin = FirstLogin(
      isExitWanted: configuration.exitsWhenFirstLoginFails, isService: isService)
    context = TransportContext(loop)
    self.configuration = configuration
    self.logger = logger
    carrierSettings = try makeCarrierSettings(configuration)
    let servers = configuration.nameServer.map { ["\($0)"] } ?? []
    resolver = try Resolver(loop, servers: servers)
    health = HealthWatch(context, resolver: resolver, logger: logger)
  }

  /// Starts to log in.
  public func start() {
    let proxy = configuration.transport.upstreamProxy?.address
    pathWatch = PathWatch(
      context.loop,
      literalServer: SocketAddress(host: proxy?.host ?? configuration.serverHost, port: 0),
      chosenSource: carrierSettings.localAddress
    ) { [unowned self] event in
      // Closed in `conclude`, before `self` goes away.
      handle(event)
    }
    health.onChange = { [unowned self] name, isAlive in
      // Closed in `conclude`, before `self` goes away.
      if !isStopping { session?.serviceDidChange(name, isAlive: isAlive) }
    }
    health.follow(configuration.proxies)
    logIn()
  }

  /// Whether a session is established.
  public var isLoggedIn: Bool { loggedInAt != nil }

  /// How the proxies are, by name; none while the client is not logged in.
  public var status: [ProxyStatus] { isLoggedIn ? session?.status ?? [] : [] }

  /// Goes on with another configuration: proxies that differ in nothing keep every connection;
  /// those that differ are withdrawn and announced anew, and those that are gone are withdrawn.
  /// Running connections end by themselves.
  @discardableResult
  public func reload(_ wanted: ClientConfiguration) -> ReloadOutcome {
    var outcome = ReloadOutcome()
    guard !isStopping else { return outcome }
    var new = wanted
    outcome.restartKeys = new.keepFixedValues(of: configuration)
    let changes = EntryChanges(
      from: configuration.proxies, to: new.proxies, name: \.name)
    configuration = new
    report(changes, outcome)
    health.follow(new.proxies)
    session?.follow(new, changes)
    return outcome
  }

  private func report(_ changes: EntryChanges<ProxyConfiguration>, _ outcome: ReloadOutcome) {
    let logger = runID.isEmpty ? self.logger : self.logger.prefixed(by: RunID.shown(runID))
    logger.info("configuration reloaded")
    if !outcome.restartKeys.isEmpty {
      let keys = outcome.restartKeys.joined(separator: ", ")
      logger.warning("a restart is needed for what has changed in: \(keys)")
    }
    let changedNames = changes.changed.map(\.name)
    let removed = (changes.removedNames + changedNames).sorted().joined(separator: " ")
    if !removed.isEmpty { logger.info("proxy removed: [\(removed)]") }
    let added = (changes.added.map(\.name) + changedNames).sorted().joined(separator: " ")
    if !added.isEmpty { logger.info("proxy added: [\(added)]") }
  }

  /// Withdraws the proxies, lets running users finish for the grace period, and ends.
  /// A second call ends at once.
  public func stop() {
    guard !isStopping else { return conclude(.stopped) }
    isStopping = true
    if let retryTimer { context.loop.cancel(retryTimer) }
    retryTimer = nil
    guard let session, isLoggedIn else { return conclude(.stopped) }
    session.withdrawProxies()
    waitForUsers(until: context.loop.now + configuration.shutdownGrace)
  }

  private func waitForUsers(until deadline: Instant) {
    guard let session, session.busyWorkConnectionCount > 0, context.loop.now < deadline else {
      return conclude(.stopped)
    }
    stopTimer = context.loop.schedule(after: .milliseconds(20)) { [unowned self] in
      // Cancelled in `conclude`.
      stopTimer = nil
      waitForUsers(until: deadline)
    }
  }

  private func conclude(_ end: TunnelClientEnd) {
    for timer in [retryTimer, stopTimer] {
      if let timer { context.loop.cancel(timer) }
    }
    retryTimer = nil
    stopTimer = nil
    session?.close()
    session = nil
    pathWatch?.close()
    pathWatch = nil
    health.close()
    resolver.close()
    let onEnd = self.onEnd
    self.onEnd = nil
    onEnd?(end)
  }

  // MARK: Sessions

  private func logIn() {
    logger.log(level: firstLogin.attemptLevel, "try to connect to server...")
    let transport = configuration.transport
    var mux: MuxSettings?
    if transport.isMultiplexed {
      var settings = MuxSettings()
      settings.keepaliveInterval = transport.muxKeepaliveInterval
      settings.pingTimeout = TransportLimits.muxPingTimeout
      settings.sentFrameBodyBytesMax = TransportLimits.sentFrameBodyMax
      settings.startingWindowBytes = TransportLimits.startingWindowBytes
      mux = settings
    }
    pathWatch?.attemptWillBegin()
    var settings = carrierSettings
    settings.isUrgent = backoff.isUrgent
    let link = ServerLink(context, resolver: resolver, settings: settings, mux: mux)
    link.onConnect = { [unowned self] local, peer in
      // The link is closed with its session. The first connection is the control connection's.
      if loggedInAt == nil { pathWatch?.didConnect(from: local, to: peer) }
    }
    let session = ClientSession(
      context, resolver: resolver, health: health, configuration: configuration, link: link,
      runID: runID, logger: logger,
      onLogin: { [unowned self] runID in
        // The session is closed in `conclude`, before `self` goes away.
        didLogIn(runID)
      },
      onEnd: { [unowned self] end in sessionDidEnd(end) })
    self.session = session
    if let bridge, bridge.until <= context.loop.now { self.bridge = nil }
    session.begin(over: bridge)
  }

  private func didLogIn(_ runID: String) {
    self.runID = runID
    isCutOff = false
    bridge = nil
    firstLogin.succeeded()
    loggedInAt = context.loop.now
    backoff.didLogIn()
    logger.prefixed(by: RunID.shown(runID)).info(
      "login to server success, get run id [\(RunID.shown(runID))]")
    if !configuration.proxies.isEmpty {
      let names = configuration.proxies.map(\.name).sorted().joined(separator: " ")
      logger.prefixed(by: RunID.shown(runID)).info("proxy added: [\(names)]")
    }
  }

  private func sessionDidEnd(_ end: ClientSession.End) {
    let ended = session
    session = nil
    pathWatch?.forgetConnection()
    if isStopping { return conclude(.stopped) }
    switch end {
    case .loginFailed(let text, let isRefused):
      let wasReached = ended?.link.wasReached ?? false
      attemptDidFail(text, isRefused: isRefused, wasReached: wasReached)
    case .lost(let text, let isSilent):
      if isSilent { bridge = ended?.bridge }
      logger.warning("control connection lost: \(text)")
      let lasted = loggedInAt.map { context.loop.now - $0 } ?? .zero
      loggedInAt = nil
      retry(
        after: backoff.delayAfterSession(
          endedAt: context.loop.now, lasted: lasted, random: HostSystem.randomShare))
    }
  }

  private func attemptDidFail(_ text: String, isRefused: Bool, wasReached: Bool) {
    switch firstLogin.failed(text, isRefused: isRefused) {
    case .warn: logger.warning("connect to server error: \(text)")
    case .announce:
      logger.warning("connect to server error: \(text); waiting until the server can be reached")
    case .repeat: logger.debug("connect to server error: \(text)")
    case .exit:
      logger.warning("connect to server error: \(text)")
      return conclude(.firstLoginFailed(text))
    }
    noteWhetherCutOff()
    let random = HostSystem.randomShare
    retry(
      after: isRefused
        ? backoff.delayAfterFailure(random: random)
        : backoff.delayWithoutAnswer(wasReached: wasReached, random: random))
  }

  // MARK: The network

  private func handle(_ event: PathWatch.Event) {
    guard !isStopping else { return }
    switch event {
    case .changed(let text):
      guard let session else { return }
      logger.warning("control connection lost: \(text)")
      loggedInAt = nil
      bridge = session.bridge ?? bridge
      session.close(isAborting: true)
    case .appeared:
      // One that is being dialled was begun in another network.
      session?.close(isAborting: true)
    }
    session = nil
    if let retryTimer { context.loop.cancel(retryTimer) }
    retryTimer = nil
    backoff.networkDidChange()
    resolver.forgetNetwork()
    retry(after: TunnelClientLimits.pathSettleTime)
  }

  private func noteWhetherCutOff() {
    guard pathWatch?.isCutOff == true, !isCutOff else { return }
    isCutOff = true
    logger.warning("no route to the server, waiting for one")
  }

  private func retry(after delay: Interval) {
    retryTimer = context.loop.schedule(after: delay) { [unowned self] in
      // Cancelled in `stop` and `conclude`.
      retryTimer = nil
      logIn()
    }
  }
}

func makeCarrierSettings(_ configuration: ClientConfiguration) throws -> CarrierSettings {
  let transport = configuration.transport
  var tls: TLSContext?
  if transport.tls.isEnabled {
    tls = try TLSContext(
      .client,
      TLSSettings(
        certificate: transport.tls.certificate,
        trustedAuthoritiesPath: transport.tls.trustedAuthoritiesPath))
  }
  var localAddress: SocketAddress?
  if let host = transport.localAddress { localAddress = SocketAddress(host: host, port: 0) }
  return CarrierSettings(
    host: configuration.serverHost, port: configuration.serverPort,
    proxy: transport.upstreamProxy, localAddress: localAddress, tls: tls,
    serverName: transport.tls.serverName ?? configuration.serverHost,
    isMarkerSent: transport.tls.isEnabled && transport.tls.sendsMarkerByte,
    dialTimeout: transport.dialTimeout, keepalive: .carrier(atMost: transport.dialKeepalive))
}
