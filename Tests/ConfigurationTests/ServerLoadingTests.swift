import Configuration
import Testing
import Timekeeping

@Suite struct ServerLoadingTests {
  @Test func nothingSetMeansTheDefaults() {
    #expect(server("[common]\n") == ServerConfiguration())
    #expect(serverLines("[common]\n") == [])
  }

  @Test func everyKeyArrives() throws {
    let text = """
      [common]
      bind_addr = ::1
      bind_port = 0x1770
      proxy_bind_addr = 10.0.0.1
      user_conn_timeout = 20
      detailed_errors_to_client = no
      max_ports_per_client = 4
      allow_ports = 1000-2000,3000
      authentication_method = token
      authenticate_heartbeats = true
      authenticate_new_work_conns = 1
      token = "a = b # c"
      tcp_mux = off
      tcp_mux_keepalive_interval = 60
      tcp_keepalive = -1
      max_pool_count = 50
      heartbeat_timeout = 33
      tls_only = t
      tls_cert_file = /etc/a.pem
      tls_key_file = /etc/a.key
      tls_trusted_ca_file = /etc/ca.pem
      log_file = ./frps.log
      log_way = file
      log_level = debug
      log_max_days = -1
      disable_log_color = true
      udp_packet_size = 1400
      shutdown_grace = 0
      sandbox = no
      run_as_user = relay
      """
    var expected = ServerConfiguration()
    expected.bindAddress = "::1"
    expected.bindPort = 6000
    expected.proxyBindAddress = "10.0.0.1"
    expected.userConnectionTimeout = .seconds(20)
    expected.sendsDetailedErrors = false
    expected.portsPerClientMax = 4
    expected.allowedPorts = PortRanges([1000...2000, 3000...3000])
    expected.authentication.authenticatesHeartbeats = true
    expected.authentication.authenticatesNewWorkConnections = true
    expected.authentication.token = Secret("a = b # c")
    expected.transport.isMultiplexed = false
    expected.transport.muxKeepaliveInterval = .seconds(60)
    expected.transport.tcpKeepalive = nil
    expected.transport.poolCountMax = 50
    expected.transport.heartbeatTimeout = .seconds(33)
    expected.transport.tls.isRequired = true
    expected.transport.tls.certificate = CertificateFiles(
      certificatePath: "/etc/a.pem", keyPath: "/etc/a.key")
    expected.transport.tls.trustedAuthoritiesPath = "/etc/ca.pem"
    expected.log.target = .file(path: "./frps.log")
    expected.log.level = .debug
    expected.log.daysMax = nil
    expected.log.isColorDisabled = true
    expected.udpPacketBytes = 1400
    expected.shutdownGrace = .zero
    expected.confinement.isEnabled = false
    expected.confinement.userName = "relay"
    #expect(server(text) == expected)
    // The comment in quotes is one of the value, and told as such.
    #expect(serverLines(text).count == 1)
  }

  @Test func zeroAndNothingMeanTheDefault() {
    let keys = [
      "bind_port", "user_conn_timeout", "max_ports_per_client", "tcp_mux_keepalive_interval",
      "tcp_keepalive", "max_pool_count", "heartbeat_timeout", "log_max_days", "udp_packet_size",
    ]
    for value in ["0", "", "\"\"", "0x0"] {
      let text = "[common]\n" + keys.map { "\($0) = \(value)\n" }.joined()
      #expect(server(text) == ServerConfiguration(), "\(value)")
      #expect(serverLines(text) == [], "\(value)")
    }
    #expect(
      server("[common]\nbind_addr =\nlog_file =\nlog_level =\nallow_ports =\ntoken =\n")
        == ServerConfiguration())
  }

  @Test func heartbeatsDependOnMultiplexing() {
    #expect(server("[common]\n")?.transport.heartbeatTimeout == nil)
    #expect(
      server("[common]\ntcp_mux = false\n")?.transport.heartbeatTimeout == .seconds(90))
    #expect(
      server("[common]\ntcp_mux = false\nheartbeat_timeout = -5\n")?.transport.heartbeatTimeout
        == nil)
    #expect(
      server("[common]\nheartbeat_timeout = 7\n")?.transport.heartbeatTimeout == .seconds(7))
  }

  @Test func proxiesListenWhereTheRelayDoes() {
    #expect(server("[common]\nbind_addr = 10.0.0.1\n")?.proxyBindAddress == "10.0.0.1")
  }

  @Test func trustedAuthoritiesForceTLS() {
    let tls = server("[common]\ntls_trusted_ca_file = ca\ntls_only = false\n")?.transport.tls
    #expect(tls?.isRequired == true)
  }

  @Test func absentKeysWithTheirDefaultsAreFine() {
    let text = """
      [common]
      kcp_bind_port = 0
      vhost_http_timeout = 60
      dashboard_addr = 0.0.0.0
      dashboard_user =
      tcpmux_passthrough = off
      nat_hole_analysis_data_reserve_hours = 168
      quic_max_incoming_streams = 100000
      """
    #expect(server(text) == ServerConfiguration())
    #expect(serverLines(text) == [])
  }

  @Test func templatesAreFilledIn() {
    let value = server(
      "[common]\ntoken = {{ .Envs.TOKEN }}\nbind_port = {{ .Envs.PORT }}\n",
      environment: ["TOKEN": "s3cret", "PORT": "7100"])
    #expect(value?.authentication.token.value == "s3cret")
    #expect(value?.bindPort == 7100)
  }

  /// The value brings lines of its own; issues still name the lines of the file.
  @Test func linesBehindTemplatesAreRight() {
    #expect(
      serverLines(
        "[common]\n{{ .Envs.BLOCK }}\nbind_port = -1\n",
        environment: ["BLOCK": "tls_only = true\nbind_prt = 1\nlog_level = info"])
        == [
          "frps.ini:2: bind_prt: unknown key, ignored; did you mean bind_port?",
          "frps.ini:3: bind_port: expected a port from 0 to 65535, found -1",
        ])
  }
}
