public import Configuration
internal import Dashboard
internal import HTTPProtocol
public import LinuxSystem
public import Logging
public import Reactor
internal import Timekeeping
internal import Transports
public import TunnelClient

/// What the admin server can ask of the program that it belongs to.
public struct AdministeredClient {
  /// The configuration file; `nil` when there is none.
  public var file: String?
  /// How the proxies are.
  public var status: () -> [ProxyStatus]
  /// Reads the files again and goes on with them.
  ///
  /// - Returns: what is wrong with them; none when they are in force.
  public var reload: (_ isStrict: Bool) -> [ConfigurationIssue]
  /// What the files say now; `nil` when they cannot be used.
  public var loaded: () -> LoadedConfiguration<ClientConfiguration>?
  /// Begins to stop.
  public var stop: () -> Void
  /// The store; `nil` when the configuration names none.
  public var store: ClientStore?

  /// Puts all of it together.
  public init(
    file: String?, status: @escaping () -> [ProxyStatus],
    reload: @escaping (_ isStrict: Bool) -> [ConfigurationIssue],
    loaded: @escaping () -> LoadedConfiguration<ClientConfiguration>?,
    stop: @escaping () -> Void, store: ClientStore? = nil
  ) {
    self.file = file
    self.status = status
    self.reload = reload
    self.loaded = loaded
    self.stop = stop
    self.store = store
  }
}

/// The admin server could not be opened.
public struct AdminServerError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What failed, and why.
  public let description: String
}

/// The client's admin server (http-api.md 4): status, configuration, reload, stop, store.
public final class AdminServer {
  private let loop: EventLoop
  private let client: AdministeredClient
  private let server: APIServer
  private let address: SocketAddress
  private let logger: Logger
  private var stopTimer: TimerID?

  /// Opens the server that the configuration asks for; `nil` when it asks for none, or for one that
  /// anybody could use.
  ///
  /// - Throws: a certificate that cannot be read, an address that is none or not free.
  public static func open(
    _ loop: EventLoop, _ configuration: WebServerConfiguration?, _ client: AdministeredClient,
    logger: Logger
  ) throws(AdminServerError) -> AdminServer? {
    guard let configuration else { return nil }
    let settings = try makeSettings(configuration)
    guard isSafe(settings, logger) else { return nil }
    let server = AdminServer(loop, settings, client, logger: logger)
    try server.start()
    return server
  }

  private static func makeSettings(
    _ configuration: WebServerConfiguration
  ) throws(AdminServerError) -> APIServerSettings {
    let name = configuration.address
    let host = name == "localhost" ? "127.0.0.1" : name
    guard let address = SocketAddress(host: host, port: configuration.port) else {
      throw AdminServerError(description: "admin_addr: [\(name)] is not an IP address")
    }
    var settings = APIServerSettings(
      address: address, user: configuration.user, password: configuration.password.value)
    if let certificate = configuration.certificate {
      do throws(TLSError) {
        settings.tls = try TLSContext(.server, TLSSettings(certificate: certificate))
      } catch {
        throw AdminServerError(description: "admin server: \(error)")
      }
    }
    return settings
  }

  private static func isSafe(_ settings: APIServerSettings, _ logger: Logger) -> Bool {
    guard settings.isOpen else { return true }
    let address = settings.address
    switch NetworkReach(address) {
    case .thisMachine:
      logger.warning(
        "the admin server has no password: every user of this machine can use it; set admin_pwd")
    case .privateNetwork:
      logger.warning(
        """
        the admin server has no password: everybody who reaches \(address) can read the token and \
        publish services; set admin_user and admin_pwd
        """)
    case .everybody:
      logger.error(
        """
        the admin server is not opened: without a password everybody who reaches \(address) could \
        read the token and publish services; set admin_user and admin_pwd, or another admin_addr
        """)
      return false
    }
    return true
  }

  private init(
    _ loop: EventLoop, _ settings: APIServerSettings, _ client: AdministeredClient, logger: Logger
  ) {
    self.loop = loop
    self.client = client
    self.logger = logger
    address = settings.address
    server = APIServer(TransportContext(loop), settings, logger: logger)
    addRoutes()
    StoreRoutes(client: client).add(to: server)
  }

  private func start() throws(AdminServerError) {
    do throws(Errno) {
      try server.start()
    } catch {
      throw AdminServerError(
        description: "create admin server listener error, listen \(address): \(error)")
    }
    logger.info("admin server listen on \(server.boundAddress ?? address)")
  }

  /// Where it listens.
  public var boundAddress: SocketAddress? { server.boundAddress }

  /// Stops listening and ends all connections.
  public func close() {
    if let stopTimer { loop.cancel(stopTimer) }
    stopTimer = nil
    server.close()
  }

  // MARK: Routes

  private func addRoutes() {
    // All handlers live in the server, which `close` leaves without connections.
    server.add(.get, "/", isOpen: true) { _, _, answer in answer(.redirect(to: "/static/")) }
    server.add(.get, "/api/status") { [client] _, _, answer in
      answer(.json(StatusPage(client.status()).json))
    }
    server.add(.get, "/api/reload", hasEffect: true) { [client] request, _, answer in
      answer(Self.reload(client, request))
    }
    server.add(.post, "/api/stop") { [unowned self] _, _, answer in
      answer(.done)
      stopSoon()
    }
    server.add(.get, "/api/config") { [client] _, _, answer in
      answer(Self.readConfiguration(client))
    }
    server.add(.put, "/api/config") { [client] request, _, answer in
      answer(Self.writeConfiguration(client, request.body))
    }
  }

  private static func reload(_ client: AdministeredClient, _ request: APIRequest) -> HTTPAnswer {
    guard client.file != nil else { return noFile }
    let isStrict = request.query["strictConfig"].flatMap(truth) ?? false
    let errors = client.reload(isStrict).filter { $0.severity == .error }
    guard errors.isEmpty else {
      let texts = errors.map(\.description).joined(separator: "; ")
      return .apiError(.badRequest, "invalid argument: \(texts)")
    }
    return .done
  }

  /// The words that Go's parser takes for a truth value, as frp's users may write them.
  private static func truth(_ text: String) -> Bool? {
    switch text {
    case "1", "t", "T", "true", "TRUE", "True": true
    case "0", "f", "F", "false", "FALSE", "False": false
    case _: nil
    }
  }

  /// The answer has to leave first.
  private func stopSoon() {
    guard stopTimer == nil else { return }
    stopTimer = loop.schedule(after: ClientAdminLimits.stopDelay) { [unowned self] in
      // Cancelled in `close`.
      stopTimer = nil
      client.stop()
    }
  }

  private static var noFile: HTTPAnswer {
    .apiError(.badRequest, "invalid argument: frpc runs without a configuration file")
  }

  private static func readConfiguration(_ client: AdministeredClient) -> HTTPAnswer {
    guard let file = client.file else { return noFile }
    do throws(Errno) {
      let bytes = try HostSystem.readFile(file, byteCountMax: ConfigurationLimits.fileBytesMax)
      var answer = HTTPAnswer(.ok, contentType: "text/plain; charset=utf-8", body: bytes)
      answer.fields.append("X-Content-Type-Options", "nosniff")
      return answer
    } catch {
      return .apiError(.badRequest, "invalid argument: open \(file): \(error)")
    }
  }

  /// As frp: whatever it is, and without a look at it; the next reload tells what is wrong.
  private static func writeConfiguration(
    _ client: AdministeredClient, _ body: [UInt8]
  ) -> HTTPAnswer {
    guard let file = client.file else { return noFile }
    guard !body.isEmpty else { return .apiError(.badRequest, "body can't be empty") }
    do throws(Errno) {
      try HostSystem.exchangeFile(file, with: body)
      return .done
    } catch {
      return .apiError(.internalServerError, "write \(file): \(error)")
    }
  }
}

@available(*, unavailable)
extension AdminServer: Sendable {}
