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
}

/// What is particular to a tcp proxy.
public struct TCPProxyConfiguration: Equatable, Sendable {
  /// The port on the relay; 0 lets the relay choose.
  public var remotePort: UInt16

  /// A proxy on that port.
  public init(remotePort: UInt16) { self.remotePort = remotePort }
}

/// What is particular to a udp proxy.
public struct UDPProxyConfiguration: Equatable, Sendable {
  /// The port on the relay; 0 lets the relay choose.
  public var remotePort: UInt16

  /// A proxy on that port.
  public init(remotePort: UInt16) { self.remotePort = remotePort }
}

/// The host names of a proxy.
public struct ProxyDomains: Equatable, Sendable {
  /// Full host names; `*` as the first label stands for any.
  public var custom: [String]

  /// A label before the relay's `subdomain_host`; empty for none.
  public var subdomain: String

  /// Puts both together.
  public init(custom: [String] = [], subdomain: String = "") {
    self.custom = custom
    self.subdomain = subdomain
  }
}

/// What is particular to an http proxy.
public struct HTTPProxyConfiguration: Equatable, Sendable {
  /// The host names.
  public var domains: ProxyDomains

  /// Path prefixes; empty for every path.
  public var locations: [String] = []

  /// The user to ask for; empty together with an empty password for nobody.
  public var user = ""

  /// The user's password.
  public var password = Secret("")

  /// The host that the local service sees; empty for the one that was asked for.
  public var hostHeaderRewrite = ""

  /// Request headers to set.
  public var requestHeaders: [String: String] = [:]

  /// Response headers to set.
  public var responseHeaders: [String: String] = [:]

  /// Only requests of this user come here; empty for all.
  public var routeByUser = ""

  /// A proxy for these names.
  public init(domains: ProxyDomains) { self.domains = domains }
}

/// What is particular to an https proxy.
public struct HTTPSProxyConfiguration: Equatable, Sendable {
  /// The host names.
  public var domains: ProxyDomains

  /// A proxy for these names.
  public init(domains: ProxyDomains) { self.domains = domains }
}

/// What is particular to a tcpmux proxy.
public struct TCPMuxProxyConfiguration: Equatable, Sendable {
  /// How names are told apart.
  public enum Multiplexer: String, Sendable, CaseIterable {
    /// By HTTP CONNECT.
    case httpConnect = "httpconnect"
  }

  /// The host names.
  public var domains: ProxyDomains

  /// The user to ask for; empty together with an empty password for nobody.
  public var user = ""

  /// The user's password.
  public var password = Secret("")

  /// Only requests of this user come here; empty for all.
  public var routeByUser = ""

  /// How names are told apart.
  public var multiplexer = Multiplexer.httpConnect

  /// A proxy for these names.
  public init(domains: ProxyDomains) { self.domains = domains }
}

/// What is particular to stcp and sudp proxies.
public struct SecretProxyConfiguration: Equatable, Sendable {
  /// What a visitor must know.
  public var secretKey: Secret

  /// The users whose visitors may come; empty for the same user's alone, `*` for everybody's.
  public var allowedUsers: [String]

  /// Puts both together.
  public init(secretKey: Secret = Secret(""), allowedUsers: [String] = []) {
    self.secretKey = secretKey
    self.allowedUsers = allowedUsers
  }
}

/// What is particular to xtcp proxies.
public struct XTCPProxyConfiguration: Equatable, Sendable {
  /// Who may visit.
  public var access: SecretProxyConfiguration

  /// Whether addresses of the local network are offered to visitors.
  public var offersLocalAddresses = true

  /// A proxy that offers its local addresses.
  public init(access: SecretProxyConfiguration) { self.access = access }
}
