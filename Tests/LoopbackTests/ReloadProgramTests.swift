import Foundation
import LinuxSystem
import TestKit
import Testing
import Timekeeping

/// SIGHUP and changed files, as operators meet them.
@Suite(.serialized) struct ReloadProgramTests {
  private func write(_ text: String, _ program: Program) throws {
    try text.write(to: program.configurationFile, atomically: true, encoding: .utf8)
  }

  private func answers(_ port: UInt16) -> Bool {
    guard let user = try? TestSocket.connect(port, within: .seconds(1)) else { return false }
    defer { user.close() }
    try? user.send("ping")
    return (try? user.receive(exactly: 4, within: .seconds(1))) == Array("ping".utf8)
  }

  @Test func relayTakesNewSettingsAndKeepsOldOnesOfABrokenFile() throws {
    let service = try EchoServer()
    defer { service.stop() }
    let (bind, remote) = (try makeFreePort(), try makeFreePort())
    // Confined, it may write to no other folder than at its start.
    let frps = try Program("frps", ProgramTests.server(bind, "sandbox = false"))
    #expect(frps.waitForLog("frps started successfully"))
    let frpc = try Program("frpc", ProgramTests.client(bind, local: service.port, remote: remote))
    #expect(frpc.waitForLog("[web] start proxy success"))
    let user = try TestSocket.connect(remote)
    try user.send("before")
    #expect(try user.receive(exactly: 6) == Array("before".utf8))

    // A broken file changes nothing, and says what is wrong.
    try write(ProgramTests.server(bind, "sandbox = false\nallow_ports = 9-1"), frps)
    frps.send(SIGHUP)
    #expect(frps.waitForLog("the configuration was not reloaded"))
    #expect(frps.log.contains("frps.ini:6:"))
    #expect(frps.log.contains(" allow_ports: expected A-B with A not above B"))

    let log = frps.configurationFile.deletingLastPathComponent().appendingPathComponent("new.log")
    let more = "sandbox = false\nlog_file = \(log.path)\nlog_level = debug\ntcp_keepalive = 5"
    try write(
      ProgramTests.server(bind, more).replacing("token = secret", with: "token = fresh"), frps)
    frps.send(SIGHUP)
    func newLog() -> String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }
    #expect(waitUntil { newLog().contains("configuration reloaded") })
    #expect(
      waitUntil { newLog().contains("a restart is needed for what has changed in: tcp_keepalive") })
    #expect(!newLog().contains("fresh") && !frps.log.contains("fresh"))
    try user.send("after")
    #expect(try user.receive(exactly: 5) == Array("after".utf8))
    // The level is that of the new file, and loggers with prefixes follow.
    #expect(answers(remote))
    #expect(waitUntil { newLog().contains("[web] get a user connection") })
    let late = try Program("frpc", ProgramTests.client(bind, local: 1, remote: 2))
    #expect(late.waitForExit() == 1)
    frps.send(SIGTERM)
    user.close()
    #expect(frps.waitForExit() == 0)
    frpc.send(SIGTERM)
    #expect(frpc.waitForExit() == 0)
  }

  @Test func clientTakesNewProxiesFromItsFileAndIncludes() throws {
    let service = try EchoServer()
    defer { service.stop() }
    let (bind, remote, second) = (try makeFreePort(), try makeFreePort(), try makeFreePort())
    let frps = try Program("frps", ProgramTests.server(bind))
    #expect(frps.waitForLog("frps started successfully"))
    let text = ProgramTests.client(bind, local: service.port, remote: remote)
    let frpc = try Program("frpc", text)
    #expect(frpc.waitForLog("[web] start proxy success"))
    let user = try TestSocket.connect(remote)
    let folder = frpc.configurationFile.deletingLastPathComponent()
    let more = "[more]\ntype = tcp\nlocal_port = \(service.port)\nremote_port = \(second)\n"
    try more.write(
      to: folder.appendingPathComponent("more.ini"), atomically: true, encoding: .utf8)
    try write(
      text.replacing(
        "token = secret", with: "token = secret\nincludes = \(folder.path)/more*.ini\nuser = me"),
      frpc)
    frpc.send(SIGHUP)
    #expect(frpc.waitForLog("[more] start proxy success"))
    #expect(frpc.log.contains("a restart is needed for what has changed in: user"))
    #expect(answers(second))
    try user.send("still")
    #expect(try user.receive(exactly: 5) == Array("still".utf8))
    try write("[common", frpc)
    frpc.send(SIGHUP)
    #expect(frpc.waitForLog("the configuration was not reloaded"))
    #expect(answers(second) && answers(remote))
    for program in [frpc, frps] {
      program.send(SIGTERM)
      program.send(SIGTERM)
      #expect(program.waitForExit() == 0)
    }
  }

  // `reload_on_change`, with the file replaced as editors do, and an included file that appears.
  @Test func changedFilesAreSeen() throws {
    let service = try EchoServer()
    defer { service.stop() }
    let (bind, remote, second) = (try makeFreePort(), try makeFreePort(), try makeFreePort())
    let frps = try Program("frps", ProgramTests.server(bind, "reload_on_change = true"))
    #expect(frps.waitForLog("frps started successfully"))
    let folder = frps.configurationFile.deletingLastPathComponent().path
    let more = "reload_on_change = true\nincludes = \(folder)/more*.ini"
    let frpc = try Program(
      "frpc", ProgramTests.client(bind, local: service.port, remote: remote, more))
    #expect(frpc.waitForLog("[web] start proxy success"))
    let proxy = "[more]\ntype = tcp\nlocal_port = \(service.port)\nremote_port = \(second)\n"
    try proxy.write(toFile: "\(folder)/more1.ini", atomically: true, encoding: .utf8)
    #expect(frpc.waitForLog("[more] start proxy success"))
    try write(ProgramTests.server(bind, "reload_on_change = false\nlog_level = debug"), frps)
    #expect(frps.waitForLog("configuration reloaded"))
    // Switched off by the file itself.
    let text = frps.log
    try write(ProgramTests.server(bind), frps)
    #expect(
      !waitUntil(within: .seconds(1)) { frps.log.count > text.count })
    for program in [frpc, frps] {
      program.send(SIGTERM)
      #expect(program.waitForExit() == 0)
    }
  }

  /// The file of a token is watched like the others, and may be read by a program that is confined.
  @Test func tokenFilesAreWatched() throws {
    let (bind, remote) = (try makeFreePort(), try makeFreePort())
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("frp-token-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("token")
    try "first\n".write(to: file, atomically: true, encoding: .utf8)
    let frps = try Program(
      "frps",
      """
      bindAddr = "127.0.0.1"
      bindPort = \(bind)
      reloadOnChange = true
      auth.tokenSource.type = "file"
      auth.tokenSource.file.path = "\(file.path)"
      """)
    #expect(frps.waitForLog("frps started successfully"))
    try "second\n".write(to: file, atomically: true, encoding: .utf8)
    #expect(frps.waitForLog("configuration reloaded"))
    #expect(!frps.log.contains("cannot be read"))
    let frpc = try Program(
      "frpc", ProgramTests.client(bind, local: 1, remote: remote, token: "second"))
    #expect(frpc.waitForLog("[web] start proxy success"))
    for program in [frpc, frps] {
      program.send(SIGTERM)
      #expect(program.waitForExit() == 0)
    }
  }

  @Test func usersFileIsReadCheckedAndReadAgain() throws {
    let service = try EchoServer()
    defer { service.stop() }
    let (bind, remote) = (try makeFreePort(), try makeFreePort())
    let users = FileManager.default.temporaryDirectory
      .appendingPathComponent("frp-users-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: users) }
    func writeUsers(_ text: String) throws {
      try text.write(to: users, atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: users.path)
    }
    let server = ProgramTests.server(bind, "users_file = \(users.path)")
    let missing = try Program("frps", server)
    #expect(missing.waitForExit() == 1)
    #expect(missing.log.contains("open \(users.path): no such file or directory"))
    try writeUsers("[alice]\ntokn = a\n")
    let wrong = try Program("frps", server)
    #expect(wrong.waitForExit() == 1)
    #expect(wrong.log.contains(" tokn: expected one of token, allow_ports"))

    try writeUsers("[alice]\ntoken = alices-secret\n[bob]\ntoken = bobs-secret\n")
    let frps = try Program("frps", server)
    #expect(frps.waitForLog("frps started successfully"))
    #expect(!frps.log.contains("chmod"))
    let frpc = try Program(
      "frpc",
      ProgramTests.client(
        bind, local: service.port, remote: remote, token: "alices-secret", "user = alice"))
    #expect(frpc.waitForLog("[web] start proxy success"))
    let user = try TestSocket.connect(remote)
    try writeUsers("[bob]\ntoken = bobs-secret\n")
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: users.path)
    frps.send(SIGHUP)
    #expect(frps.waitForLog("client exit success: its user was removed or changed"))
    #expect(user.isReset(within: .seconds(5)))
    #expect(frps.log.contains("use chmod 640 or less"))
    #expect(frpc.waitForLog("token in login doesn't match token from configuration"))
    #expect(!frps.log.contains("alices-secret") && !frps.log.contains("bobs-secret"))
    frps.send(SIGTERM)
    #expect(frps.waitForExit() == 0)
    frpc.send(SIGTERM)
    #expect(frpc.waitForExit() == 0)
  }
}
