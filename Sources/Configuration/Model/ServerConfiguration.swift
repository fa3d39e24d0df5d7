public import Timekeeping

/// Everything that frps can be told.
public struct ServerConfiguration: Equatable, Sendable {
  /// The address that clients connect to.
  public var bindAddress = "0.0.0.0"

  /// The port that clients connect to.
  public var bindPort: UInt16 = 7000

  /// The UDP port for KCP; `nil` for no KCP.
  public var kcpBindPort: UInt16?

  /// The UDP port for QUIC; `nil` for no QUIC.
  public var quicBindPort: UInt16?

  /// The address on which proxies are reachable.
  public var proxyBindAddress = "0.0.0.0"

  /// The port of all http proxies; `nil` for none.
  public var httpPort: UInt16?

  /// The port of all https proxies; `nil` for none.
  public var httpsPort: UInt16?

  /// How long a local service may take until it has sent its response headers.
  public var httpResponseTimeout = Interval.seconds(60)

  /// The port of all tcpmux proxies; `nil` for none.
  public var httpConnectPort: UInt16?

  /// Whether the local service sees the CONNECT request and answers it itself.
  public var passesConnectRequests = false

  /// What `subdomain` of a proxy is put before; `nil` when subdomains are off.
  public var subdomainHost: String?

  /// The folder with the certificates of hosts whose TLS ends at the relay; `nil` for none.
  public var hostCertificateFolder: String?

  /// The certificates of such hosts that are named one by one; they stand before those of the
  /// folder.
  public var hostCertificates: [HostCertificateConfiguration] = []

  /// The front proxies that say with a PROXY header who their users are: addresses, alone or with
  /// the bits that count.
  public var trustedProxies: [String] = []

  /// How groups of proxies choose that have no settings of their own.
  public var groups = GroupConfiguration()

  /// The settings of the others, complete, by the group's name.
  public var namedGroups: [String: GroupConfiguration] = [:]

  /// The log of requests to virtual hosts of HTTP.
  public var accessLog = AccessLogConfiguration()

  /// The page that users of unknown hosts see; `nil` for the built-in one.
  public var notFoundPagePath: String?

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

  /// How long statistics of hole punching are kept.
  public var holePunchingRecordLife = Interval.seconds(168 * 3600)

  /// How clients prove who they are.
  public var authentication = AuthenticationConfiguration()

  /// How credentials of an OpenID provider are verified.
  public var oidc = ServerOIDCConfiguration()

  /// The file with users who have tokens of their own; `nil` for none.
  public var usersFilePath: String?

  /// Those users. Whoever reads the configuration reads that file too and puts them here.
  public var accounts: [Account] = []

  /// Whether the files are read again when they change.
  public var reloadsOnChange = false

  /// How connections are carried.
  public var transport = ServerTransportConfiguration()

  /// The dashboard; `nil` for none.
  public var webServer: WebServerConfiguration?

  /// Whether the dashboard has a metrics page.
  public var offersMetrics = false

  /// The SSH gateway; `nil` for none.
  public var sshGateway: SSHGatewayConfiguration?

  /// Who is asked before something is allowed, in the order of the questions.
  public var plugins: [ServerPluginConfiguration] = []

  /// Where log lines go.
  public var log = LogConfiguration()

  /// What the program gives up once it runs.
  public var confinement = ConfinementConfiguration()

  /// The defaults.
  public init() {}
}

/// The log with one line for each request.
public struct AccessLogConfiguration: Equatable, Sendable {
  /// How lines are written.
  public enum Form: String, Sendable, CaseIterable {
    /// The common log format, with some fields behind it.
    case common
    /// One object of JSON.
    case json
  }

  /// The file; `nil` for no log.
  public var path: String?

  /// How lines are written.
  public var form: Form

  /// Puts the two together.
  public init(path: String? = nil, form: Form = .common) {
    self.path = path
    self.form = form
  }
}

/// How groups choose the member that serves the next user; the defaults are frp's behaviour.
public struct GroupConfiguration: Equatable, Sendable {
  /// Who is next.
  public enum Policy: String, Sendable, CaseIterable {
    /// In turns.
    case roundRobin = "round_robin"
    /// By chance.
    case random
    /// The one with the fewest connections.
    case leastConnections = "least_conn"
    /// The same for the same user's address.
    case sourceHash = "source_hash"
  }

  /// Who is next.
  public var policy = Policy.roundRobin

  /// Failures in a row after which a member is left out; 0 for never.
  public var failureCountMax = 0

  /// How long it is left out at first.
  public var failureTime = Interval.seconds(10)

  /// How long a member that is new or comes back takes to its full share.
  public var slowStart = Interval.zero

  /// The key of a proxy's metadata that holds its weight; empty when all weigh the same.
  public var weightKey = ""

  /// frp's behaviour.
  public init() {}
}

/// A certificate of hosts whose TLS ends at the relay.
public struct HostCertificateConfiguration: Equatable, Sendable {
  /// The names of the hosts, in small letters and without a dot at the end; `*.` at the beginning
  /// stands for one label.
  public var hosts: [String]

  /// The certificate with its key.
  public var files: CertificateFiles

  /// Puts both together.
  public init(hosts: [String], files: CertificateFiles) {
    self.hosts = hosts
    self.files = files
  }
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

  /// QUIC.
  public var quic = QUICConfiguration()

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

/// How frps verifies the credentials of an OpenID provider.
public struct ServerOIDCConfiguration: Equatable, Sendable {
  /// The provider's URL.
  public var issuer = ""

  /// The audience that a credential must be for; empty for any.
  public var audience = ""

  /// Whether expired credentials are good.
  public var acceptsExpired = false

  /// Whether credentials of any issuer are good.
  public var acceptsAnyIssuer = false

  /// The defaults.
  public init() {}
}

/// The gateway for plain SSH clients.
public struct SSHGatewayConfiguration: Equatable, Sendable {
  /// The port, on `bindAddress`.
  public var port: UInt16

  /// The file with the host key; `nil` for a generated one.
  public var hostKeyPath: String?

  /// Where the generated host key lies.
  public var generatedHostKeyPath = "./.autogen_ssh_key"

  /// The file with the keys that may log in; `nil` lets everybody in.
  public var authorizedKeysPath: String?

  /// A gateway with a generated key.
  public init(port: UInt16) { self.port = port }
}

/// A server plugin: an HTTP server that is asked before something is allowed.
public struct ServerPluginConfiguration: Equatable, Sendable {
  /// What it can be asked about.
  public enum Operation: String, Sendable, CaseIterable {
    /// A client logs in.
    case login = "Login"
    /// A client announces a proxy.
    case newProxy = "NewProxy"
    /// A proxy is gone.
    case closeProxy = "CloseProxy"
    /// A client sends a heartbeat.
    case ping = "Ping"
    /// A client opens a work connection.
    case newWorkConnection = "NewWorkConn"
    /// A user connects to a proxy.
    case newUserConnection = "NewUserConn"
  }

  /// The name, for logs.
  public var name: String

  /// Where it listens: `host:port`, or a URL that begins with `http://` or `https://`.
  public var address = ""

  /// The path to call.
  public var path = ""

  /// What it is asked about.
  public var operations: [Operation] = []

  /// Whether its certificate is verified.
  public var verifiesCertificate = false

  /// A plugin that is asked nothing yet.
  public init(name: String) { self.name = name }
}
