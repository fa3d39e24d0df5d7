import Configuration
import Testing
import Timekeeping

@Suite struct ClientLoadingTests {
  @Test func nothingSetMeansTheDefaults() {
    #expect(client("[common]\n") == ClientConfiguration())
    #expect(clientLines("[common]\n") == [])
  }

  @Test func everyKeyArrives() throws {
    let text = """
      [common]
      user = home
      server_addr = relay.example.com
      server_port = 7001
      dns_server = 1.1.1.1
      login_fail_exit = false
      start = web, web2
      log_file = console
      log_level = warn
      log_max_days = 7
      disable_log_color = 1
      meta_region = eu
      meta_id = 5
      token = t
      authenticate_heartbeats = true
      authenticate_new_work_conns = true
      dial_server_timeout = 3
      dial_server_keepalive = -1
      connect_server_local_ip = 192.168.1.5
      http_proxy = socks5://u:p@proxy:1080
      pool_count = 4
      tcp_mux = true
      tcp_mux_keepalive_interval = 10
      heartbeat_interval = 15
      heartbeat_timeout = 45
      tls_enable = true
      disable_custom_tls_first_byte = false
      tls_cert_file = c
      tls_key_file = k
      tls_trusted_ca_file = ca
      tls_server_name = name.example
      shutdown_grace = 12
      protocol = tcp
      udp_packet_size = 1600
      """
    var expected = ClientConfiguration()
    expected.user = "home"
    expected.serverHost = "relay.example.com"
    expected.serverPort = 7001
    expected.nameServer = HostAndPort(host: "1.1.1.1", port: 53)
    expected.exitsWhenFirstLoginFails = false
    expected.startedNames = ["web", "web2"]
    expected.log.level = .warn
    expected.log.daysMax = 7
    expected.log.isColorDisabled = true
    expected.metadata = ["region": "eu", "id": "5"]
    expected.authentication.token = Secret("t")
    expected.authentication.authenticatesHeartbeats = true
    expected.authentication.authenticatesNewWorkConnections = true
    expected.transport.dialTimeout = .seconds(3)
    expected.transport.dialKeepalive = nil
    expected.transport.localAddress = "192.168.1.5"
    expected.transport.upstreamProxy = UpstreamProxy(
      kind: .socks5, address: HostAndPort(host: "proxy", port: 1080), user: "u",
      password: Secret("p"))
    expected.transport.poolCount = 4
    expected.transport.muxKeepaliveInterval = .seconds(10)
    expected.transport.heartbeatInterval = .seconds(15)
    expected.transport.heartbeatTimeout = .seconds(45)
    expected.transport.tls.sendsMarkerByte = true
    expected.transport.tls.certificate = CertificateFiles(certificatePath: "c", keyPath: "k")
    expected.transport.tls.trustedAuthoritiesPath = "ca"
    expected.transport.tls.serverName = "name.example"
    expected.shutdownGrace = .seconds(12)
    expected.udpPacketBytes = 1600
    let loaded = try #require(client(text))
    #expect(loaded == expected)
  }

  @Test func confinementIsAsked() {
    let text = "[common]\nsandbox = 0\nrun_as_user = root\n"
    #expect(client(text)?.confinement.isEnabled == false)
    #expect(client(text)?.confinement.userName == "root")
    #expect(client("[common]\nrun_as_user =\n")?.confinement == ConfinementConfiguration())
  }

  @Test func proxiesArriveInTheOrderOfTheirNames() throws {
    let text = """
      [common]
      [web]
      type = tcp
      local_ip = nas.lan
      local_port = 80
      remote_port = 8780
      use_encryption = true
      use_compression = yes
      proxy_protocol_version = v2
      meta_a = 1
      role = server
      [Web]
      local_port = 81
      [ssh]
      type =
      local_ip =
      local_port = 22
      """
    var web = ProxyConfiguration(
      name: "web", service: .tcp(TCPProxyConfiguration(remotePort: 8780)))
    web.localHost = "nas.lan"
    web.localPort = 80
    web.usesEncryption = true
    web.usesCompression = true
    web.proxyProtocolVersion = .v2
    web.metadata = ["a": "1"]
    var upper = ProxyConfiguration(
      name: "Web", service: .tcp(TCPProxyConfiguration(remotePort: 0)))
    upper.localPort = 81
    var ssh = ProxyConfiguration(name: "ssh", service: .tcp(TCPProxyConfiguration(remotePort: 0)))
    ssh.localPort = 22
    let configuration = try #require(client(text))
    #expect(configuration.proxies == [upper, ssh, web])
    #expect(configuration.proxies.map(\.kind) == [.tcp, .tcp, .tcp])
    #expect(clientLines(text) == [])
  }

  @Test func zeroAndNothingMeanTheDefault() {
    let keys = [
      "server_port", "dial_server_timeout", "dial_server_keepalive", "pool_count",
      "tcp_mux_keepalive_interval", "heartbeat_interval", "heartbeat_timeout", "log_max_days",
      "udp_packet_size",
    ]
    for value in ["0", ""] {
      let text = "[common]\n" + keys.map { "\($0) = \(value)\n" }.joined()
      #expect(client(text) == ClientConfiguration(), "\(value)")
    }
  }

  @Test func heartbeatsDependOnMultiplexing() {
    let plain = client("[common]\ntcp_mux = false\n")?.transport
    #expect(plain?.heartbeatInterval == .seconds(30))
    #expect(plain?.heartbeatTimeout == .seconds(90))
    let off = client("[common]\ntcp_mux = false\nheartbeat_interval = -1\n")?.transport
    #expect(off?.heartbeatInterval == nil)
    #expect(off?.heartbeatTimeout == .seconds(90))
    // Each alone is no contradiction.
    #expect(client("[common]\nheartbeat_interval = 100\n") != nil)
    #expect(client("[common]\nheartbeat_interval = 50\nheartbeat_timeout = 50\n") != nil)
  }

  @Test func theEnvironmentProxyIsADefault() {
    let environment = ["http_proxy": "http://env:3128", "HTTP_PROXY": "http://upper:1"]
    let host = { (text: String) in
      client(text, environment: environment)?.transport.upstreamProxy?.address.host
    }
    #expect(host("[common]\n") == "env")
    #expect(host("[common]\nhttp_proxy =\n") == "env")
    #expect(host("[common]\nhttp_proxy = http://file\n") == "file")
    #expect(client("[common]\n", environment: ["http_proxy": ""])?.transport.upstreamProxy == nil)
    #expect(
      client("[common]\n", environment: ["HTTP_PROXY": "http://x"])?.transport.upstreamProxy == nil)
  }

  @Test func startHidesWhatIsBroken() {
    let text = "[common]\nstart = a\n[a]\nlocal_port = 1\n[b]\ntype = http\nlocal_port = -1\n"
    #expect(client(text)?.proxies.map(\.name) == ["a"])
    #expect(clientLines(text) == [])
  }

  // MARK: Ranges

  @Test func rangesAreExpanded() throws {
    let text = """
      [common]
      [range:game]
      type = tcp
      local_ip = 10.0.0.2
      local_port = 6010-6012, 7000
      remote_port = 80,8010-8012
      use_encryption = true
      [game_1]
      use_compression = true
      local_port = 5
      """
    let proxies = try #require(client(text)?.proxies)
    #expect(proxies.map(\.name) == ["game_0", "game_1", "game_2", "game_3"])
    #expect(proxies.map(\.localPort) == [6010, 6011, 6012, 7000])
    #expect(
      proxies.map(\.service)
        == [80, 8010, 8011, 8012].map { .tcp(TCPProxyConfiguration(remotePort: $0)) })
    #expect(proxies.allSatisfy { $0.usesEncryption && $0.localHost == "10.0.0.2" })
    #expect(proxies.map(\.usesCompression) == [false, true, false, false])
  }

  @Test func startNamesExpandedProxies() {
    let range = "[range:r]\nlocal_port = 1-3\nremote_port = 1-3\n"
    #expect(client("[common]\nstart = r_1\n" + range)?.proxies.map(\.name) == ["r_1"])
    #expect(client("[common]\nstart = r\n" + range)?.proxies.map(\.name) == [])
  }

  @Test func sectionsTakeFromTheirParents() throws {
    let text =
      "[common]\n[web]\nlocal_port = 80\nuse_encryption = true\n[web.tls]\nlocal_port = 443\n"
    let proxies = try #require(client(text)?.proxies)
    #expect(proxies.map(\.localPort) == [80, 443])
    #expect(proxies.map(\.usesEncryption) == [true, true])
  }

  // MARK: Includes

  @Test func includedFilesAddProxies() throws {
    let includes = files([
      "conf.d/b.ini": "[b]\nlocal_port = 2\n", "conf.d/a.ini": "[a]\nlocal_port = 1\n",
      "conf.d/c.txt": "oops", "conf.d/sub/d.ini": "oops",
      "extra.ini": "[main]\nuse_compression = true\n",
    ])
    let text =
      "[common]\nincludes = ./conf.d/*.ini, extra.ini\n[main]\nlocal_port = 3\n"
    let normalized = IncludeReader(
      fileNames: { includes.fileNames($0.hasPrefix("./") ? String($0.dropFirst(2)) : $0) },
      readFile: { includes.readFile($0.hasPrefix("./") ? String($0.dropFirst(2)) : $0) })
    let loaded = try #require(client(text, includes: normalized))
    let patterns = ["./conf.d/*.ini", "extra.ini"]
    #expect(
      loaded.includedPaths == patterns + ["./conf.d/a.ini", "./conf.d/b.ini", "extra.ini"])
    let proxies = loaded.proxies
    #expect(proxies.map(\.name) == ["a", "b", "main"])
    #expect(proxies.map(\.localPort) == [1, 2, 3])
    #expect(proxies[2].usesCompression)
  }

  @Test func includedFilesAreTemplatesOfTheirOwn() throws {
    let includes = files(["x.ini": "\n[{{ .Envs.N }}]\nlocal_port = {{ .Envs.P }}\n"])
    let proxies = try #require(
      client(
        "[common]\nincludes = x.ini\n", environment: ["N": "n", "P": "9"], includes: includes)?
        .proxies)
    #expect(proxies.map(\.name) == ["n"])
    #expect(proxies.map(\.localPort) == [9])
  }

  @Test func includedFilesDoNotChangeTheCommonPart() {
    let includes = files([
      "x.ini": "[common]\nserver_port = 1\ntoken = evil\n[a]\nlocal_port = 1\n"
    ])
    let text = "[common]\nincludes = x.ini\nserver_port = 7100\n"
    #expect(client(text, includes: includes)?.serverPort == 7100)
    #expect(client(text, includes: includes)?.authentication.token.isEmpty == true)
    #expect(
      clientLines(text, includes: includes) == [
        "x.ini:1: the [common] section of an included file has no effect"
      ])
  }

  @Test func includedKeysWithoutASectionBelongToTheLastOne() {
    let includes = files(["x.ini": "use_encryption = true\n"])
    let text = "[common]\nincludes = x.ini\n[a]\nlocal_port = 1\n"
    #expect(client(text, includes: includes)?.proxies.first?.usesEncryption == true)
    #expect(
      clientLines(text, includes: includes) == [
        "x.ini:1: keys before the first section of an included file belong to [a], "
          + "the last section before it"
      ])
  }

  @Test func issuesOfIncludedFilesNameThem() {
    let includes = files(["d/x.ini": "\n[a]\nlocal_port = -1\noops\n"])
    #expect(
      clientLines("[common]\nincludes = d/x.ini,gone/*.ini,d/y.ini,d/[\n", includes: includes) == [
        "frpc.ini:2: includes: the directory of \"gone/*.ini\" cannot be read",
        "frpc.ini:2: includes: no file matches \"d/y.ini\"",
        "frpc.ini:2: includes: expected a file name or pattern, found \"[\"",
        "d/x.ini:3: local_port: expected a port from 0 to 65535, found -1",
        "d/x.ini:4: expected key = value, a [section] or a # comment",
      ])
  }

  @Test func unreadableIncludedFilesAreErrors() {
    let includes = IncludeReader(fileNames: { _ in ["a.ini"] }, readFile: { _ in nil })
    #expect(
      clientLines("[common]\nincludes = *\n", includes: includes) == ["a.ini: cannot be read"])
    #expect(client("[common]\nincludes = *\n", includes: includes) == nil)
  }

  @Test func rangesMayStandInIncludedFiles() {
    let includes = files(["x.ini": "[range:r]\nlocal_port = 1,2\nremote_port = 3,4\n"])
    #expect(
      client("[common]\nincludes = x.ini\n", includes: includes)?.proxies.map(\.name)
        == ["r_0", "r_1"])
  }
}
