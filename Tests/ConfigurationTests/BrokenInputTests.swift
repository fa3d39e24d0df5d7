import Configuration
import Testing

/// Files that are wrong, with the exact lines that their owner gets to see.
@Suite struct BrokenInputTests {
  @Test(
    arguments: [
      // No INI file: whatever it is called, it is read as TOML, JSON or YAML.
      ("", []), ("bindPort = 7000\n", []), ("{\"bindPort\": 7000}", []),
      (
        "[[proxies]]\nname = \"common\"\n",
        ["frps.ini:1: proxies: unknown key; it is a key of frpc"]
      ),
      (
        "bind_port = 1\n",
        ["frps.ini:1: bind_port: unknown key; in this format it is called bindPort"]
      ),
      ("[Common]\nbind_port = 1\n", ["frps.ini:1: Common: unknown key; " + notIni]),
      ("[ common ]\nbind_port = 1\n", ["frps.ini:1: common: unknown key; " + notIni]),
      // Lines.
      ("[common]\nbind_port\n", ["frps.ini:2: expected key = value, a [section] or a # comment"]),
      ("[common]\n= 5\n", ["frps.ini:2: expected a key before the ="]),
      ("[common]\n[oops\n", ["frps.ini:2: expected ] at the end of the section name"]),
      ("[common]\n[ ]\n", ["frps.ini:2: expected a section name between [ and ]"]),
      ("[common]\ntoken = `secret\n", ["frps.ini:2: token: expected a closing quote"]),
      (
        "bind_port = 1\n[common]\n",
        [
          "frps.ini:1: keys before the first section have no effect but for %(name)s "
            + "in other values"
        ]
      ),
      // Numbers.
      (
        "[common]\nbind_port = abc\n",
        [
          "frps.ini:2: bind_port: expected a number, found \"abc\"; the value is ignored and "
            + "7000 is used"
        ]
      ),
      (
        "[common]\nbind_port = 7000 # control\n",
        [
          "frps.ini:2: bind_port: expected a number, found \"7000 # control\"; "
            + "the value is ignored and 7000 is used"
        ]
      ),
      (
        "[common]\nbind_port = 70000\n",
        ["frps.ini:2: bind_port: expected a port from 0 to 65535, found 70000"]
      ),
      (
        "[common]\nbind_port = -1\n",
        ["frps.ini:2: bind_port: expected a port from 0 to 65535, found -1"]
      ),
      (
        "[common]\nbind_port = 99999999999999999999\n",
        [
          "frps.ini:2: bind_port: expected a number, found \"99999999999999999999\"; "
            + "the value is ignored and 7000 is used"
        ]
      ),
      (
        "[common]\nuser_conn_timeout = -1\n",
        ["frps.ini:2: user_conn_timeout: expected seconds from 0 to 1000000000, found -1"]
      ),
      (
        "[common]\ntcp_mux_keepalive_interval = 9223372036854775807\n",
        [
          "frps.ini:2: tcp_mux_keepalive_interval: "
            + "expected seconds from 0 to 1000000000, found 9223372036854775807"
        ]
      ),
      (
        "[common]\nmax_pool_count = -5\nmax_ports_per_client = 70000\n",
        [
          "frps.ini:2: max_pool_count: expected a number from 0 to 65535, found -5",
          "frps.ini:3: max_ports_per_client: expected a number from 0 to 65535, found 70000",
        ]
      ),
      // Booleans, choices.
      (
        "[common]\ntcp_mux = flase\n",
        [
          "frps.ini:2: tcp_mux: expected true or false, found \"flase\"; the value is ignored "
            + "and true is used"
        ]
      ),
      (
        "[common]\nlog_level = verbose\n",
        [
          "frps.ini:2: log_level: expected one of trace, debug, info, warn, error, found "
            + "\"verbose\""
        ]
      ),
      (
        "[common]\nauthentication_method = oidc\noidc_issuer = https://x\n",
        [
          "frps.ini:2: authentication_method: oidc is not in this version; use token",
          "frps.ini:3: oidc_issuer: needs OIDC, which this version does not have; remove the key",
        ]
      ),
      (
        "[common]\nauthentication_method = password\n",
        ["frps.ini:2: authentication_method: expected token, found \"password\""]
      ),
      // Ports and addresses.
      (
        "[common]\nallow_ports = 1000-2000,oops\n",
        ["frps.ini:2: allow_ports: expected N or A-B between commas, found \"oops\""]
      ),
      (
        "[common]\nallow_ports = 2000-1000\n",
        ["frps.ini:2: allow_ports: expected A-B with A not above B, found \"2000-1000\""]
      ),
      (
        "[common]\nallow_ports = 0-10\n",
        ["frps.ini:2: allow_ports: expected ports from 1 to 65535, found \"0-10\""]
      ),
      (
        "[common]\nbind_addr = [::]\nproxy_bind_addr = 1.2.3.4:80\n",
        [
          "frps.ini:2: bind_addr: " + expectedHost + ", found \"[::]\"",
          "frps.ini:3: proxy_bind_addr: " + expectedHost + ", found \"1.2.3.4:80\"",
        ]
      ),
      // TLS.
      (
        "[common]\ntls_cert_file = a.pem\n",
        ["frps.ini:2: tls_cert_file: expected tls_key_file beside it, which is not set"]
      ),
      (
        "[common]\ntls_key_file = a.key\n",
        ["frps.ini:2: tls_key_file: expected tls_cert_file beside it, which is not set"]
      ),
      // What this version has not.
      (
        "[common]\nkcp_bind_port = 7000\nquic_bind_port = 0\nvhost_http_port = 80\n"
          + "dashboard_port = 7500\nenable_prometheus = true\nvhost_http_timeout = 60\n",
        [
          "frps.ini:2: kcp_bind_port: needs KCP, which this version does not have; remove the key",
          "frps.ini:5: dashboard_port: needs the dashboard, which this version does not have; "
            + "remove the key",
          "frps.ini:6: enable_prometheus: needs the metrics page, which this version does not "
            + "have; remove the key",
        ]
      ),
      (
        "[common]\n[plugin.login]\naddr = 127.0.0.1:9000\n[web]\ntype = tcp\n",
        [
          "frps.ini:2: server plugins are not in this version; remove the section",
          "frps.ini:4: section \"web\" has no effect; proxies are configured at the client",
        ]
      ),
      // Unknown keys.
      (
        "[common]\nbind_prot = 7000\nbindPort = 7000\nxyzzy = 1\nserver_addr = x\nremote_port = 1\n"
          + "\u{1B}[2J = 1\n",
        [
          "frps.ini:2: bind_prot: unknown key, ignored; did you mean bind_port?",
          "frps.ini:3: bindPort: unknown key, ignored; did you mean bind_port?",
          "frps.ini:4: xyzzy: unknown key, ignored",
          "frps.ini:5: server_addr: has no effect here; it is a key of frpc",
          "frps.ini:6: remote_port: has no effect here; it is a key of frpc's proxies",
          "frps.ini:7: \"\\u{1b}[2J\": unknown key, ignored",
        ]
      ),
      // Values that take a comment with them.
      (
        "[common]\ntoken = abc # the secret\n",
        [
          "frps.ini:2: token: the value goes to the end of the line; "
            + "there are no comments behind values, only on lines of their own"
        ]
      ),
      // Templates.
      (
        "[common]\n\ntoken = {{ .Foo }}\n",
        [
          "frps.ini:3: there is no .Foo, only .Envs"
        ]
      ),
      ("[common]\ntoken = {{ .Envs.A\n", ["frps.ini:2: expected }} behind {{"]),
      (
        "[common]\ntoken = {{ .Envs.NO }}\n",
        ["frps.ini:2: the environment has no NO; the text is now <no value>"]
      ),
    ] as [(String, [String])])
  func relayFiles(text: String, expected: [String]) {
    #expect(serverLines(text) == expected)
  }

  private static let notIni =
    "the section of an INI file is called [common], without blanks"
  private static let expectedHost =
    "expected a host name or an IP address (IPv6 without brackets, no port)"

  @Test(
    arguments: [
      (
        "[common]\nserver_addr = relay.example.com # mine\n",
        [
          "frpc.ini:2: server_addr: " + expectedHost + ", found \"relay.example.com # mine\""
        ]
      ),
      (
        "[common]\nprotocol = kcp\n", ["frpc.ini:2: protocol: kcp is not in this version; use tcp"]
      ),
      ("[common]\nprotocol = foo\n", ["frpc.ini:2: protocol: expected tcp, found \"foo\""]),
      (
        "[common]\nhttp_proxy = https://user:hunter2@x\n",
        [
          "frpc.ini:2: http_proxy: proxies of the kind https are not in this version; use http "
            + "or socks5"
        ]
      ),
      (
        "[common]\nhttp_proxy = http://user:hunter2@:x\n",
        [
          "frpc.ini:2: http_proxy: expected host:port behind the scheme, with a port from 1 to "
            + "65535"
        ]
      ),
      (
        "[common]\ntcp_mux = false\nheartbeat_interval = 100\n",
        [
          "frpc.ini:3: heartbeat_timeout: expected at least the heartbeat_interval (100 "
            + "seconds), found 90"
        ]
      ),
      (
        "[common]\nheartbeat_interval = 30\nheartbeat_timeout = 20\n",
        [
          "frpc.ini:3: heartbeat_timeout: expected at least the heartbeat_interval (30 "
            + "seconds), found 20"
        ]
      ),
      (
        "[common]\ndns_server = 8.8.8.8:dns\nconnect_server_local_ip = eth0\n",
        [
          "frpc.ini:2: dns_server: expected an IP address, with or without a port, found "
            + "\"8.8.8.8:dns\"",
          "frpc.ini:3: connect_server_local_ip: expected an IP address, found \"eth0\"",
        ]
      ),
      (
        "[common]\nadmin_port = 7400\nassets_dir = /srv/www\n",
        [
          "frpc.ini:3: assets_dir: needs web pages, which this version does not have; "
            + "remove the key"
        ]
      ),
      (
        "[common]\n[dns]\ntype = udp\nlocal_port = abc\n[web]\ntype = http\ncustom_domains = x\n",
        [
          "frpc.ini:3: type: udp is not in this version; use \(presentKinds)",
          "frpc.ini:4: local_port: expected a number, found \"abc\"; the value is ignored and 0 "
            + "is used",
          "frpc.ini:5: local_port: no port of the local service is set; every user connection "
            + "will fail",
        ]
      ),
      (
        "[common]\n[a]\nlocal_port = 0\n[b]\n",
        [
          "frpc.ini:3: local_port: no port of the local service is set; every user connection "
            + "will fail",
          "frpc.ini:4: local_port: no port of the local service is set; every user connection "
            + "will fail",
        ]
      ),
      (
        "[common]\n[x]\ntype = tcpp\n",
        ["frpc.ini:3: type: expected \(presentKinds), found \"tcpp\""]
      ),
      (
        "[common]\n[v]\nrole = visitor\ntype = stcp\n",
        [
          "frpc.ini:2: server_name: expected the name of a proxy, found none",
          "frpc.ini:2: bind_port: expected a port, or -1 for none, found nothing",
          "frpc.ini:4: type: stcp is not in this version",
        ]
      ),
      (
        "[common]\n[v]\nrole = boss\n",
        ["frpc.ini:3: role: expected one of server, visitor, found \"boss\""]
      ),
      (
        "[common]\n[a]\nlocal_port = 70000\nremote_port = -1\nproxy_protocol_version = v3\n"
          + "local_ip = a b\n",
        [
          "frpc.ini:3: local_port: expected a port from 0 to 65535, found 70000",
          "frpc.ini:4: remote_port: expected a port from 0 to 65535, found -1",
          "frpc.ini:5: proxy_protocol_version: expected one of v1, v2, found \"v3\"",
          "frpc.ini:6: local_ip: " + expectedHost + ", found \"a b\"",
        ]
      ),
      (
        "[common]\n[a]\nlocal_port = x\n",
        [
          "frpc.ini:3: local_port: expected a number, found \"x\"; the value is ignored and 0 "
            + "is used"
        ]
      ),
      (
        "[common]\n[a]\nlocal_port = 1\nplugin = socks5\nplugin_user = u\ngroup = g\n"
          + "health_check_type = tcp\nbandwidth_limit = 1 MB\nbandwidth_limit_mode = both\n"
          + "health_check_timeout_s = 3\n",
        [
          "frpc.ini:4: plugin: needs client plugins, which this version does not have; remove "
            + "the key",
          "frpc.ini:8: bandwidth_limit: expected a number with KB or MB right behind it, such as "
            + "512KB, found \"1 MB\"",
          "frpc.ini:9: bandwidth_limit_mode: expected one of client, server, found \"both\"",
        ]
      ),
      (
        "[common]\n[a]\nlocal_port = 1\ncustom_domains = x\nserver_port = 1\nlocalPort = 2\n"
          + "bind_port = 5\n",
        [
          "frpc.ini:4: custom_domains: has no effect here; it is a key of the types http, https, "
            + "tcpmux",
          "frpc.ini:5: server_port: has no effect here; it is a key of the [common] section",
          "frpc.ini:6: localPort: unknown key, ignored; did you mean local_port?",
          "frpc.ini:7: bind_port: has no effect here; it is a key of visitors",
        ]
      ),
      (
        "[common]\nremote_port = 5\nbind_port = 6\n",
        [
          "frpc.ini:2: remote_port: has no effect here; it is a key of proxies, which have "
            + "sections of their own",
          "frpc.ini:3: bind_port: has no effect here; it is a key of frps",
        ]
      ),
      (
        "[common]\n[range:]\nlocal_port = 1\nremote_port = 1\n",
        ["frpc.ini:2: expected a name behind range:"]
      ),
      (
        "[common]\n[range:r]\nlocal_port = 1-3\nremote_port = 1-2\n",
        [
          "frpc.ini:2: local_port and remote_port need the same number of ports, found 3 and 2"
        ]
      ),
      (
        "[common]\n[range:r]\nlocal_port =\n",
        [
          "frpc.ini:2: remote_port: expected ports such as 6000-6005,7000, found none",
          "frpc.ini:3: local_port: expected ports such as 6000-6005,7000, found none",
        ]
      ),
      (
        "[common]\n[range:r]\nlocal_port = 1-x\nremote_port = 70000\n",
        [
          "frpc.ini:3: local_port: expected N or A-B between commas, found \"1-x\"",
          "frpc.ini:4: remote_port: expected ports from 1 to 65535, found \"70000\"",
        ]
      ),
      // One range, one issue, however many proxies it makes.
      (
        "[common]\n[range:r]\ntype = udp\nlocal_port = 1-300\nremote_port = 1-300\n",
        ["frpc.ini:3: type: udp is not in this version; use \(presentKinds)"]
      ),
      (
        "[common]\ntls_enable = false\ntls_cert_file = a\ntls_key_file = b\n",
        [
          "frpc.ini:3: tls_cert_file: has no effect while tls_enable is false",
          "frpc.ini:4: tls_key_file: has no effect while tls_enable is false",
        ]
      ),
      (
        "[common]\nstart = a, b\n[a]\nlocal_port = 1\n[c]\ntype = nonsense\n",
        ["frpc.ini:2: start: there is no proxy \"b\""]
      ),
    ] as [(String, [String])])
  func clientFiles(text: String, expected: [String]) {
    #expect(clientLines(text) == expected)
  }

  @Test func bytesThatAreNoText() {
    let load = { (bytes: [UInt8]) in
      ConfigurationLoader.loadServer(bytes: bytes, file: "f", environment: [:])
        .issues.map(\.description)
    }
    let start = Array("[common]\n".utf8)
    #expect(load(start + Array("token = a".utf8) + [0xFF]) == ["f:2: expected text in UTF-8"])
    #expect(load(start + [0x23, 0x00, 0x0A]) == ["f:2: expected text in UTF-8"])
    #expect(load([0xFF, 0xFE, 0x5B, 0x00]) == ["f:1: expected text in UTF-8"])
    #expect(load([0xEF, 0xBB, 0xBF] + start) == [])
    #expect(load(start + Array("# ok\n#".utf8) + [0xE2, 0x82]) == ["f:3: expected text in UTF-8"])
  }

  @Test func environmentProxiesAreCheckedWithoutShowingThem() {
    #expect(
      clientLines("[common]\n", environment: ["http_proxy": "https://u:hunter2@h"]) == [
        "frpc.ini: http_proxy: the environment variable of this name holds no usable URL: "
          + "proxies of the kind https are not in this version; use http or socks5"
      ])
  }

  /// A value and an error never come together, and errors never come without their severity.
  @Test func errorsMeanNoValue() {
    let broken = ConfigurationLoader.loadServer(text: "[common]\nbind_port = -1\n", file: "f")
    #expect(broken.value == nil)
    #expect(broken.errors.count == 1)
    #expect(broken.warnings.isEmpty)
    let odd = ConfigurationLoader.loadServer(text: "[common]\nbind_port = x\n", file: "f")
    #expect(odd.value?.bindPort == 7000)
    #expect(odd.errors.isEmpty)
    #expect(odd.warnings.count == 1)
  }
}
