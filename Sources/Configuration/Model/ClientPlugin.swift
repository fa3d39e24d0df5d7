/// The kinds of client plugins.
public enum ClientPluginKind: String, Sendable, CaseIterable {
  /// An HTTP proxy.
  case httpProxy = "http_proxy"
  /// A SOCKS5 proxy.
  case socks5
  /// Files of a folder.
  case staticFile = "static_file"
  /// A local service on a Unix socket.
  case unixDomainSocket = "unix_domain_socket"
  /// Users speak HTTP, the local service HTTPS.
  case http2https
  /// Users speak HTTPS, the local service HTTP.
  case https2http
  /// Both speak HTTPS.
  case https2https
  /// Both speak HTTP.
  case http2http
  /// Users speak TLS, the local service does not.
  case tls2raw
  /// The virtual network.
  case virtualNet = "virtual_net"
}

/// What serves a proxy's users in the place of a local service.
public enum ClientPlugin: Equatable, Sendable {
  /// An HTTP proxy, with the login that it asks for; both empty for none.
  case httpProxy(user: String, password: Secret)
  /// A SOCKS5 proxy, with the login that it asks for; both empty for none.
  case socks5(user: String, password: Secret)
  /// Files of a folder.
  case staticFile(StaticFilePlugin)
  /// A local service on a Unix socket.
  case unixDomainSocket(path: String)
  /// A local service that speaks HTTP or HTTPS, for users who speak the other or the same.
  case web(WebPlugin)
  /// A local service behind TLS that ends here; an empty certificate is a generated one.
  case tls2raw(localAddress: String, certificate: CertificateFiles?)
  /// The virtual network.
  case virtualNet
}

/// Files of a folder, over HTTP.
public struct StaticFilePlugin: Equatable, Sendable {
  /// The folder.
  public var localPath: String

  /// What is taken off the front of a request's path; empty for nothing.
  public var stripPrefix = ""

  /// The user to ask for; empty together with an empty password for nobody.
  public var user = ""

  /// The user's password.
  public var password = Secret("")

  /// A folder without login.
  public init(localPath: String) { self.localPath = localPath }
}

/// A local service that speaks HTTP or HTTPS.
public struct WebPlugin: Equatable, Sendable {
  /// What users and the local service speak.
  public enum Kind: Sendable {
    /// Users HTTP, the service HTTPS.
    case http2https
    /// Users HTTPS, the service HTTP.
    case https2http
    /// Both HTTPS.
    case https2https
    /// Both HTTP.
    case http2http
  }

  /// What users and the local service speak.
  public var kind: Kind

  /// `host:port` of the local service.
  public var localAddress: String

  /// The host that the local service sees; empty for the one that was asked for.
  public var hostHeaderRewrite = ""

  /// Request headers to set.
  public var requestHeaders: [String: String] = [:]

  /// Whether users may speak HTTP/2 over TLS.
  public var offersHTTP2 = true

  /// The certificate that users see; `nil` for a generated one.
  public var certificate: CertificateFiles?

  /// The defaults.
  public init(kind: Kind, localAddress: String) {
    self.kind = kind
    self.localAddress = localAddress
  }
}
