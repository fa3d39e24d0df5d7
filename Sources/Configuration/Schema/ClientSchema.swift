import Timekeeping

/// The keys of frpc's `[common]` section (configuration.md 3).
enum ClientSchema {
  static let common: [SchemaKey<ClientDraft>] =
    relay + SharedSchema.authentication + oidc + transport + SharedSchema.log
    + SharedSchema.confinement
    + adminServer

  private static let relay: [SchemaKey<ClientDraft>] = [
    SchemaKey(
      "user", "user", .plain { $0.configuration.user = $1 },
      "prefix of this client's proxy names at the relay"),
    SchemaKey(
      "server_addr", "serverAddr", .host("0.0.0.0") { $0.configuration.serverHost = $1 },
      "the relay's host, IPv6 without brackets"),
    SchemaKey(
      "server_port", "serverPort", .port(7000) { $0.configuration.serverPort = $1 },
      "the relay's port"),
    SchemaKey(
      "nat_hole_stun_server", "natHoleStunServer",
      .absent(.text, defaultText: "stun.easyvoip.com:3478", feature: "hole punching"),
      "server that tells the client's public address"),
    SchemaKey(
      "dns_server", "dnsServer",
      .text(.hostAndPort, defaultText: "") { draft, text in
        guard let address = HostAndPort(parsing: text, defaultPort: 53) else {
          return "expected an IP address, with or without a port, found \(quoted(text))"
        }
        draft.configuration.nameServer = address
        return nil
      },
      "name server to ask, port 53 unless given; empty: the system's"),
    SchemaKey(
      "login_fail_exit", "loginFailExit",
      .boolean(defaultValue: true) { $0.configuration.exitsWhenFirstLoginFails = $1 },
      "the program ends when the first login fails"),
    SchemaKey(
      "start", "start", .list { $0.configuration.startedNames = $1 },
      "the only proxies to run; empty: all"),
    SchemaKey(
      "udp_packet_size", "udpPacketSize",
      .integer(.bytes, defaultValue: 1500, range: 0...65_535) {
        $0.configuration.udpPacketBytes = $1
      },
      "the most bytes of a datagram; without effect until there are UDP proxies"),
    SchemaKey(
      "meta_*", "metadatas", .map { $0.configuration.metadata = $1 },
      "what the relay's plugins are told at login"),
    SchemaKey(
      "includes", "includes", .list { $0.includes = $1 },
      "more files with proxies; `*`, `?` and `[a-z]` in the last part of a path"),
    SharedSchema.shutdownGrace,
  ]

  private static let oidc: [SchemaKey<ClientDraft>] = [
    SchemaKey("oidc_client_id", "auth.oidc.clientID", .absent(.text, "OIDC"), "the client's name"),
    SchemaKey(
      "oidc_client_secret", "auth.oidc.clientSecret", .absent(.text, "OIDC"), "its secret"),
    SchemaKey(
      "oidc_audience", "auth.oidc.audience", .absent(.text, "OIDC"), "the audience to ask for"),
    SchemaKey("oidc_scope", "auth.oidc.scope", .absent(.text, "OIDC"), "the scope to ask for"),
    SchemaKey(
      "oidc_token_endpoint_url", "auth.oidc.tokenEndpointURL", .absent(.text, "OIDC"),
      "where credentials come from"),
    SchemaKey(
      "oidc_additional_*", "auth.oidc.additionalEndpointParams", .absent(.map, "OIDC"),
      "more parameters of the request"),
  ]

  private static let transport: [SchemaKey<ClientDraft>] =
    [
      SchemaKey(
        "protocol", "transport.protocol",
        .choice(defaultText: "tcp", now: ["tcp"], later: ["kcp", "quic", "websocket", "wss"]) {
          $0.configuration.transport.kind = TransportKind(rawValue: $1) ?? .tcp
        },
        "what carries the connections"),
      SchemaKey(
        "dial_server_timeout", "transport.dialServerTimeout",
        .seconds(10) { $0.configuration.transport.dialTimeout = .seconds($1) },
        "how long connecting to the relay may take"),
      SchemaKey(
        "dial_server_keepalive", "transport.dialServerKeepalive",
        .secondsOrOff(7200) { $0.configuration.transport.dialKeepalive = intervalIfPositive($1) },
        "pause before TCP probes the idle connection; negative: no probes"),
      SchemaKey(
        "connect_server_local_ip", "transport.connectServerLocalIP",
        .text(.address, defaultText: "") { draft, text in
          guard HostText.isAddress(text) else {
            return "expected an IP address, found \(quoted(text))"
          }
          draft.configuration.transport.localAddress = text
          return nil
        },
        "local address to connect from; empty: the system's choice"),
      SchemaKey(
        "http_proxy", "transport.proxyURL",
        .text(.url, defaultText: "") { draft, text in
          do throws(UpstreamProxy.Fault) {
            draft.configuration.transport.upstreamProxy = try UpstreamProxy(parsing: text)
            return nil
          } catch {
            return error.description
          }
        },
        "proxy to go through, `http://` or `socks5://`; "
          + "empty: that of the environment variable `http_proxy`"),
      SchemaKey(
        "pool_count", "transport.poolCount",
        .integer(.count, defaultValue: 1, range: 0...ConfigurationLimits.poolCountMax) {
          $0.configuration.transport.poolCount = $1
        },
        "work connections opened in advance"),
    ] + SharedSchema.multiplexing + SharedSchema.quic + heartbeats + tls

  private static let heartbeats: [SchemaKey<ClientDraft>] = [
    SchemaKey(
      "heartbeat_interval", "transport.heartbeatInterval",
      .secondsOrOff(0) { $0.heartbeatIntervalSeconds = $1 == 0 ? nil : $1 },
      "pause between heartbeats; 0: none with `tcp_mux`, else 30; negative: none"),
    SchemaKey(
      "heartbeat_timeout", "transport.heartbeatTimeout",
      .secondsOrOff(0) { $0.shared.heartbeatTimeoutSeconds = $1 == 0 ? nil : $1 },
      "after how long without an answer the relay is given up; "
        + "0: never with `tcp_mux`, else 90; negative: never; not below `heartbeat_interval`"),
  ]

  private static let tls: [SchemaKey<ClientDraft>] =
    [
      SchemaKey(
        "tls_enable", "transport.tls.enable",
        .boolean(defaultValue: true) { $0.configuration.transport.tls.isEnabled = $1 },
        "speak TLS"),
      SchemaKey(
        "disable_custom_tls_first_byte", "transport.tls.disableCustomTLSFirstByte",
        .boolean(defaultValue: true) { $0.configuration.transport.tls.sendsMarkerByte = !$1 },
        "begin with TLS itself instead of the marker byte 0x17"),
    ] + SharedSchema.files + [
      SharedSchema.trustedAuthorities(
        "PEM file of the authorities that sign the relay's certificate; "
          + "empty: it is not verified"),
      SchemaKey(
        "tls_server_name", "transport.tls.serverName",
        .plain(.host) { $0.configuration.transport.tls.serverName = $1 },
        "name in the relay's certificate; empty: `server_addr`"),
    ]

  private static let adminServer: [SchemaKey<ClientDraft>] = [
    SchemaKey(
      "admin_addr", "webServer.addr",
      .absent(.text, defaultText: "127.0.0.1", feature: "the admin server"),
      "address of the admin server"),
    SchemaKey(
      "admin_port", "webServer.port", .absent(.integer, "the admin server"),
      "port of the admin server"),
    SchemaKey(
      "admin_user", "webServer.user", .absent(.text, "the admin server"),
      "user of the admin server"),
    SchemaKey(
      "admin_pwd", "webServer.password", .absent(.text, "the admin server"),
      "password of the admin server"),
    SchemaKey(
      "assets_dir", "webServer.assetsDir", .absent(.text, "the admin server"),
      "folder with the admin server's files"),
    SchemaKey(
      "pprof_enable", "webServer.pprofEnable", .absent(.boolean, "the profiler"),
      "the admin server offers profiles"),
  ]
}
