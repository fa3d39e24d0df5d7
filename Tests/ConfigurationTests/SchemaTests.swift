import Foundation
import TestKit
import Testing

@testable import Configuration

@Suite struct SchemaTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// With UPDATE_PAGES in the environment (`make pages`) the page is written first.
  @Test func thePageOfKeysIsThatOfTheSchema() throws {
    let page = Self.root.appendingPathComponent("docs/configuration.md")
    let expected = ConfigurationReference.page()
    if ProcessInfo.processInfo.environment["UPDATE_PAGES"] != nil {
      try Data(expected.utf8).write(to: page)
    }
    #expect(try String(contentsOf: page, encoding: .utf8) == expected)
  }

  @Test func theShippedFilesAreWithoutIssues() throws {
    let read = { (name: String) in
      try String(contentsOf: Self.root.appendingPathComponent("config/\(name)"), encoding: .utf8)
    }
    #expect(serverLines(try read("frps.ini")) == [])
    #expect(clientLines(try read("frpc.ini")) == [])
    #expect(client(try read("frpc.ini"))?.proxies.map(\.name) == ["web", "web2"])
  }

  private func checkTable<Target>(_ schema: [SchemaKey<Target>]) {
    for names in [schema.compactMap(\.iniName), schema.compactMap(\.v1Name)] {
      #expect(Set(names).count == names.count)
    }
    for key in schema {
      #expect(key.iniName != nil || key.v1Name != nil)
      #expect(!key.documentation.isEmpty && !key.documentation.contains("\n"), "\(key.id)")
      #expect(!key.documentation.contains("|"), "\(key.id)")
      switch key.rule {
      case .choice(let rule, _):
        #expect(
          rule.defaultText.isEmpty || rule.present.contains(rule.defaultText), "\(key.id)")
      case .integer(let rule, _):
        #expect(rule.range.contains(rule.defaultValue), "\(key.id)")
        if case .integer(let example) = key.exampleValue {
          #expect(rule.range.contains(example), "\(key.id)")
        }
      case .text(let rule, _):
        for text in [rule.defaultText, key.example] where !text.isEmpty {
          #expect(rule.fault(text) == nil, "\(key.id)")
        }
      case .boolean, .list, .map, .namedValues, .flags, .ports, .presence, .ignored: break
      }
    }
  }

  @Test func tablesAreConsistent() {
    checkTable(ServerSchema.common)
    checkTable(ServerPluginSchema.keys)
    checkTable(GroupSchema.keys)
    checkTable(HostCertificateSchema.keys)
    checkTable(ClientSchema.common)
    checkTable(ProxySchema.all)
    checkTable(VisitorSchema.keys)
  }

  /// Writing every documented default into a file changes nothing and is no issue.
  @Test func documentedDefaultsAreTheDefaults() {
    func text<Target>(_ schema: [SchemaKey<Target>]) -> String {
      schema.filter { $0.iniPrefix == nil && $0.id != "role" && $0.id != "webServer.addr" }
        .compactMap { key in key.iniName.map { "\($0) = \(key.defaultText)\n" } }.joined()
    }
    let serverText = "[common]\n" + text(ServerSchema.common)
    #expect(server(serverText) == ServerConfiguration())
    #expect(serverLines(serverText) == [])
    let clientText = "[common]\n" + text(ClientSchema.common)
    #expect(client(clientText) == ClientConfiguration())
    #expect(clientLines(clientText) == [])
    let tcp = ProxySchema.all.filter { $0.scope.contains(kind: "tcp", plugin: "") }
    let proxy = client("[common]\n[p]\n" + text(tcp))?.proxies
    #expect(proxy == [ProxyConfiguration(name: "p", service: .tcp(.init(remotePort: 0)))])
  }

  /// The same in the current generation, by the dump of nothing.
  @Test func aDumpOfDefaultsIsTheDefaults() throws {
    let dump = try #require(ConfigurationLoader.loadServer(text: "", file: "f").dump())
    let again = ConfigurationLoader.loadServer(text: dump, file: "f")
    #expect(again.value == ServerConfiguration())
    #expect(again.dump() == dump)
  }

  /// Every key that frp has in its INI format.
  @Test func everyKeyOfTheReferenceIsKnown() {
    let server = """
      bind_addr bind_port kcp_bind_port quic_bind_port proxy_bind_addr vhost_http_port
      vhost_https_port vhost_http_timeout tcpmux_httpconnect_port tcpmux_passthrough subdomain_host
      custom_404_page user_conn_timeout udp_packet_size detailed_errors_to_client
      max_ports_per_client allow_ports nat_hole_analysis_data_reserve_hours authentication_method
      authenticate_heartbeats authenticate_new_work_conns token oidc_issuer oidc_audience
      oidc_skip_expiry_check oidc_skip_issuer_check tcp_mux tcp_mux_keepalive_interval tcp_keepalive
      max_pool_count heartbeat_timeout quic_keepalive_period quic_max_idle_timeout
      quic_max_incoming_streams tls_only tls_cert_file tls_key_file tls_trusted_ca_file
      dashboard_addr dashboard_port dashboard_user dashboard_pwd assets_dir pprof_enable
      dashboard_tls_mode dashboard_tls_cert_file dashboard_tls_key_file enable_prometheus log_file
      log_way log_level log_max_days disable_log_color shutdown_grace users_file max_connections
      max_connections_per_address max_connections_per_proxy max_connections_per_client memory_limit
      port_memory_file reload_on_change sandbox run_as_user trusted_proxies vhost_https_cert_dir
      group_policy access_log access_log_format
      group_max_failures group_failure_time group_slow_start group_weight_meta
      """
    let client = """
      user server_addr server_port nat_hole_stun_server dns_server login_fail_exit start log_file
      log_way log_level log_max_days disable_log_color admin_addr admin_port admin_user admin_pwd
      assets_dir pprof_enable udp_packet_size meta_* includes authentication_method
      authenticate_heartbeats authenticate_new_work_conns token oidc_client_id oidc_client_secret
      oidc_audience oidc_scope oidc_token_endpoint_url oidc_additional_* protocol
      dial_server_timeout dial_server_keepalive connect_server_local_ip http_proxy pool_count
      tcp_mux tcp_mux_keepalive_interval quic_keepalive_period quic_max_idle_timeout
      quic_max_incoming_streams heartbeat_interval heartbeat_timeout tls_enable
      disable_custom_tls_first_byte tls_cert_file tls_key_file tls_trusted_ca_file tls_server_name
      shutdown_grace reload_on_change sandbox run_as_user
      """
    let proxy = """
      type role meta_* local_ip local_port use_encryption use_compression bandwidth_limit
      bandwidth_limit_mode proxy_protocol_version group group_key health_check_type
      health_check_timeout_s health_check_max_failed health_check_interval_s health_check_url plugin
      plugin_http_user plugin_http_passwd plugin_user plugin_passwd plugin_local_path
      plugin_strip_prefix plugin_unix_path plugin_local_addr plugin_host_header_rewrite
      plugin_header_* plugin_crt_path plugin_key_path remote_port
      custom_domains subdomain locations http_user http_pwd
      host_header_rewrite header_* route_by_http_user multiplexer sk allow_users
      """
    let visitor = """
      type role sk use_encryption use_compression server_user server_name bind_addr bind_port
      protocol keep_tunnel_open max_retries_an_hour min_retry_interval fallback_to
      fallback_timeout_ms
      """
    let names = { (text: String) in Set(text.split(whereSeparator: \.isWhitespace).map(String.init))
    }
    #expect(Set(ServerSchema.common.compactMap(\.iniName)) == names(server))
    #expect(Set(ClientSchema.common.compactMap(\.iniName)) == names(client))
    #expect(Set(ProxySchema.all.compactMap(\.iniName)) == names(proxy))
    #expect(Set(VisitorSchema.keys.compactMap(\.iniName)) == names(visitor))
    #expect(Set(ServerPluginSchema.keys.compactMap(\.iniName)) == names("addr path ops tlsVerify"))
  }

  @Test(
    arguments: [
      ("bind_prt", "bind_port"), ("BIND_PORT", "bind_port"), ("bindPort", "bind_port"),
      ("tls-only", "tls_only"), ("tokn", "token"), ("logfile", "log_file"), ("qwertz", nil),
      ("", nil),
      ("x", nil), (String(repeating: "bind_port", count: 1000), nil),
    ] as [(String, String?)])
  func suggestions(key: String, expected: String?) {
    #expect(NearestName.of(key, in: ServerSchema.index.iniNames) == expected)
  }

  /// No issue repeats a secret, wherever the damage is.
  @Test func issuesNeverShowSecrets() {
    for text in [
      "[common]\ntoken = hunter2 # x\n", "[common]\ntoken hunter2\n",
      "[common]\ntoken = `hunter2\n",
      "[common]\ntoken = a\ntoken = hunter2\n", "[common]\nhttp_proxy = x://u:hunter2@h\n",
      "[common]\nhttp_proxy = http://u:hunter2@h:x\n", "[common]\noidc_client_secret = hunter2\n",
      "[common]\nadmin_pwd = hunter2\ndashboard_pwd = hunter2\n", "[common]\ntoken = hunter2\\",
      "[common]\nhttp_proxy = hunter2\n", "[common]\nhttp_proxy = hunter2://x\n",
      "auth.token = [\"hunter2\"]\n", "auth.token = \"hunter2\n", "auth = { tokn = \"hunter2\" }\n",
      "{\"auth\": {\"token\": \"hunter2}}", "transport.proxyURL = \"hunter2\"\n",
      "auth.oidc.clientSecret = \"hunter2\"\nwebServer.password = \"hunter2\"\n",
      "webServer.password = 5\n[[proxies]]\nname = \"a\"\ntype = \"tcp\"\n"
        + "secretKey = \"hunter2\"\n",
    ] {
      for line in serverLines(text) + clientLines(text) {
        // The scheme of a URL is no secret.
        #expect(!line.contains("hunter2") || text.contains("hunter2://"), "\(line)")
      }
    }
  }
}
