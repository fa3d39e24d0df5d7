internal import Admission
public import Configuration
internal import Diagnostics
internal import HTTPProtocol
public import LinuxSystem
public import Logging
internal import ProxyGraph
public import Reactor
internal import Timekeeping
internal import Transports
internal import WireProtocol

/// A server could not start.
public struct RelayServerError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What failed, where, and what to do.
  public let description: String
}

/// The relay: accepts clients on the bind port and users on the proxies' ports, and joins them.
///
/// `RelayGraph` decides; this class executes its actions on real sockets.
public final class RelayServer {
  /// Called once, when `stop()` has done its work.
  public var onEnd: (() -> Void)?

  let context: TransportContext
  let logger: Logger
  let admission: RelayAdmission
  let portMemory: PortMemory?

  // Exchanged by `reload`.
  var configuration: ServerConfiguration
  var tls: TLSContext
  var accounts: AccountRegister

  var graph: RelayGraph
  var sessions: [SessionID: ControlSession] = [:]
  var proxies: [ProxyID: BoundProxy] = [:]
  /// The public ports of proxies.
  var listeners: [RouteID: Listener] = [:]
  var users: [UserConnectionID: PendingUser] = [:]
  var works: [WorkConnectionID: IdleWorkConnection] = [:]
  var relays: [UserConnectionID: RunningRelay] = [:]
  /// Who answers HTTP requests.
  var httpFront: (any HTTPFront)?
  /// The places of those whose connections the HTTP driver has.
  var visitors: [UInt64: ConnectionCaps.Place] = [:]
  /// Announcements whose proxies are being made.
  var announcements: [AnnouncementKey: NewProxy] = [:]

  /// What virtual hosts share the bind port, and where the others are reached.
  var sharedPort = SharedPort(sharesHTTP: false, sharesHTTPS: false)
  var hostListeners: [Listener] = []
  var hostPorts: [VirtualHostKind: UInt16] = [:]
  var trustedProxies: TrustedProxies
  let notFoundPage: NotFoundPage
  /// For answers to CONNECT requests.
  var answerDate = AnswerDate()
  var hostCertificates = HostCertificates()

  private var listener: Listener?
  private var carriers: [ObjectIdentifier: InboundCarrier] = [:]
  private var nextConnectionNumber: UInt64 = 0
  private var graphTimer: TimerID?
  private var graphDeadline: Instant?
  private var stopTimer: TimerID?
  var expiryTimer: TimerID?
  private var isExecuting = false
  private(set) var isStopping = false

  /// Prepares a server.
  ///
  /// - Throws: a certificate, key or authority file that cannot be used.
  public init(
    _ loop: EventLoop, configuration: ServerConfiguration, logger: Logger
  ) throws(RelayServerError) {
    context = TransportContext(loop)
    self.configuration = configuration
    self.logger = logger
    do throws(TLSError) {
      tls = try RelayServer.makeTLS(configuration.transport.tls)
    } catch {
      throw RelayServerError(description: error.description)
    }
    accounts = AccountRegister(configuration)
    trustedProxies = TrustedProxies(configuration.trustedProxies)
    notFoundPage = NotFoundPage(loop, path: configuration.notFoundPagePath, logger)
    graph = RelayGraph(policy: RelayServer.makePolicy(configuration))
    portMemory = configuration.portMemoryPath.map { PortMemory(loop, path: $0, logger) }
    admission = RelayAdmission(loop, configuration, ComplaintLog(loop, logger))
  }

  static func makeTLS(_ files: ServerTLSConfiguration) throws(TLSError) -> TLSContext {
    try TLSContext(
      .server,
      TLSSettings(
        certificate: files.certificate, trustedAuthoritiesPath: files.trustedAuthoritiesPath))
  }

  /// Listens on the bind port, or on a socket that somebody else has opened.
  ///
  /// - Throws: the address with the reason, for example `address already in use`.
  public func start(
    listeningOn inherited: consuming FileDescriptor? = nil
  ) throws(RelayServerError) {
    let address = try bindAddress(inherited: inherited?.rawValue)
    do throws(Errno) {
      let socket: FileDescriptor
      if let inherited = inherited.take() {
        socket = inherited
      } else {
        socket = try Socket.listen(on: address)
      }
      listener = try Listener(
        context.loop, listening: socket, address: address,
        keepalive: .carrier(atMost: configuration.transport.tcpKeepalive)
      ) { [unowned self] socket, peer in
        // The listener is closed in `stop`, before `self` goes away.
        didAccept(socket, peer)
      }
    } catch {
      throw RelayServerError(
        description: "create server listener error, listen \(address): \(error)")
    }
    for (name, port) in portMemory?.load() ?? [] {
      graph.reservePort(port, forProxy: name, now: context.loop.now)
    }
    logger.info("frps tcp listen on \(address)")
    try openHTTP()
    for problem in readHostCertificates(configuration) { logger.error("\(problem)") }
    try listenForHosts()
    warnAboutMissingToken()
    watchExpiry()
    logger.info("frps started successfully")
  }

  private func bindAddress(inherited: CInt?) throws(RelayServerError) -> SocketAddress {
    if let inherited, let address = Socket.localAddress(inherited) { return address }
    guard
      let address = SocketAddress(
        host: configuration.bindAddress, port: configuration.bindPort)
    else {
      throw RelayServerError(
        description: "bind_addr: [\(configuration.bindAddress)] is not an IP address")
    }
    return address
  }

  /// The address of the bind port, with the port that the kernel gave.
  public var boundAddress: SocketAddress? { listener?.address }

  /// Whether TLS is demanded of every client.
  var isTLSRequired: Bool {
    let tls = configuration.transport.tls
    return tls.isRequired || tls.trustedAuthoritiesPath != nil
  }

  func warnAboutMissingToken() {
    guard configuration.authentication.token.isEmpty, configuration.usersFilePath == nil,
      let address = boundAddress, address.octets[0] != 127
    else { return }
    logger.warning(
      """
      no token is set: anybody who reaches \(address) can publish services here; \
      set `token` on both sides
      """)
  }

  // MARK: Bind port

  private func didAccept(_ descriptor: consuming FileDescriptor, _ peer: SocketAddress) {
    let network = PeerNetwork(peer)
    do throws(Errno) {
      let socket = try SocketStream(context, owning: descriptor, peer: peer)
      let carrier = InboundCarrier(self, socket, from: peer)
      carriers[ObjectIdentifier(carrier)] = carrier
      let admitted = admission.admit(carrier, from: network) { graph.requestedCount(of: $0) }
      guard let (standing, evicted) = admitted else {
        return carrier.reject("the memory limit is reached")
      }
      carrier.begin(as: standing)
      if case .stranger = standing, admission.isTurnFull(afterAnotherFrom: network) {
        listener?.endTurn()
      }
      for other in evicted { other.reject("it had to go for a newer one") }
    } catch {
      admission.complaints.write(
        .bringUp, from: network, "cannot watch a connection: \(error), client [\(peer)]")
    }
  }

  func carrierDidAuthenticate(_ carrier: InboundCarrier) {
    release(carrier)
  }

  func carrierDidClose(_ carrier: InboundCarrier) {
    release(carrier)
    carriers[ObjectIdentifier(carrier)] = nil
  }

  private func release(_ carrier: InboundCarrier) {
    if let standing = carrier.standing.take() {
      admission.release(standing, from: carrier.network)
    }
    if let id = carrier.tlsID.take() { admission.releaseTLS(id) }
  }

  func bringUpDidFail(_ carrier: InboundCarrier, _ reason: String) {
    guard !carrier.isAuthenticated else { return }
    let peer = carrier.peer?.description ?? "?"
    admission.complaints.write(
      .bringUp, from: carrier.network, at: .info,
      "connection closed before login: \(reason), client [\(peer)]")
  }

  /// Names a user or work connection.
  func makeConnectionNumber() -> UInt64 {
    nextConnectionNumber += 1
    return nextConnectionNumber
  }

  // MARK: The graph

  /// Runs `change` on the graph and executes what it decides.
  func decide(_ change: (inout RelayGraph) -> Void) {
    change(&graph)
    // An action may lead back here; the outer call then executes what was added.
    guard !isExecuting else { return }
    isExecuting = true
    while let action = graph.nextAction() { execute(action) }
    isExecuting = false
    armGraphDeadline()
  }

  private func armGraphDeadline() {
    guard let deadline = graph.nextDeadline else { return }
    if let graphDeadline, graphDeadline <= deadline { return }
    if let graphTimer { context.loop.cancel(graphTimer) }
    graphDeadline = deadline
    graphTimer = context.loop.schedule(at: deadline) { [unowned self] in
      // Cancelled in `conclude`.
      graphTimer = nil
      graphDeadline = nil
      decide { $0.handleDeadline(now: context.loop.now) }
    }
  }

  // MARK: Stopping

  /// Stops accepting, lets running users finish for the grace period, tells the clients, and ends.
  /// A second call ends at once.
  public func stop() {
    guard !isStopping else { return conclude() }
    isStopping = true
    listener?.close()
    listener = nil
    for listener in listeners.values { listener.close() }
    for listener in hostListeners { listener.close() }
    httpFront?.stop()
    waitForUsers(until: context.loop.now + configuration.shutdownGrace)
  }

  /// The number of user connections that are joined or wait.
  public var userConnectionCount: Int { users.count + relays.count }

  /// Where users reach a proxy; `nil` when it is not open.
  public func publicAddress(ofProxy name: String) -> SocketAddress? {
    proxies.values.first { $0.request.proxyName == name }.flatMap { listeners[$0.route]?.address }
  }

  /// Where the virtual hosts of a kind are reached; `nil` when they are not.
  public func publicPort(ofHosts kind: ProxyKind) -> UInt16? {
    VirtualHostKind(rawValue: kind.rawValue).flatMap { hostPorts[$0] }
  }

  /// The number of connections of visitors of HTTP.
  public var visitorCount: Int { visitors.count }

  /// The number of users whose first bytes are awaited.
  public var arrivalCount: Int { admission.arrivalCount }

  /// The number of logged-in clients.
  public var sessionCount: Int { sessions.count }

  /// The number of peers on the bind port that have not logged in.
  public var strangerCount: Int { admission.strangerCount }

  /// What was refused so far.
  public var counters: RelayCounters { admission.counters }

  private func waitForUsers(until deadline: Instant) {
    guard userConnectionCount > 0, context.loop.now < deadline else { return conclude() }
    stopTimer = context.loop.schedule(after: .milliseconds(20)) { [unowned self] in
      // Cancelled in `conclude`.
      stopTimer = nil
      waitForUsers(until: deadline)
    }
  }

  private func conclude() {
    for timer in [graphTimer, stopTimer, expiryTimer] {
      if let timer { context.loop.cancel(timer) }
    }
    graphTimer = nil
    stopTimer = nil
    expiryTimer = nil
    admission.complaints.close()
    portMemory?.close()
    admission.closeArrivals()
    httpFront?.close()
    httpFront = nil
    for relay in relays.values { relay.abort() }
    for user in users.values {
      switch user {
      case .connection(let connection): connection.stream.abort()
      case .request(let request): request.completion(.failure(.ended))
      }
    }
    for work in works.values { work.close() }
    relays = [:]
    users = [:]
    works = [:]
    for session in sessions.values { session.close() }
    sessions = [:]
    for carrier in carriers.values { carrier.close() }
    carriers = [:]
    listener?.close()
    listener = nil
    for listener in Array(listeners.values) + hostListeners { listener.close() }
    listeners = [:]
    hostListeners = []
    proxies = [:]
    let onEnd = self.onEnd
    self.onEnd = nil
    onEnd?()
  }
}
