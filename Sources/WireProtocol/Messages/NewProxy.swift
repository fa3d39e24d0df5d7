/// A client announces a proxy. Which members count depends on the type.
public struct NewProxy: Equatable, Sendable {
  /// `<user>.<name>`, or `<name>` without a user.
  public var proxyName: String

  /// `tcp`, `udp`, `http`, `https`, `tcpmux`, `stcp`, `sudp` or `xtcp`; empty means `tcp`.
  public var proxyType: String

  /// Whether payload on work connections is encrypted.
  public var useEncryption: Bool

  /// Whether payload on work connections is compressed.
  public var useCompression: Bool

  /// A number and `KB` or `MB` a second; empty for none.
  public var bandwidthLimit: String

  /// `server` when the server is to hold the limit; else empty.
  public var bandwidthLimitMode: String

  /// The load-balancing group; empty for none.
  public var group: String

  /// What all members of the group must know.
  public var groupKey: String

  /// What the proxy's configuration says about it.
  public var metas: [String: String]

  /// Annotations for the server's dashboard.
  public var annotations: [String: String]

  /// tcp, udp: the public port; 0 lets the server choose.
  public var remotePort: Int

  /// http, https, tcpmux: the domains.
  public var customDomains: [String]

  /// http, https, tcpmux: a name under the server's own domain.
  public var subdomain: String

  /// http: path prefixes.
  public var locations: [String]

  /// http, tcpmux: the user that may pass.
  public var httpUser: String

  /// http, tcpmux: the password of that user.
  public var httpPassword: String

  /// http: the `Host` that the local service sees.
  public var hostHeaderRewrite: String

  /// http: request headers to set.
  public var headers: [String: String]

  /// http: response headers to set.
  public var responseHeaders: [String: String]

  /// http, tcpmux: the user whose requests come here.
  public var routeByHTTPUser: String

  /// stcp, sudp, xtcp: what visitors must know.
  public var secretKey: String

  /// stcp, sudp, xtcp: users that may visit; `*` is all.
  public var allowUsers: [String]

  /// tcpmux: `httpconnect`.
  public var multiplexer: String

  /// Makes the message; what is left out is zero or empty.
  public init(
    proxyName: String = "",
    proxyType: String = "",
    useEncryption: Bool = false,
    useCompression: Bool = false,
    bandwidthLimit: String = "",
    bandwidthLimitMode: String = "",
    group: String = "",
    groupKey: String = "",
    metas: [String: String] = [:],
    annotations: [String: String] = [:],
    remotePort: Int = 0,
    customDomains: [String] = [],
    subdomain: String = "",
    locations: [String] = [],
    httpUser: String = "",
    httpPassword: String = "",
    hostHeaderRewrite: String = "",
    headers: [String: String] = [:],
    responseHeaders: [String: String] = [:],
    routeByHTTPUser: String = "",
    secretKey: String = "",
    allowUsers: [String] = [],
    multiplexer: String = ""
  ) {
    self.proxyName = proxyName
    self.proxyType = proxyType
    self.useEncryption = useEncryption
    self.useCompression = useCompression
    self.bandwidthLimit = bandwidthLimit
    self.bandwidthLimitMode = bandwidthLimitMode
    self.group = group
    self.groupKey = groupKey
    self.metas = metas
    self.annotations = annotations
    self.remotePort = remotePort
    self.customDomains = customDomains
    self.subdomain = subdomain
    self.locations = locations
    self.httpUser = httpUser
    self.httpPassword = httpPassword
    self.hostHeaderRewrite = hostHeaderRewrite
    self.headers = headers
    self.responseHeaders = responseHeaders
    self.routeByHTTPUser = routeByHTTPUser
    self.secretKey = secretKey
    self.allowUsers = allowUsers
    self.multiplexer = multiplexer
  }
}

extension NewProxy: MessageBody, CustomStringConvertible {
  static var empty: NewProxy { NewProxy() }
  static var messageType: MessageType { .newProxy }

  mutating func visitMembers<Visitor: MemberVisitor & ~Copyable>(
    _ visitor: inout Visitor
  ) throws(Visitor.Failure) {
    try visitor.text("proxy_name", &proxyName)
    try visitor.text("proxy_type", &proxyType)
    try visitor.flag("use_encryption", &useEncryption)
    try visitor.flag("use_compression", &useCompression)
    try visitor.text("bandwidth_limit", &bandwidthLimit)
    try visitor.text("bandwidth_limit_mode", &bandwidthLimitMode)
    try visitor.text("group", &group)
    try visitor.secret("group_key", &groupKey)
    try visitor.map("metas", &metas)
    try visitor.map("annotations", &annotations)
    try visitor.integer("remote_port", &remotePort)
    try visitor.texts("custom_domains", &customDomains)
    try visitor.text("subdomain", &subdomain)
    try visitor.texts("locations", &locations)
    try visitor.text("http_user", &httpUser)
    try visitor.secret("http_pwd", &httpPassword)
    try visitor.text("host_header_rewrite", &hostHeaderRewrite)
    try visitor.map("headers", &headers)
    try visitor.map("response_headers", &responseHeaders)
    try visitor.text("route_by_http_user", &routeByHTTPUser)
    try visitor.secret("sk", &secretKey)
    try visitor.texts("allow_users", &allowUsers)
    try visitor.text("multiplexer", &multiplexer)
  }
}

/// The answer to an announced proxy.
public struct NewProxyResponse: Equatable, Sendable {
  /// The name in the request.
  public var proxyName: String

  /// Where the proxy is reached, such as `:8080`; empty when refused.
  public var remoteAddress: String

  /// Why the proxy is refused; empty when it is not.
  public var error: String

  /// Makes the message; what is left out is zero or empty.
  public init(
    proxyName: String = "",
    remoteAddress: String = "",
    error: String = ""
  ) {
    self.proxyName = proxyName
    self.remoteAddress = remoteAddress
    self.error = error
  }
}

extension NewProxyResponse: MessageBody, CustomStringConvertible {
  static var empty: NewProxyResponse { NewProxyResponse() }
  static var messageType: MessageType { .newProxyResponse }

  mutating func visitMembers<Visitor: MemberVisitor & ~Copyable>(
    _ visitor: inout Visitor
  ) throws(Visitor.Failure) {
    try visitor.text("proxy_name", &proxyName)
    try visitor.text("remote_addr", &remoteAddress)
    try visitor.text("error", &error)
  }
}

/// A client withdraws a proxy; there is no answer.
public struct CloseProxy: Equatable, Sendable {
  /// The name that was announced.
  public var proxyName: String

  /// Makes the message; what is left out is zero or empty.
  public init(proxyName: String = "") {
    self.proxyName = proxyName
  }
}

extension CloseProxy: MessageBody, CustomStringConvertible {
  static var empty: CloseProxy { CloseProxy() }
  static var messageType: MessageType { .closeProxy }

  mutating func visitMembers<Visitor: MemberVisitor & ~Copyable>(
    _ visitor: inout Visitor
  ) throws(Visitor.Failure) {
    try visitor.text("proxy_name", &proxyName)
  }
}
