public import Timekeeping

/// Everything that frps can be told.
public struct ServerConfiguration: Equatable, Sendable {
  /// The address that clients connect to.
  public var bindAddress = "0.0.0.0"

  /// The port that clients connect to.
  public var bindPort: UInt16 = 7000

  /// The address on which proxies are reachable.
  public var proxyBindAddress = "0.0.0.0"

  /// How long a user waits for a work connection.
  public var userConnectionTimeout = Interval.seconds(10)

  /// Whether clients are told why something was refused; else a summary.
  public var sendsDetailedErrors = true

  /// How many ports one client may have; `nil` for as many as it likes.
  public var portsPerClientMax: Int?

  /// How many user connections there may be.
  public var connectionLimits = ConnectionLimits()

  /// The memory above which nobody is let in; `nil` for no limit.
  public var memoryLimitBytes: Int?

  /// The file that remembers which proxy has which port; `nil` for none.
  public var portMemoryPath: String?

  /// The ports that proxies may have.
  public var allowedPorts = PortRanges.all

  /// The most bytes of a datagram. Without effect until UDP proxies are built.
  public var udpPacketBytes = 1500

  /// How long running user connections may go on after a signal to stop.
  public var shutdownGrace = Interval.seconds(5)

  /// How clients prove who they are.
  public var authentication = AuthenticationConfiguration()

  /// How connections are carried.
  public var transport = ServerTransportConfiguration()

  /// Where log lines go.
  public var log = LogConfiguration()

  /// What the program gives up once it runs.
  public var confinement = ConfinementConfiguration()

  /// The defaults.
  public init() {}
}

/// How many user connections there may be; `nil` for no maximum of that kind.
public struct ConnectionLimits: Equatable, Sendable {
  /// From one IPv4 address, or from one IPv6 network of 64 bits.
  public var perAddress: Int?

  /// Of one proxy.
  public var perProxy: Int?

  /// Of one client.
  public var perClient: Int?

  /// In all; `nil` for as many as there are descriptors for.
  public var total: Int?

  /// No maxima.
  public init() {}
}

/// How frps carries connections.
public struct ServerTransportConfiguration: Equatable, Sendable {
  /// Whether all of a client's connections are streams of one.
  public var isMultiplexed = true

  /// After how long without anything from the other side it is asked whether it lives.
  public var muxKeepaliveInterval = Interval.seconds(5)

  /// The pause before TCP probes an idle connection; `nil` for no probes.
  public var tcpKeepalive: Interval? = .seconds(7200)

  /// The most work connections that a client may open in advance.
  public var poolCountMax = 5

  /// After how long without a heartbeat a client is given up; `nil` for never.
  public var heartbeatTimeout: Interval?

  /// TLS.
  public var tls = ServerTLSConfiguration()

  /// The defaults.
  public init() {}
}

/// TLS as frps speaks it.
public struct ServerTLSConfiguration: Equatable, Sendable {
  /// Whether connections without TLS are refused.
  public var isRequired = false

  /// The certificate to show; `nil` for one made at the start.
  public var certificate: CertificateFiles?

  /// The authorities of which one must have signed the client's certificate; `nil` when clients
  /// need none.
  public var trustedAuthoritiesPath: String?

  /// The files that are named here.
  public var filePaths: [String] {
    (certificate?.paths ?? []) + (trustedAuthoritiesPath.map { [$0] } ?? [])
  }

  /// The defaults.
  public init() {}
}

/// The keys of frps, gathered before rules across keys are applied.
struct ServerDraft {
  var configuration = ServerConfiguration()
  var shared = SharedDraft()
  var proxyBindAddress = ""

  /// Applies the rules across keys.
  func finish(
    _ section: IniSection, _ document: IniDocument, _ issues: inout IssueCollector
  ) -> ServerConfiguration {
    var result = configuration
    result.proxyBindAddress = proxyBindAddress.isEmpty ? result.bindAddress : proxyBindAddress
    result.authentication = shared.authentication
    result.log = shared.log
    result.confinement = shared.confinement
    result.shutdownGrace = .seconds(shared.shutdownGraceSeconds)
    result.transport.isMultiplexed = shared.isMultiplexed
    result.transport.muxKeepaliveInterval = .seconds(shared.muxKeepaliveSeconds)
    result.transport.heartbeatTimeout = intervalIfPositive(
      shared.heartbeatTimeoutSeconds ?? (shared.isMultiplexed ? -1 : 90))
    result.transport.tls.certificate = shared.certificateFiles(section, document, &issues)
    if !shared.trustedAuthoritiesPath.isEmpty {
      result.transport.tls.trustedAuthoritiesPath = shared.trustedAuthoritiesPath
      result.transport.tls.isRequired = true
    }
    return result
  }
}
