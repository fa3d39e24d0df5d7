import ByteBuffers
import Configuration
import LinuxSystem
import StreamCoding
import TestKit
import Testing
import Timekeeping
import WireProtocol

/// Numbers that size or place something, at their edges, on real connections: the documented
/// answer, and a relay that goes on.
@Suite(.serialized) struct EdgeValueTests {
  static let bare = Stack(isTLS: false, isMux: false)
  static let mux = Stack(isTLS: false, isMux: true)

  private static func frame(_ type: MessageType, _ body: String, length: Int64? = nil) -> [UInt8] {
    var queue = ByteQueue()
    queue.append(type.rawValue)
    queue.append(bigEndian: length ?? Int64(body.utf8.count))
    queue.append(utf8: body)
    return Array(queue.readableBytes)
  }

  /// A login with `members` behind what authenticates it.
  private static func loginText(_ members: String, timestamp: Int64 = 5) -> String {
    let key = Credentials.privilegeKey(secret: Rig.token, timestamp: timestamp)
    return "{\"privilege_key\":\"\(key)\",\"timestamp\":\(timestamp)\(members)}"
  }

  /// The requests for work connections that come before the answer to a ping.
  private func requestCount(_ peer: RawPeer) throws -> Int {
    try peer.send(.ping(Ping()))
    var count = 0
    while true {
      let message = try peer.receive()
      if message.type == .pong { return count }
      #expect(message.type == .requestWorkConnection)
      count += 1
    }
  }

  /// Whether the relay closes the connection without a word.
  private func isClosedSilently(_ bytes: [UInt8], _ server: LoneServer) throws -> Bool {
    let socket = try TestSocket.connect(server.port)
    defer { socket.close() }
    try socket.send(bytes)
    do throws(TestSocketError) {
      return try socket.receiveToEnd(within: .seconds(5)).isEmpty
    } catch {
      // Closed with bytes unread.
      return error == .failed("receive", .connectionReset)
    }
  }

  @Test func aPoolIsAsLargeAsTheRelayAllows() throws {
    let server = try LoneServer(Self.bare) { $0.transport.poolCountMax = 7 }
    for (asked, granted) in [
      (Int.min, 0), (-1, 0), (0, 0), (1, 1), (7, 7), (8, 7), (65_536, 7), (Int.max, 7),
    ] {
      let peer = try RawPeer(server.port)
      var login = RawPeer.login()
      login.poolCount = asked
      #expect(try peer.logIn(login).error.isEmpty)
      #expect(try requestCount(peer) == granted, "asked for \(asked)")
      peer.socket.close()
    }
    try server.stop()
  }

  @Test func loginsWithNumbersThatAreNoneAreClosed() throws {
    let server = try LoneServer(Self.bare)
    for members in [
      #","pool_count":9223372036854775808"#, #","pool_count":"1""#, #","pool_count":1.5"#,
      #","pool_count":[[[[1]]]]"#, #","pool_count":1,"pool_count":1e9"#,
      #","timestamp":-9223372036854775809"#,
    ] {
      let text = Self.loginText(members)
      #expect(try isClosedSilently(Self.frame(.login, text), server), "\(members)")
    }
    // The later of two counts, one that is missing is zero.
    for members in [#","pool_count":9,"pool_count":null"#, "", #","POOL_COUNT":1"#] {
      let socket = try TestSocket.connect(server.port)
      try socket.send(Self.frame(.login, Self.loginText(members)))
      #expect(try socket.receive(exactly: 1) == [MessageType.loginResponse.rawValue], "\(members)")
      socket.close()
    }
    try server.stop()
  }

  /// There is no freshness check, so every time is as good as another (wire-protocol.md 3).
  @Test(arguments: [Int64.min, -1, 0, 1, Int64.max])
  func everyTimestampIsTaken(_ timestamp: Int64) throws {
    let server = try LoneServer(Self.bare)
    let peer = try RawPeer(server.port)
    var login = RawPeer.login()
    login.timestamp = timestamp
    login.privilegeKey = Credentials.privilegeKey(secret: Rig.token, timestamp: timestamp)
    #expect(try peer.logIn(login).error.isEmpty)
    try peer.send(.ping(Ping(timestamp: timestamp)))
    #expect(try peer.receiveAnswer() == .pong(Pong()))
    peer.socket.close()
    try server.stop()
  }

  @Test func portsThatAreNoneAreRefused() throws {
    let server = try LoneServer(Self.bare)
    let peer = try RawPeer(server.port)
    try peer.logIn()
    for (index, port) in [Int.min, -65_535, -1, 65_536, 65_536 + 8080, Int.max].enumerated() {
      try peer.send(
        .newProxy(NewProxy(proxyName: "p\(index)", proxyType: "tcp", remotePort: port)))
      let text = ControlErrorText.portNotAllowed("p\(index)").detailed
      #expect(
        try peer.receiveAnswer()
          == .newProxyResponse(NewProxyResponse(proxyName: "p\(index)", error: text)))
    }
    // Zero and nothing let the relay choose.
    for body in [#"{"proxy_name":"a","remote_port":0}"#, #"{"proxy_name":"b"}"#] {
      try peer.send(Self.frame(.newProxy, body))
      guard case .newProxyResponse(let answer) = try peer.receiveAnswer() else {
        Issue.record("no answer to \(body)")
        continue
      }
      #expect(answer.error.isEmpty)
    }
    // What is no integer ends the session.
    try peer.send(Self.frame(.newProxy, #"{"proxy_name":"c","remote_port":9223372036854775808}"#))
    #expect(throws: (any Error).self) { try peer.receiveAnswer() }
    #expect(try waitUntil { try server.sessionCount() == 0 })
    try server.stop()
  }

  @Test func lengthsOfFramesAreBounded() throws {
    let server = try LoneServer(Self.bare)
    let text = Self.loginText("")
    for length in [Int64.min, -1, 0, 10_241, 65_536, 1 << 32, Int64.max] {
      #expect(
        try isClosedSilently(Self.frame(.login, text, length: length), server), "length \(length)")
    }
    // The longest that may come: a login with blanks behind it.
    let blanks = String(
      repeating: " ", count: WireProtocolLimits.frameLengthMax - text.utf8.count)
    let socket = try TestSocket.connect(server.port)
    try socket.send(Self.frame(.login, text + blanks))
    #expect(try socket.receive(exactly: 1) == [MessageType.loginResponse.rawValue])
    socket.close()
    try server.stop()
  }

  /// Credit of four gigabytes, again and again, is credit of four gigabytes: the session lives.
  @Test func windowsOfAMuxDoNotOverflow() throws {
    let server = try LoneServer(Self.mux)
    let peer = try RawPeer(server.port, isMux: true)
    try peer.logIn()
    let most: [UInt8] = [0, 1, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]
    for _ in 0..<100 { try peer.socket.send(most) }
    try peer.send(.ping(Ping()))
    #expect(try peer.receiveAnswer() == .pong(Pong()))
    // More than the relay's window: the frame's head is enough to end the session.
    try peer.socket.send([0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff])
    #expect(throws: (any Error).self) { try peer.receiveAnswer() }
    #expect(try waitUntil { try server.sessionCount() == 0 })
    try server.stop()
  }

  /// Before a login too; a body that stays away takes no memory.
  @Test func lengthsOfMuxFramesAreBounded() throws {
    let server = try LoneServer(Self.mux)
    let open: [UInt8] = [0, 1, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]
    for length: UInt32 in [0x0004_0001, 0x8000_0000, 0xffff_ffff] {
      let octets = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) }
      let socket = try TestSocket.connect(server.port)
      try socket.send(open + [0, 0, 0, 0, 0, 0, 0, 1] + octets)
      // What comes is a go-away, and the end.
      let answer = (try? socket.receiveToEnd(within: .seconds(5))) ?? []
      #expect(answer.isEmpty || answer.suffix(12).starts(with: [0, 3]), "\(answer)")
      socket.close()
    }
    let peer = try RawPeer(server.port, isMux: true)
    #expect(try peer.logIn().error.isEmpty)
    try server.stop()
  }

  /// A limit that cannot be read is none, as its log line says; one that is beyond all measure is
  /// the highest there is. Bytes get through all of them.
  @Test func bandwidthLimitsOfAnyKindKeepTheProxyUsable() throws {
    let server = try LoneServer(Self.bare)
    let limits = [
      "1KBKB", "-1MB", "nanMB", "infMB", "1e308MB", "1e400MB", "0x10MB", "0MB", "1e-300KB", "MB",
      String(repeating: "9", count: 5000) + "MB", "99999999999999999999MB",
    ]
    for (index, limit) in limits.enumerated() {
      let peer = try RawPeer(server.port)
      let runID = try peer.logIn().runID
      try peer.send(
        .newProxy(
          NewProxy(
            proxyName: "p\(index)", proxyType: "tcp", bandwidthLimit: limit,
            bandwidthLimitMode: "server")))
      guard case .newProxyResponse(let answer) = try peer.receiveAnswer() else {
        Issue.record("no answer for \(limit.prefix(30))")
        continue
      }
      #expect(answer.error.isEmpty, "\(limit.prefix(30))")
      let work = try RawPeer(server.port)
      try work.send(.newWorkConnection(NewWorkConnection(runID: runID)))
      let user = try TestSocket.connect(try #require(try server.publicPort("p\(index)")))
      try user.send("x")
      guard case .startWorkConnection(let start) = try work.receive() else {
        Issue.record("no user for \(limit.prefix(30))")
        continue
      }
      #expect(start.error.isEmpty)
      user.close()
      work.socket.close()
      peer.socket.close()
    }
    try server.stop()
  }
}
