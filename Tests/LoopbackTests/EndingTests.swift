import Foundation
import LinuxSystem
import TestKit
import Testing
import Timekeeping

/// How connections end is passed on exactly.
@Suite(.serialized) struct EndingTests {
  // The user says all he has to say and ends his direction; the service answers only then.
  @Test(arguments: Stack.allCases)
  func halfClosingUserGetsTheAnswerHeWaitsFor(_ stack: Stack) throws {
    let service = try TestServer { socket in
      let question = try socket.receiveToEnd()
      try socket.send("you said \(question.count) bytes")
      socket.shutdownWriting()
    }
    defer { service.stop() }
    let rig = try Rig(stack, localPort: service.port)
    let user = try TestSocket.connect(try rig.publicPort())
    try user.send(Pattern(seed: 3).bytes(from: 0, count: 300_000))
    user.shutdownWriting()
    let answer = String(decoding: try user.receiveToEnd(), as: UTF8.self)
    #expect(answer == "you said 300000 bytes")
    user.close()
    #expect(try waitUntil { try rig.userCount() == 0 })
    try rig.stop()
  }

  // The kernel ends a read at the mark of urgent data; what follows comes without another edge. The
  // urgent byte itself is not passed on, as by frp.
  @Test(arguments: Stack.transports)
  func bytesBehindUrgentDataArrive(_ stack: Stack) throws {
    let service = try EchoServer()
    defer { service.stop() }
    let rig = try Rig(stack, localPort: service.port)
    let user = try TestSocket.connect(try rig.publicPort())
    for _ in 0..<20 {
      try user.send("in front ")
      var byte: UInt8 = 0x21
      #expect(send(user.number, &byte, 1, CInt(MSG_OOB)) == 1)
      try user.send("behind")
      let expected = Array("in front behind".utf8)
      #expect(try user.receive(exactly: expected.count, within: .seconds(5)) == expected)
    }
    user.shutdownWriting()
    #expect(try user.receiveToEnd().isEmpty)
    user.close()
    try rig.stop()
  }

  @Test(arguments: Stack.transports)
  func resetByTheUserReachesTheService(_ stack: Stack) throws {
    let seen = Promised<Bool>()
    let service = try TestServer { socket in
      _ = try socket.receive(exactly: 5)
      try socket.send("ready")
      seen.fulfill(socket.isReset())
    }
    defer { service.stop() }
    let rig = try Rig(stack, localPort: service.port)
    let user = try TestSocket.connect(try rig.publicPort())
    try user.send("hello")
    #expect(try user.receive(exactly: 5) == Array("ready".utf8))
    user.abort()
    #expect(try seen.wait())
    try rig.stop()
  }

  @Test(arguments: Stack.transports)
  func resetByTheServiceReachesTheUser(_ stack: Stack) throws {
    let service = try TestServer { socket in
      _ = try socket.receive(exactly: 5)
      socket.abort()
    }
    defer { service.stop() }
    let rig = try Rig(stack, localPort: service.port)
    let user = try TestSocket.connect(try rig.publicPort())
    try user.send("hello")
    #expect(user.isReset())
    user.close()
    try rig.stop()
  }

  // Nobody listens at home: the user is not left waiting.
  @Test(arguments: Stack.transports)
  func userIsClosedAtOnceWhenTheServiceIsDown(_ stack: Stack) throws {
    let gone = try EchoServer()
    let port = gone.port
    gone.stop()
    let rig = try Rig(stack, localPort: port)
    // The port is open, so a connect that fails was reset before it was looked at: just as good.
    let user = try? TestSocket.connect(try rig.publicPort())
    #expect(user?.isReset(within: .seconds(3)) ?? true)
    user?.close()
    #expect(try waitUntil { try rig.userCount() == 0 })
    try rig.stop()
  }

  // Everything that a busy hour opened is closed again.
  @Test(arguments: Stack.transports)
  func descriptorsReturnToTheirStart(_ stack: Stack) throws {
    let service = try EchoServer()
    defer { service.stop() }
    let rig = try Rig(stack, localPort: service.port)
    let port = try rig.publicPort()
    let ports = Set([port, rig.bindPort])
    try talk(port)
    let before = openSockets { local, _ in ports.contains(local.port) }.count
    for _ in 0..<50 { try talk(port) }
    #expect(
      waitUntil { openSockets { local, _ in ports.contains(local.port) }.count <= before },
      "sockets of the relay are closed")
    #expect(waitUntil { closeWaitCount(ports) == 0 }, "nothing is left in CLOSE_WAIT")
    try rig.stop()
  }

  private func talk(_ port: UInt16) throws {
    let user = try TestSocket.connect(port)
    try user.send("ping")
    #expect(try user.receive(exactly: 4) == Array("ping".utf8))
    user.shutdownWriting()
    #expect(try user.receiveToEnd().isEmpty)
    user.close()
  }

  /// Sockets in CLOSE_WAIT (state 08 of /proc/net/tcp) with one of these local ports.
  private func closeWaitCount(_ ports: Set<UInt16>) -> Int {
    let table = (try? String(contentsOfFile: "/proc/net/tcp", encoding: .utf8)) ?? ""
    return table.split(separator: "\n").dropFirst().count { line in
      let fields = line.split(separator: " ")
      guard fields.count > 3, fields[3] == "08" else { return false }
      let port = fields[1].split(separator: ":").last.flatMap { UInt16($0, radix: 16) }
      return port.map(ports.contains) ?? false
    }
  }
}
