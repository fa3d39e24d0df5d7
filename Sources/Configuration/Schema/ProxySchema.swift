/// The keys of proxies (configuration.md 4).
enum ProxySchema {
  static let index = SchemaIndex(all, empty: ProxyDraft())
  static let iniNames = index.iniNamesByID

  static let all = selectors + common + byKind + plugin

  /// What a proxy is; read before everything else.
  static let selectors: [SchemaKey<ProxyDraft>] = [
    SchemaKey(nil, "name", .text(\.name), "name of the proxy; in INI files of its section"),
    SchemaKey(
      "type", "type",
      .choice(\.kind, "tcp", features: ProxyKind.allCases.map { ($0.rawValue, $0.feature) }),
      "the kind of the proxy; not to be left out in TOML, YAML and JSON"),
    SchemaKey("role", nil, .ignored(.text), "`server` for a proxy, `visitor` for a visitor"),
  ]

  /// Keys of every kind.
  static let common: [SchemaKey<ProxyDraft>] =
    [
      SchemaKey(
        nil, "enabled", .boolean(\.isEnabled, true), "`false` leaves the proxy out"),
      SchemaKey(
        "local_ip", "localIP", .host(\.localHost, "127.0.0.1"), "host of the local service",
        example: "192.168.1.10"),
      SchemaKey(
        "local_port", "localPort", .port(\.localPort), "port of the local service",
        example: "8080"),
      SchemaKey(
        "use_encryption", "transport.useEncryption", .boolean(\.usesEncryption),
        "payload is encrypted with a key made of the token", example: "true"),
      SchemaKey(
        "use_compression", "transport.useCompression", .boolean(\.usesCompression),
        "payload is compressed", example: "true"),
      SchemaKey(
        "bandwidth_limit", "transport.bandwidthLimit",
        .text(\.bandwidthLimit, kind: .bandwidth, fault: TextChecks.bandwidth),
        "what all connections of the proxy may move together in a second, both ways, such as "
          + "`512KB` or `1MB` (of 1024); empty or zero: as much as they can", example: "1MB"),
      SchemaKey(
        "bandwidth_limit_mode", "transport.bandwidthLimitMode",
        .choice(\.bandwidthLimitMode, "client", BandwidthLimitMode.allCases.map(\.rawValue)),
        "which program keeps to the limit", example: "server"),
      SchemaKey(
        "proxy_protocol_version", "transport.proxyProtocolVersion",
        .choice(\.proxyProtocolVersion, "", ["", "v1", "v2"]),
        "tells the local service who the user is; empty: does not", example: "v2"),
      SchemaKey(
        "meta_*", "metadatas", .map(\.metadata), "what the relay's plugins are told",
        example: "owner=me, place=cellar"),
      SchemaKey(
        nil, "annotations", .map(\.annotations), "what the relay's dashboard shows",
        example: "example.com/purpose=blog"),
    ] + shared

  private static let shared: [SchemaKey<ProxyDraft>] = [
    SchemaKey(
      "group", "loadBalancer.group", .text(\.group),
      "name of the group whose members share one endpoint", feature: .loadBalancing,
      example: "web"),
    SchemaKey(
      "group_key", "loadBalancer.groupKey", .secret(\.groupKey),
      "secret that every member must know", feature: .loadBalancing,
      example: "change-this-secret"),
    SchemaKey(
      "health_check_type", "healthCheck.type", .choice(\.healthCheckType, "", ["", "tcp", "http"]),
      "how the local service is watched; empty: not at all", feature: .healthCheck,
      example: "http"),
    SchemaKey(
      "health_check_timeout_s", "healthCheck.timeoutSeconds", .seconds(\.healthCheckSeconds, 3),
      "how long one check may take", feature: .healthCheck, example: "5"),
    SchemaKey(
      "health_check_max_failed", "healthCheck.maxFailed",
      .integer(\.healthCheckFailureCount, .count, 1, 0...ConfigurationLimits.failureCountMax),
      "after how many failures in a row the service is dead", feature: .healthCheck,
      example: "3"),
    SchemaKey(
      "health_check_interval_s", "healthCheck.intervalSeconds",
      .seconds(\.healthCheckIntervalSeconds, 10), "pause between two checks",
      feature: .healthCheck, example: "20"),
    SchemaKey(
      "health_check_url", "healthCheck.path", .text(\.healthCheckPath),
      "path to ask for by http", feature: .healthCheck, example: "/health"),
    SchemaKey(
      nil, "healthCheck.httpHeaders", .namedValues(\.healthCheckHeaders),
      "request headers to send by http", feature: .healthCheck,
      example: "Host=health.example.com"),
  ]

  /// Keys of some kinds.
  static let byKind: [SchemaKey<ProxyDraft>] = [
    SchemaKey(
      "remote_port", "remotePort", .port(\.remotePort), "port at the relay; 0: the relay's choice",
      scope: .kinds(.tcp, .udp), example: "6000"),
    SchemaKey(
      "custom_domains", "customDomains", .list(choices: [], \.customDomains), "host names",
      scope: .kinds(.http, .https, .tcpmux), example: "www.example.com, *.example.org"),
    SchemaKey(
      "subdomain", "subdomain", .text(\.subdomain, fault: TextChecks.subdomain),
      "label before the relay's `subdomain_host`", scope: .kinds(.http, .https, .tcpmux),
      example: "www"),
    SchemaKey(
      "locations", "locations", .list(choices: [], \.locations),
      "path prefixes; empty: every path", scope: .kinds(.http), example: "/, /pictures"),
    SchemaKey(
      "http_user", "httpUser", .text(\.httpUser), "user to ask for; empty: nobody",
      scope: .kinds(.http, .tcpmux), example: "abc"),
    SchemaKey(
      "http_pwd", "httpPassword", .secret(\.httpPassword), "the user's password",
      scope: .kinds(.http, .tcpmux), example: "change-this-password"),
    SchemaKey(
      "host_header_rewrite", "hostHeaderRewrite", .text(\.hostHeaderRewrite),
      "host that the local service sees", scope: .kinds(.http), example: "inner.example.com"),
    SchemaKey(
      "header_*", "requestHeaders.set", .map(\.requestHeaders), "request headers to set",
      scope: .kinds(.http), example: "x-from-where=frp"),
    SchemaKey(
      nil, "responseHeaders.set", .map(\.responseHeaders), "response headers to set",
      scope: .kinds(.http), example: "x-served-by=frp"),
    SchemaKey(
      "route_by_http_user", "routeByHTTPUser", .text(\.routeByUser),
      "only requests of that user come here; empty: all", scope: .kinds(.http, .tcpmux),
      example: "abc"),
    SchemaKey(
      "multiplexer", "multiplexer", .choice(\.multiplexer, "httpconnect", ["httpconnect"]),
      "how host names are told apart", scope: .kinds(.tcpmux)),
    SchemaKey(
      "sk", "secretKey", .secret(\.secretKey), "what a visitor must know",
      scope: .kinds(ProxyKind.stcp, .sudp, .xtcp), example: "change-this-secret"),
    SchemaKey(
      "allow_users", "allowUsers", .list(choices: [], \.allowedUsers),
      "users whose visitors may come; empty: the same user's; `*`: everybody's",
      scope: .kinds(ProxyKind.stcp, .sudp, .xtcp), example: "office, phone"),
    SchemaKey(
      nil, "natTraversal.disableAssistedAddrs", .boolean(\.hidesLocalAddresses),
      "addresses of the local network are not offered", scope: KeyScope(kinds: ["xtcp"]),
      example: "true"),
  ]

  /// Keys of client plugins (configuration.md 4.4).
  static let plugin: [SchemaKey<ProxyDraft>] = [
    SchemaKey(
      "plugin", "plugin.type",
      .choice(\.plugin.type, "", ClientPluginKind.allCases.map(\.rawValue)),
      "what serves users in the place of a local service; empty: nothing",
      feature: .clientPlugins),
    SchemaKey(
      "plugin_http_user", "plugin.httpUser", .text(\.plugin.httpUser),
      "user to ask for; empty: nobody", scope: .plugins(.httpProxy, .staticFile), example: "abc"),
    SchemaKey(
      "plugin_http_passwd", "plugin.httpPassword", .secret(\.plugin.httpPassword),
      "the user's password", scope: .plugins(.httpProxy, .staticFile),
      example: "change-this-password"),
    SchemaKey(
      "plugin_user", "plugin.username", .text(\.plugin.username),
      "user to ask for; empty: nobody", scope: .plugins(.socks5), example: "abc"),
    SchemaKey(
      "plugin_passwd", "plugin.password", .secret(\.plugin.password), "the user's password",
      scope: .plugins(.socks5), example: "change-this-password"),
    SchemaKey(
      "plugin_local_path", "plugin.localPath", .path(\.plugin.localPath),
      "folder with the files", scope: .plugins(.staticFile), example: "/srv/www"),
    SchemaKey(
      "plugin_strip_prefix", "plugin.stripPrefix", .text(\.plugin.stripPrefix),
      "what is taken off the front of a request's path", scope: .plugins(.staticFile),
      example: "static"),
    SchemaKey(
      "plugin_unix_path", "plugin.unixPath", .path(\.plugin.unixPath),
      "path of the local service's socket", scope: .plugins(.unixDomainSocket),
      example: "/run/service.sock"),
    SchemaKey(
      "plugin_local_addr", "plugin.localAddr", .text(\.plugin.localAddress),
      "`host:port` of the local service", scope: webOrTLS, example: "127.0.0.1:8080"),
    SchemaKey(
      "plugin_host_header_rewrite", "plugin.hostHeaderRewrite", .text(\.plugin.hostHeaderRewrite),
      "host that the local service sees", scope: web, example: "inner.example.com"),
    SchemaKey(
      "plugin_header_*", "plugin.requestHeaders.set", .map(\.plugin.requestHeaders),
      "request headers to set", scope: web, example: "x-from-where=frp"),
    SchemaKey(
      nil, "plugin.enableHTTP2", .boolean(\.plugin.offersHTTP2, true), "users may speak HTTP/2",
      scope: .plugins(.https2http, .https2https), example: "false"),
    SchemaKey(
      "plugin_crt_path", "plugin.crtPath", .path(\.plugin.certificatePath),
      "PEM file of the certificate that users see; empty: a generated one",
      scope: .plugins(.https2http, .https2https, .tls2raw), example: "/etc/frp/site.pem"),
    SchemaKey(
      "plugin_key_path", "plugin.keyPath", .path(\.plugin.keyPath),
      "PEM file of the certificate's private key",
      scope: .plugins(.https2http, .https2https, .tls2raw), example: "/etc/frp/site.key"),
  ]

  private static let web = KeyScope.plugins(.http2https, .https2http, .https2https, .http2http)
  private static let webOrTLS = KeyScope.plugins(
    .http2https, .https2http, .https2https, .http2http, .tls2raw)
}

/// The keys of visitors (configuration.md 4.3).
enum VisitorSchema {
  static let index = SchemaIndex(keys, empty: VisitorDraft())
  static let iniNames = index.iniNamesByID

  static let keys: [SchemaKey<VisitorDraft>] = [
    SchemaKey(nil, "name", .text(\.name), "name of the visitor; in INI files of its section"),
    SchemaKey(
      "type", "type",
      .choice(
        \.kind, "",
        features: [
          ("stcp", Feature.visitors), ("sudp", Feature.visitors), ("xtcp", Feature.visitors),
        ]),
      "the kind of the proxy to visit; not to be left out"),
    SchemaKey("role", nil, .ignored(.text), "`visitor`, which makes the section one"),
    SchemaKey(nil, "enabled", .boolean(\.isEnabled, true), "`false` leaves the visitor out"),
    SchemaKey(
      "use_encryption", "transport.useEncryption", .boolean(\.usesEncryption),
      "payload is encrypted with a key made of the secret", example: "true"),
    SchemaKey(
      "use_compression", "transport.useCompression", .boolean(\.usesCompression),
      "payload is compressed", example: "true"),
    SchemaKey(
      "sk", "secretKey", .secret(\.secretKey), "what the proxy asks of its visitors",
      example: "change-this-secret"),
    SchemaKey(
      "server_user", "serverUser", .text(\.serverUser),
      "user of the proxy's client; empty: our own `user`", example: "office"),
    SchemaKey(
      "server_name", "serverName", .text(\.serverName), "name of the proxy", example: "private"),
    SchemaKey(
      "bind_addr", "bindAddr", .host(\.bindAddress, "127.0.0.1"), "address to listen on",
      example: "192.168.1.5"),
    SchemaKey(
      "bind_port", "bindPort", .integer(\.bindPort, .port, 0, -65_535...65_535),
      "port to listen on; negative: none, for visitors that others fall back to",
      example: "9000"),
    SchemaKey(
      nil, "plugin.type", .choice(\.pluginType, "", ["virtual_net"]),
      "leads an address of the virtual network to the proxy", feature: .virtualNet),
    SchemaKey(
      nil, "plugin.destinationIP",
      .text(\.pluginDestination, kind: .address, fault: TextChecks.address), "that address",
      feature: .virtualNet),
    SchemaKey(
      "protocol", "protocol", .choice(\.tunnel, "quic", ["quic", "kcp"]),
      "what carries the tunnel", scope: xtcp, example: "kcp"),
    SchemaKey(
      "keep_tunnel_open", "keepTunnelOpen", .boolean(\.keepsTunnelOpen),
      "the tunnel is kept up while nobody uses it", scope: xtcp, example: "true"),
    SchemaKey(
      "max_retries_an_hour", "maxRetriesAnHour",
      .integer(\.retriesPerHourMax, .count, 8, 0...ConfigurationLimits.failureCountMax),
      "how often in an hour a lost tunnel is made anew", scope: xtcp, example: "12"),
    SchemaKey(
      "min_retry_interval", "minRetryInterval", .seconds(\.retrySeconds, 90),
      "pause between two looks at the tunnel", scope: xtcp, example: "60"),
    SchemaKey(
      "fallback_to", "fallbackTo", .text(\.fallbackVisitor),
      "visitor that takes over when there is no tunnel", scope: xtcp, example: "visit-stcp"),
    SchemaKey(
      "fallback_timeout_ms", "fallbackTimeoutMs",
      .integer(
        \.fallbackMilliseconds, .milliseconds, 1000, 0...ConfigurationLimits.secondsMax),
      "how long a user waits for a tunnel before that", scope: xtcp, example: "500"),
    SchemaKey(
      nil, "natTraversal.disableAssistedAddrs", .boolean(\.hidesLocalAddresses),
      "addresses of the local network are not offered", scope: xtcp, example: "true"),
  ]

  private static let xtcp = KeyScope(kinds: ["xtcp"])
}
