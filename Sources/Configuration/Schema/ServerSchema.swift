import Timekeeping

/// The keys of frps' `[common]` section (configuration.md 2).
enum ServerSchema {
  static let common: [SchemaKey<ServerDraft>] =
    listening + limits + vhosts + SharedSchema.authentication + oidc + transport + dashboard
    + SharedSchema.log + SharedSchema.confinement

  private static let listening: [SchemaKey<ServerDraft>] = [
    SchemaKey(
      "bind_addr", "bindAddr",
      .host("0.0.0.0") { $0.configuration.bindAddress = $1 },
      "address that clients connect to"),
    SchemaKey(
      "bind_port", "bindPort",
      .port(7000) { $0.configuration.bindPort = $1 },
      "port that clients connect to"),
    SchemaKey("kcp_bind_port", "kcpBindPort", .absent(.integer, "KCP"), "UDP port for KCP"),
    SchemaKey("quic_bind_port", "quicBindPort", .absent(.integer, "QUIC"), "UDP port for QUIC"),
    SchemaKey(
      "proxy_bind_addr", "proxyBindAddr",
      .host("") { $0.proxyBindAddress = $1 },
      "address on which proxies are reachable; empty: as `bind_addr`"),
  ]

  private static let limits: [SchemaKey<ServerDraft>] = [
    SchemaKey(
      "user_conn_timeout", "userConnTimeout",
      .seconds(10) { $0.configuration.userConnectionTimeout = .seconds($1) },
      "how long a user waits for a work connection"),
    SchemaKey(
      "udp_packet_size", "udpPacketSize",
      .integer(.bytes, defaultValue: 1500, range: 0...65_535) {
        $0.configuration.udpPacketBytes = $1
      },
      "the most bytes of a datagram; without effect until there are UDP proxies"),
    SchemaKey(
      "detailed_errors_to_client", "detailedErrorsToClient",
      .boolean(defaultValue: true) { $0.configuration.sendsDetailedErrors = $1 },
      "clients are told why something was refused"),
    SchemaKey(
      "max_ports_per_client", "maxPortsPerClient",
      .integer(.count, defaultValue: 0, range: 0...65_535) {
        $0.configuration.portsPerClientMax = $1 == 0 ? nil : $1
      },
      "the most ports that one client may have; 0: any number"),
    connections(
      "max_connections", "maxConnections", "in all; 0: as many as there are descriptors for"
    ) { $0.total = $1 },
    connections(
      "max_connections_per_address", "maxConnectionsPerAddress",
      "from one IPv4 address or IPv6 network of 64 bits; 0: any number"
    ) { $0.perAddress = $1 },
    connections(
      "max_connections_per_proxy", "maxConnectionsPerProxy", "of one proxy; 0: any number"
    ) { $0.perProxy = $1 },
    connections(
      "max_connections_per_client", "maxConnectionsPerClient", "of one client; 0: any number"
    ) { $0.perClient = $1 },
    SchemaKey(
      "memory_limit", "memoryLimit",
      .text(.memory, defaultText: "") { draft, text in
        guard let size = MemorySize(text) else {
          return "expected a number with KB, MB or GB right behind it, such as 128MB, "
            + "not below \(MemorySize.least.text), found \(quoted(text))"
        }
        draft.configuration.memoryLimitBytes = size.byteCount
        return nil
      },
      "memory, with the kernel's for the sockets, above which no user and no client is let in, "
        + "such as `128MB`; empty: no limit"),
    SchemaKey(
      "allow_ports", "allowPorts",
      .text(.ports, defaultText: "1-65535") { draft, text in
        do throws(PortRangesError) {
          draft.configuration.allowedPorts = try PortRanges(parsing: text)
          return nil
        } catch {
          return error.description
        }
      },
      "ports that proxies may have, such as `1000-2000,3000`"),
    SchemaKey(
      "port_memory_file", "portMemoryFile",
      .plain(.path) { $0.configuration.portMemoryPath = $1 },
      "file that remembers which proxy has which port, so that a relay that was killed keeps it "
        + "for its owner for 30 s; empty: `ports` in systemd's state directory, if there is one"),
    SharedSchema.shutdownGrace,
    SchemaKey(
      "nat_hole_analysis_data_reserve_hours", "natholeAnalysisDataReserveHours",
      .absent(.integer, defaultText: "168", feature: "hole punching"),
      "hours for which statistics of hole punching are kept"),
  ]

  private static func connections(
    _ iniName: String, _ v1Name: String, _ which: String,
    _ store: @escaping @Sendable (inout ConnectionLimits, Int?) -> Void
  ) -> SchemaKey<ServerDraft> {
    SchemaKey(
      iniName, v1Name,
      .integer(.count, defaultValue: 0, range: 0...ConfigurationLimits.connectionCountMax) {
        store(&$0.configuration.connectionLimits, $1 == 0 ? nil : $1)
      },
      "the most user connections \(which)")
  }

  private static let vhosts: [SchemaKey<ServerDraft>] = [
    SchemaKey(
      "vhost_http_port", "vhostHTTPPort", .absent(.integer, "the HTTP virtual host port"),
      "port of all http proxies"),
    SchemaKey(
      "vhost_https_port", "vhostHTTPSPort", .absent(.integer, "the HTTPS virtual host port"),
      "port of all https proxies"),
    SchemaKey(
      "vhost_http_timeout", "vhostHTTPTimeout",
      .absent(.integer, defaultText: "60", feature: "the HTTP virtual host port"),
      "seconds to wait for a local service's answer"),
    SchemaKey(
      "tcpmux_httpconnect_port", "tcpmuxHTTPConnectPort",
      .absent(.integer, "the HTTP CONNECT port"), "port of all tcpmux proxies"),
    SchemaKey(
      "tcpmux_passthrough", "tcpmuxPassthrough", .absent(.boolean, "the HTTP CONNECT port"),
      "CONNECT requests reach the local service"),
    SchemaKey(
      "subdomain_host", "subDomainHost", .absent(.text, "the HTTP virtual host port"),
      "what `subdomain` is prefixed to"),
    SchemaKey(
      "custom_404_page", "custom404Page", .absent(.text, "the HTTP virtual host port"),
      "file with the page for unknown hosts"),
  ]

  private static let oidc: [SchemaKey<ServerDraft>] = [
    SchemaKey("oidc_issuer", "auth.oidc.issuer", .absent(.text, "OIDC"), "the provider's URL"),
    SchemaKey(
      "oidc_audience", "auth.oidc.audience", .absent(.text, "OIDC"), "the audience to require"),
    SchemaKey(
      "oidc_skip_expiry_check", "auth.oidc.skipExpiryCheck", .absent(.boolean, "OIDC"),
      "expired credentials are good"),
    SchemaKey(
      "oidc_skip_issuer_check", "auth.oidc.skipIssuerCheck", .absent(.boolean, "OIDC"),
      "anybody's credentials are good"),
  ]

  private static let transport: [SchemaKey<ServerDraft>] =
    SharedSchema.multiplexing + [
      SchemaKey(
        "tcp_keepalive", "transport.tcpKeepalive",
        .secondsOrOff(7200) { $0.configuration.transport.tcpKeepalive = intervalIfPositive($1) },
        "pause before TCP probes an idle connection; negative: no probes"),
      SchemaKey(
        "max_pool_count", "transport.maxPoolCount",
        .integer(.count, defaultValue: 5, range: 0...ConfigurationLimits.poolCountMax) {
          $0.configuration.transport.poolCountMax = $1
        },
        "the most work connections that a client may open in advance"),
      SchemaKey(
        "heartbeat_timeout", "transport.heartbeatTimeout",
        .secondsOrOff(0) { $0.shared.heartbeatTimeoutSeconds = $1 == 0 ? nil : $1 },
        "after how long without a heartbeat a client is given up; "
          + "0: never with `tcp_mux`, else 90; negative: never"),
    ] + SharedSchema.quic + [
      SchemaKey(
        "tls_only", "transport.tls.force",
        .boolean(defaultValue: false) { $0.configuration.transport.tls.isRequired = $1 },
        "connections without TLS are refused; always so with `tls_trusted_ca_file`")
    ] + SharedSchema.files + [
      SharedSchema.trustedAuthorities(
        "PEM file of the authorities that sign clients' certificates; empty: clients need none")
    ]

  private static let dashboard: [SchemaKey<ServerDraft>] = [
    SchemaKey(
      "dashboard_addr", "webServer.addr",
      .absent(.text, defaultText: "0.0.0.0", feature: "the dashboard"), "address of the dashboard"),
    SchemaKey(
      "dashboard_port", "webServer.port", .absent(.integer, "the dashboard"),
      "port of the dashboard"),
    SchemaKey(
      "dashboard_user", "webServer.user", .absent(.text, "the dashboard"),
      "user of the dashboard"),
    SchemaKey(
      "dashboard_pwd", "webServer.password", .absent(.text, "the dashboard"),
      "password of the dashboard"),
    SchemaKey(
      "assets_dir", "webServer.assetsDir", .absent(.text, "the dashboard"),
      "folder with the dashboard's files"),
    SchemaKey(
      "pprof_enable", "webServer.pprofEnable", .absent(.boolean, "the profiler"),
      "the dashboard offers profiles"),
    SchemaKey(
      "dashboard_tls_mode", "webServer.tls", .absent(.boolean, "the dashboard"),
      "the dashboard speaks TLS"),
    SchemaKey(
      "dashboard_tls_cert_file", "webServer.tls.certFile", .absent(.text, "the dashboard"),
      "the dashboard's certificate"),
    SchemaKey(
      "dashboard_tls_key_file", "webServer.tls.keyFile", .absent(.text, "the dashboard"),
      "the dashboard's private key"),
    SchemaKey(
      "enable_prometheus", "enablePrometheus", .absent(.boolean, "the metrics page"),
      "the dashboard has a metrics page"),
  ]
}
