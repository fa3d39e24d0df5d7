import Foundation
import LinuxSystem
import TestKit
import Testing
import Timekeeping

/// `frpc` with an admin server, as its users meet it: the commands, the files, the store.
@Suite(.serialized) struct AdminProgramTests {
  /// Runs `frpc COMMAND -c FILE`; its exit code and what it printed.
  private func frpc(_ command: String, _ file: URL) throws -> (code: Int32, text: String) {
    let process = Process()
    process.executableURL = Program.folder.appendingPathComponent("frpc")
    process.arguments = [command, "-c", file.path]
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let text = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
  }

  private func client(_ admin: UInt16, _ bind: UInt16, _ proxies: String) -> String {
    """
    [common]
    server_addr = 127.0.0.1
    server_port = \(bind)
    token = secret
    admin_port = \(admin)
    admin_user = admin
    admin_pwd = pass

    \(proxies)
    """
  }

  @Test func commandsReachTheRunningClient() throws {
    let service = try EchoServer()
    defer { service.stop() }
    let (bind, remote, other) = (try makeFreePort(), try makeFreePort(), try makeFreePort())
    let admin = try makeFreePort()
    let web = "[web]\ntype = tcp\nlocal_port = \(service.port)\nremote_port = \(remote)\n"
    let more = "[more]\ntype = tcp\nlocal_port = \(service.port)\nremote_port = \(other)\n"
    let relay = try Program("frps", ProgramTests.server(bind))
    #expect(relay.waitForLog("frps started successfully"))
    let program = try Program("frpc", client(admin, bind, web))
    #expect(program.waitForLog("admin server listen on 127.0.0.1:\(admin)"))
    #expect(program.waitForLog("[web] start proxy success"))
    let file = program.configurationFile

    let status = try frpc("status", file)
    #expect(status.code == 0)
    let local = "127.0.0.1:\(service.port)"
    let users = "127.0.0.1:\(remote)"
    func padded(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: max(text.count, width) + 2 - text.count)
    }
    #expect(
      status.text == "Proxy Status...\n\nTCP\n"
        + "Name  Status   \(padded("LocalAddr", local.count))Plugin  "
        + "\(padded("RemoteAddr", users.count))Error  \n"
        + "web   running  \(padded(local, 9))        \(padded(users, 10))       \n\n")

    // A running connection is not cut by any of what follows.
    let user = try TestSocket.connect(remote)
    try user.send("ping")
    #expect(try user.receive(exactly: 4) == Array("ping".utf8))
    try client(admin, bind, web + more).write(to: file, atomically: true, encoding: .utf8)
    #expect(try frpc("reload", file) == (0, "reload success\n"))
    #expect(program.waitForLog("[more] start proxy success"))
    #expect(program.log.contains("http request: [/api/reload]"))

    // A mistake is told by the command itself; nobody is asked.
    try client(admin, bind, "[web]\ntype = tcp\nremote_port = 99999\n")
      .write(to: file, atomically: true, encoding: .utf8)
    let broken = try frpc("reload", file)
    #expect(broken.code == 1 && broken.text.contains("remote_port: expected a port"))
    try client(admin, bind, web).replacing("= pass", with: "= wrong")
      .write(to: file, atomically: true, encoding: .utf8)
    let refused = try frpc("status", file)
    #expect(refused.code == 1 && refused.text.hasPrefix("api status code [401]\n"))
    try user.send("pong")
    #expect(try user.receive(exactly: 4) == Array("pong".utf8))
    user.close()

    try client(admin, bind, web).write(to: file, atomically: true, encoding: .utf8)
    #expect(try frpc("stop", file) == (0, "stop success\n"))
    #expect(program.waitForExit() == 0)
    let gone = try frpc("status", file)
    #expect(gone.code == 1 && gone.text.contains("connection refused"))
    try "[common]\n".write(to: file, atomically: true, encoding: .utf8)
    let unset = try frpc("stop", file)
    #expect(unset.code == 1)
    #expect(unset.text.hasSuffix("port should be set if you want to use this feature\n"))
    relay.send(SIGTERM)
    _ = relay.waitForExit()
  }

  /// A confined program replaces its file where it may, in one step or without; and says so if not.
  @Test func configurationIsReplacedByAConfinedProgram() throws {
    let admin = try makeFreePort()
    let text = """
      [common]
      server_addr = 127.0.0.1
      server_port = \(try makeFreePort())
      login_fail_exit = false
      admin_port = \(admin)

      """
    let program = try Program("frpc", text)
    #expect(program.waitForLog("admin server listen on 127.0.0.1:\(admin)"))
    let file = program.configurationFile
    func put(_ body: String) throws -> String {
      let socket = try TestSocket.connect(admin)
      try socket.send(
        "PUT /api/config HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n"
          + "Connection: close\r\n\r\n\(body)")
      return String(decoding: try socket.receiveToEnd(), as: UTF8.self)
    }
    // Started as root it is somebody else by now, who may not write to this folder.
    try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: file.path)
    #expect(try put("short\n").hasPrefix("HTTP/1.1 200 "))
    #expect(try String(contentsOf: file, encoding: .utf8) == "short\n")
    #expect(FileIdentity(file.path)?.permissions == 0o666)
    if ProcessPrivileges.isRoot, !ProcessPrivileges.isSanitized {
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
      let refused = try put("other\n")
      #expect(refused.hasPrefix("HTTP/1.1 500 ") && refused.contains("permission denied"))
      #expect(try String(contentsOf: file, encoding: .utf8) == "short\n")
    }
    program.send(SIGTERM)
    #expect(program.waitForExit() == 0)
  }

  /// The store is loaded at the start, changed through the admin server, and shown as such, by a
  /// program that is confined.
  @Test func storeIsKept() throws {
    let service = try EchoServer()
    defer { service.stop() }
    let (bind, admin) = (try makeFreePort(), try makeFreePort())
    let (remote, other) = (try makeFreePort(), try makeFreePort())
    let relay = try Program("frps", ProgramTests.server(bind))
    #expect(relay.waitForLog("frps started successfully"))
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("frp-store-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder.path)
    defer { try? FileManager.default.removeItem(at: folder) }
    let store = folder.appendingPathComponent("store.json")
    try """
    {"proxies": [{"name": "kept", "type": "tcp", "localPort": \(service.port),
      "remotePort": \(remote)}]}
    """.write(to: store, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: store.path)
    let text = """
      serverAddr = "127.0.0.1"
      serverPort = \(bind)
      auth.token = "secret"
      webServer.port = \(admin)
      store.path = "\(store.path)"
      """
    let program = try Program("frpc", text)
    #expect(program.waitForLog("[kept] start proxy success"))
    #expect(program.log.contains("the admin server has no password"))

    func ask(_ line: String, _ body: String = "") throws -> String {
      let socket = try TestSocket.connect(admin)
      try socket.send(
        "\(line) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n"
          + "Connection: close\r\n\r\n\(body)")
      return String(decoding: try socket.receiveToEnd(), as: UTF8.self)
    }
    let made = try ask(
      "POST /api/store/proxies",
      #"{"name":"made","type":"tcp","tcp":{"localPort":\#(service.port),"remotePort":\#(other)}}"#)
    #expect(made.hasPrefix("HTTP/1.1 200 "), "\(made)")
    #expect(program.waitForLog("[made] start proxy success"))
    let user = try TestSocket.connect(other)
    try user.send("ping")
    #expect(try user.receive(exactly: 4) == Array("ping".utf8))
    let status = try ask("GET /api/status")
    #expect(status.components(separatedBy: "\"source\":\"store\"").count == 3)
    #expect(try String(contentsOf: store, encoding: .utf8).contains("\"made\""))
    #expect(try ask("DELETE /api/store/proxies/kept").hasPrefix("HTTP/1.1 200 "))
    #expect(program.waitForLog("proxy removed: [kept]"))
    user.close()
    program.send(SIGTERM)
    #expect(program.waitForExit() == 0)
    relay.send(SIGTERM)
    _ = relay.waitForExit()
  }
}
