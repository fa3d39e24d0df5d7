import Configuration
import Foundation
import LinuxSystem
import TestKit
import Testing
import Timekeeping

/// The programs as their users meet them: files, messages, exit codes, signals, kill -9.
@Suite(.serialized) struct ProgramTests {
  static func server(_ port: UInt16, _ more: String = "") -> String {
    "[common]\nbind_addr = 127.0.0.1\nbind_port = \(port)\ntoken = secret\n\(more)\n"
  }

  static func client(
    _ port: UInt16, local: UInt16, remote: UInt16, token: String = "secret", _ more: String = ""
  ) -> String {
    """
    [common]
    server_addr = 127.0.0.1
    server_port = \(port)
    token = \(token)
    \(more)

    [web]
    type = tcp
    local_ip = 127.0.0.1
    local_port = \(local)
    remote_port = \(remote)

    """
  }

  @Test func serviceWorksAndSignalsEndWithZero() throws {
    let service = try EchoServer()
    defer { service.stop() }
    let (bind, remote) = (try makeFreePort(), try makeFreePort())
    let frps = try Program("frps", Self.server(bind))
    #expect(frps.waitForLog("frps started successfully"))
    let frpc = try Program("frpc", Self.client(bind, local: service.port, remote: remote))
    #expect(frpc.waitForLog("[web] start proxy success"))
    #expect(frps.log.contains("new proxy [web] type [tcp] success"))
    #expect(!frps.log.contains("secret") && !frpc.log.contains("secret"))
    try talk(remote)
    // A running user may finish: frps ends only after him.
    let user = try TestSocket.connect(remote)
    try user.send("before")
    #expect(try user.receive(exactly: 6) == Array("before".utf8))
    frps.send(SIGTERM)
    #expect(frps.waitForLog("frps stops"))
    try user.send("after")
    #expect(try user.receive(exactly: 5) == Array("after".utf8))
    user.shutdownWriting()
    #expect(try user.receiveToEnd().isEmpty)
    user.close()
    #expect(frps.waitForExit(within: .seconds(4)) == 0)
    frpc.send(SIGINT)
    #expect(frpc.waitForExit() == 0)
  }

  @Test func secondSignalEndsAtOnce() throws {
    let service = try EchoServer()
    defer { service.stop() }
    let (bind, remote) = (try makeFreePort(), try makeFreePort())
    let frps = try Program("frps", Self.server(bind, "shutdown_grace = 60"))
    let frpc = try Program(
      "frpc", Self.client(bind, local: service.port, remote: remote, "login_fail_exit = false"))
    #expect(frpc.waitForLog("[web] start proxy success"))
    let user = try TestSocket.connect(remote)
    try user.send("stays")
    #expect(try user.receive(exactly: 5) == Array("stays".utf8))
    frps.send(SIGTERM)
    #expect(frps.waitForLog("frps stops"))
    #expect(frps.isRunning)
    frps.send(SIGTERM)
    #expect(frps.waitForExit(within: .seconds(3)) == 0)
    #expect(user.isReset(within: .seconds(5)))
  }

  @Test func mistakesGetOneClearLineAndCodeOne() throws {
    let port = try makeFreePort()
    let bad = try Program("frps", "[common]\nbind_port = 7000\nkcp_bind_port = 7000\n")
    #expect(bad.waitForExit() == 1)
    #expect(bad.log.contains("kcp_bind_port") && bad.log.contains("this version"))
    let other = try EchoServer(port: port)
    let busy = try Program("frps", Self.server(port))
    #expect(busy.waitForExit() == 1)
    #expect(busy.log.contains("listen 127.0.0.1:\(port): address already in use"))
    other.stop()
    let nobody = try Program("frpc", Self.client(port, local: 1, remote: 2))
    #expect(nobody.waitForExit() == 1)
    #expect(nobody.log.contains("127.0.0.1:\(port): connection refused"))
    #expect(nobody.log.contains("login to the server failed:"))
  }

  @Test func wrongTokenAndTLSMismatchAreSaid() throws {
    let port = try makeFreePort()
    let frps = try Program("frps", Self.server(port, "tls_only = true"))
    #expect(frps.waitForLog("frps started successfully"))
    let thief = try Program("frpc", Self.client(port, local: 1, remote: 2, token: "wrong"))
    #expect(thief.waitForExit() == 1)
    let text = "token in login doesn't match token from configuration"
    #expect(thief.log.contains(text) && frps.log.contains(text))
    let bare = try Program(
      "frpc", Self.client(port, local: 1, remote: 2, "tls_enable = false"))
    #expect(bare.waitForExit() == 1)
    #expect(bare.log.contains("check that tcp_mux and tls settings agree"))
    let mismatched = try Program(
      "frpc", Self.client(port, local: 1, remote: 2, "tcp_mux = false"))
    #expect(mismatched.waitForExit() == 1)
    #expect(mismatched.log.contains("check that tcp_mux and tls settings agree"))
  }

  // kill -9 of either side, and a restart: the service returns by itself.
  @Test func serviceReturnsAfterKills() throws {
    let service = try EchoServer()
    defer { service.stop() }
    let (bind, remote) = (try makeFreePort(), try makeFreePort())
    var frps = try Program("frps", Self.server(bind))
    #expect(frps.waitForLog("frps started successfully"))
    let settings = Self.client(bind, local: service.port, remote: remote)
    var frpc = try Program("frpc", settings)
    #expect(frpc.waitForLog("[web] start proxy success"))
    for _ in 0..<2 {
      let user = try TestSocket.connect(remote)
      try user.send("cut off")
      frps.send(SIGKILL)
      #expect(frps.waitForExit() == -SIGKILL)
      #expect(user.isOver(within: .seconds(5)))
      frps = try Program("frps", Self.server(bind))
      #expect(waitUntil(within: .seconds(15)) { (try? talk(remote)) != nil })
      frpc.send(SIGKILL)
      #expect(frpc.waitForExit() == -SIGKILL)
      frpc = try Program("frpc", settings)
      #expect(waitUntil(within: .seconds(15)) { (try? talk(remote)) != nil })
    }
  }

  // The relay outlives two hundred clients that die without a word.
  @Test func relayDoesNotGrowOverTwoHundredKilledClients() throws {
    let service = try EchoServer()
    defer { service.stop() }
    let (bind, remote) = (try makeFreePort(), try makeFreePort())
    let frps = try Program("frps", Self.server(bind, "log_level = warn"))
    #expect(waitUntil { (try? TestSocket.connect(bind))?.close() != nil })
    let settings = Self.client(bind, local: service.port, remote: remote)
    var start = (descriptors: 0, kibibytes: 0)
    for round in 0..<220 {
      let frpc = try Program("frpc", settings)
      #expect(waitUntil { (try? talk(remote)) != nil }, "round \(round): \(frpc.log)")
      frpc.send(SIGKILL)
      _ = frpc.waitForExit()
      if round == 20 { start = (frps.descriptorCount, frps.residentKibibytes) }
    }
    #expect(waitUntil { frps.descriptorCount <= start.descriptors })
    let growth = frps.residentKibibytes - start.kibibytes
    // The address sanitizer keeps what is freed for a while.
    let isSanitized = getenv("ASAN_OPTIONS") != nil
    #expect(growth < 2048 || isSanitized, "grew by \(growth) KiB over 200 clients")
  }

  // The client outlives two hundred relays, under traffic.
  @Test func clientDoesNotGrowOverTwoHundredRestartedRelays() throws {
    let service = try EchoServer()
    defer { service.stop() }
    let stack = Stack()
    var server = try LoneServer(stack)
    let port = server.port
    let client = try Rig.Client(stack, bindPort: port, localPort: service.port)
    var start = 0
    for round in 0..<220 {
      #expect(try waitUntil { try server.publicPort("web") != nil }, "round \(round)")
      let user = try TestSocket.connect(try server.publicPort("web") ?? 0)
      try user.send("traffic")
      #expect(try user.receive(exactly: 7) == Array("traffic".utf8))
      try server.stop()
      #expect(user.isReset())
      user.close()
      if round == 20 { start = sockets(of: port, service.port) }
      // Another test's connection may have the port for a moment.
      var next: LoneServer?
      #expect(
        waitUntil {
          next = try? LoneServer(stack) { $0.bindPort = port }
          return next != nil
        })
      server = try #require(next)
    }
    #expect(waitUntil { sockets(of: port, service.port) <= start + 2 })
    try client.stop()
    try server.stop()
  }

  private func sockets(of ports: UInt16...) -> Int {
    openSockets { _, peer in peer.map { ports.contains($0.port) } ?? false }.count
  }

  private func talk(_ port: UInt16) throws {
    let user = try TestSocket.connect(port, within: .seconds(2))
    defer { user.close() }
    try user.send("ping", within: .seconds(2))
    guard try user.receive(exactly: 4, within: .seconds(2)) == Array("ping".utf8) else {
      throw RawPeerError.unexpected
    }
  }
}
