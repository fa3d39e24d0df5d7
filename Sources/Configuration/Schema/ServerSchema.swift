/// The keys of frps (configuration.md 2).
enum ServerSchema {
  static let index = SchemaIndex(common, empty: ServerDraft())
  static let iniNames = index.iniNamesByID

  static let common: [SchemaKey<ServerDraft>] =
    listening + limits + vhosts + groups + SharedSchema.authentication + oidc + transport
    + SharedSchema.webServer(
      "dashboard_", "the dashboard", feature: .dashboard, iniAddress: iniDashboardAddress)
    + dashboardTLS
    + SharedSchema.log + SharedSchema.confinement + sshGateway

  /// In frp the dashboard of an INI file is for everybody unless the file says otherwise.
  static let iniDashboardAddress = "0.0.0.0"

  private static let listening: [SchemaKey<ServerDraft>] = [
    SharedSchema.version,
    SchemaKey(
      "bind_addr", "bindAddr", .host(\.bindAddress, "0.0.0.0"), "address that clients connect to",
      example: "10.0.0.1"),
    SchemaKey(
      "bind_port", "bindPort", .port(\.bindPort, 7000), "port that clients connect to",
      example: "7001"),
    SchemaKey(
      "kcp_bind_port", "kcpBindPort", .port(\.kcpBindPort), "UDP port for KCP; 0: none",
      feature: .kcp, example: "7001"),
    SchemaKey(
      "quic_bind_port", "quicBindPort", .port(\.quicBindPort), "UDP port for QUIC; 0: none",
      feature: .quic, example: "7002"),
    SchemaKey(
      "proxy_bind_addr", "proxyBindAddr", .host(\.proxyBindAddress),
      "address on which proxies are reachable; empty: as `bind_addr`", example: "10.0.0.2"),
  ]

  private static let limits: [SchemaKey<ServerDraft>] = [
    SchemaKey(
      "user_conn_timeout", "userConnTimeout", .seconds(\.userConnectionSeconds, 10),
      "how long a user waits for a work connection", example: "20"),
    SharedSchema.packetSize,
    SchemaKey(
      "detailed_errors_to_client", "detailedErrorsToClient",
      .boolean(\.sendsDetailedErrors, true), "clients are told why something was refused",
      example: "false"),
    SchemaKey(
      "max_ports_per_client", "maxPortsPerClient",
      .integer(\.portsPerClientMax, .count, 0, 0...65_535),
      "the most ports that one client may have; 0: any number", example: "5"),
    connections(
      "max_connections", "maxConnections", \.connectionsMax,
      "in all; 0: as many as there are descriptors for"),
    connections(
      "max_connections_per_address", "maxConnectionsPerAddress", \.connectionsPerAddressMax,
      "from one IPv4 address or IPv6 network of 64 bits; 0: any number"),
    connections(
      "max_connections_per_proxy", "maxConnectionsPerProxy", \.connectionsPerProxyMax,
      "of one proxy; 0: any number"),
    connections(
      "max_connections_per_client", "maxConnectionsPerClient", \.connectionsPerClientMax,
      "of one client; 0: any number"),
    SchemaKey(
      "memory_limit", "memoryLimit",
      .text(\.memoryLimit, kind: .memory, fault: TextChecks.memory),
      "memory, with the kernel's for the sockets, above which no user and no client is let in, "
        + "such as `128MB`; empty: no limit; not in frp", example: "256MB"),
    SchemaKey(
      "port_memory_file", "portMemoryFile", .path(\.portMemoryPath),
      "file that remembers which proxy has which port, so that a relay that was killed keeps it "
        + "for its owner for 30 s; empty: `ports` in systemd's state directory, if there is one; "
        + "not in frp", example: "/var/lib/frp/ports"),
    SchemaKey(
      "allow_ports", "allowPorts", .ports(\.allowedPorts),
      "ports that proxies may have, such as `1000-2000,3000`", example: "2000-3000,3001,4000-5000"),
    SharedSchema.shutdownGrace, SharedSchema.reloadOnChange,
    SchemaKey(
      "users_file", "usersFile", .path(\.usersFilePath),
      "file with users who have tokens of their own; not in frp",
      example: "/etc/frp/users", needsFiles: true),
    SchemaKey(
      "nat_hole_analysis_data_reserve_hours", "natholeAnalysisDataReserveHours",
      .integer(
        \.holePunchingRecordHours, .hours, 168, 0...ConfigurationLimits.secondsMax / 3600),
      "for how long statistics of hole punching are kept", feature: .holePunching,
      example: "24"),
  ]

  private static func connections(
    _ iniName: String, _ v1Name: String, _ path: KeyRule<ServerDraft>.Path<Int>, _ which: String
  ) -> SchemaKey<ServerDraft> {
    SchemaKey(
      iniName, v1Name, .integer(path, .count, 0, 0...ConfigurationLimits.connectionCountMax),
      "the most user connections \(which); not in frp", example: "1000")
  }

  private static let vhosts: [SchemaKey<ServerDraft>] = [
    SchemaKey(
      "vhost_http_port", "vhostHTTPPort", .port(\.httpPort), "port of all http proxies; 0: none",
      feature: .httpProxies, example: "80"),
    SchemaKey(
      "vhost_https_port", "vhostHTTPSPort", .port(\.httpsPort),
      "port of all https proxies; 0: none", feature: .httpsProxies, example: "443"),
    SchemaKey(
      "vhost_http_timeout", "vhostHTTPTimeout", .seconds(\.httpTimeoutSeconds, 60),
      "how long a local service may take until its response begins", feature: .httpProxies,
      example: "30"),
    SchemaKey(
      "tcpmux_httpconnect_port", "tcpmuxHTTPConnectPort", .port(\.httpConnectPort),
      "port of all tcpmux proxies; 0: none", feature: .tcpmuxProxies, example: "1337"),
    SchemaKey(
      "tcpmux_passthrough", "tcpmuxPassthrough", .boolean(\.passesConnectRequests),
      "CONNECT requests reach the local service", feature: .tcpmuxProxies, example: "true"),
    SchemaKey(
      "vhost_https_cert_dir", "vhostHTTPSCertDir", .path(\.hostCertificateFolder),
      "folder with certificates `NAME.crt` and keys `NAME.key` of hosts whose TLS ends at the "
        + "relay, for http proxies; not in frp", feature: .httpProxies,
      example: "/etc/frp/certs", needsFiles: true),
    SchemaKey(
      "trusted_proxies", "trustedProxies", .list(choices: [], \.trustedProxies),
      "addresses or networks of front proxies that say with a PROXY header who their users are; "
        + "on ports of proxies and virtual hosts; not in frp", example: "10.0.0.2, 192.0.2.0/24"),
    SchemaKey(
      "subdomain_host", "subDomainHost",
      .text(\.subdomainHost, kind: .host, fault: TextChecks.host),
      "what `subdomain` of a proxy is put before; empty: no subdomains", feature: .httpsProxies,
      example: "apps.example.com"),
    SchemaKey(
      "access_log", "accessLog.to", .path(\.accessLogPath),
      "file with a line for each HTTP request, which begins anew every midnight as `log_file` "
        + "does; empty: none; not in frp", feature: .httpProxies,
      example: "/var/log/frp-access.log"),
    SchemaKey(
      "access_log_format", "accessLog.format",
      .choice(
        \.accessLogForm, AccessLogConfiguration.Form.common.rawValue,
        AccessLogConfiguration.Form.allCases.map(\.rawValue)),
      "how its lines are written; not in frp", feature: .httpProxies, example: "json"),
    SchemaKey(
      "custom_404_page", "custom404Page", .path(\.notFoundPagePath),
      "file with the page for unknown hosts", feature: .tcpmuxProxies,
      example: "/etc/frp/404.html"),
  ]

  private static let groups: [SchemaKey<ServerDraft>] = [
    SchemaKey(
      "group_policy", "groups.policy",
      .choice(
        \.group.policy, GroupConfiguration.Policy.roundRobin.rawValue,
        GroupConfiguration.Policy.allCases.map(\.rawValue)),
      "which member of a group serves the next user; not in frp, where it is `round_robin`",
      feature: .loadBalancing, example: "least_conn"),
    SchemaKey(
      "group_max_failures", "groups.maxFailures",
      .integer(\.group.failuresMax, .count, 0, 0...ConfigurationLimits.failureCountMax),
      "after how many failures in a row a member of a group is left out for a while; 0: never; "
        + "not in frp", feature: .loadBalancing, example: "3"),
    SchemaKey(
      "group_failure_time", "groups.failureTime", .seconds(\.group.failureSeconds, 10),
      "for how long at first, doubled each time up to 300 s; not in frp", feature: .loadBalancing,
      example: "30"),
    SchemaKey(
      "group_slow_start", "groups.slowStart", .seconds(\.group.slowStartSeconds, 0),
      "how long a member that is new or comes back takes to its full share; not in frp",
      feature: .loadBalancing, example: "60"),
    SchemaKey(
      "group_weight_meta", "groups.weightMeta", .text(\.group.weightKey),
      "which of a proxy's `meta_` keys holds its weight, from 1 to 256; empty: all weigh the same; "
        + "not in frp", feature: .loadBalancing, example: "weight"),
  ]

  private static let oidc: [SchemaKey<ServerDraft>] = [
    SchemaKey(
      "oidc_issuer", "auth.oidc.issuer", .text(\.oidcIssuer, kind: .url, fault: TextChecks.webURL),
      "the provider's URL", feature: .oidc, example: "https://id.example.com"),
    SchemaKey(
      "oidc_audience", "auth.oidc.audience", .text(\.shared.oidcAudience),
      "the audience to require; empty: any", feature: .oidc, example: "frp"),
    SchemaKey(
      "oidc_skip_expiry_check", "auth.oidc.skipExpiryCheck", .boolean(\.oidcSkipsExpiry),
      "expired credentials are good", feature: .oidc, example: "true"),
    SchemaKey(
      "oidc_skip_issuer_check", "auth.oidc.skipIssuerCheck", .boolean(\.oidcSkipsIssuer),
      "credentials of any issuer are good", feature: .oidc, example: "true"),
  ]

  private static let transport: [SchemaKey<ServerDraft>] =
    SharedSchema.multiplexing + [
      SchemaKey(
        "tcp_keepalive", "transport.tcpKeepalive", .secondsOrOff(\.tcpKeepaliveSeconds, 7200),
        "pause before TCP probes an idle connection; negative: no probes", example: "60"),
      SchemaKey(
        "max_pool_count", "transport.maxPoolCount",
        .integer(\.poolCountMax, .count, 5, 0...ConfigurationLimits.poolCountMax),
        "the most work connections that a client may open in advance", example: "50"),
      SchemaKey(
        "heartbeat_timeout", "transport.heartbeatTimeout",
        .secondsOrOff(\.shared.heartbeatTimeoutSeconds, 0),
        "after how long without a heartbeat a client is given up; "
          + "0: never with `tcp_mux`, else 90; negative: never", example: "120"),
    ] + SharedSchema.quic + [
      SchemaKey(
        "tls_only", "transport.tls.force", .boolean(\.isTLSRequired),
        "connections without TLS are refused; always so with `tls_trusted_ca_file`",
        example: "true")
    ] + SharedSchema.files + [
      SharedSchema.trustedAuthorities(
        "PEM file of the authorities that sign clients' certificates; empty: clients need none"),
      SchemaKey(nil, "transport.tls.serverName", .ignored(.text), "taken and ignored"),
    ]

  private static let dashboardTLS: [SchemaKey<ServerDraft>] =
    [
      SchemaKey(
        "dashboard_tls_mode", nil, .boolean(\.shared.hasWebTLS), "the dashboard speaks TLS",
        feature: .dashboard, example: "true")
    ] + SharedSchema.webServerTLS("dashboard_", feature: .dashboard) + [
      SchemaKey(
        "enable_prometheus", "enablePrometheus", .boolean(\.offersMetrics),
        "the dashboard has a metrics page", feature: .metrics, example: "true")
    ]

  private static let sshGateway: [SchemaKey<ServerDraft>] = [
    SchemaKey(
      nil, "sshTunnelGateway.bindPort", .port(\.sshPort),
      "port for plain SSH clients, on `bind_addr`; 0: none", feature: .sshGateway, example: "2200"),
    SchemaKey(
      nil, "sshTunnelGateway.privateKeyFile", .path(\.sshHostKeyPath), "file of the host key",
      feature: .sshGateway, example: "/etc/frp/ssh_host_key"),
    SchemaKey(
      nil, "sshTunnelGateway.autoGenPrivateKeyPath",
      .path(\.sshGeneratedHostKeyPath, "./.autogen_ssh_key"),
      "where a host key is generated when there is none", feature: .sshGateway,
      example: "/var/lib/frp/ssh_host_key"),
    SchemaKey(
      nil, "sshTunnelGateway.authorizedKeysFile", .path(\.sshAuthorizedKeysPath),
      "file of the keys that may log in; empty: anybody may", feature: .sshGateway,
      example: "/etc/frp/authorized_keys"),
  ]
}

/// The keys of frps' server plugins (configuration.md 2.4): `[plugin.NAME]`, or one of
/// `httpPlugins`.
enum ServerPluginSchema {
  static let index = SchemaIndex(keys, empty: ServerPluginDraft())
  static let iniNames = index.iniNamesByID

  static let keys: [SchemaKey<ServerPluginDraft>] = [
    SchemaKey(nil, "name", .text(\.name), "name of the plugin; in INI files of its section"),
    SchemaKey(
      "addr", "addr", .text(\.address), "where it listens: `host:port` or a URL",
      example: "127.0.0.1:9000"),
    SchemaKey("path", "path", .text(\.path), "path to call", example: "/handler"),
    SchemaKey(
      "ops", "ops",
      .list(
        choices: ServerPluginConfiguration.Operation.allCases.map(\.rawValue), \.operations),
      "what it is asked about", example: "Login, NewProxy"),
    SchemaKey(
      "tlsVerify", "tlsVerify", .boolean(\.verifiesCertificate), "its certificate is verified",
      example: "true"),
  ]
}
