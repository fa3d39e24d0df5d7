public import Timekeeping

/// The version of the PROXY protocol that tells a local service who the user is.
public enum ProxyProtocolVersion: String, Sendable, CaseIterable {
  /// The line of text.
  case v1
  /// The binary header.
  case v2
}

/// One published service.
public struct ProxyConfiguration: Equatable, Sendable {
  /// What is particular to the kind.
  public enum Service: Equatable, Sendable {
    /// A port of the relay, connections.
    case tcp(TCPProxyConfiguration)
    /// A port of the relay, datagrams.
    case udp(UDPProxyConfiguration)
    /// Host names on the relay's HTTP port.
    case http(HTTPProxyConfiguration)
    /// Host names on the relay's HTTPS port.
    case https(HTTPSProxyConfiguration)
    /// Host names on the relay's HTTP CONNECT port.
    case tcpmux(TCPMuxProxyConfiguration)
    /// For visitors, connections.
    case stcp(SecretProxyConfiguration)
    /// For visitors, datagrams.
    case sudp(SecretProxyConfiguration)
    /// For visitors, straight from client to client.
    case xtcp(XTCPProxyConfiguration)
  }

  /// The name, without the user's prefix; unique within the client.
  public var name: String

  /// The host of the local service.
  public var localHost = "127.0.0.1"

  /// The port of the local service.
  public var localPort: UInt16 = 0

  /// Whether payload is encrypted with a key made of the token.
  public var usesEncryption = false

  /// Whether payload is compressed.
  public var usesCompression = false

  /// How much the proxy's connections may move together, both ways; `nil` for no limit.
  public var bandwidthLimit: Bandwidth?

  /// Who keeps to the limit.
  public var bandwidthLimitMode = BandwidthLimitMode.client

  /// Which PROXY header the local service gets; `nil` for none.
  public var proxyProtocolVersion: ProxyProtocolVersion?

  /// What server plugins are told.
  public var metadata: [String: String] = [:]

  /// What the relay's dashboard shows.
  public var annotations: [String: String] = [:]

  /// The group that shares one endpoint; `nil` for none.
  public var loadBalancing: LoadBalancingConfiguration?

  /// How the local service is watched; `nil` for not.
  public var healthCheck: HealthCheckConfiguration?

  /// What serves users in the place of a local service; `nil` for nothing.
  public var plugin: ClientPlugin?

  /// What is particular to the kind.
  public var service: Service

  /// The defaults, for a service on 127.0.0.1.
  public init(name: String, service: Service) {
    self.name = name
    self.service = service
  }

  /// The kind.
  public var kind: ProxyKind {
    switch service {
    case .tcp: .tcp
    case .udp: .udp
    case .http: .http
    case .https: .https
    case .tcpmux: .tcpmux
    case .stcp: .stcp
    case .sudp: .sudp
    case .xtcp: .xtcp
    }
  }
}

/// Which group a proxy belongs to.
public struct LoadBalancingConfiguration: Equatable, Sendable {
  /// The group's name.
  public var group: String

  /// The secret that every member must know.
  public var key: Secret

  /// Puts both together.
  public init(group: String, key: Secret = Secret("")) {
    self.group = group
    self.key = key
  }
}

/// How a local service is watched; while it fails, its proxy is withdrawn.
public struct HealthCheckConfiguration: Equatable, Sendable {
  /// What counts as alive.
  public enum Probe: Equatable, Sendable {
    /// It accepts a connection.
    case tcp
    /// It answers a GET of the path with a 2xx status.
    case http(path: String, headers: [NamedValue])
  }

  /// What counts as alive.
  public var probe: Probe

  /// How long one check may take.
  public var timeout = Interval.seconds(3)

  /// After how many failures in a row the service is dead.
  public var failureCountMax = 1

  /// The pause between two checks.
  public var interval = Interval.seconds(10)

  /// The defaults.
  public init(probe: Probe) { self.probe = probe }
}
