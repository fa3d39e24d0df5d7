import Foundation
import Glibc
import LinuxSystem
import StreamMux
import TestKit
import Testing
import Timekeeping
import Transports

/// Slow readers, crowds, and neighbours that do not feel them.
@Suite(.serialized) struct PressureTests {
  /// A visitor that stops reading stops the service from being read, however much it has to say.
  @Test(arguments: Stack.allCases.filter { !$0.isCompressed })
  func stalledVisitorStopsTheService(_ stack: Stack) throws {
    let pattern = Pattern(seed: 5)
    let byteCount = 48 << 20
    let sent = Locked(0)
    let served = Locked<Int32>(-1)
    let service = try TestServer { socket in
      served.withLock { $0 = socket.number }
      var position = 0
      while position < byteCount {
        let piece = pattern.bytes(from: position, count: min(64 * 1024, byteCount - position))
        try socket.send(piece, within: .seconds(60))
        position += piece.count
        let now = position
        sent.withLock { $0 = now }
      }
      socket.shutdownWriting()
    }
    defer { service.stop() }
    let rig = try Rig(stack, localPort: service.port)
    let user = try TestSocket.connect(try rig.publicPort())
    // The stream is as full as it gets when nothing has moved for a while, on a busy machine too.
    var last = -1
    var stillCount = 0
    let isStill = waitUntil {
      let before = last
      last = sent.withLock { $0 }
      stillCount = last == before && last > 0 ? stillCount + 1 : 0
      if stillCount == 5 { return true }
      // Stillness is no event that could be awaited: it has to last.
      usleep(200_000)
      return false
    }
    #expect(isStill)
    #expect(last < byteCount, "the service was stopped")
    var held = heldByteCount(service: served.withLock { $0 }, user: user, sent: last)
    // Without streams it is the kernel that holds what is on its way between the programs.
    if !stack.isMux { held -= queuedByteCount(onPort: rig.bindPort) }
    let window =
      stack.isMux ? MuxSettings().receiveWindowBytes : TransportLimits.splicePipeBytes
    #expect(held <= window + 256 * 1024, "\(held) bytes between service and visitor")
    try expectPattern(pattern, byteCount, from: user)
    user.close()
    #expect(try waitUntil { try rig.userCount() == 0 })
    try rig.stop()
  }

  /// A user who has half-closed and then goes away ends the service's endless answer too.
  @Test(arguments: Stack.transports)
  func departedUserEndsAnEndlessAnswer(_ stack: Stack) throws {
    let piece = [UInt8](repeating: 3, count: 256 * 1024)
    let service = try TestServer { socket in
      _ = try socket.receiveToEnd()
      while true { try socket.send(piece, within: .seconds(20)) }
    }
    defer { service.stop() }
    let rig = try Rig(stack, localPort: service.port)
    let user = try TestSocket.connect(try rig.publicPort())
    try user.send("everything, please")
    user.shutdownWriting()
    _ = try user.receive(exactly: 1 << 20)
    user.abort()
    #expect(waitUntil { service.activeCount == 0 }, "the service is not read for nobody")
    #expect(try waitUntil { try rig.userCount() == 0 })
    try rig.stop()
  }

  /// A stalled stream and a greedy one do not keep a third from answering.
  @Test(arguments: Stack.transports.filter(\.isMux))
  func neighboursOfStalledAndGreedyStreamsAreServed(_ stack: Stack) throws {
    let service = try EchoServer()
    defer { service.stop() }
    let rig = try Rig(stack, localPort: service.port)
    let port = try rig.publicPort()
    let stalled = try TestSocket.connect(port)
    let greedy = try TestSocket.connect(port)
    let isOver = Locked(false)
    let piece = [UInt8](repeating: 7, count: 256 * 1024)
    let stalledWriter = OwnThread {
      while !isOver.withLock({ $0 }), (try? stalled.send(piece, within: .seconds(1))) != nil {}
    }
    let greedyWriter = OwnThread {
      while !isOver.withLock({ $0 }), (try? greedy.send(piece, within: .seconds(20))) != nil {}
      greedy.shutdownWriting()
    }
    let greedyReader = OwnThread {
      while let got = try? greedy.receiveSome(within: .seconds(20)), !got.isEmpty {}
    }
    let users = try (0..<100).map { _ in try TestSocket.connect(port) }
    for round in 0..<20 {
      for user in users { try user.send("\(round)") }
      for user in users {
        let expected = Array("\(round)".utf8)
        #expect(try user.receive(exactly: expected.count, within: .seconds(5)) == expected)
      }
    }
    isOver.withLock { $0 = true }
    stalledWriter.join()
    greedyWriter.join()
    greedyReader.join()
    for user in users + [stalled, greedy] { user.abort() }
    #expect(try waitUntil { try rig.userCount() == 0 })
    try rig.stop()
  }

  /// Thousands of users at once: nobody is refused, everybody is answered.
  @Test(arguments: Stack.transports)
  func crowdIsServedToTheLast(_ stack: Stack) throws {
    HostSystem.raiseDescriptorLimit()
    let userCount = 2500
    let service = try TestServer(backlog: 4096) { socket in
      try socket.send(try socket.receiveSome())
      socket.shutdownWriting()
    }
    defer { service.stop() }
    let rig = try Rig(stack, localPort: service.port)
    let port = try rig.publicPort()
    var users: [TestSocket] = []
    for index in 0..<userCount {
      let user = try TestSocket.connect(port)
      try user.send("\(index)")
      users.append(user)
    }
    for (index, user) in users.enumerated() {
      #expect(try user.receiveToEnd() == Array("\(index)".utf8))
      user.close()
    }
    #expect(try waitUntil { try rig.userCount() == 0 })
    try rig.stop()
  }

  /// What left the service and is in no kernel queue in front of it or behind it.
  private func heldByteCount(service: Int32, user: TestSocket, sent: Int) -> Int {
    let servicePort = Socket.localAddress(service)?.port
    let userPort = user.localAddress?.port
    let inner = openSockets { _, peer in peer?.port == servicePort }
    let outer = openSockets { _, peer in peer?.port == userPort }
    // A piece that the service could send only in part is not counted as sent, but has left.
    let left = sent + 64 * 1024 - queued(service, UInt(outputQueueRequest))
    let unread = inner.reduce(0) { $0 + queued($1, UInt(FIONREAD)) }
    let delivered = outer.reduce(queued(user.number, UInt(FIONREAD))) {
      $0 + queued($1, UInt(outputQueueRequest))
    }
    return left - unread - delivered
  }

  private func queuedByteCount(onPort port: UInt16) -> Int {
    openSockets { local, peer in local.port == port || peer?.port == port }
      .reduce(0) { $0 + queued($1, UInt(FIONREAD)) + queued($1, UInt(outputQueueRequest)) }
  }

  private func queued(_ number: Int32, _ request: UInt) -> Int {
    var count: Int32 = 0
    return ioctl(number, request, &count) == 0 ? Int(count) : 0
  }

  private func expectPattern(_ pattern: Pattern, _ byteCount: Int, from user: TestSocket) throws {
    var position = 0
    while true {
      let piece = try user.receiveSome(byteCountMax: 256 * 1024, within: .seconds(30))
      if piece.isEmpty { break }
      guard pattern.matches(piece, at: position) else {
        Issue.record("wrong bytes behind \(position)")
        return
      }
      position += piece.count
    }
    #expect(position == byteCount)
  }
}

private let outputQueueRequest = 0x5411
