import Testing
import Timekeeping

@testable import Configuration

/// Groups with settings of their own, and certificates of hosts, in both families of files.
@Suite struct ServerSectionTests {
  private static let ini = """
    [group.b]
    policy = source_hash

    [common]
    dashboard_addr = 127.0.0.1
    vhost_https_port = 443
    group_policy = least_conn
    group_max_failures = 3
    group_failure_time = 20
    group_weight_meta = weight

    [group.web.fast]
    max_failures = 0
    failure_time = 0
    slow_start = 60
    weight_meta = share
    policy =

    [host.www.example.com]
    tls_cert_file = /a.crt
    tls_key_file = /a.key

    [host.*.Example.com.]
    tls_cert_file = /b.crt
    tls_key_file = /b.key

    [host.example.com]
    tls_cert_file = /b.crt
    tls_key_file = /b.key
    """

  private static let toml = """
    vhostHTTPSPort = 443

    [[vhostHTTPSCertificates]]
    hosts = ["example.com", "*.example.com"]
    certFile = "/b.crt"
    keyFile = "/b.key"

    [[vhostHTTPSCertificates]]
    hosts = ["www.example.com"]
    certFile = "/a.crt"
    keyFile = "/a.key"

    [[groups.named]]
    name = "web.fast"
    maxFailures = 0
    failureTime = 0
    slowStart = 60
    weightMeta = "share"
    policy = ""

    [groups]
    policy = "least_conn"
    maxFailures = 3
    failureTime = 20
    weightMeta = "weight"

    [[groups.named]]
    name = "b"
    policy = "source_hash"
    """

  private static let yaml = """
    vhostHTTPSPort: 443
    groups:
      named:
        - {name: b, policy: source_hash}
        - {name: web.fast, maxFailures: 0, slowStart: 60, weightMeta: share}
      policy: least_conn
      maxFailures: 3
      failureTime: 20
      weightMeta: weight
    vhostHTTPSCertificates:
      - {hosts: [www.example.com], certFile: /a.crt, keyFile: /a.key}
      - {hosts: ["*.example.com", example.com], certFile: /b.crt, keyFile: /b.key}
    """

  private func load(_ text: String, _ file: String) -> LoadedConfiguration<ServerConfiguration> {
    ConfigurationLoader.loadServer(text: text, file: file)
  }

  private static let files = [(ini, "frps.ini"), (toml, "frps.toml"), (yaml, "frps.yaml")]

  @Test(arguments: files)
  func allFormatsMeanTheSame(text: String, file: String) throws {
    let loaded = load(text, file)
    #expect(lines(loaded.issues) == [])
    var expected = ServerConfiguration()
    expected.httpsPort = 443
    expected.groups.policy = .leastConnections
    expected.groups.failureCountMax = 3
    expected.groups.failureTime = .seconds(20)
    expected.groups.weightKey = "weight"
    // What a group leaves out is as for all of them.
    var hash = expected.groups
    hash.policy = .sourceHash
    var fast = expected.groups
    fast.failureCountMax = 0
    fast.slowStart = .seconds(60)
    fast.weightKey = "share"
    expected.namedGroups = ["b": hash, "web.fast": fast]
    expected.hostCertificates = [
      HostCertificateConfiguration(
        hosts: ["*.example.com", "example.com"],
        files: CertificateFiles(certificatePath: "/b.crt", keyPath: "/b.key")),
      HostCertificateConfiguration(
        hosts: ["www.example.com"],
        files: CertificateFiles(certificatePath: "/a.crt", keyPath: "/a.key")),
    ]
    #expect(loaded.value == expected)
    let dump = try #require(loaded.dump())
    #expect(dump == load(Self.ini, "frps.ini").dump())
    #expect(load(dump, "again.toml").value == expected)
    #expect(load(dump, "again.toml").dump() == dump)
  }

  /// A group that says nothing is as one without settings of its own, whatever holds for all.
  @Test func everythingMayBeLeftOut() {
    let text = Self.ini + "\n[group.c]\n"
    let configuration = load(text, "frps.ini").value
    #expect(configuration?.namedGroups["c"] == configuration?.groups)
    #expect(configuration?.namedGroups.count == 3)
  }

  @Test(arguments: [
    (
      "[group.web]\npolicy = leastconn\n",
      "2:10: policy: expected one of round_robin, random, "
        + "least_conn, source_hash, found \"leastconn\""
    ),
    ("[group.web]\nmax_failure = 3\n", "2:1: max_failure: unknown key; did you mean max_failures?"),
    ("[group.web]\nqwertz = 3\n", "2:1: qwertz: unknown key"),
    (
      "[group.web]\ngroup_policy = random\n",
      "2:1: group_policy: has no meaning here; it is a key of [common], which is called policy here"
    ),
    (
      "[group.web]\nlocal_port = 1\n",
      "2:1: local_port: has no meaning here; it is a key of frpc's proxies"
    ),
    ("[group.web]\nmax_failures = many\n", "2:16: max_failures: expected a number, found \"many\""),
    (
      "[group.web]\nmax_failures = -1\n",
      "2:16: max_failures: expected a number from 0 to 1000000, found -1"
    ),
    (
      "[group.web]\nslow_start = 5s\n",
      "2:14: slow_start: expected a number of seconds, found \"5s\""
    ),
    (
      "[group.web]\n[group.x]\n[group.web]\n",
      "3:1: expected another name, since there is a section [group.web] in line 1"
    ),
    ("[group.]\n", "1:1: expected the name of a group, found none"),
    ("[group. web]\n", "1:1: expected the name of a group, found \" web\""),
    (
      "[host.a.test]\ntls_cert_file = a\n",
      "1:1: tls_key_file: expected the path of a file, found none"
    ),
    (
      "[host.a.test]\ntls_crt_file = a\n",
      "2:1: tls_crt_file: unknown key; did you mean tls_cert_file?"
    ),
    // What would be another section's in frp's dialect.
    (
      "[host.a.test]\ntls_cert_file = a\ntls_key_file = b\n[host.a.test.x]\ntls_cert_file = c\n",
      "4:1: tls_key_file: expected the path of a file, found none"
    ),
    (
      "[host.a.test]\ntls_cert_file = a\ntls_key_file = b\n"
        + "[host.A.test.]\ntls_cert_file = a\ntls_key_file = b\n",
      "4:1: expected another name, since there is a certificate of \"a.test\" in line 1"
    ),
    (
      "[host.*]\ntls_cert_file = a\ntls_key_file = b\n",
      "1:1: expected a host name such as www.example.com or *.example.com, found \"*\""
    ),
    (
      "[host.10.0.0.1]\ntls_cert_file = a\ntls_key_file = b\n",
      "1:1: expected a host name such as www.example.com or *.example.com, found \"10.0.0.1\""
    ),
  ])
  func iniFilesAreToldOnce(text: String, expected: String) {
    let loaded = load(text + "[common]\n", "frps.ini")
    #expect(loaded.issues.map(\.description) == ["frps.ini:\(expected)"])
    #expect(loaded.value == nil)
  }

  @Test(arguments: [
    (
      "[[groups.named]]\nname = \"web\"\npolicy = \"leastconn\"\n",
      "3:10: groups.named[0].policy: "
        + "expected one of round_robin, random, least_conn, source_hash, found \"leastconn\""
    ),
    (
      "[[groups.named]]\nname = \"web\"\nmaxFailure = 3\n",
      "3:1: groups.named[0].maxFailure: unknown key; did you mean maxFailures?"
    ),
    (
      "[[groups.named]]\nname = \"web\"\nmax_failures = 3\n",
      "3:1: groups.named[0].max_failures: unknown key; in this format it is called maxFailures"
    ),
    (
      "[[groups.named]]\nname = \"web\"\nmaxFailures = \"3\"\n",
      "3:15: groups.named[0].maxFailures: expected a number, found the text \"3\""
    ),
    (
      "[[groups.named]]\npolicy = \"random\"\n",
      "1:1: groups.named[0].name: expected the name of a group, found none"
    ),
    (
      "[[groups.named]]\nname = 3\n",
      "2:8: groups.named[0].name: expected text, found the number 3"
    ),
    (
      "[[groups.named]]\nname = \"a\"\n[[groups.named]]\nname = \"a\"\n",
      "4:8: groups.named[1].name: expected another name, since there is a group \"a\" in line 2"
    ),
    ("[groups]\nnamed = 3\n", "2:9: groups.named: expected a list of tables, found the number 3"),
    (
      "[[groups.name]]\nname = \"a\"\n",
      "1:10: groups.name: unknown key; did you mean groups.named?"
    ),
    (
      "[[vhostHTTPSCertificate]]\n",
      "1:3: vhostHTTPSCertificate: unknown key; did you mean vhostHTTPSCertificates?"
    ),
    (
      "[[vhostHTTPSCertificates]]\nhosts = [\"a.test\"]\ncertFile = \"a\"\n",
      "1:1: vhostHTTPSCertificates[0].keyFile: expected the path of a file, found none"
    ),
    (
      "[[vhostHTTPSCertificates]]\ncertFile = \"a\"\nkeyFile = \"b\"\n",
      "1:1: vhostHTTPSCertificates[0].hosts: expected names, found none"
    ),
    (
      "[[vhostHTTPSCertificates]]\nhosts = \"a.test\"\ncertFile = \"a\"\nkeyFile = \"b\"\n",
      "2:9: vhostHTTPSCertificates[0].hosts: expected a list of texts, found the text \"a.test\""
    ),
    (
      "[[vhostHTTPSCertificates]]\nhosts = [\"a.test\", \"A.test\"]\ncertFile = \"a\"\n"
        + "keyFile = \"b\"\n",
      "2:9: vhostHTTPSCertificates[0].hosts: expected another name, since "
        + "there is a certificate of \"a.test\" in line 2"
    ),
  ])
  func tomlFilesAreToldOnce(text: String, expected: String) {
    let loaded = load(text, "frps.toml")
    #expect(loaded.issues.map(\.description) == ["frps.toml:\(expected)"])
    #expect(loaded.value == nil)
  }

  /// A slip in the name of a section is no error, since frp leaves such sections alone.
  @Test func sectionsThatLookLikeTheseAreNamed() {
    #expect(
      serverLines("[common]\n[groups.web]\n[hosts.a.test]\n[web.x]\n") == [
        "frps.ini:2: section \"groups.web\" has no effect; did you mean [group.web]?",
        "frps.ini:3: section \"hosts.a.test\" has no effect; did you mean [host.a.test]?",
        "frps.ini:4: section \"web.x\" has no effect; proxies are configured at the client",
      ])
  }

  @Test func numbersAreBounded() {
    let groupCount = ConfigurationLimits.namedGroupCountMax
    let groups = (0...groupCount).map { "[group.g\($0)]\n" }.joined()
    #expect(
      serverLines("[common]\n" + groups) == [
        "frps.ini:\(groupCount + 2): expected at most \(groupCount) groups with settings of their "
          + "own"
      ])
    let hostCount = ConfigurationLimits.certifiedHostCountMax
    let hosts = (0...hostCount).map { "\"h\($0).test\"" }.joined(separator: ", ")
    let text = """
      [[vhostHTTPSCertificates]]
      hosts = [\(hosts)]
      certFile = "a"
      keyFile = "b"
      """
    #expect(
      lines(load(text, "frps.toml").issues) == [
        "frps.toml:2: vhostHTTPSCertificates[0].hosts: expected at most \(hostCount) hosts with "
          + "certificates"
      ])
  }

  @Test func changesAreTakenByARunningRelay() throws {
    let new = try #require(load(Self.ini, "frps.ini").value)
    var old = new
    old.namedGroups = [:]
    old.hostCertificates = []
    #expect(
      ServerConfigurationChanges(from: old, to: new).keys == [
        KeyChange(name: "vhostHTTPSCertificates", isAppliedAtRunTime: true),
        KeyChange(name: "groups.named", isAppliedAtRunTime: true),
      ])
  }
}
