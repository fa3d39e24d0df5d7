import Foundation
import LinuxSystem
import TestKit
import Testing
import Timekeeping

/// The programs as services: what they tell their supervisor, what they take from it, and what they
/// give up.
@Suite(.serialized) struct ServiceTests {
  private static let isRoot = getuid() == 0
  private static let isConfining = isRoot && !ProcessPrivileges.isSanitized
  private static let obstacle: Comment = "needs root, and no sanitizer"

  private static func standIn() throws -> SupervisorStandIn {
    try SupervisorStandIn("/tmp/frp-test-\(UUID().uuidString)")
  }

  // MARK: Telling

  @Test func supervisorIsTold() throws {
    let (relayHears, clientHears) = (try Self.standIn(), try Self.standIn())
    let bind = try makeFreePort()
    let relay = ["NOTIFY_SOCKET": relayHears.address, "WATCHDOG_USEC": "200000"]
    var frps = try Program("frps", ProgramTests.server(bind), environment: relay)
    #expect(relayHears.receive() == "READY=1\nSTATUS=listening on 127.0.0.1:\(bind)")
    #expect(relayHears.hears("WATCHDOG=1") && relayHears.hears("WATCHDOG=1"))
    let frpc = try Program(
      "frpc", ProgramTests.client(bind, local: 1, remote: try makeFreePort()),
      environment: ["NOTIFY_SOCKET": clientHears.address])
    #expect(clientHears.receive() == "READY=1\nSTATUS=waiting for 127.0.0.1:\(bind)")
    #expect(clientHears.receive() == "STATUS=logged in to 127.0.0.1:\(bind)")
    frps.send(SIGTERM)
    #expect(relayHears.hears("STOPPING=1"))
    #expect(frps.waitForExit() == 0)
    #expect(clientHears.receive() == "STATUS=waiting for 127.0.0.1:\(bind)")
    frps = try Program("frps", ProgramTests.server(bind))
    #expect(clientHears.hears("STATUS=logged in to 127.0.0.1:\(bind)"))
    frpc.send(SIGTERM)
    #expect(clientHears.hears("STOPPING=1"))
    #expect(frpc.waitForExit() == 0)
  }

  // A supervisor that is gone, or an address that is none, is no reason not to work.
  @Test func supervisorThatCannotBeToldIsAWarning() throws {
    let frps = try Program(
      "frps", ProgramTests.server(try makeFreePort()),
      environment: ["NOTIFY_SOCKET": "/nowhere/to/be/found"])
    #expect(frps.waitForLog("frps started successfully"))
    #expect(frps.log.contains("NOTIFY_SOCKET: no such file or directory"))
    frps.send(SIGTERM)
    #expect(frps.waitForExit() == 0)
  }

  // MARK: Waiting

  @Test func serviceWaitsForAServerAndSaysSoOnce() throws {
    let service = try EchoServer()
    defer { service.stop() }
    let (bind, remote) = (try makeFreePort(), try makeFreePort())
    let text = ProgramTests.client(bind, local: service.port, remote: remote, "log_level = debug")
    let frpc = try Program("frpc", text, environment: ["INVOCATION_ID": "0123456789abcdef"])
    let failure = "connect to server error: dial 127.0.0.1:\(bind): connection refused"
    #expect(
      waitUntil { frpc.log.components(separatedBy: "connection refused").count >= 3 }, "\(failure)")
    let lines = frpc.log.split(separator: "\n").filter { $0.contains("connection refused") }
    #expect(lines[0].contains("[W]"))
    #expect(lines[0].hasSuffix("waiting until the server can be reached"))
    #expect(lines.dropFirst().allSatisfy { $0.contains("[D]") })
    let frps = try Program("frps", ProgramTests.server(bind))
    #expect(frpc.waitForLog("[web] start proxy success", within: .seconds(20)))
    _ = frps
  }

  @Test func refusedLoginEndsAServiceToo() throws {
    let bind = try makeFreePort()
    let frps = try Program("frps", ProgramTests.server(bind))
    #expect(frps.waitForLog("frps started successfully"))
    let text = ProgramTests.client(bind, local: 1, remote: 2, token: "wrong")
    let frpc = try Program("frpc", text, environment: ["INVOCATION_ID": "0123456789abcdef"])
    #expect(frpc.waitForExit() == 1)
    #expect(frpc.log.contains("token in login doesn't match token from configuration"))
  }

  // MARK: Socket activation

  /// Opens a socket, makes it descriptor 3, and becomes the program behind it.
  private static func activator(_ kind: String, _ port: UInt16) -> [String] {
    let script = """
      import os, socket, sys
      kind, port = sys.argv[1], int(sys.argv[2])
      first = socket.socket(type=socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
      first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
      first.bind(("127.0.0.1", port))
      if kind == "tcp" or kind == "two": first.listen(10)
      if first.fileno() != 3: os.dup2(first.fileno(), 3)
      os.set_inheritable(3, True)
      os.environ.update(
          LISTEN_PID=str(os.getpid()), LISTEN_FDS="2" if kind == "two" else "1",
          LISTEN_FDNAMES="bind")
      os.execv(sys.argv[3], sys.argv[3:])
      """
    return ["/usr/bin/python3", "-c", script, kind, "\(port)"]
  }

  @Test func bindPortIsInherited() throws {
    let service = try EchoServer()
    defer { service.stop() }
    let (bind, other, remote) = (try makeFreePort(), try makeFreePort(), try makeFreePort())
    let frps = try Program(
      "frps", ProgramTests.server(other), launcher: Self.activator("tcp", bind))
    #expect(frps.waitForLog("frps started successfully"))
    #expect(frps.log.contains("frps tcp listen on 127.0.0.1:\(bind)"))
    #expect((try? TestSocket.connect(other)) == nil)
    let frpc = try Program("frpc", ProgramTests.client(bind, local: service.port, remote: remote))
    #expect(frpc.waitForLog("[web] start proxy success"))
    let user = try TestSocket.connect(remote)
    try user.send("through")
    #expect(try user.receive(exactly: 7) == Array("through".utf8))
    user.close()
    frps.send(SIGTERM)
    #expect(frps.waitForExit() == 0)
  }

  @Test(
    arguments: [
      ("udp", "expected a listening TCP socket, but [bind] is none"),
      ("idle", "the TCP socket [bind] does not listen"),
      ("two", "expected one listening TCP socket, found 2 sockets"),
    ])
  func anythingElseIsAClearError(kind: String, text: String) throws {
    let frps = try Program(
      "frps", ProgramTests.server(try makeFreePort()),
      launcher: Self.activator(kind, try makeFreePort()))
    #expect(frps.waitForExit() == 1)
    #expect(frps.log.contains("socket activation: \(text)"))
  }

  // MARK: Confinement

  @Test(.enabled(if: isConfining, obstacle)) func rootIsGivenUp() throws {
    let service = try EchoServer()
    defer { service.stop() }
    let (bind, remote) = (try makeFreePort(), try Self.makeFreeLowPort())
    let frps = try Program("frps", ProgramTests.server(bind, "run_as_user = daemon"))
    #expect(frps.waitForLog("confined: user [daemon]"))
    let frpc = try Program("frpc", ProgramTests.client(bind, local: service.port, remote: remote))
    #expect(frpc.waitForLog("[web] start proxy success"))
    let daemon = try #require(SystemUser.named("daemon"))
    let fourTimes = { (number: UInt32) in
      Array(repeating: "\(number)", count: 4).joined(separator: " ")
    }
    #expect(frps.status("Uid") == fourTimes(daemon.userID))
    #expect(frps.status("Gid") == fourTimes(daemon.groupID))
    let nobody = try #require(SystemUser.named("frp") ?? SystemUser.named("nobody"))
    #expect(frpc.status("Uid")?.hasPrefix("\(nobody.userID) ") == true)
    for (program, capabilities) in [(frps, "0000000000000400"), (frpc, "0000000000000000")] {
      #expect(program.status("Groups") == "")
      #expect(program.status("CapEff") == capabilities)
      #expect(program.status("CapPrm") == capabilities)
      #expect(program.status("NoNewPrivs") == "1")
      #expect(program.status("Seccomp") == (SystemCallFilter.isAvailable ? "2" : "0"))
    }
    let user = try TestSocket.connect(remote)
    try user.send("low")
    #expect(try user.receive(exactly: 3) == Array("low".utf8))
  }

  /// A port for which one must be root.
  private static func makeFreeLowPort() throws -> UInt16 {
    while true {
      if let server = try? EchoServer(port: UInt16.random(in: 600..<1024)) {
        server.stop()
        return server.port
      }
    }
  }

  // Files that only root reads can still be read: that capability stays, where landlock bounds it.
  @Test(.enabled(if: isConfining && Landlock.version != nil, obstacle))
  func filesOfRootStayReadable() throws {
    let launcher = ["/bin/sh", "-c", "chmod 600 \"$3\"; exec \"$@\"", "sh"]
    let frps = try Program("frps", ProgramTests.server(try makeFreePort()), launcher: launcher)
    #expect(frps.waitForLog("confined: user"))
    #expect(frps.status("CapEff") == "0000000000000404")
  }

  // So can keys in the folder of certificates, although the configuration is everybody's.
  @Test(.enabled(if: isConfining && Landlock.version != nil, obstacle))
  func keysOfRootStayReadable() throws {
    let folder = try TemporaryFolder()
    let key = try folder.write("certs/a.test.key", "")
    #expect(chmod(key, 0o600) == 0)
    let more = "vhost_https_cert_dir = \(folder.path)/certs"
    let frps = try Program("frps", ProgramTests.server(try makeFreePort(), more))
    #expect(frps.waitForLog("confined: user"))
    #expect(frps.status("CapEff") == "0000000000000404")
  }

  @Test(.enabled(if: isConfining, obstacle)) func confinementCanBeSwitchedOff() throws {
    let off = try Program(
      "frps", ProgramTests.server(try makeFreePort(), "sandbox = false\nlog_level = debug"))
    #expect(off.waitForLog("not confined: `sandbox` is false"))
    #expect(off.status("Uid") == "0 0 0 0" && off.status("Seccomp") == "0")
    #expect(off.status("NoNewPrivs") == "0")
    let root = try Program("frps", ProgramTests.server(try makeFreePort(), "run_as_user = root"))
    #expect(root.waitForLog("confined: "))
    #expect(root.status("Uid") == "0 0 0 0" && root.status("NoNewPrivs") == "1")
  }

  // A confined relay still writes what it has to remember, into the folder that it was given.
  @Test func stateFolderIsWritten() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("frp-test-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    chmod(folder.path, 0o777)
    let (bind, remote) = (try makeFreePort(), try makeFreePort())
    let frps = try Program(
      "frps", ProgramTests.server(bind),
      environment: ["STATE_DIRECTORY": "\(folder.path):/nowhere"])
    #expect(frps.waitForLog("frps started successfully"))
    let frpc = try Program("frpc", ProgramTests.client(bind, local: 1, remote: remote))
    #expect(frpc.waitForLog("[web] start proxy success"))
    let file = folder.appendingPathComponent("ports")
    #expect(
      waitUntil { (try? String(contentsOf: file, encoding: .utf8)) == "\(remote) web\n" },
      "\(frps.log)")
  }

  @Test func unknownUserIsAnError() throws {
    let text = ProgramTests.server(try makeFreePort(), "run_as_user = no-such-user")
    let frps = try Program("frps", text)
    #expect(frps.waitForExit() == 1)
    #expect(frps.log.contains("run_as_user: there is no user [no-such-user] on this machine"))
    #expect(!frps.log.contains("started"))
  }

  @Test(.enabled(if: isConfining, obstacle)) func openLogFileIsWrittenOn() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("frp-test-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("logs/frps.log")
    let frps = try Program(
      "frps", ProgramTests.server(try makeFreePort(), "log_file = \(file.path)"))
    let log = { (try? String(contentsOf: file, encoding: .utf8)) ?? "" }
    #expect(waitUntil { log().contains("confined: user") })
    frps.send(SIGTERM)
    #expect(frps.waitForExit() == 0)
    #expect(log().contains("frps stops after terminate"))
  }
}
