/// A draft that holds the keys which both programs have.
protocol SharedKeysHolding {
  /// Those keys.
  var shared: SharedDraft { get set }
}

extension ServerDraft: SharedKeysHolding {}
extension ClientDraft: SharedKeysHolding {}

/// The keys that mean the same in both programs.
enum SharedSchema<Target: SharedKeysHolding & Sendable> {
  static var authentication: [SchemaKey<Target>] {
    [
      SchemaKey(
        "authentication_method", "auth.method",
        .choice(defaultText: "token", now: ["token"], later: ["oidc"]) { _, _ in },
        "how clients prove who they are"),
      SchemaKey(
        "authenticate_heartbeats", "auth.additionalScopes",
        .boolean(defaultValue: false) { $0.shared.authentication.authenticatesHeartbeats = $1 },
        "each heartbeat carries a proof too; the same on both sides"),
      SchemaKey(
        "authenticate_new_work_conns", "auth.additionalScopes",
        .boolean(defaultValue: false) {
          $0.shared.authentication.authenticatesNewWorkConnections = $1
        },
        "each new work connection carries a proof too; the same on both sides"),
      SchemaKey(
        "token", "auth.token",
        .plain(.secret) { $0.shared.authentication.token = Secret($1) },
        "the shared secret; also the key of payload encryption"),
    ]
  }

  static var multiplexing: [SchemaKey<Target>] {
    [
      SchemaKey(
        "tcp_mux", "transport.tcpMux",
        .boolean(defaultValue: true) { $0.shared.isMultiplexed = $1 },
        "all connections of a client are streams of one; the same on both sides"),
      SchemaKey(
        "tcp_mux_keepalive_interval", "transport.tcpMuxKeepaliveInterval",
        .seconds(5) { $0.shared.muxKeepaliveSeconds = $1 },
        "after so long without anything from the other side it is asked whether it lives"),
    ]
  }

  static var files: [SchemaKey<Target>] {
    [
      SchemaKey(
        "tls_cert_file", "transport.tls.certFile",
        .plain(.path) { $0.shared.certificatePath = $1 },
        "PEM file of the certificate to show; together with `tls_key_file`"),
      SchemaKey(
        "tls_key_file", "transport.tls.keyFile",
        .plain(.path) { $0.shared.keyPath = $1 },
        "PEM file of the certificate's private key"),
    ]
  }

  static func trustedAuthorities(_ documentation: String) -> SchemaKey<Target> {
    SchemaKey(
      "tls_trusted_ca_file", "transport.tls.trustedCaFile",
      .plain(.path) { $0.shared.trustedAuthoritiesPath = $1 }, documentation)
  }

  static var log: [SchemaKey<Target>] {
    [
      SchemaKey(
        "log_file", "log.to",
        .plain(.path, "console") {
          $0.shared.log.target = $1 == "console" ? .console : .file(path: $1)
        },
        "`console` for standard output, else a file that begins anew every midnight"),
      SchemaKey("log_way", nil, .ignored(.text, defaultText: ""), "taken and ignored"),
      SchemaKey(
        "log_level", "log.level",
        .choice(
          defaultText: "info", now: LogConfiguration.Level.allCases.map(\.rawValue), later: []
        ) { $0.shared.log.level = LogConfiguration.Level(rawValue: $1) ?? .info },
        "the least severe lines that are written"),
      SchemaKey(
        "log_max_days", "log.maxDays",
        .integer(
          .days, defaultValue: 3,
          range: -ConfigurationLimits.secondsMax...ConfigurationLimits.secondsMax
        ) { $0.shared.log.daysMax = $1 < 0 ? nil : $1 },
        "for how many days old log files are kept; negative: for ever"),
      SchemaKey(
        "disable_log_color", "log.disablePrintColor",
        .boolean(defaultValue: false) { $0.shared.log.isColorDisabled = $1 },
        "no colour on the console, even on a terminal"),
    ]
  }

  static var confinement: [SchemaKey<Target>] {
    [
      SchemaKey(
        "sandbox", nil,
        .boolean(defaultValue: true) { $0.shared.confinement.isEnabled = $1 },
        "the program gives up root, files and system calls that it does not need; not in frp"),
      SchemaKey(
        "run_as_user", nil,
        .plain { $0.shared.confinement.userName = $1.isEmpty ? nil : $1 },
        "the user that root becomes, `root` for nobody else; "
          + "empty: `frp` if there is one, else `nobody`; not in frp"),
    ]
  }

  static var shutdownGrace: SchemaKey<Target> {
    SchemaKey(
      "shutdown_grace", "shutdownGrace",
      .integer(
        .seconds, defaultValue: 5, range: 0...ConfigurationLimits.secondsMax, zeroIsDefault: false
      ) { $0.shared.shutdownGraceSeconds = $1 },
      "how long running user connections may go on after a signal to stop; not in frp")
  }

  static var quic: [SchemaKey<Target>] {
    [
      SchemaKey(
        "quic_keepalive_period", "transport.quic.keepalivePeriod",
        .absent(.integer, defaultText: "10", feature: "QUIC"), "seconds between QUIC pings"),
      SchemaKey(
        "quic_max_idle_timeout", "transport.quic.maxIdleTimeout",
        .absent(.integer, defaultText: "30", feature: "QUIC"),
        "seconds after which an idle QUIC connection ends"),
      SchemaKey(
        "quic_max_incoming_streams", "transport.quic.maxIncomingStreams",
        .absent(.integer, defaultText: "100000", feature: "QUIC"),
        "the most streams of a QUIC connection"),
    ]
  }
}
