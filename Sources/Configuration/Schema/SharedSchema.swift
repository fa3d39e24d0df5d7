/// A draft that holds the keys which both programs have.
protocol SharedKeysHolding: Sendable {
  /// Those keys.
  var shared: SharedDraft { get set }
}

extension ServerDraft: SharedKeysHolding {}
extension ClientDraft: SharedKeysHolding {}

/// The keys that mean the same in both programs.
enum SharedSchema<Target: SharedKeysHolding> {
  static var authentication: [SchemaKey<Target>] {
    [
      SchemaKey(
        "authentication_method", "auth.method",
        .choice(
          \.shared.authenticationMethod, "token", features: [("token", nil), ("oidc", .oidc)]),
        "how clients prove who they are"),
      SchemaKey(
        "authenticate_heartbeats", nil, .boolean(\.shared.authenticatesHeartbeats),
        "each heartbeat carries a proof too; the same on both sides", example: "true"),
      SchemaKey(
        "authenticate_new_work_conns", nil, .boolean(\.shared.authenticatesNewWorkConnections),
        "each new work connection carries a proof too; the same on both sides", example: "true"),
      SchemaKey(
        nil, "auth.additionalScopes",
        .list(choices: ["HeartBeats", "NewWorkConns"], \.shared.additionalScopes),
        "what else carries a proof: each heartbeat, each new work connection; "
          + "the same on both sides", example: "HeartBeats, NewWorkConns"),
      SchemaKey(
        "token", "auth.token", .secret(\.shared.token),
        "the shared secret; also the key of payload encryption", example: "change-this-token"),
    ] + tokenSource
  }

  private static var tokenSource: [SchemaKey<Target>] {
    let token = "token"
    return [
      SchemaKey(
        nil, "auth.tokenSource.type",
        .choice(\.shared.tokenSource.type, "", features: [("file", nil), ("exec", nil)]),
        "where the secret comes from when the program starts", example: "file",
        alternativeTo: token),
      SchemaKey(
        nil, "auth.tokenSource.file.path", .path(\.shared.tokenSource.path),
        "file that holds the secret; white space around it does not count",
        example: "/etc/frp/token", alternativeTo: token),
      SchemaKey(
        nil, "auth.tokenSource.exec.command", .path(\.shared.tokenSource.command),
        "program that prints the secret; needs `--allow-unsafe TokenSourceExec`",
        example: "/usr/bin/pass", alternativeTo: token),
      SchemaKey(
        nil, "auth.tokenSource.exec.args",
        .list(choices: [], \.shared.tokenSource.arguments), "its arguments",
        example: "show, frp", alternativeTo: token),
      SchemaKey(
        nil, "auth.tokenSource.exec.env", .namedValues(\.shared.tokenSource.environment),
        "more variables of its environment", example: "LANG=C",
        alternativeTo: token),
    ]
  }

  static var multiplexing: [SchemaKey<Target>] {
    [
      SchemaKey(
        "tcp_mux", "transport.tcpMux", .boolean(\.shared.isMultiplexed, true),
        "all connections of a client are streams of one; the same on both sides",
        example: "false"),
      SchemaKey(
        "tcp_mux_keepalive_interval", "transport.tcpMuxKeepaliveInterval",
        .seconds(\.shared.muxKeepaliveSeconds, 5),
        "after so long without anything from the other side it is asked whether it lives",
        example: "10"),
    ]
  }

  static var files: [SchemaKey<Target>] {
    [
      SchemaKey(
        "tls_cert_file", "transport.tls.certFile", .path(\.shared.certificatePath),
        "PEM file of the certificate to show; together with `tls_key_file`",
        example: "/etc/frp/own.pem"),
      SchemaKey(
        "tls_key_file", "transport.tls.keyFile", .path(\.shared.keyPath),
        "PEM file of the certificate's private key", example: "/etc/frp/own.key"),
    ]
  }

  static func trustedAuthorities(_ documentation: String) -> SchemaKey<Target> {
    SchemaKey(
      "tls_trusted_ca_file", "transport.tls.trustedCaFile", .path(\.shared.trustedAuthoritiesPath),
      documentation, example: "/etc/frp/authorities.pem")
  }

  static var log: [SchemaKey<Target>] {
    [
      SchemaKey(
        "log_file", "log.to", .path(\.shared.logTarget, "console"),
        "`console` for standard output, else a file that begins anew every midnight",
        example: "/var/log/frp.log"),
      SchemaKey("log_way", nil, .ignored(.text), "taken and ignored"),
      SchemaKey(
        "log_level", "log.level",
        .choice(\.shared.logLevel, "info", LogConfiguration.Level.allCases.map(\.rawValue)),
        "the least severe lines that are written", example: "debug"),
      SchemaKey(
        "log_max_days", "log.maxDays",
        .integer(
          \.shared.logDays, .days, 3,
          -ConfigurationLimits.secondsMax...ConfigurationLimits.secondsMax),
        "for how many days old log files are kept; negative: for ever", example: "7"),
      SchemaKey(
        "disable_log_color", "log.disablePrintColor", .boolean(\.shared.isLogColorDisabled),
        "no colour on the console, even on a terminal", example: "true"),
    ]
  }

  static var confinement: [SchemaKey<Target>] {
    [
      SchemaKey(
        "sandbox", "sandbox", .boolean(\.shared.isConfined, true),
        "the program gives up root, files and system calls that it does not need; not in frp",
        example: "false"),
      SchemaKey(
        "run_as_user", "runAsUser", .text(\.shared.runAsUser),
        "the user that root becomes, `root` for nobody else; "
          + "empty: `frp` if there is one, else `nobody`; not in frp", example: "frp"),
    ]
  }

  static var reloadOnChange: SchemaKey<Target> {
    SchemaKey(
      "reload_on_change", "reloadOnChange", .boolean(\.shared.reloadsOnChange, false),
      "the files are read again when they change, as after SIGHUP; not in frp", example: "true")
  }

  static var shutdownGrace: SchemaKey<Target> {
    SchemaKey(
      "shutdown_grace", "shutdownGrace",
      .integer(
        \.shared.shutdownGraceSeconds, .seconds, 5, 0...ConfigurationLimits.secondsMax,
        zeroIsDefault: false),
      "how long running user connections may go on after a signal to stop; not in frp",
      example: "10")
  }

  static var packetSize: SchemaKey<Target> {
    SchemaKey(
      "udp_packet_size", "udpPacketSize",
      .integer(\.shared.udpPacketBytes, .bytes, 1500, 0...65_535),
      "the most bytes of a datagram; without effect until there are UDP proxies",
      example: "1400")
  }

  static var version: SchemaKey<Target> {
    SchemaKey(nil, "version", .ignored(.text), "taken and ignored")
  }

  static var quic: [SchemaKey<Target>] {
    [
      SchemaKey(
        "quic_keepalive_period", "transport.quic.keepalivePeriod",
        .seconds(\.shared.quicKeepaliveSeconds, 10), "pause between QUIC pings", feature: .quic,
        example: "20"),
      SchemaKey(
        "quic_max_idle_timeout", "transport.quic.maxIdleTimeout",
        .seconds(\.shared.quicIdleSeconds, 30),
        "after how long without a byte a QUIC connection ends", feature: .quic, example: "60"),
      SchemaKey(
        "quic_max_incoming_streams", "transport.quic.maxIncomingStreams",
        .integer(
          \.shared.quicStreamCountMax, .count, 100_000, 0...ConfigurationLimits.streamCountMax),
        "the most streams of a QUIC connection", feature: .quic, example: "1000"),
    ]
  }

  /// The web server, called by `prefix` in INI files.
  static func webServer(
    _ prefix: String, _ name: String, feature: Feature, iniAddress: String? = nil
  ) -> [SchemaKey<Target>] {
    [
      SchemaKey(
        prefix + "addr", "webServer.addr", .host(\.shared.webAddress, "127.0.0.1"),
        "address of \(name)", feature: feature, example: "10.0.0.1", iniDefault: iniAddress),
      SchemaKey(
        prefix + "port", "webServer.port", .port(\.shared.webPort),
        "port of \(name); 0: none", feature: feature, example: "7500"),
      SchemaKey(
        prefix + "user", "webServer.user", .text(\.shared.webUser), "user of \(name)",
        feature: feature, example: "admin"),
      SchemaKey(
        prefix + "pwd", "webServer.password", .secret(\.shared.webPassword),
        "password of \(name)", feature: feature, example: "change-this-password"),
      SchemaKey(
        "assets_dir", "webServer.assetsDir", .path(\.shared.webAssetsPath),
        "folder with files of \(name) that stand before the built-in ones", feature: .webPages,
        example: "/usr/share/frp/assets"),
      SchemaKey(
        "pprof_enable", "webServer.pprofEnable", .boolean(\.shared.offersProfiles),
        "\(name) offers profiles", feature: .profiler, example: "true"),
    ]
  }

  /// TLS of the web server, which frpc has in the current generation only.
  static func webServerTLS(_ prefix: String?, feature: Feature) -> [SchemaKey<Target>] {
    [
      SchemaKey(
        nil, "webServer.tls", .presence(\.shared.hasWebTLS),
        "the table; it is there when TLS is to be spoken", feature: feature),
      SchemaKey(
        prefix.map { $0 + "tls_cert_file" }, "webServer.tls.certFile",
        .path(\.shared.webCertificatePath), "PEM file of its certificate", feature: feature,
        example: "/etc/frp/web.pem"),
      SchemaKey(
        prefix.map { $0 + "tls_key_file" }, "webServer.tls.keyFile", .path(\.shared.webKeyPath),
        "PEM file of its certificate's private key", feature: feature,
        example: "/etc/frp/web.key"),
      SchemaKey(
        nil, "webServer.tls.trustedCaFile", .ignored(.text), "taken and ignored",
        feature: feature),
      SchemaKey(
        nil, "webServer.tls.serverName", .ignored(.text), "taken and ignored", feature: feature),
    ]
  }
}
