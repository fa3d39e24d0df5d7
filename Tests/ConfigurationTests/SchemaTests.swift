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
    let names = schema.map(\.iniName)
    #expect(Set(names).count == names.count)
    for key in schema {
      #expect(!key.documentation.isEmpty && !key.documentation.contains("\n"), "\(key.iniName)")
      #expect(!key.documentation.contains("|"), "\(key.iniName)")
      if case .choice(let text, let now, _, _) = key.rule {
        #expect(now.contains(text), "\(key.iniName)")
      }
      if case .integer(_, let value, let range, _, _) = key.rule {
        #expect(range.contains(value), "\(key.iniName)")
      }
    }
  }

  @Test func tablesAreConsistent() {
    checkTable(ServerSchema.common)
    checkTable(ServerPluginSchema.keys)
    checkTable(ClientSchema.common)
    checkTable(
      ProxySchema.selectors + ProxySchema.common + ProxySchema.tcp + ProxySchema.otherKinds)
    checkTable(ProxySchema.visitor)
  }

  /// Writing every documented default into a file changes nothing and is no issue.
  @Test func documentedDefaultsAreTheDefaults() {
    func text<Target>(_ schema: [SchemaKey<Target>]) -> String {
      schema.filter { $0.prefix == nil }.map { "\($0.iniName) = \($0.defaultText)\n" }.joined()
    }
    let serverText = "[common]\n" + text(ServerSchema.common)
    #expect(server(serverText) == ServerConfiguration())
    #expect(serverLines(serverText) == [])
    let clientText = "[common]\n" + text(ClientSchema.common)
    #expect(client(clientText) == ClientConfiguration())
    #expect(clientLines(clientText) == [])
    let keys = text(ProxySchema.selectors + ProxySchema.common + ProxySchema.tcp)
    let proxy = client("[common]\n[p]\n" + keys)?.proxies
    #expect(proxy == [ProxyConfiguration(name: "p", service: .tcp(.init(remotePort: 0)))])
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
      log_way log_level log_max_days disable_log_color shutdown_grace max_connections
      max_connections_per_address max_connections_per_proxy max_connections_per_client memory_limit
      port_memory_file sandbox run_as_user
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
      shutdown_grace sandbox run_as_user
      """
    let proxy = """
      type role meta_* local_ip local_port use_encryption use_compression bandwidth_limit
      bandwidth_limit_mode proxy_protocol_version group group_key health_check_type
      health_check_timeout_s health_check_max_failed health_check_interval_s health_check_url plugin
      plugin_* remote_port custom_domains subdomain locations http_user http_pwd
      host_header_rewrite header_* route_by_http_user multiplexer sk allow_users
      """
    let names = { (text: String) in Set(text.split(whereSeparator: \.isWhitespace).map(String.init))
    }
    #expect(Set(ServerSchema.common.map(\.iniName)) == names(server))
    #expect(Set(ClientSchema.common.map(\.iniName)) == names(client))
    let proxyKeys =
      ProxySchema.selectors + ProxySchema.common + ProxySchema.tcp + ProxySchema.otherKinds
    #expect(Set(proxyKeys.map(\.iniName)) == names(proxy))
  }

  @Test(
    arguments: [
      ("bind_prt", "bind_port"), ("BIND_PORT", "bind_port"), ("bindPort", "bind_port"),
      ("tls-only", "tls_only"), ("tokn", "token"), ("logfile", "log_file"), ("qwertz", nil),
      ("", nil),
      ("x", nil), (String(repeating: "bind_port", count: 1000), nil),
    ] as [(String, String?)])
  func suggestions(key: String, expected: String?) {
    #expect(KnownKeys.nearest(to: key, in: ServerSchema.common.map(\.iniName)) == expected)
  }

  // MARK: Damaged files

  /// Damages good files at random: no trap, every issue is one line with a place, and a value comes
  /// exactly when there is no error.
  @Test func damagedFilesNeverTrap() {
    var generator = RepeatableGenerator(seed: 0xC0F1)
    let seeds = [
      "[common]\nbind_port = 7000\nallow_ports = 1-9,20\ntoken = {{ .Envs.T }}\n[plugin.x]\n",
      "[common]\nserver_addr = h\nhttp_proxy = http://u:p@h:1\ndns_server = [::1]:5\nincludes = a\n"
        + "[range:r]\nlocal_port = 1-3\nremote_port = 4-6\n[a.b]\nlocal_port = 0x1\nrole = "
        + "server\n",
    ]
    let alphabet = Array("[]=:\"'`\\#;\n\r {}-,.%0/@x".utf8) + [0x00, 0xFF, 0xC3, 0xA9]
    for round in 0..<3000 {
      var bytes = Array(seeds[round % 2].utf8)
      for _ in 0...Int.random(in: 0..<4, using: &generator) {
        let position = Int.random(in: 0..<bytes.count, using: &generator)
        let byte = alphabet.randomElement(using: &generator) ?? 0
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: bytes[position] = byte
        case 1: bytes.insert(byte, at: position)
        case 2: bytes.removeSubrange(position..<min(bytes.count, position + 5))
        case _: bytes.insert(contentsOf: bytes[..<position], at: position)
        }
        if bytes.isEmpty { bytes = [0x0A] }
      }
      let relay = ConfigurationLoader.loadServer(bytes: bytes, file: "f", environment: ["T": "t"])
      let home = ConfigurationLoader.loadClient(
        bytes: bytes, file: "f", environment: ["T": "t"], includes: files(["a": "[z]\n"]))
      #expect((relay.value == nil) == !relay.errors.isEmpty)
      #expect((home.value == nil) == !home.errors.isEmpty)
      for issue in relay.issues + home.issues {
        let isOneLine = !issue.description.unicodeScalars.contains {
          $0.properties.generalCategory == .control
        }
        #expect(isOneLine, "seed \(generator.seed), round \(round)")
      }
    }
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
    ] {
      for line in serverLines(text) + clientLines(text) {
        // The scheme of a URL is no secret.
        #expect(!line.contains("hunter2") || text.contains("hunter2://"), "\(line)")
      }
    }
  }
}
