/// The keys of frpc beside those of proxies and visitors (configuration.md 3).
enum ClientSchema {
  static let index = SchemaIndex(common, empty: ClientDraft())
  static let iniNames = index.iniNamesByID

  static let common: [SchemaKey<ClientDraft>] =
    relay + SharedSchema.authentication + oidc + transport + SharedSchema.log
    + SharedSchema.confinement
    + SharedSchema.webServer("admin_", "the admin server", feature: .adminServer)
    + SharedSchema.webServerTLS(nil, feature: .adminServer) + entries

  private static let relay: [SchemaKey<ClientDraft>] = [
    SharedSchema.version,
    SchemaKey(
      "user", "user", .text(\.user), "prefix of this client's proxy names at the relay",
      example: "home"),
    SchemaKey(
      nil, "clientID", .text(\.clientID),
      "tells this client from others of the same user for good", example: "box-1"),
    SchemaKey(
      "server_addr", "serverAddr", .host(\.serverHost, "0.0.0.0"),
      "the relay's host, IPv6 without brackets", example: "relay.example.com"),
    SchemaKey(
      "server_port", "serverPort", .port(\.serverPort, 7000), "the relay's port", example: "7001"),
    SchemaKey(
      "nat_hole_stun_server", "natHoleStunServer",
      .text(
        \.stunServer, "stun.easyvoip.com:3478", kind: .hostAndPort, fault: TextChecks.hostAndPort),
      "server that tells the client's public address", feature: .holePunching,
      example: "stun.example.com:3478"),
    SchemaKey(
      "dns_server", "dnsServer",
      .text(\.nameServer, kind: .hostAndPort, fault: TextChecks.nameServer),
      "name server to ask, port 53 unless given; empty: the system's", example: "9.9.9.9"),
    SchemaKey(
      "login_fail_exit", "loginFailExit", .boolean(\.exitsWhenFirstLoginFails, true),
      "the program ends when the first login fails", example: "false"),
    SharedSchema.packetSize,
    SchemaKey(
      "meta_*", "metadatas", .map(\.metadata), "what the relay's plugins are told at login",
      example: "region=eu, building=4"),
    SharedSchema.shutdownGrace, SharedSchema.reloadOnChange,
  ]

  private static let entries: [SchemaKey<ClientDraft>] = [
    SchemaKey(
      "start", "start", .list(choices: [], \.startedNames),
      "the only proxies and visitors to run; empty: all"),
    SchemaKey(
      "includes", "includes", .list(choices: [], \.includes),
      "more files with proxies; `*`, `?` and `[a-z]` in the last part of a path",
      example: "/etc/frp/conf.d/*", needsFiles: true),
    SchemaKey(
      nil, "store.path", .path(\.storePath),
      "file that keeps proxies and visitors made at run time, relative to this file's folder; "
        + "empty: none", example: "/var/lib/frp/store.json"),
    SchemaKey(
      nil, "featureGates", .flags(\.featureGates), "switches for what is being tried",
      example: "VirtualNet=false"),
    SchemaKey(
      nil, "virtualNet.address",
      .text(\.virtualNetAddress, kind: .network, fault: TextChecks.network),
      "address of this client in the virtual network", feature: .virtualNet,
      example: "100.86.0.1/24", alternativeTo: "featureGates"),
  ]

  private static let oidc: [SchemaKey<ClientDraft>] =
    [
      SchemaKey(
        "oidc_client_id", "auth.oidc.clientID", .text(\.oidc.clientID),
        "the client's name at the provider", feature: .oidc, example: "box"),
      SchemaKey(
        "oidc_client_secret", "auth.oidc.clientSecret", .secret(\.oidc.clientSecret),
        "its secret", feature: .oidc, example: "change-this-secret"),
      SchemaKey(
        "oidc_audience", "auth.oidc.audience", .text(\.shared.oidcAudience),
        "the audience to ask for", feature: .oidc, example: "frp"),
      SchemaKey(
        "oidc_scope", "auth.oidc.scope", .text(\.oidc.scope), "the scope to ask for",
        feature: .oidc, example: "tunnels"),
      SchemaKey(
        "oidc_token_endpoint_url", "auth.oidc.tokenEndpointURL",
        .text(\.oidc.tokenEndpointURL, kind: .url, fault: TextChecks.webURL),
        "where credentials come from", feature: .oidc, example: "https://id.example.com/token"),
      SchemaKey(
        "oidc_additional_*", "auth.oidc.additionalEndpointParams",
        .map(\.oidc.additionalParameters),
        "more parameters of the request", feature: .oidc, example: "tenant=home"),
      SchemaKey(
        nil, "auth.oidc.trustedCaFile", .path(\.oidc.trustedAuthoritiesPath),
        "PEM file of the authorities that sign the endpoint's certificate", feature: .oidc,
        example: "/etc/frp/id.pem"),
      SchemaKey(
        nil, "auth.oidc.insecureSkipVerify", .boolean(\.oidc.skipsVerification),
        "the endpoint's certificate is not verified", feature: .oidc, example: "true"),
      SchemaKey(
        nil, "auth.oidc.proxyURL",
        .text(\.oidc.proxyURL, kind: .secretURL, fault: TextChecks.oidcProxy),
        "proxy to go through to the endpoint", feature: .oidc, example: "socks5h://10.0.0.1:1080"),
    ] + oidcTokenSource

  private static let oidcTokenSource: [SchemaKey<ClientDraft>] = [
    SchemaKey(
      nil, "auth.oidc.tokenSource.type",
      .choice(\.oidc.tokenSource.type, "", ["file", "exec"]),
      "where the credential comes from each time", feature: .oidc, example: "file",
      alternativeTo: "oidc_client_id"),
    SchemaKey(
      nil, "auth.oidc.tokenSource.file.path", .path(\.oidc.tokenSource.path),
      "file that holds the credential", feature: .oidc, example: "/run/frp/credential",
      alternativeTo: "oidc_client_id"),
    SchemaKey(
      nil, "auth.oidc.tokenSource.exec.command", .path(\.oidc.tokenSource.command),
      "program that prints the credential", feature: .oidc, example: "/usr/bin/get-credential",
      alternativeTo: "oidc_client_id"),
    SchemaKey(
      nil, "auth.oidc.tokenSource.exec.args", .list(choices: [], \.oidc.tokenSource.arguments),
      "its arguments", feature: .oidc, example: "-q", alternativeTo: "oidc_client_id"),
    SchemaKey(
      nil, "auth.oidc.tokenSource.exec.env", .namedValues(\.oidc.tokenSource.environment),
      "more variables of its environment", feature: .oidc, example: "LANG=C",
      alternativeTo: "oidc_client_id"),
  ]

  private static let transport: [SchemaKey<ClientDraft>] =
    [
      SchemaKey(
        "protocol", "transport.protocol",
        .choice(
          \.transportKind, "tcp",
          features: [
            ("tcp", nil), ("kcp", .kcp), ("quic", .quic), ("websocket", .webSocket),
            ("wss", .webSocket),
          ]),
        "what carries the connections"),
      SchemaKey(
        nil, "transport.wireProtocol",
        .choice(\.wireProtocol, "v1", features: [("v1", nil), ("v2", .wireProtocol2)]),
        "how messages are framed"),
      SchemaKey(
        "dial_server_timeout", "transport.dialServerTimeout", .seconds(\.dialSeconds, 10),
        "how long connecting to the relay may take", example: "5"),
      SchemaKey(
        "dial_server_keepalive", "transport.dialServerKeepalive",
        .secondsOrOff(\.dialKeepaliveSeconds, 7200),
        "pause before TCP probes the idle connection; negative: no probes", example: "60"),
      SchemaKey(
        "connect_server_local_ip", "transport.connectServerLocalIP",
        .text(\.localAddress, kind: .address, fault: TextChecks.address),
        "local address to connect from; empty: the system's choice", example: "192.168.1.5"),
      SchemaKey(
        "http_proxy", "transport.proxyURL",
        .text(\.upstreamProxy, kind: .secretURL, fault: TextChecks.upstreamProxy),
        "proxy to go through, `http://` or `socks5://`; "
          + "empty: that of the environment variable `http_proxy`",
        example: "socks5://user:password@10.0.0.1:1080"),
      SchemaKey(
        "pool_count", "transport.poolCount",
        .integer(\.poolCount, .count, 1, 0...ConfigurationLimits.poolCountMax),
        "work connections opened in advance", example: "5"),
    ] + SharedSchema.multiplexing + SharedSchema.quic + heartbeats + tls

  private static let heartbeats: [SchemaKey<ClientDraft>] = [
    SchemaKey(
      "heartbeat_interval", "transport.heartbeatInterval",
      .secondsOrOff(\.heartbeatIntervalSeconds, 0),
      "pause between heartbeats; 0: none with `tcp_mux`, else 30; negative: none", example: "15"),
    SchemaKey(
      "heartbeat_timeout", "transport.heartbeatTimeout",
      .secondsOrOff(\.shared.heartbeatTimeoutSeconds, 0),
      "after how long without an answer the relay is given up; "
        + "0: never with `tcp_mux`, else 90; negative: never; not below `heartbeat_interval`",
      example: "45"),
  ]

  private static let tls: [SchemaKey<ClientDraft>] =
    [
      SchemaKey("tls_enable", "transport.tls.enable", .boolean(\.isTLSEnabled, true), "speak TLS"),
      SchemaKey(
        "disable_custom_tls_first_byte", "transport.tls.disableCustomTLSFirstByte",
        .boolean(\.skipsMarkerByte, true),
        "begin with TLS itself instead of the marker byte 0x17", example: "false"),
    ] + SharedSchema.files + [
      SharedSchema.trustedAuthorities(
        "PEM file of the authorities that sign the relay's certificate; "
          + "empty: it is not verified"),
      SchemaKey(
        "tls_server_name", "transport.tls.serverName", .text(\.shared.tlsServerName, kind: .host),
        "name in the relay's certificate; empty: `server_addr`", example: "relay.example.com"),
    ]
}
