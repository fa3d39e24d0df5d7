import Timekeeping

/// The keys of frps, gathered before rules across keys are applied.
struct ServerDraft: Sendable {
  var shared = SharedDraft()
  var bindAddress = ""
  var bindPort = 0
  var kcpBindPort = 0
  var quicBindPort = 0
  /// Empty when the key is not set: the default is `bindAddress`.
  var proxyBindAddress = ""
  var httpPort = 0
  var httpsPort = 0
  var httpTimeoutSeconds = 0
  var httpConnectPort = 0
  var passesConnectRequests = false
  var subdomainHost = ""
  var notFoundPagePath = ""
  var trustedProxies: [String] = []
  var hostCertificateFolder = ""
  var hostCertificates: [HostCertificateDraft] = []
  /// How groups choose without settings of their own.
  var group = GroupDraft()
  var namedGroups: [GroupDraft] = []
  var userConnectionSeconds = 0
  var sendsDetailedErrors = true
  var portsPerClientMax = 0
  var connectionsMax = 0
  var connectionsPerAddressMax = 0
  var connectionsPerProxyMax = 0
  var connectionsPerClientMax = 0
  var memoryLimit = ""
  var portMemoryPath = ""
  var accessLogPath = ""
  var accessLogForm = ""
  var allowedPorts = PortRanges.all
  var holePunchingRecordHours = 0
  var usersFilePath = ""
  var oidcIssuer = ""
  var oidcSkipsExpiry = false
  var oidcSkipsIssuer = false
  var tcpKeepaliveSeconds = 0
  var poolCountMax = 0
  var isTLSRequired = false
  var offersMetrics = false
  var sshPort = 0
  var sshHostKeyPath = ""
  var sshGeneratedHostKeyPath = ""
  var sshAuthorizedKeysPath = ""
  var plugins: [ServerPluginDraft] = []

  /// Fills in defaults that depend on other keys.
  mutating func complete() {
    shared.complete()
    if proxyBindAddress.isEmpty { proxyBindAddress = bindAddress }
    if !shared.trustedAuthoritiesPath.isEmpty { isTLSRequired = true }
  }

  /// Applies the rules across keys, to a draft that is complete.
  func finish(_ places: KeyPlaces, options: LoadOptions, _ issues: inout IssueCollector)
    -> ServerConfiguration
  {
    var result = ServerConfiguration()
    result.bindAddress = bindAddress
    result.bindPort = UInt16(clamping: bindPort)
    result.kcpBindPort = portIfSet(kcpBindPort)
    result.quicBindPort = portIfSet(quicBindPort)
    result.proxyBindAddress = proxyBindAddress
    result.httpPort = portIfSet(httpPort)
    result.httpsPort = portIfSet(httpsPort)
    result.httpResponseTimeout = .seconds(httpTimeoutSeconds)
    result.httpConnectPort = portIfSet(httpConnectPort)
    result.passesConnectRequests = passesConnectRequests
    result.subdomainHost = subdomainHost.nonEmpty
    result.notFoundPagePath = notFoundPagePath.nonEmpty
    result.trustedProxies = trustedProxies
    result.hostCertificateFolder = hostCertificateFolder.nonEmpty
    result.hostCertificates = hostCertificates.map(\.configuration)
    result.groups = group.configuration
    result.namedGroups = Dictionary(
      namedGroups.map { ($0.name, $0.configuration) }, uniquingKeysWith: { first, _ in first })
    result.userConnectionTimeout = .seconds(userConnectionSeconds)
    result.sendsDetailedErrors = sendsDetailedErrors
    result.portsPerClientMax = portsPerClientMax == 0 ? nil : portsPerClientMax
    result.connectionLimits = connectionLimits
    result.memoryLimitBytes = MemorySize(memoryLimit)?.byteCount
    result.portMemoryPath = portMemoryPath.nonEmpty
    result.accessLog = AccessLogConfiguration(
      path: accessLogPath.nonEmpty,
      form: AccessLogConfiguration.Form(rawValue: accessLogForm) ?? .common)
    result.allowedPorts = allowedPorts
    result.udpPacketBytes = shared.udpPacketBytes
    result.shutdownGrace = .seconds(shared.shutdownGraceSeconds)
    result.holePunchingRecordLife = .seconds(holePunchingRecordHours * 3600)
    result.usersFilePath = usersFilePath.nonEmpty
    result.authentication = shared.authentication(places, options: options, &issues)
    result.oidc.issuer = oidcIssuer
    result.oidc.audience = shared.oidcAudience
    result.oidc.acceptsExpired = oidcSkipsExpiry
    result.oidc.acceptsAnyIssuer = oidcSkipsIssuer
    result.log = shared.log
    result.confinement = shared.confinement
    result.reloadsOnChange = shared.reloadsOnChange
    result.transport = transport(places, &issues)
    result.webServer = shared.webServer(places, &issues)
    result.offersMetrics = offersMetrics
    result.sshGateway = sshGateway
    result.plugins = plugins.map(\.configuration)
    check(places, &issues)
    return result
  }

  private var connectionLimits: ConnectionLimits {
    func limit(_ number: Int) -> Int? { number == 0 ? nil : number }
    var result = ConnectionLimits()
    result.total = limit(connectionsMax)
    result.perAddress = limit(connectionsPerAddressMax)
    result.perProxy = limit(connectionsPerProxyMax)
    result.perClient = limit(connectionsPerClientMax)
    return result
  }

  private func transport(_ places: KeyPlaces, _ issues: inout IssueCollector)
    -> ServerTransportConfiguration
  {
    var result = ServerTransportConfiguration()
    result.isMultiplexed = shared.isMultiplexed
    result.muxKeepaliveInterval = .seconds(shared.muxKeepaliveSeconds)
    result.tcpKeepalive = intervalIfPositive(tcpKeepaliveSeconds)
    result.poolCountMax = poolCountMax
    result.heartbeatTimeout = intervalIfPositive(shared.heartbeatTimeoutSeconds)
    result.quic = shared.quic
    result.tls.isRequired = isTLSRequired
    result.tls.certificate = shared.certificateFiles(places, &issues)
    result.tls.trustedAuthoritiesPath = shared.trustedAuthoritiesPath.nonEmpty
    return result
  }

  private var sshGateway: SSHGatewayConfiguration? {
    guard let port = portIfSet(sshPort) else { return nil }
    var result = SSHGatewayConfiguration(port: port)
    result.hostKeyPath = sshHostKeyPath.nonEmpty
    result.generatedHostKeyPath = sshGeneratedHostKeyPath
    result.authorizedKeysPath = sshAuthorizedKeysPath.nonEmpty
    return result
  }

  private func check(_ places: KeyPlaces, _ issues: inout IssueCollector) {
    if kcpBindPort > 0, kcpBindPort == quicBindPort {
      places.fail(
        "quicBindPort",
        "expected another port than \(places.name("kcpBindPort")), "
          + "found \(quicBindPort) for both", &issues)
    }
    for text in trustedProxies {
      if let fault = TextChecks.trustedProxy(text) { places.fail("trustedProxies", fault, &issues) }
    }
    checkConnectPort(places, &issues)
    if offersMetrics, shared.webPort == 0 {
      places.warn(
        "enablePrometheus", "has no effect without \(places.name("webServer.port"))", &issues)
    }
  }
}

extension ServerDraft {
  /// CONNECT requests look like requests to virtual hosts of HTTP, so that their port is theirs.
  private func checkConnectPort(_ places: KeyPlaces, _ issues: inout IssueCollector) {
    guard httpConnectPort > 0 else { return }
    let others = [
      ("bindPort", bindPort), ("vhostHTTPPort", httpPort), ("vhostHTTPSPort", httpsPort),
    ]
    for (id, port) in others where port == httpConnectPort {
      places.fail(
        "tcpmuxHTTPConnectPort",
        "expected another port than \(places.name(id)), found \(port) for both", &issues)
    }
  }
}

/// The keys of one server plugin.
struct ServerPluginDraft: Sendable {
  var name = ""
  var address = ""
  var path = ""
  var operations: [String] = []
  var verifiesCertificate = false

  var configuration: ServerPluginConfiguration {
    var result = ServerPluginConfiguration(name: name)
    result.address = address
    result.path = path
    result.operations = operations.compactMap { .init(rawValue: $0) }
    result.verifiesCertificate = verifiesCertificate
    return result
  }
}
