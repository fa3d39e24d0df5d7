/// The flags that stand for keys, by command (cli.md 2 and 3).
public enum SettingFlags {
  /// Those of frps.
  public static let server = rows(ServerSchema.index, .server, defaults: [:], serverRows)

  /// Those that every command of frpc has which runs a proxy or visitor.
  public static let client = rows(
    ClientSchema.index, .client, defaults: ["serverAddr": "127.0.0.1"], clientRows)

  /// Those of every proxy.
  public static let everyProxy = rows(ProxySchema.index, .proxy, defaults: [:], proxyRows)

  /// Those of a proxy of one type besides.
  public static func proxy(_ kind: ProxyKind) -> [SettingFlag] {
    rows(ProxySchema.index, .proxy, defaults: [:], rows(of: kind))
  }

  /// Those of a visitor.
  public static func visitor(_ kind: VisitorKind) -> [SettingFlag] {
    rows(VisitorSchema.index, .visitor, defaults: [:], visitorRows)
  }

  /// The flag, and the key by its legacy name, or by its ID if it has none.
  private typealias Row = (name: String, letter: Character?, key: String)

  private static func row(
    _ name: String, _ letter: Character? = nil, key: String? = nil
  ) -> Row {
    (name, letter, key ?? name)
  }

  private static func rows<Target>(
    _ index: SchemaIndex<Target>, _ table: SettingFlag.Table, defaults: [String: String],
    _ rows: [Row]
  ) -> [SettingFlag] {
    let names = Dictionary(
      rows.map { ($0.key, "--" + SettingFlag.dashed($0.name)) },
      uniquingKeysWith: { first, _ in first })
    return rows.compactMap { row in
      guard let key = index.key(id: row.key) ?? index.key(ini: row.key)?.key else { return nil }
      return SettingFlag(
        row.name, row.letter, key, table, defaultText: defaults[key.id], names: names)
    }
  }

  private static let serverRows: [Row] =
    [
      row("bind_addr"), row("bind_port", "p"), row("kcp_bind_port"), row("quic_bind_port"),
      row("proxy_bind_addr"), row("token", "t"), row("tls_only"), row("allow_ports"),
      row("max_ports_per_client"), row("vhost_http_port"), row("vhost_https_port"),
      row("vhost_http_timeout"), row("subdomain_host"), row("dashboard_addr"),
      row("dashboard_port"), row("dashboard_user"), row("dashboard_pwd"), row("dashboard_tls_mode"),
      row("dashboard_tls_cert_file"), row("dashboard_tls_key_file"), row("enable_prometheus"),
    ] + log

  private static let clientRows: [Row] =
    [
      row("server_addr", "s"), row("server_port", "P"), row("user", "u"), row("token", "t"),
      row("protocol", "p"), row("tls_enable"), row("tls_server_name"), row("dns_server"),
      row("client-id", key: "clientID"),
    ] + log

  private static let log: [Row] = [
    row("log_file"), row("log_level"), row("log_max_days"), row("disable_log_color"),
  ]

  private static let proxyRows: [Row] = [
    row("proxy_name", "n", key: "name"), row("local_ip", "i"), row("local_port", "l"),
    row("ue", key: "use_encryption"), row("uc", key: "use_compression"), row("bandwidth_limit"),
    row("bandwidth_limit_mode"), row("metadatas"), row("annotations"),
  ]

  private static let domains: [Row] = [
    row("custom_domain", "d", key: "custom_domains"), row("sd", key: "subdomain"),
  ]

  private static let credentials: [Row] = [row("http_user"), row("http_pwd")]

  private static func rows(of kind: ProxyKind) -> [Row] {
    switch kind {
    case .tcp, .udp: [row("remote_port", "r")]
    case .http: domains + [row("locations")] + credentials + [row("host_header_rewrite")]
    case .https: domains
    case .tcpmux: domains + [row("mux", key: "multiplexer")] + credentials
    case .stcp, .sudp, .xtcp: [row("sk"), row("allow_users")]
    }
  }

  private static let visitorRows: [Row] = [
    row("visitor_name", "n", key: "name"), row("server_name"),
    row("server-user", key: "server_user"), row("sk"), row("bind_addr"), row("bind_port"),
    row("ue", key: "use_encryption"), row("uc", key: "use_compression"),
  ]
}
