import Configuration
import Foundation
import LinuxSystem
import Logging
import Reactor
import TestKit
import Testing
import Timekeeping

@testable import ClientAdmin

/// The routes of the admin server (http-api.md 4), but for the store.
@Suite(.serialized) struct AdminServerTests {
  @Test func statusIsServed() throws {
    let rig = try AdminRig()
    let answer = try rig.ask("GET /api/status")
    #expect(answer.status == "200")
    #expect(
      answer.body == """
        {"tcp":[{"name":"ssh","type":"tcp","status":"running","err":"",\
        "local_addr":"127.0.0.1:22","plugin":"","remote_addr":"192.0.2.1:6000"}]}

        """)
    #expect(try rig.ask("GET /healthz", "") == ("200", ""))
    #expect(try rig.ask("GET /", "").status == "301")
    #expect(try rig.ask("GET /static/", "") == ("404", "404 page not found\n"))
    #expect(try rig.ask("GET /debug/pprof/", "").status == "404")
    #expect(try rig.ask("GET /api/status", "") == ("401", "Unauthorized\n"))
    #expect(try rig.ask("POST /api/status", "") == ("405", ""))
    // Without a store there are no such paths.
    #expect(try rig.ask("GET /api/store/proxies") == ("404", "404 page not found\n"))
    try rig.stop()
  }

  @Test func reloadTellsWhatIsWrong() throws {
    let rig = try AdminRig()
    #expect(try rig.ask("GET /api/reload") == ("200", ""))
    #expect(try rig.ask("GET /api/reload?strictConfig=true") == ("200", ""))
    #expect(try rig.ask("GET /api/reload?strictConfig=perhaps") == ("200", ""))
    #expect(rig.notes.withLock(\.reloads) == [false, true, false])
    rig.notes.withLock { $0.refusal = "expected a port" }
    let refused = try rig.ask("GET /api/reload")
    #expect(
      refused == ("400", "{\"Code\":400,\"Msg\":\"invalid argument: f:3: expected a port\"}\n"))
    #expect(try rig.ask("POST /api/reload").status == "405")
    try rig.stop()
  }

  @Test func stopIsAnsweredFirst() throws {
    let rig = try AdminRig()
    #expect(try rig.ask("GET /api/stop").status == "405")
    #expect(try rig.ask("POST /api/stop") == ("200", ""))
    #expect(try rig.ask("POST /api/stop") == ("200", ""))
    #expect(waitUntil { rig.notes.withLock(\.stopCount) > 0 })
    try rig.stop()
  }

  @Test func configurationIsReadAndReplaced() throws {
    let rig = try AdminRig()
    #expect(try rig.ask("GET /api/config").status == "400")
    try rig.write("serverPort = 7000\n")
    #expect(try rig.ask("GET /api/config") == ("200", "serverPort = 7000\n"))
    #expect(
      try rig.ask("PUT /api/config") == ("400", "{\"Code\":400,\"Msg\":\"body can't be empty\"}\n"))
    // As frp: verbatim, whatever it is.
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: rig.file)
    let text = "broken [ < & \u{e9}\n"
    #expect(try rig.ask("PUT /api/config", body: text) == ("200", ""))
    #expect(try String(contentsOfFile: rig.file, encoding: .utf8) == text)
    #expect(FileIdentity(rig.file)?.permissions == 0o640)
    #expect(try rig.ask("GET /api/config").body == text)
    #expect(rig.notes.withLock(\.reloads).isEmpty)
    let names = try FileManager.default.contentsOfDirectory(atPath: rig.folder.path)
    #expect(names == ["frpc.toml"])
    try rig.stop()
  }

  @Test func withoutAFileThereIsNothingToReadOrReload() throws {
    let rig = try AdminRig(hasFile: false)
    for line in ["GET /api/config", "GET /api/reload"] {
      #expect(try rig.ask(line).status == "400")
    }
    #expect(try rig.ask("PUT /api/config", body: "x").status == "400")
    #expect(try rig.ask("GET /api/status").status == "200")
    try rig.stop()
  }

  @Test func runningProxiesAreDefined() throws {
    let rig = try AdminRig()
    try rig.write(
      """
      [[proxies]]
      name = "ssh"
      type = "tcp"
      localPort = 22
      remotePort = 6000
      metadatas.a = "b"
      """)
    let answer = try rig.ask("GET /api/proxy/ssh/config")
    #expect(answer.status == "200")
    #expect(answer.body.hasPrefix(#"{"name":"ssh","type":"tcp","tcp":{"name":"ssh","type":"tcp","#))
    for part in [
      #""localIP":"127.0.0.1""#, #""remotePort":6000"#, #""metadatas":{"a":"b"}"#,
      #""plugin":null"#, #""loadBalancer":{"group":""}"#, #""enabled":true"#,
      #""bandwidthLimitMode":"client""#,
    ] {
      #expect(answer.body.contains(part), "\(part) in \(answer.body)")
    }
    #expect(
      try rig.ask("GET /api/proxy/none/config")
        == ("404", "{\"Code\":404,\"Msg\":\"proxy \\\"none\\\" not found\"}\n"))
    #expect(try rig.ask("GET /api/visitor/ssh/config").status == "404")
    try rig.stop()
  }

  // MARK: Strangers

  /// A page of another site cannot make a browser change anything here.
  @Test func pagesOfOtherSitesAreRefused() throws {
    let rig = try AdminRig()
    let foreign = [
      "Origin: http://example.com\r\n", "Origin: null\r\n", "Sec-Fetch-Site: cross-site\r\n",
      "Sec-Fetch-Site: same-site\r\nOrigin: http://127.0.0.1:\(rig.port)\r\n",
      "Origin: http://127.0.0.1:1\r\n",
    ]
    for fields in foreign {
      let all = AdminRig.credentials + fields
      #expect(try rig.ask("POST /api/stop", all).status == "403", "\(fields)")
      #expect(try rig.ask("GET /api/reload", all).status == "403", "\(fields)")
      #expect(try rig.ask("PUT /api/config", all, body: "x").status == "403", "\(fields)")
      #expect(try rig.ask("GET /api/status", all).status == "200", "\(fields)")
    }
    #expect(rig.notes.withLock { $0.stopCount == 0 && $0.reloads.isEmpty })
    for fields in [
      "Origin: http://127.0.0.1:\(rig.port)\r\n", "Sec-Fetch-Site: same-origin\r\n",
      "Sec-Fetch-Site: none\r\n",
    ] {
      #expect(try rig.ask("GET /api/reload", AdminRig.credentials + fields).status == "200")
    }
    try rig.stop()
  }

  /// Without a password a browser is let in only by an address, not by a name of a stranger's that
  /// leads to this machine.
  @Test func withoutPasswordNamesAreRefused() throws {
    let rig = try AdminRig(user: "", password: "")
    func ask(_ host: String) throws -> String {
      let socket = try TestSocket.connect(rig.port)
      try socket.send(
        "GET /api/status HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n")
      let answer = String(decoding: try socket.receiveToEnd(), as: UTF8.self)
      return String(answer.split(separator: " ")[1])
    }
    #expect(try ask("evil.example.com") == "403")
    #expect(try ask("localhost.example.com:7400") == "403")
    for host in ["127.0.0.1", "[::1]:7400", "localhost", "LOCALHOST:7400", "192.0.2.1:80"] {
      #expect(try ask(host) == "200", "\(host)")
    }
    try rig.stop()
  }

  @Test func serversThatAnybodyCouldUseAreNotOpened() throws {
    let loop = try EventLoop()
    let logger = Logger(label: "rig") { _ in SwiftLogNoOpLogHandler() }
    let client = AdministeredClient(
      file: nil, status: { [] }, reload: { _ in [] }, loaded: { nil }, stop: {})
    var settings = WebServerConfiguration(port: 0)
    settings.address = "0.0.0.0"
    #expect(try AdminServer.open(loop, settings, client, logger: logger) == nil)
    settings.password = Secret("secret")
    let server = try AdminServer.open(loop, settings, client, logger: logger)
    #expect(server != nil)
    server?.close()
    #expect(try AdminServer.open(loop, nil, client, logger: logger) == nil)
    settings.address = "no address"
    #expect(throws: AdminServerError.self) {
      try AdminServer.open(loop, settings, client, logger: logger)
    }
  }

  /// Who is slow, silent or rude does not keep the commands from their answer.
  @Test func rudeClientsDisturbNobody() throws {
    let rig = try AdminRig()
    var rude: [TestSocket] = []
    for number in 0..<100 {
      let socket = try TestSocket.connect(rig.port)
      switch number % 4 {
      case 0: break
      case 1: try socket.send("GET /api/sta")
      case 2: try socket.send("PUT /api/config HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx")
      default: try socket.send("\u{0}\u{1}\u{2}\r\n\r\n")
      }
      rude.append(socket)
    }
    let start = HostSystem.monotonicNanoseconds
    let outcome = AdminRequest.status.run(configuration(rig), timeout: .seconds(10))
    #expect(outcome.isSuccess, "\(outcome.text)")
    #expect(HostSystem.monotonicNanoseconds - start < 2_000_000_000)
    for socket in rude { socket.close() }
    try rig.stop()
  }

  private func configuration(_ rig: AdminRig) -> ClientConfiguration {
    var configuration = ClientConfiguration()
    configuration.webServer = rig.settings
    return configuration
  }
}
