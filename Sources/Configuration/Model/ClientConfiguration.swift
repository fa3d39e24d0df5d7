public import Timekeeping

/// Everything that frpc can be told.
public struct ClientConfiguration: Equatable, Sendable {
  /// The prefix of the proxies' names on the wire; empty for none.
  public var user = ""

  /// What tells this client from others of the same user for good; empty for nothing.
  public var clientID = ""

  /// The relay's host.
  public var serverHost = "0.0.0.0"

  /// The relay's port.
  public var serverPort: UInt16 = 7000

  /// The name server to ask; `nil` for the system's.
  public var nameServer: HostAndPort?

  /// Whether the program ends when the first login fails.
  public var exitsWhenFirstLoginFails = true

  /// What the file includes: the paths or patterns that it names, then the files that were read.
  public var includedPaths: [String] = []

  /// The only proxies to run; empty for all. `proxies` holds no others.
  public var startedNames: [String] = []

  /// What the relay's plugins are told at login.
  public var metadata: [String: String] = [:]

  /// The most bytes of a datagram. Without effect until UDP proxies are built.
  public var udpPacketBytes = 1500

  /// How long running user connections may go on after a signal to stop.
  public var shutdownGrace = Interval.seconds(5)

  /// The server that tells the client's public address.
  public var stunServer = "stun.easyvoip.com:3478"

  /// Whether the files are read again when they change.
  public var reloadsOnChange = false

  /// How the client proves who it is.
  public var authentication = AuthenticationConfiguration()

  /// How the client gets credentials of an OpenID provider.
  public var oidc = ClientOIDCConfiguration()

  /// The admin server; `nil` for none.
  public var webServer: WebServerConfiguration?

  /// The file that keeps proxies and visitors made at run time; `nil` for none.
  public var storePath: String?

  /// The address of this client in the virtual network; `nil` for none.
  public var virtualNetAddress: String?

  /// How the relay is reached.
  public var transport = ClientTransportConfiguration()

  /// Where log lines go.
  public var log = LogConfiguration()

  /// What the program gives up once it runs.
  public var confinement = ConfinementConfiguration()

  /// The services to publish, in ascending order of their names.
  public var proxies: [ProxyConfiguration] = []

  /// The names of those that come from the store.
  public var storedProxyNames: Set<String> = []

  /// The secret proxies to visit, in ascending order of their names.
  public var visitors: [VisitorConfiguration] = []

  /// The defaults.
  public init() {}
}

/// What carries the connections between client and relay.
public enum TransportKind: String, Sendable, CaseIterable {
  /// TCP.
  case tcp
  /// KCP over UDP.
  case kcp
  /// QUIC over UDP.
  case quic
  /// WebSocket over TCP.
  case websocket
  /// WebSocket over TLS.
  case wss
}

/// How messages are framed.
public enum WireProtocolVersion: String, Sendable, CaseIterable {
  /// One type byte, a length, JSON.
  case v1
  /// The newer framing.
  case v2
}

/// How frpc reaches the relay.
public struct ClientTransportConfiguration: Equatable, Sendable {
  /// What carries the connections.
  public var kind = TransportKind.tcp

  /// How messages are framed.
  public var wireProtocol = WireProtocolVersion.v1

  /// How long connecting may take.
  public var dialTimeout = Interval.seconds(10)

  /// The pause before TCP probes an idle connection; `nil` for no probes.
  public var dialKeepalive: Interval? = .seconds(7200)

  /// The local address to connect from; `nil` for the system's choice.
  public var localAddress: String?

  /// The proxy to go through; `nil` for none.
  public var upstreamProxy: UpstreamProxy?

  /// How many work connections are opened in advance.
  public var poolCount = 1

  /// Whether all connections are streams of one.
  public var isMultiplexed = true

  /// After how long without anything from the other side it is asked whether it lives.
  public var muxKeepaliveInterval = Interval.seconds(5)

  /// The pause between heartbeats; `nil` for none.
  public var heartbeatInterval: Interval?

  /// After how long without an answer the relay is given up; `nil` for never.
  public var heartbeatTimeout: Interval?

  /// QUIC.
  public var quic = QUICConfiguration()

  /// TLS.
  public var tls = ClientTLSConfiguration()

  /// The defaults.
  public init() {}
}

/// TLS as frpc speaks it.
public struct ClientTLSConfiguration: Equatable, Sendable {
  /// Whether TLS is spoken at all.
  public var isEnabled = true

  /// Whether the marker byte 0x17 goes first.
  public var sendsMarkerByte = false

  /// The certificate to show; `nil` for none.
  public var certificate: CertificateFiles?

  /// The authorities of which one must have signed the relay's certificate; `nil` when any
  /// certificate is taken.
  public var trustedAuthoritiesPath: String?

  /// The name to ask for and to verify; `nil` for the relay's host.
  public var serverName: String?

  /// The files that are named here.
  public var filePaths: [String] {
    (certificate?.paths ?? []) + (trustedAuthoritiesPath.map { [$0] } ?? [])
  }

  /// The defaults.
  public init() {}
}

/// How frpc gets credentials of an OpenID provider.
public struct ClientOIDCConfiguration: Equatable, Sendable {
  /// The client's name at the provider.
  public var clientID = ""

  /// The client's secret at the provider.
  public var clientSecret = Secret("")

  /// The audience to ask for; empty for none.
  public var audience = ""

  /// The scope to ask for; empty for none.
  public var scope = ""

  /// Where credentials are asked for.
  public var tokenEndpointURL = ""

  /// More parameters of the request.
  public var additionalParameters: [String: String] = [:]

  /// The authorities of which one must have signed the endpoint's certificate; `nil` for the
  /// system's.
  public var trustedAuthoritiesPath: String?

  /// Whether the endpoint's certificate is not verified.
  public var skipsVerification = false

  /// The proxy to go through; empty for none.
  public var proxyURL = ""

  /// Where the credential comes from instead, each time that one is needed; `nil` for the endpoint.
  public var tokenSource: ValueSource?

  /// The defaults.
  public init() {}
}
