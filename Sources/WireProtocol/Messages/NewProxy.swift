/// Announces one proxy (wire-protocol.md 11.1).
public struct NewProxy: Equatable, Sendable {
  /// The proxy's full name.
  public var proxyName: String = ""
  /// The kind of proxy; empty means `tcp`.
  public var proxyType: String = ""
  /// Whether payload is encrypted.
  public var useEncryption: Bool = false
  /// Whether payload is compressed.
  public var useCompression: Bool = false
  /// A number with `KB` or `MB`, per second.
  public var bandwidthLimit: String = ""
  /// `server` when the server throttles.
  public var bandwidthLimitMode: String = ""
  /// The load-balancing group.
  public var group: String = ""
  /// The group's key.
  public var groupKey: String = ""
  /// Free metadata.
  public var metas: [String: String] = [:]
  /// Notes for dashboards.
  public var annotations: [String: String] = [:]
  /// The public port; 0 lets the server choose.
  public var remotePort: Int = 0
  /// Host names.
  public var customDomains: [String] = []
  /// A name below the server's domain.
  public var subdomain: String = ""
  /// Path prefixes.
  public var locations: [String] = []
  /// The user of basic authentication.
  public var httpUser: String = ""
  /// The password of basic authentication.
  public var httpPassword: String = ""
  /// The host that the service sees.
  public var hostHeaderRewrite: String = ""
  /// Request headers to set.
  public var headers: [String: String] = [:]
  /// Response headers to set.
  public var responseHeaders: [String: String] = [:]
  /// The user by which requests are routed.
  public var routeByHTTPUser: String = ""
  /// The secret of stcp, sudp and xtcp.
  public var secretKey: String = ""
  /// Users who may visit.
  public var allowUsers: [String] = []
  /// `httpconnect` for tcpmux.
  public var multiplexer: String = ""

  /// Makes an empty message.
  public init() {}

  init(_ fields: JSONFields) throws(WireError) {
    proxyName = try fields.string("proxy_name")
    proxyType = try fields.string("proxy_type")
    useEncryption = try fields.bool("use_encryption")
    useCompression = try fields.bool("use_compression")
    bandwidthLimit = try fields.string("bandwidth_limit")
    bandwidthLimitMode = try fields.string("bandwidth_limit_mode")
    group = try fields.string("group")
    groupKey = try fields.string("group_key")
    metas = try fields.stringMap("metas")
    annotations = try fields.stringMap("annotations")
    remotePort = try fields.integer("remote_port")
    customDomains = try fields.strings("custom_domains")
    subdomain = try fields.string("subdomain")
    locations = try fields.strings("locations")
    httpUser = try fields.string("http_user")
    httpPassword = try fields.string("http_pwd")
    hostHeaderRewrite = try fields.string("host_header_rewrite")
    headers = try fields.stringMap("headers")
    responseHeaders = try fields.stringMap("response_headers")
    routeByHTTPUser = try fields.string("route_by_http_user")
    secretKey = try fields.string("sk")
    allowUsers = try fields.strings("allow_users")
    multiplexer = try fields.string("multiplexer")
  }

  func write(to writer: inout JSONWriter) {
    writer.write("proxy_name", proxyName)
    writer.write("proxy_type", proxyType)
    writer.write("use_encryption", useEncryption)
    writer.write("use_compression", useCompression)
    writer.write("bandwidth_limit", bandwidthLimit)
    writer.write("bandwidth_limit_mode", bandwidthLimitMode)
    writer.write("group", group)
    writer.write("group_key", groupKey)
    writer.write("metas", metas)
    writer.write("annotations", annotations)
    writer.write("remote_port", remotePort)
    writer.write("custom_domains", customDomains)
    writer.write("subdomain", subdomain)
    writer.write("locations", locations)
    writer.write("http_user", httpUser)
    writer.write("http_pwd", httpPassword)
    writer.write("host_header_rewrite", hostHeaderRewrite)
    writer.write("headers", headers)
    writer.write("response_headers", responseHeaders)
    writer.write("route_by_http_user", routeByHTTPUser)
    writer.write("sk", secretKey)
    writer.write("allow_users", allowUsers)
    writer.write("multiplexer", multiplexer)
  }
}

/// The answer to `NewProxy`.
public struct NewProxyResponse: Equatable, Sendable {
  /// The proxy's full name.
  public var proxyName: String = ""
  /// Where users reach the proxy, for example `:8780`.
  public var remoteAddress: String = ""
  /// Why it was refused; empty when it was not.
  public var error: String = ""

  /// Makes an empty message.
  public init() {}

  init(_ fields: JSONFields) throws(WireError) {
    proxyName = try fields.string("proxy_name")
    remoteAddress = try fields.string("remote_addr")
    error = try fields.string("error")
  }

  func write(to writer: inout JSONWriter) {
    writer.write("proxy_name", proxyName)
    writer.write("remote_addr", remoteAddress)
    writer.write("error", error)
  }
}

/// Withdraws a proxy; there is no answer.
public struct CloseProxy: Equatable, Sendable {
  /// The proxy's full name.
  public var proxyName: String = ""

  /// Makes an empty message.
  public init() {}

  init(_ fields: JSONFields) throws(WireError) {
    proxyName = try fields.string("proxy_name")
  }

  func write(to writer: inout JSONWriter) {
    writer.write("proxy_name", proxyName)
  }
}
