import HTTP2Protocol
import LinuxSystem
import TestKit
import Testing
import Timekeeping

@testable import HTTPGateway

/// Visitors of HTTP/2, and local services, who hold on to what they can get.
@Suite struct HTTP2AbuseTests {
  private static let get = "GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n"

  /// Answers after the head of a request, as long as nothing is released.
  private static func quiet(
    _ head: String, until isReleased: Locked<Bool>, _ rest: String = ""
  ) throws -> StubService {
    try StubService(raw: { socket in
      _ = try MessageReader(socket).head()
      try socket.send(head)
      _ = waitUntil(within: .seconds(60)) { isReleased.withLock { $0 } }
      try socket.send(rest)
    })
  }

  /// Requests that the library refuses by itself cost as much as others: who sends one after the
  /// other, and takes no answer, is sent away.
  @Test(arguments: [true, false]) func requestsThatAreRefused(_ isOneTooMany: Bool) throws {
    let isReleased = Locked(false)
    let stub = try Self.quiet("", until: isReleased)
    let rig = try GatewayRig(stub)
    let visitor = try FrameVisitor(rig)
    let open = isOneTooMany ? HTTP2Limits.streamCountMax : 0
    for number in 0..<UInt32(open + GatewayLimits.brokenStreamCountMax * 2) {
      let frame =
        isOneTooMany
        ? HTTP2Frame.request(2 * number + 1, method: "PUT", flags: HTTP2Frame.endFields)
        : HTTP2Frame.request(2 * number + 1, [("X-Upper", "1")])
      do { try visitor.send([frame]) } catch { break }
    }
    #expect(try waitUntil { try rig.ask { $0.gateway?.connectionCount } == 0 })
    #expect(visitor.socket.isOver())
    isReleased.withLock { $0 = true }
    try rig.stop()
    stub.stop()
  }

  /// A request that is refused is over, and has no deadline that ends the others.
  @Test func oneRefusedRequestAmongOthers() throws {
    let isReleased = Locked(false)
    let stub = try Self.quiet(
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", until: isReleased, "ok")
    var times = GatewayTimes()
    times.head = .milliseconds(100)
    let rig = try GatewayRig(stub, times: times)
    let visitor = try FrameVisitor(rig)
    try visitor.send([.request(1), .request(3, [("X-Upper", "1")])])
    #expect(try visitor.receive { $0.errorCode != nil }?.stream == 3)
    // Longer than a head may take.
    #expect(throws: TestSocketError.self) {
      try visitor.receive(within: .milliseconds(400)) { $0.errorCode != nil }
    }
    isReleased.withLock { $0 = true }
    let body = try visitor.receive { $0.kind == HTTP2Frame.Kind.data.rawValue }
    #expect(body?.payload == Array("ok".utf8))
    try rig.stop()
    stub.stop()
  }

  /// An answer for which the visitor opens no window is given up, also if it is so short that
  /// nobody at our end waits for it; the connection goes on.
  @Test func anAnswerWithoutAWindow() throws {
    let stub = try StubService.mirror()
    var times = GatewayTimes()
    times.stalled = .milliseconds(100)
    let rig = try GatewayRig(stub, times: times)
    let visitor = try FrameVisitor(rig)
    try visitor.send([HTTP2Frame(.settings, 0, [0, 4, 0, 0, 0, 0]), .request(1)])
    let end = try visitor.receive { $0.errorCode != nil }
    #expect(end?.stream == 1 && end?.errorCode == HTTP2ErrorCode.cancel.rawValue)
    try visitor.send([.request(3, method: "HEAD")])
    #expect(try visitor.receive { $0.stream == 3 }?.kind == HTTP2Frame.Kind.headers.rawValue)
    try rig.stop()
    stub.stop()
  }

  /// A visitor who takes no bytes at all goes, whatever else is open on his connection.
  @Test func aVisitorWhoReadsNothing() throws {
    let isReleased = Locked(false)
    let stub = try StubService(raw: { socket in
      let head = try MessageReader(socket).head() ?? ""
      try socket.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
      if head.hasPrefix("GET /quiet") {
        _ = waitUntil(within: .seconds(60)) { isReleased.withLock { $0 } }
      } else {
        let piece = [UInt8](repeating: 65, count: 1 << 16)
        while true { try socket.send(piece, within: .seconds(60)) }
      }
    })
    var times = GatewayTimes()
    times.stalled = .milliseconds(300)
    let rig = try GatewayRig(stub, times: times)
    let visitor = try FrameVisitor(rig)
    let window = HTTP2Frame.word(0x7fff_ffff - 65_535)
    try visitor.send([
      HTTP2Frame(.settings, 0, [0, 4, 0x7f, 0xff, 0xff, 0xff]),
      HTTP2Frame(.windowUpdate, 0, window), .request(1, path: "/quiet"),
    ])
    #expect(try visitor.receive { $0.stream == 1 } != nil)
    try visitor.send([.request(3)])
    #expect(try waitUntil { try rig.ask { $0.gateway?.connectionCount } == 0 })
    isReleased.withLock { $0 = true }
    visitor.socket.close()
    try rig.stop()
    stub.stop()
  }

  // MARK: Local services

  private static let call =
    "POST /t.T/Echo HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/grpc\r\nTE: trailers\r\n"

  /// A service that answers a call and does not take the rest of it is not sent that later: the
  /// streams of one connection would become many.
  @Test(arguments: [true, false]) func anAnswerToHalfACall(_ isWritten: Bool) throws {
    let codes = Locked<[UInt32]>([])
    let service = try TestServer { socket in
      let peer = SessionPeer(socket, .server)
      peer.isReading = false
      let window = HTTP2Limits.streamWindowByteCount
      try peer.run { peer.requests.first.map { peer.bytes($0).count >= window } ?? false }
      let request = peer.requests[0]
      request.write(Array("HTTP/1.1 200 OK\r\ngrpc-status: 0\r\nContent-Length: 0\r\n\r\n".utf8))
      try peer.run { request.closeCode != nil }
      codes.withLock { $0.append(request.closeCode ?? 0) }
      try peer.run { false }
    }
    let rig = try GatewayRig(["a.test": service.port])
    let visitor = try SessionPeer(rig)
    let size = HTTP2Limits.streamWindowByteCount + 10_000
    let body = [UInt8](repeating: 97, count: size)
    let call = try visitor.ask("\(Self.call)Content-Length: \(size)\r\n\r\n")
    // All of it may be written when the answer comes, or the end later.
    call.write(Array(body[..<(isWritten ? size : HTTP2Limits.streamWindowByteCount)]))
    try visitor.run { call.hasPeerEnded || call.closeCode != nil }
    #expect(visitor.text(call).contains("grpc-status: 0"))
    call.write(Array(body[(isWritten ? size : HTTP2Limits.streamWindowByteCount)...]))
    try visitor.send()
    #expect(waitUntil { codes.withLock { $0 } == [HTTP2ErrorCode.cancel.rawValue] })
    try rig.stop()
    service.stop()
  }

  /// The next call on that connection is one of its own.
  @Test func anAnswerBeforeTheEndOfACall() throws {
    let service = try TestServer { socket in
      let peer = SessionPeer(socket, .server)
      var served = 0
      while true {
        try peer.run { peer.requests.count > served }
        peer.requests[served].write(
          Array("HTTP/1.1 200 OK\r\ngrpc-status: 0\r\nContent-Length: 0\r\n\r\n".utf8))
        served += 1
      }
    }
    let rig = try GatewayRig(["a.test": service.port])
    let visitor = try SessionPeer(rig)
    for _ in 0..<3 {
      let call = try visitor.ask("\(Self.call)Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
      try visitor.run { call.hasPeerEnded || call.closeCode != nil }
      #expect(visitor.text(call).contains("grpc-status: 0"))
      call.write(Array("0\r\n\r\n".utf8))
      try visitor.send()
      #expect(try waitUntil { try rig.ask { $0.gateway?.activeCount } == 0 })
    }
    #expect(service.acceptCount == 1)
    try rig.stop()
    service.stop()
  }

  /// A head that becomes too large on its way, with the fields that we add, is answered at once.
  @Test func aCallWithAsManyFieldsAsThereMayBe() throws {
    let service = try TestServer { socket in
      let peer = SessionPeer(socket, .server)
      try peer.run { false }
    }
    let rig = try GatewayRig(["a.test": service.port])
    let visitor = try SessionPeer(rig)
    let fields = (0..<94).map { "x-\($0): 1\r\n" }.joined()
    let call = try visitor.ask("\(Self.call)\(fields)Content-Length: 0\r\n\r\n")
    try visitor.run { call.hasPeerEnded || call.closeCode != nil }
    #expect(!visitor.text(call).hasPrefix("HTTP/1.1 504 "))
    try rig.stop()
    service.stop()
  }
}
