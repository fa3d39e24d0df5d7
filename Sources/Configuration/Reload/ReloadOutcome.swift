/// What became of a new configuration that a running program was given.
public struct ReloadOutcome: Equatable, Sendable {
  /// Keys that differ and need a restart: their former values stay in force.
  public var restartKeys: [String] = []

  /// What could not be used, each with the reason: the former state of it stays in force.
  public var problems: [String] = []

  /// Everything is in force.
  public init() {}
}

/// A key that only a program takes that is being started.
struct RestartKey<Configuration>: Sendable {
  /// Its name in the file.
  let name: String
  /// Puts the value of another configuration in its place; whether it differed.
  let restore: @Sendable (inout Configuration, Configuration) -> Bool

  init<Value: Equatable & Sendable>(
    _ name: String, _ path: any WritableKeyPath<Configuration, Value> & Sendable
  ) {
    self.name = name
    restore = { configuration, former in
      guard configuration[keyPath: path] != former[keyPath: path] else { return false }
      configuration[keyPath: path] = former[keyPath: path]
      return true
    }
  }
}

extension ServerConfiguration {
  private static let restartKeys: [RestartKey<ServerConfiguration>] = [
    RestartKey("bind_addr", \.bindAddress), RestartKey("bind_port", \.bindPort),
    RestartKey("proxy_bind_addr", \.proxyBindAddress),
    RestartKey("vhost_http_port", \.httpPort), RestartKey("vhost_https_port", \.httpsPort),
    RestartKey("tcpmux_httpconnect_port", \.httpConnectPort),
    RestartKey("udp_packet_size", \.udpPacketBytes),
    RestartKey("port_memory_file", \.portMemoryPath),
    RestartKey("authentication_method", \.authentication.method),
    RestartKey("authenticate_heartbeats", \.authentication.authenticatesHeartbeats),
    RestartKey("authenticate_new_work_conns", \.authentication.authenticatesNewWorkConnections),
    RestartKey("tcp_mux", \.transport.isMultiplexed),
    RestartKey("tcp_mux_keepalive_interval", \.transport.muxKeepaliveInterval),
    RestartKey("tcp_keepalive", \.transport.tcpKeepalive),
    RestartKey("sandbox, run_as_user", \.confinement),
  ]

  /// Puts the values of a running relay in the place of those that it cannot change.
  ///
  /// - Returns: the keys that differed.
  public mutating func keepFixedValues(of running: ServerConfiguration) -> [String] {
    Self.restartKeys.filter { $0.restore(&self, running) }.map(\.name)
  }
}

extension ClientConfiguration {
  private static let restartKeys: [RestartKey<ClientConfiguration>] =
    [
      RestartKey("user", \.user), RestartKey("server_addr", \.serverHost),
      RestartKey("server_port", \.serverPort), RestartKey("dns_server", \.nameServer),
      RestartKey("udp_packet_size", \.udpPacketBytes), RestartKey("meta_*", \.metadata),
      RestartKey("authentication_method", \.authentication.method),
      RestartKey("authenticate_heartbeats", \.authentication.authenticatesHeartbeats),
      RestartKey("authenticate_new_work_conns", \.authentication.authenticatesNewWorkConnections),
      RestartKey("token", \.authentication.token),
      RestartKey("sandbox, run_as_user", \.confinement),
    ] + transportKeys

  private static let transportKeys: [RestartKey<ClientConfiguration>] = [
    RestartKey("protocol", \.transport.kind),
    RestartKey("dial_server_timeout", \.transport.dialTimeout),
    RestartKey("dial_server_keepalive", \.transport.dialKeepalive),
    RestartKey("connect_server_local_ip", \.transport.localAddress),
    RestartKey("http_proxy", \.transport.upstreamProxy),
    RestartKey("pool_count", \.transport.poolCount),
    RestartKey("tcp_mux", \.transport.isMultiplexed),
    RestartKey("tcp_mux_keepalive_interval", \.transport.muxKeepaliveInterval),
    RestartKey("heartbeat_interval", \.transport.heartbeatInterval),
    RestartKey("heartbeat_timeout", \.transport.heartbeatTimeout),
    RestartKey("tls_enable", \.transport.tls.isEnabled),
    RestartKey("disable_custom_tls_first_byte", \.transport.tls.sendsMarkerByte),
    RestartKey("tls_cert_file, tls_key_file", \.transport.tls.certificate),
    RestartKey("tls_trusted_ca_file", \.transport.tls.trustedAuthoritiesPath),
    RestartKey("tls_server_name", \.transport.tls.serverName),
  ]

  /// Puts the values of a running client in the place of those that it cannot change; proxies are
  /// none of them.
  ///
  /// - Returns: the keys that differed.
  public mutating func keepFixedValues(of running: ClientConfiguration) -> [String] {
    Self.restartKeys.filter { $0.restore(&self, running) }.map(\.name)
  }
}

/// How two lists of proxies differ, by their names.
public struct ProxyChanges: Equatable, Sendable {
  /// Proxies that only the new list has.
  public var added: [ProxyConfiguration] = []

  /// Proxies of which anything differs, as the new list has them.
  public var changed: [ProxyConfiguration] = []

  /// Names that only the old list has.
  public var removedNames: [String] = []

  /// Compares two lists, each name once in each; results are in the order of the lists.
  public init(from old: [ProxyConfiguration], to new: [ProxyConfiguration]) {
    var rest = Dictionary(old.map { ($0.name, $0) }) { first, _ in first }
    for proxy in new {
      guard let former = rest.removeValue(forKey: proxy.name) else {
        added.append(proxy)
        continue
      }
      if former != proxy { changed.append(proxy) }
    }
    if !rest.isEmpty { removedNames = old.map(\.name).filter { rest[$0] != nil } }
  }
}
