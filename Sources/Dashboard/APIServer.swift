public import HTTPProtocol
public import LinuxSystem
public import Logging
internal import Reactor
public import Transports

/// How a server of ours is reached, and by whom.
public struct APIServerSettings {
  /// Where it listens.
  public var address: SocketAddress
  /// The user to ask for; without user and password everybody is let in.
  public var user: String
  /// His password.
  public var password: String
  /// For TLS; `nil` for plain HTTP.
  public var tls: TLSContext?
  /// Names of the machine that requests without credentials may have as their host, beside
  /// addresses and `localhost`. A browser that was led here by a name of a stranger's has none.
  public var hostNames: Set<String> = []

  /// Whether everybody is let in.
  public var isOpen: Bool { user.isEmpty && password.isEmpty }

  /// Puts it together.
  public init(address: SocketAddress, user: String, password: String, tls: TLSContext? = nil) {
    self.address = address
    self.user = user
    self.password = password
    self.tls = tls
  }
}

/// An HTTP server for interfaces of our own (http-api.md 1), on the loop that does everything else.
///
/// Requests are read whole, one after the other on each connection; bodies, connections and time
/// are bounded, so that a slow or rude client costs little and disturbs nobody.
public final class APIServer {
  /// Answers a request; the answer may come at once or later, and is given exactly once.
  public typealias Handler = (
    _ request: APIRequest, _ parameters: [String: String],
    _ answer: @escaping (HTTPAnswer) -> Void
  ) -> Void

  // In a class, so that a route holds a reference and not a closure.
  private final class Route: Sendable {
    let index: Int
    let isOpen: Bool
    let hasEffect: Bool

    init(index: Int, isOpen: Bool, hasEffect: Bool) {
      self.index = index
      self.isOpen = isOpen
      self.hasEffect = hasEffect
    }
  }

  let context: TransportContext
  let settings: APIServerSettings
  private let logger: Logger
  private var routes = APIRoutes<Route>()
  private var handlers: [Handler] = []
  private var listener: Listener?
  private var connections: [ObjectIdentifier: APIConnection] = [:]
  private var answerDate = AnswerDate()

  /// Describes a server; `start()` opens it.
  public init(_ context: TransportContext, _ settings: APIServerSettings, logger: Logger) {
    self.context = context
    self.settings = settings
    self.logger = logger
    add(nil, "/healthz", isOpen: true) { _, _, answer in answer(.done) }
  }

  /// Adds a route; see `APIRoutes` for patterns.
  ///
  /// - Parameters:
  ///   - method: `nil` for all.
  ///   - isOpen: whether nobody is asked for credentials.
  ///   - hasEffect: whether something is different afterwards: pages of other sites are refused. As
  ///     a rule everything but a GET.
  public func add(
    _ method: HTTPMethod?, _ pattern: String, isOpen: Bool = false, hasEffect: Bool? = nil,
    _ handler: @escaping Handler
  ) {
    let route = Route(
      index: handlers.count, isOpen: isOpen, hasEffect: hasEffect ?? (method != .get))
    routes.add(method, pattern, route)
    handlers.append(handler)
  }

  /// Listens.
  ///
  /// - Throws: what bind or listen said.
  public func start() throws(Errno) {
    listener = try Listener(context.loop, address: settings.address) {
      [unowned self] descriptor, peer in
      // The listener is closed in `close`, before `self` goes away.
      didAccept(descriptor, peer)
    }
  }

  /// Where it listens, with the port that the kernel gave.
  public var boundAddress: SocketAddress? { listener?.address }

  /// The value of `Date` in answers of this moment.
  var dateText: String { answerDate.text(at: Int(HostSystem.unixSeconds)) }

  /// The number of open connections.
  public var connectionCount: Int { connections.count }

  /// Stops listening and ends all connections.
  public func close() {
    listener?.close()
    listener = nil
    for connection in connections.values { connection.close() }
    connections = [:]
  }

  private func didAccept(_ descriptor: consuming FileDescriptor, _ peer: SocketAddress) {
    let stream: SocketStream
    do throws(Errno) {
      stream = try SocketStream(context, owning: descriptor, peer: peer)
    } catch {
      logger.warning("cannot watch a connection to the web server: \(error), client [\(peer)]")
      return
    }
    if connections.count >= DashboardLimits.connectionCountMax,
      let stalest = connections.values.min(by: { $0.lastActiveAt < $1.lastActiveAt })
    {
      stalest.close()
    }
    let connection = APIConnection(self, stream)
    connections[ObjectIdentifier(connection)] = connection
    connection.begin()
  }

  func connectionDidEnd(_ connection: APIConnection) {
    connections[ObjectIdentifier(connection)] = nil
  }

  /// Answers one request; an unknown path or method without asking for credentials (http-api.md 1).
  func handle(_ request: APIRequest, _ answer: @escaping (HTTPAnswer) -> Void) {
    switch routes.match(request.method, path: request.path) {
    case .notFound: answer(.pageNotFound)
    case .methodNotAllowed: answer(.methodNotAllowed)
    case .found(let route, let parameters):
      guard !route.isOpen else { return handlers[route.index](request, parameters, answer) }
      if let refusal = refusal(of: request, hasEffect: route.hasEffect) { return answer(refusal) }
      guard request.isAuthorized(user: settings.user, password: settings.password) else {
        _ = context.loop.schedule(after: DashboardLimits.refusalDelay) { answer(.unauthorized()) }
        return
      }
      logger.info("http request: [\(request.path)]")
      handlers[route.index](request, parameters) { [logger] result in
        logger.info("http response [\(request.path)]: code [\(result.status.code)]")
        answer(result)
      }
    }
  }

  /// What a browser is told that a stranger's page, or a stranger's name for this machine, has led
  /// here; `nil` for everybody else.
  private func refusal(of request: APIRequest, hasEffect: Bool) -> HTTPAnswer? {
    if hasEffect, request.isCrossSite {
      logger.warning("http request refused, from a page of another site: [\(request.path)]")
      return HTTPAnswer(.forbidden, text: "requests of other sites' pages are refused")
    }
    let host = request.head.routingHost
    if settings.isOpen, !host.isEmpty, host != "localhost", !settings.hostNames.contains(host),
      SocketAddress(host: host, port: 0) == nil
    {
      logger.warning("http request refused, for the host [\(host)]: [\(request.path)]")
      return HTTPAnswer(
        .forbidden, text: "without user and password this server answers to its addresses only")
    }
    return nil
  }
}
