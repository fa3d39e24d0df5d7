import Foundation
import LinuxSystem
import TestKit
import Testing
import Timekeeping

/// Virtual hosts as the users of the programs set them up: INI files, log lines, confinement.
@Suite(.serialized) struct HostProgramTests {
  private static func client(_ bind: UInt16, _ local: UInt16) -> String {
    """
    [common]
    server_addr = 127.0.0.1
    server_port = \(bind)
    token = secret
    user = me

    [secure]
    type = https
    local_port = \(local)
    custom_domains = a.test, *.a.test
    subdomain = home
    group_key = none

    [tunnel-1]
    type = tcpmux
    multiplexer = httpconnect
    local_port = \(local)
    custom_domains = ssh.test
    http_user = u
    http_pwd = p
    group = tunnels
    group_key = k

    [tunnel-2]
    type = tcpmux
    multiplexer = httpconnect
    local_port = \(local)
    custom_domains = ssh.test
    http_user = u
    http_pwd = p
    group = tunnels
    group_key = k

    """
  }

  @Test func filesLeadToHosts() throws {
    let echo = try EchoServer()
    defer { echo.stop() }
    let (bind, https, mux) = (try makeFreePort(), try makeFreePort(), try makeFreePort())
    let page = FileManager.default.temporaryDirectory
      .appendingPathComponent("frp-test-\(UUID().uuidString).html")
    try "<p>one</p>".write(to: page, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: page) }
    let frps = try Program(
      "frps",
      ProgramTests.server(
        bind,
        """
        vhost_https_port = \(https)
        tcpmux_httpconnect_port = \(mux)
        subdomain_host = apps.test
        custom_404_page = \(page.path)
        group_policy = least_conn
        group_max_failures = 3

        [group.tunnels]
        policy = source_hash
        """))
    #expect(frps.waitForLog("frps started successfully"))
    // The addresses of proxies are those of the bind address unless the file says otherwise.
    #expect(frps.log.contains("https service listen on 127.0.0.1:\(https)"))
    #expect(
      frps.log.contains(
        "tcpmux httpconnect multiplexer listen on 127.0.0.1:\(mux), passthrough: false"))
    let frpc = try Program("frpc", Self.client(bind, echo.port))
    for name in ["secure", "tunnel-1", "tunnel-2"] {
      #expect(frpc.waitForLog("[\(name)] start proxy success"), "\(frpc.log)")
    }
    for line in [
      "https proxy listen for host [home.apps.test] group []",
      "tcpmux httpconnect multiplexer listens for host [ssh.test], group [tunnels] "
        + "routeByHTTPUser []",
      "new proxy [me.secure] type [https] success",
    ] {
      #expect(frps.log.contains(line), "\(frps.log)")
    }
    for host in ["a.test", "x.a.test", "home.apps.test"] {
      let hello = HandMadeHello.make(host)
      let user = try TestSocket.connect(https)
      try user.send(hello)
      #expect(try user.receive(exactly: hello.count) == hello)
      user.close()
    }
    let tunnel = try TestSocket.connect(mux)
    try tunnel.send("CONNECT ssh.test:22 HTTP/1.1\r\nProxy-Authorization: Basic dTpw\r\n")
    try tunnel.send("Host: ssh.test:22\r\n\r\nSSH")
    #expect(try tunnel.receive(exactly: 41).suffix(3) == Array("SSH".utf8))
    tunnel.close()
    // The page can be read, and changes, although files are confined.
    #expect(try ask(mux).hasSuffix("<p>one</p>"))
    try "<p>two</p>".write(to: page, atomically: true, encoding: .utf8)
    #expect(try waitUntil { try ask(mux).hasSuffix("<p>two</p>") })
    frps.send(SIGTERM)
    #expect(frps.waitForExit() == 0)
  }

  private func ask(_ port: UInt16) throws -> String {
    let user = try TestSocket.connect(port)
    try user.send("CONNECT b.test:22 HTTP/1.1\r\nHost: b.test:22\r\n\r\n")
    return String(decoding: try user.receiveToEnd(), as: UTF8.self)
  }

  /// logrotate moves the log of requests away and sends SIGHUP; its times are local ones.
  @Test func logsOfRequestsAreRotated() throws {
    let folder = try TemporaryFolder()
    // Of root's programs somebody else remains, who may write there.
    try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder.path)
    let (bind, http) = (try makeFreePort(), try makeFreePort())
    let log = folder.path + "/access.log"
    let frps = try Program(
      "frps", ProgramTests.server(bind, "vhost_http_port = \(http)\naccess_log = \(log)"),
      environment: ["TZ": "<+0545>-5:45"])
    #expect(frps.waitForLog("frps started successfully"))
    func visit(_ path: String) throws {
      let user = try TestSocket.connect(http)
      try user.send("GET \(path) HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
      #expect(try !user.receiveToEnd().isEmpty)
    }
    func text(_ path: String) -> String {
      (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    }
    try visit("/first")
    #expect(waitUntil { text(log).contains("\"GET /first HTTP/1.1\" 404 ") })
    #expect(text(log).contains(" +0545] "))
    try FileManager.default.moveItem(atPath: log, toPath: log + ".1")
    frps.send(SIGHUP)
    #expect(frps.waitForLog("configuration reloaded"))
    try visit("/second")
    // What is no request has a line as well.
    let user = try TestSocket.connect(http)
    try user.send("GET /third\r\n\r\n")
    #expect(try !user.receiveToEnd().isEmpty)
    #expect(waitUntil { text(log).contains("] \"-\" 400 ") })
    #expect(text(log).contains("\"GET /second HTTP/1.1\" 404 "))
    #expect(text(log + ".1").split(separator: "\n").count == 1)
    // One that cannot be opened is named, and the former one goes on.
    try FileManager.default.removeItem(atPath: log)
    try FileManager.default.createDirectory(atPath: log, withIntermediateDirectories: false)
    frps.send(SIGHUP)
    #expect(frps.waitForLog("access_log: "))
    try visit("/fourth")
    #expect(frps.isRunning)
  }

  @Test func portsThatCannotBeSharedAreRefused() throws {
    let (bind, other) = (try makeFreePort(), try makeFreePort())
    let text = ProgramTests.server(bind, "tcpmux_httpconnect_port = \(bind)")
    let frps = try Program("frps", text)
    #expect(frps.waitForExit() == 1)
    #expect(
      frps.log.contains(
        "tcpmux_httpconnect_port: expected another port than bind_port, found \(bind) for both"))
    let taken = try EchoServer(port: other)
    defer { taken.stop() }
    let second = try Program("frps", ProgramTests.server(bind, "vhost_https_port = \(other)"))
    #expect(second.waitForExit() == 1)
    #expect(
      second.log.contains(
        "create https listener error, listen 127.0.0.1:\(other): address already in use"))
  }
}
