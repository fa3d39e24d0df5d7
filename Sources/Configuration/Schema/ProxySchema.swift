/// The keys of sections that describe proxies and visitors (configuration.md 4).
enum ProxySchema {
  /// Which kind of section it is; read before everything else.
  static let selectors: [SchemaKey<ProxyDraft>] = [
    SchemaKey(
      "role", nil,
      .choice(defaultText: "server", now: ["server"], later: ["visitor"]) { _, _ in },
      "`server` for a proxy"),
    SchemaKey(
      "type", "type",
      .choice(
        defaultText: "tcp",
        now: ProxyKind.allCases.filter(\.isImplemented).map(\.rawValue),
        later: ProxyKind.allCases.filter { !$0.isImplemented }.map(\.rawValue)
      ) { $0.kind = ProxyKind(rawValue: $1) ?? .tcp },
      "the kind of the proxy"),
  ]

  /// Keys of every kind of proxy.
  static let common: [SchemaKey<ProxyDraft>] =
    [
      SchemaKey(
        "local_ip", "localIP", .host("127.0.0.1") { $0.localHost = $1 },
        "host of the local service"),
      SchemaKey(
        "local_port", "localPort", .port(0) { $0.localPort = $1 }, "port of the local service"),
      SchemaKey(
        "use_encryption", "transport.useEncryption",
        .boolean(defaultValue: false) { $0.usesEncryption = $1 },
        "payload is encrypted with a key made of the token"),
      SchemaKey(
        "use_compression", "transport.useCompression",
        .boolean(defaultValue: false) { $0.usesCompression = $1 },
        "payload is compressed"),
      SchemaKey(
        "bandwidth_limit", "transport.bandwidthLimit",
        .text(.bandwidth, defaultText: "") { target, text in
          guard let bandwidth = Bandwidth(text) else {
            return "expected a number with KB or MB right behind it, such as 512KB, "
              + "found \(quoted(text))"
          }
          target.bandwidthLimit = bandwidth
          return nil
        },
        "what all connections of the proxy may move together in a second, both ways, such as "
          + "`512KB` or `1MB` (of 1024); empty or zero: as much as they can"),
      SchemaKey(
        "bandwidth_limit_mode", "transport.bandwidthLimitMode",
        .choice(
          defaultText: "client", now: BandwidthLimitMode.allCases.map(\.rawValue), later: []
        ) { $0.bandwidthLimitMode = BandwidthLimitMode(rawValue: $1) ?? .client },
        "which program keeps to the limit"),
      SchemaKey(
        "proxy_protocol_version", "transport.proxyProtocolVersion",
        .choice(defaultText: "", now: ["", "v1", "v2"], later: []) {
          $0.proxyProtocolVersion = ProxyProtocolVersion(rawValue: $1)
        },
        "tells the local service who the user is; empty: does not"),
      SchemaKey(
        "meta_*", "metadatas", .map { $0.metadata = $1 }, "what the relay's plugins are told"),
    ] + absentCommon

  /// Keys of tcp proxies.
  static let tcp: [SchemaKey<ProxyDraft>] = [
    SchemaKey(
      "remote_port", "remotePort", .port(0) { $0.remotePort = $1 },
      "port at the relay; 0: the relay's choice")
  ]

  /// Keys of the kinds that this version has not.
  static let otherKinds: [SchemaKey<ProxyDraft>] = [
    SchemaKey("custom_domains", "customDomains", .absent(.list, "virtual hosts"), "host names"),
    SchemaKey(
      "subdomain", "subdomain", .absent(.text, "virtual hosts"), "label below `subdomain_host`"),
    SchemaKey("locations", "locations", .absent(.list, "virtual hosts"), "path prefixes"),
    SchemaKey("http_user", "httpUser", .absent(.text, "virtual hosts"), "user to ask for"),
    SchemaKey("http_pwd", "httpPassword", .absent(.text, "virtual hosts"), "its password"),
    SchemaKey(
      "host_header_rewrite", "hostHeaderRewrite", .absent(.text, "virtual hosts"),
      "host that the local service sees"),
    SchemaKey(
      "header_*", "requestHeaders.set", .absent(.map, "virtual hosts"), "request headers to set"),
    SchemaKey(
      "route_by_http_user", "routeByHTTPUser", .absent(.text, "virtual hosts"),
      "only requests of that user"),
    SchemaKey(
      "multiplexer", "multiplexer", .absent(.text, "the HTTP CONNECT port"), "`httpconnect`"),
    SchemaKey("sk", "secretKey", .absent(.text, "secret proxies"), "secret of the visitors"),
    SchemaKey(
      "allow_users", "allowUsers", .absent(.list, "secret proxies"), "users who may visit"),
  ]

  /// Keys of visitors.
  static let visitor: [SchemaKey<ProxyDraft>] = [
    ("server_user", "serverUser", TypeName.text, "", "user of the proxy's client"),
    ("server_name", "serverName", .text, "", "name of the proxy"),
    ("bind_addr", "bindAddr", .text, "127.0.0.1", "address to listen on"),
    ("bind_port", "bindPort", .integer, "0", "port to listen on"),
    ("protocol", "protocol", .text, "quic", "what carries an xtcp tunnel"),
    ("keep_tunnel_open", "keepTunnelOpen", .boolean, "false", "the tunnel stays up"),
    ("max_retries_an_hour", "maxRetriesAnHour", .integer, "8", "tries to keep the tunnel up"),
    ("min_retry_interval", "minRetryInterval", .integer, "90", "seconds between them"),
    ("fallback_to", "fallbackTo", .text, "", "visitor to use instead"),
    ("fallback_timeout_ms", "fallbackTimeoutMs", .integer, "1000", "milliseconds until then"),
  ].map { iniName, v1Name, type, defaultText, documentation in
    SchemaKey(
      iniName, v1Name, .absent(type, defaultText: defaultText, feature: "visitors"), documentation)
  }

  private static let absentCommon: [SchemaKey<ProxyDraft>] = [
    SchemaKey("group", "loadBalancer.group", .absent(.text, "load balancing"), "name of the group"),
    SchemaKey("group_key", "loadBalancer.groupKey", .absent(.text, "load balancing"), "its secret"),
    SchemaKey(
      "health_check_type", "healthCheck.type", .absent(.text, "the health check"),
      "`tcp` or `http`"),
    SchemaKey(
      "health_check_timeout_s", "healthCheck.timeoutSeconds",
      .absent(.integer, defaultText: "3", feature: "the health check"), "seconds to wait"),
    SchemaKey(
      "health_check_max_failed", "healthCheck.maxFailed",
      .absent(.integer, defaultText: "1", feature: "the health check"), "failures in a row"),
    SchemaKey(
      "health_check_interval_s", "healthCheck.intervalSeconds",
      .absent(.integer, defaultText: "10", feature: "the health check"), "seconds between checks"),
    SchemaKey(
      "health_check_url", "healthCheck.path", .absent(.text, "the health check"),
      "path to ask "
        + "for"),
    SchemaKey("plugin", "plugin.type", .absent(.text, "client plugins"), "name of the plugin"),
    SchemaKey("plugin_*", "plugin", .absent(.map, "client plugins"), "keys of the plugin"),
  ]
}

/// The keys of frps' `[plugin.NAME]` sections (configuration.md 2.4).
enum ServerPluginSchema {
  static let keys: [SchemaKey<ServerDraft>] = [
    SchemaKey("addr", "httpPlugins[].addr", .absent(.text, "server plugins"), "where it listens"),
    SchemaKey("path", "httpPlugins[].path", .absent(.text, "server plugins"), "path to call"),
    SchemaKey("ops", "httpPlugins[].ops", .absent(.list, "server plugins"), "what it is asked"),
    SchemaKey(
      "tlsVerify", "httpPlugins[].tlsVerify", .absent(.boolean, "server plugins"),
      "its certificate is verified"),
  ]
}
