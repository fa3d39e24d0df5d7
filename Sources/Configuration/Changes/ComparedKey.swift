/// One key, or some that belong together, of a configuration, for comparing two of them: what a
/// running program takes, and what needs a restart.
struct ComparedKey<Configuration>: Sendable {
  /// As TOML, YAML and JSON files call it.
  let name: String
  /// As INI files call it, where the schema does not say so.
  let iniName: String?
  let differs: @Sendable (Configuration, Configuration) -> Bool
  /// Puts the value of another configuration in its place; `nil` for a key that a running program
  /// takes.
  let restore: (@Sendable (inout Configuration, Configuration) -> Void)?

  var isAppliedAtRunTime: Bool { restore == nil }

  func change(from old: Configuration, to new: Configuration) -> KeyChange? {
    differs(old, new) ? KeyChange(name: name, isAppliedAtRunTime: isAppliedAtRunTime) : nil
  }

  /// A key that a running program takes.
  static func live<Value: Equatable & Sendable>(
    _ name: String, _ path: any KeyPath<Configuration, Value> & Sendable
  ) -> ComparedKey {
    ComparedKey(
      name: name, iniName: nil, differs: { $0[keyPath: path] != $1[keyPath: path] }, restore: nil)
  }

  /// A key that only a program takes that is being started.
  static func fixed<Value: Equatable & Sendable>(
    _ name: String, ini: String? = nil,
    _ path: any WritableKeyPath<Configuration, Value> & Sendable
  ) -> ComparedKey {
    ComparedKey(
      name: name, iniName: ini, differs: { $0[keyPath: path] != $1[keyPath: path] },
      restore: { $0[keyPath: path] = $1[keyPath: path] })
  }

  /// Puts the values of a running program in the place of those that it cannot change.
  ///
  /// - Returns: the keys that differed, as INI files call them if they can.
  static func keepFixedValues(
    _ keys: [ComparedKey], of running: Configuration, in new: inout Configuration,
    iniNames: [String: String]
  ) -> [String] {
    keys.compactMap { key in
      guard let restore = key.restore, key.differs(running, new) else { return nil }
      restore(&new, running)
      return key.iniName ?? iniNames[key.name] ?? key.name
    }
  }
}

private let scopes = "authenticate_heartbeats, authenticate_new_work_conns"

extension ComparedKey where Configuration == ServerConfiguration {
  private static let web = "dashboard_addr, dashboard_port and the like"

  static let server: [ComparedKey] = [
    .fixed("bindAddr", \.bindAddress), .fixed("bindPort", \.bindPort),
    .fixed("kcpBindPort", \.kcpBindPort), .fixed("quicBindPort", \.quicBindPort),
    .fixed("proxyBindAddr", \.proxyBindAddress),
    .live("userConnTimeout", \.userConnectionTimeout),
    .fixed("udpPacketSize", \.udpPacketBytes),
    .live("detailedErrorsToClient", \.sendsDetailedErrors),
    .live("maxPortsPerClient", \.portsPerClientMax),
    .live("maxConnections", \.connectionLimits.total),
    .live("maxConnectionsPerAddress", \.connectionLimits.perAddress),
    .live("maxConnectionsPerProxy", \.connectionLimits.perProxy),
    .live("maxConnectionsPerClient", \.connectionLimits.perClient),
    .live("memoryLimit", \.memoryLimitBytes), .fixed("portMemoryFile", \.portMemoryPath),
    .live("allowPorts", \.allowedPorts),
    .live("shutdownGrace", \.shutdownGrace), .live("usersFile", \.usersFilePath),
    .live("reloadOnChange", \.reloadsOnChange),
    .fixed("natholeAnalysisDataReserveHours", \.holePunchingRecordLife),
    .fixed("vhostHTTPPort", \.httpPort), .fixed("vhostHTTPSPort", \.httpsPort),
    .live("vhostHTTPTimeout", \.httpResponseTimeout),
    .fixed("tcpmuxHTTPConnectPort", \.httpConnectPort),
    .live("tcpmuxPassthrough", \.passesConnectRequests),
    .live("subDomainHost", \.subdomainHost), .live("custom404Page", \.notFoundPagePath),
    .fixed("accessLog.to", \.accessLog.path), .fixed("accessLog.format", \.accessLog.form),
    .live("trustedProxies", \.trustedProxies),
    .live("vhostHTTPSCertDir", \.hostCertificateFolder),
    .live(HostCertificateSchema.list, \.hostCertificates),
    .live("groups.policy", \.groups.policy),
    .live("groups.maxFailures", \.groups.failureCountMax),
    .live("groups.failureTime", \.groups.failureTime),
    .live("groups.slowStart", \.groups.slowStart),
    .live("groups.weightMeta", \.groups.weightKey),
    .live(GroupSchema.list, \.namedGroups),
    .fixed("auth.method", \.authentication.method),
    .fixed("auth.additionalScopes", ini: scopes, \.authentication.additionalScopes),
    .live("auth.token", \.authentication.token),
    .live("auth.tokenSource", \.authentication.tokenSource), .fixed("auth.oidc", \.oidc),
    .fixed("transport.tcpMux", \.transport.isMultiplexed),
    .fixed("transport.tcpMuxKeepaliveInterval", \.transport.muxKeepaliveInterval),
    .fixed("transport.tcpKeepalive", \.transport.tcpKeepalive),
    .live("transport.maxPoolCount", \.transport.poolCountMax),
    .live("transport.heartbeatTimeout", \.transport.heartbeatTimeout),
    .fixed("transport.quic", \.transport.quic),
    .live("transport.tls.force", \.transport.tls.isRequired),
    .live("transport.tls.certFile", \.transport.tls.certificate),
    .live("transport.tls.trustedCaFile", \.transport.tls.trustedAuthoritiesPath),
    .fixed("webServer", ini: web, \.webServer), .fixed("enablePrometheus", \.offersMetrics),
    .live("log.to", \.log.target), .live("log.level", \.log.level),
    .live("log.maxDays", \.log.daysMax), .live("log.disablePrintColor", \.log.isColorDisabled),
    .fixed("sandbox", \.confinement.isEnabled), .fixed("runAsUser", \.confinement.userName),
    .fixed("sshTunnelGateway", \.sshGateway), .live("httpPlugins", \.plugins),
  ]
}

extension ComparedKey where Configuration == ClientConfiguration {
  private static let web = "admin_addr, admin_port and the like"

  /// Without proxies and visitors, and without `start`, which has chosen among them already.
  static let client: [ComparedKey] = [
    .fixed("user", \.user), .fixed("clientID", \.clientID),
    .fixed("serverAddr", \.serverHost), .fixed("serverPort", \.serverPort),
    .fixed("natHoleStunServer", \.stunServer), .fixed("dnsServer", \.nameServer),
    .live("loginFailExit", \.exitsWhenFirstLoginFails),
    .fixed("udpPacketSize", \.udpPacketBytes), .fixed("metadatas", \.metadata),
    .live("shutdownGrace", \.shutdownGrace),
    .live("reloadOnChange", \.reloadsOnChange),
    .fixed("auth.method", \.authentication.method),
    .fixed("auth.additionalScopes", ini: scopes, \.authentication.additionalScopes),
    .fixed("auth.token", \.authentication.token),
    .fixed("auth.tokenSource", \.authentication.tokenSource), .fixed("auth.oidc", \.oidc),
    .fixed("transport.protocol", \.transport.kind),
    .fixed("transport.wireProtocol", \.transport.wireProtocol),
    .fixed("transport.dialServerTimeout", \.transport.dialTimeout),
    .fixed("transport.dialServerKeepalive", \.transport.dialKeepalive),
    .fixed("transport.connectServerLocalIP", \.transport.localAddress),
    .fixed("transport.proxyURL", \.transport.upstreamProxy),
    .fixed("transport.poolCount", \.transport.poolCount),
    .fixed("transport.tcpMux", \.transport.isMultiplexed),
    .fixed("transport.tcpMuxKeepaliveInterval", \.transport.muxKeepaliveInterval),
    .fixed("transport.quic", \.transport.quic),
    .fixed("transport.heartbeatInterval", \.transport.heartbeatInterval),
    .fixed("transport.heartbeatTimeout", \.transport.heartbeatTimeout),
    .fixed("transport.tls.enable", \.transport.tls.isEnabled),
    .fixed("transport.tls.disableCustomTLSFirstByte", \.transport.tls.sendsMarkerByte),
    .fixed(
      "transport.tls.certFile", ini: "tls_cert_file, tls_key_file", \.transport.tls.certificate),
    .fixed("transport.tls.trustedCaFile", \.transport.tls.trustedAuthoritiesPath),
    .fixed("transport.tls.serverName", \.transport.tls.serverName),
    .live("log.to", \.log.target),
    .live("log.level", \.log.level), .live("log.maxDays", \.log.daysMax),
    .live("log.disablePrintColor", \.log.isColorDisabled),
    .fixed("sandbox", \.confinement.isEnabled), .fixed("runAsUser", \.confinement.userName),
    .fixed("webServer", ini: web, \.webServer),
    .fixed("store.path", \.storePath), .fixed("virtualNet.address", \.virtualNetAddress),
  ]
}

extension AuthenticationConfiguration {
  /// What else carries a proof.
  fileprivate var additionalScopes: [Bool] {
    get { [authenticatesHeartbeats, authenticatesNewWorkConnections] }
    set { (authenticatesHeartbeats, authenticatesNewWorkConnections) = (newValue[0], newValue[1]) }
  }
}
