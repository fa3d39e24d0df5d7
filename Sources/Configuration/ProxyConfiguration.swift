/// The kinds of proxies that frp has.
public enum ProxyKind: String, Sendable, CaseIterable {
  /// A port of the relay, connections.
  case tcp
  /// A port of the relay, datagrams.
  case udp
  /// Host names on the relay's HTTP port.
  case http
  /// Host names on the relay's HTTPS port.
  case https
  /// Host names on the relay's HTTP CONNECT port.
  case tcpmux
  /// For visitors that know a secret, connections.
  case stcp
  /// For visitors that know a secret, datagrams.
  case sudp
  /// For visitors that know a secret, straight from client to client.
  case xtcp

  /// Whether this version has it.
  public var isImplemented: Bool {
    switch self {
    case .tcp: true
    case .udp, .http, .https, .tcpmux, .stcp, .sudp, .xtcp: false
    }
  }
}

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
    /// A port of the relay.
    case tcp(TCPProxyConfiguration)
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
    }
  }
}

/// What is particular to a tcp proxy.
public struct TCPProxyConfiguration: Equatable, Sendable {
  /// The port on the relay; 0 lets the relay choose.
  public var remotePort: UInt16

  /// A proxy on that port.
  public init(remotePort: UInt16) { self.remotePort = remotePort }
}

/// The keys of a proxy section before its kind is settled.
struct ProxyDraft {
  var kind = ProxyKind.tcp
  var localHost = "127.0.0.1"
  var localPort: UInt16 = 0
  var remotePort: UInt16 = 0
  var usesEncryption = false
  var usesCompression = false
  var bandwidthLimit: Bandwidth?
  var bandwidthLimitMode = BandwidthLimitMode.client
  var proxyProtocolVersion: ProxyProtocolVersion?
  var metadata: [String: String] = [:]

  /// The proxy; `nil` for a kind that this version has not.
  func finish(name: String) -> ProxyConfiguration? {
    var proxy: ProxyConfiguration
    switch kind {
    case .tcp:
      proxy = ProxyConfiguration(
        name: name, service: .tcp(TCPProxyConfiguration(remotePort: remotePort)))
    case .udp, .http, .https, .tcpmux, .stcp, .sudp, .xtcp: return nil
    }
    proxy.localHost = localHost
    proxy.localPort = localPort
    proxy.usesEncryption = usesEncryption
    proxy.usesCompression = usesCompression
    proxy.bandwidthLimit = bandwidthLimit
    proxy.bandwidthLimitMode = bandwidthLimitMode
    proxy.proxyProtocolVersion = proxyProtocolVersion
    proxy.metadata = metadata
    return proxy
  }
}
