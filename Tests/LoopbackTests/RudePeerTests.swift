import ByteBuffers
import Configuration
import LinuxSystem
import StreamCoding
import TestKit
import Testing
import Timekeeping
import WireProtocol

/// What the relay answers to peers that are wrong, silent or hostile, and that others feel nothing.
@Suite(.serialized) struct RudePeerTests {
  static let bare = Stack(isTLS: false, isMux: false)

  // The replies that the real server gave, byte for byte (wire-protocol.md 3.7).
  @Test func refusalsAreThoseOfTheRealServer() throws {
    let server = try LoneServer(Self.bare)
    let rows = try Vectors.load("server-error-replies")["rows"].array
    var checked = 0
    for row in rows {
      let name = row["case"].string ?? ""
      // One row's request is cut short in the recording; it has a test of its own below.
      guard name.hasPrefix("v1"), let request = row["request_hex"].string,
        !request.hasSuffix("...")
      else { continue }
      let peer = try RawPeer(server.port)
      try peer.send(row["request_hex"].hexBytes)
      let reply = (try? peer.socket.receiveToEnd()) ?? []
      #expect(reply == row["reply_hex"].hexBytes, "\(name)")
      peer.socket.close()
      checked += 1
    }
    #expect(checked >= 6)
    try server.stop()
  }

  @Test(arguments: [
    // Garbage, a length above the limit, a negative length, JSON that is none, deep nesting.
    Array("GET / HTTP/1.1\r\nHost: relay\r\n\r\n".utf8),
    [UInt8](repeating: 0xff, count: 64),
    [0x6f, 0, 0, 0, 0, 0, 0, 0x28, 0x01] + [UInt8](repeating: 0x20, count: 64),
    [0x6f, 0x80, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 0x20, count: 16),
    [0x6f, 0, 0, 0, 0, 0, 0, 0, 2] + Array("{]".utf8),
    [0x6f, 0, 0, 0, 0, 0, 0, 0, 200] + [UInt8](repeating: 0x5b, count: 200),
    // A TLS record that is no handshake.
    [0x16, 0x03, 0x01, 0x00, 0x05, 1, 2, 3, 4, 5],
    [0x17] + [UInt8](repeating: 0x41, count: 64),
  ])
  func garbageIsClosedAtOnceAndOthersLogIn(_ bytes: [UInt8]) throws {
    for stack in [Self.bare, Stack()] {
      let server = try LoneServer(stack)
      let rude = try TestSocket.connect(server.port)
      try rude.send(bytes)
      // Closed in order or reset, without an answer in clear text that is a message.
      let reply = (try? rude.receiveToEnd(within: .seconds(5))) ?? []
      #expect(!reply.starts(with: [0x31]))
      rude.close()
      try checkThatOthersLogIn(server, stack)
      try server.stop()
    }
  }

  // A mux server sees a message, a message server sees a mux frame: both close.
  /// A stranger who has learnt a run ID cannot take the client's users.
  @Test func workConnectionsComeOnlyFromTheClientsHost() throws {
    let server = try LoneServer(Self.bare)
    let client = try RawPeer(server.port)
    let runID = try client.logIn().runID
    #expect(!runID.isEmpty)
    let stranger = try RawPeer(server.port, from: "127.0.0.2")
    try stranger.send(.newWorkConnection(NewWorkConnection(runID: runID)))
    guard case .startWorkConnection(let answer) = try stranger.receive() else {
      Issue.record("no answer")
      return
    }
    #expect(!answer.error.isEmpty)
    #expect(try stranger.socket.receiveToEnd().isEmpty)
    // The client's own is kept: nothing is said until a user comes.
    let own = try RawPeer(server.port)
    try own.send(.newWorkConnection(NewWorkConnection(runID: runID)))
    try client.send(.newProxy(NewProxy(proxyName: "web", proxyType: "tcp")))
    #expect(try client.receiveAnswer().type == .newProxyResponse)
    let user = try TestSocket.connect(try #require(try server.publicPort("web")))
    guard case .startWorkConnection(let start) = try own.receive() else {
      Issue.record("the user did not come")
      return
    }
    #expect(start.error.isEmpty && start.proxyName == "web")
    user.close()
    try server.stop()
  }

  /// With mux, work connections come over the carrier that logged in, and over no other.
  @Test func workConnectionsOfOtherCarriersAreRefused() throws {
    let service = try EchoServer()
    defer { service.stop() }
    let stack = Stack(isTLS: false, isMux: true)
    let rig = try Rig(stack, localPort: service.port)
    _ = try rig.publicPort()
    let runID = try rig.runID()
    let stranger = try TestSocket.connect(rig.bindPort)
    var message = ByteQueue()
    _ = MessageEncoder.encode(
      .newWorkConnection(NewWorkConnection(runID: runID)), into: &message)
    let body = Array(message.readableBytes)
    let open: [UInt8] = [0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0]
    let data: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, UInt8(body.count)]
    try stranger.send(open + data + body)
    var answer: [UInt8] = []
    let isAnswered = try waitUntil {
      answer += try stranger.receiveSome()
      return String(decoding: answer, as: UTF8.self).contains("error")
    }
    #expect(isAnswered)
    stranger.close()
    let user = try TestSocket.connect(try rig.publicPort())
    try user.send("still served")
    #expect(try user.receive(exactly: 12) == Array("still served".utf8))
    user.close()
    try rig.stop()
  }

  @Test func wrongVersionByteIsClosed() throws {
    let mux = try LoneServer(Stack(isTLS: false, isMux: true))
    let messagePeer = try RawPeer(mux.port)
    try messagePeer.send(.login(RawPeer.login()))
    #expect(((try? messagePeer.socket.receiveToEnd(within: .seconds(5))) ?? []).isEmpty)
    try mux.stop()
    let plain = try LoneServer(Self.bare)
    let muxPeer = try TestSocket.connect(plain.port)
    try muxPeer.send([0, 1, 0, 1, 0, 0, 0, 1, 0, 0x5c, 0, 0])
    #expect(((try? muxPeer.receiveToEnd(within: .seconds(5))) ?? []).isEmpty)
    try plain.stop()
  }

  // Silent at every stage, dribbling, pinging: all are gone when the bring-up deadline is over.
  @Test func silentPeersAreClosedInTimeAndDelayNobody() throws {
    let server = try LoneServer(Stack(isTLS: false, isMux: true))
    let started = HostSystem.monotonicNanoseconds
    let openings: [[UInt8]] = [
      [], [0x16], [0x16, 3, 1, 2, 0, 1], [0x17, 0x16], [0], [0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0],
      // A stream with half of a message.
      [0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0] + [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1] + [0x6f],
    ]
    let silent = try openings.map { bytes in
      let socket = try TestSocket.connect(server.port)
      if !bytes.isEmpty { try socket.send(bytes) }
      return socket
    }
    let pinging = try TestSocket.connect(server.port)
    let pinger = OwnThread {
      // A ping in time counts for nothing before a login.
      let ping: [UInt8] = [0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]
      while (try? pinging.send(ping)) != nil,
        let answer = try? pinging.receiveSome(within: .seconds(2)), !answer.isEmpty
      {}
    }
    try checkThatOthersLogIn(server, Stack(isTLS: false, isMux: true))
    for socket in silent { _ = try? socket.receiveToEnd(within: .seconds(15)) }
    pinger.join()
    let lasted = Interval(nanoseconds: HostSystem.monotonicNanoseconds - started)
    #expect(lasted >= .seconds(9) && lasted <= .seconds(13), "took \(lasted.inSeconds) s")
    try server.stop()
  }

  // A client that asks and never reads is given up; its neighbour goes on.
  @Test func peerThatNeverReadsIsGivenUp() throws {
    let server = try LoneServer(Self.bare)
    let deaf = try RawPeer(server.port)
    deaf.socket.shrinkBuffers()
    try deaf.logIn()
    let good = try RawPeer(server.port)
    try good.logIn()
    #expect(try waitUntil { try server.sessionCount() == 2 })
    let request = Message.closeProxy(CloseProxy(proxyName: "x"))
    var failed = false
    // Each announcement is refused with some ten thousand bytes that nobody takes.
    let name = String(repeating: "n", count: 5000)
    let type = String(repeating: "t", count: 4000)
    for _ in 0..<5000 where !failed {
      do {
        try deaf.send(.newProxy(NewProxy(proxyName: name, proxyType: type)))
      } catch {
        failed = true
      }
    }
    #expect(failed, "the relay stopped taking what it cannot answer")
    try good.send(request)
    try good.send(.ping(Ping()))
    #expect(try good.receiveAnswer() == .pong(Pong()))
    #expect(try waitUntil { try server.sessionCount() == 1 })
    try server.stop()
  }

  @Test func oversizedFrameOnControlEndsTheSession() throws {
    let server = try LoneServer(Self.bare)
    let peer = try RawPeer(server.port)
    try peer.logIn()
    try peer.send([0x70, 0, 0, 0, 0, 0, 0, 0x28, 0x01])
    #expect(throws: (any Error).self) { try peer.receiveAnswer() }
    #expect(try waitUntil { try server.sessionCount() == 0 })
    try server.stop()
  }

  private func checkThatOthersLogIn(_ server: LoneServer, _ stack: Stack) throws {
    guard !stack.isMux else {
      let rig = try Rig.Client(stack, bindPort: server.port)
      #expect(try waitUntil(within: .seconds(3)) { try rig.isLoggedIn() })
      try rig.stop()
      return
    }
    let good = try RawPeer(server.port)
    #expect(try good.logIn().error.isEmpty)
    good.socket.close()
  }
}
