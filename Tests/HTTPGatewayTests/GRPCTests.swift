import HTTP2Protocol
import LinuxSystem
import TestKit
import Testing
import Timekeeping

@testable import HTTPGateway

/// Calls of gRPC, whose local services speak HTTP/2 and nothing else.
@Suite struct GRPCTests {
  private static func call(_ path: String = "/t.T/Echo") -> String {
    "POST \(path) HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/grpc\r\n"
      + "TE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n"
  }

  private static let chunk = "3\r\nabc\r\n"
  private static let end = "0\r\n\r\n"
  private static let ok =
    "HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n\r\n"

  /// A local service of HTTP/2; `serve` gets each connection, and may end it.
  private static func service(
    _ serve: @escaping @Sendable (SessionPeer) throws -> Void
  ) throws -> TestServer {
    try TestServer { socket in
      let peer = SessionPeer(socket, .server)
      do { try serve(peer) } catch TestSocketError.endOfStream {}
    }
  }

  /// Answers each call with its body, and trailers.
  private static func echo() throws -> TestServer {
    try service { peer in
      var served = 0
      while true {
        try peer.run { peer.requests.count > served && peer.requests[served].hasPeerEnded }
        let request = peer.requests[served]
        let head = peer.text(request)
        let hasTrailers = head.contains("te: trailers\r\n")
        request.write(
          Array("\(ok)\(chunk)0\r\ngrpc-status: \(hasTrailers ? 0 : 1)\r\n\r\n".utf8))
        request.close()
        served += 1
      }
    }
  }

  @Test func callsWithTrailers() throws {
    let service = try Self.echo()
    let rig = try GatewayRig(["a.test": service.port])
    let visitor = try SessionPeer(rig)
    for _ in 0..<10 {
      let answer = try visitor.answer(Self.call() + Self.chunk + Self.end)
      #expect(answer.contains("\r\n\r\n3\r\nabc\r\n0\r\ngrpc-status: 0\r\n\r\n"), "\(answer)")
    }
    // One stream to the service serves one after the other.
    #expect(service.acceptCount == 1)
    // A visitor of HTTP/1.1 is served too.
    let old = try TestSocket.connect(rig.port)
    try old.send(Self.call() + Self.chunk + Self.end)
    let reader = MessageReader(old)
    #expect(try reader.head()?.hasPrefix("HTTP/1.1 200 ") == true)
    var tail = ""
    while !tail.hasSuffix("grpc-status: 0\r\n\r\n") {
      tail += String(decoding: try reader.take(1), as: UTF8.self)
    }
    try rig.stop()
    service.stop()
  }

  /// An error without a body has its status in the head, behind which the stream ends.
  @Test func answersOfTrailersOnly() throws {
    let service = try Self.service { peer in
      try peer.run { peer.requests.count > 0 }
      peer.requests[0].write(
        Array(
          "HTTP/1.1 200 OK\r\ngrpc-status: 12\r\nContent-Length: 0\r\n\r\n".utf8))
      peer.requests[0].close()
      try peer.run { false }
    }
    let rig = try GatewayRig(["a.test": service.port])
    let visitor = try FrameVisitor(rig)
    try visitor.send([
      .request(
        1, [("content-type", "application/grpc"), ("te", "trailers")], method: "POST",
        path: "/t.T/None")
    ])
    let head = try visitor.receive { $0.stream == 1 }
    #expect(head?.kind == HTTP2Frame.Kind.headers.rawValue)
    #expect(head.map { $0.flags & HTTP2Frame.end } == HTTP2Frame.end)
    try rig.stop()
    service.stop()
  }

  /// Both sides talk in turns while the call is open, and for as long as they like.
  @Test func conversations() throws {
    let service = try Self.service { peer in
      try peer.run { peer.requests.count > 0 }
      let request = peer.requests[0]
      request.write(Array(Self.ok.utf8))
      var answered = 0
      while !request.hasPeerEnded || answered < 5 {
        try peer.run { peer.text(request).components(of: "\r\nabc\r\n") > answered }
        request.write(Array(Self.chunk.utf8))
        answered += 1
      }
      request.write(Array("0\r\ngrpc-status: 0\r\n\r\n".utf8))
      request.close()
      try peer.run { false }
    }
    var times = GatewayTimes()
    times.stalled = .milliseconds(100)
    let rig = try GatewayRig(["a.test": service.port], times: times)
    let visitor = try SessionPeer(rig)
    let call = try visitor.ask(Self.call())
    for number in 1...5 {
      call.write(Array(Self.chunk.utf8))
      if number == 5 { call.write(Array(Self.end.utf8)) }
      try visitor.run { visitor.text(call).components(of: "\r\nabc\r\n") == number }
      if number == 2 {
        // Longer than a body may stand still elsewhere.
        #expect(throws: TestSocketError.self) {
          try visitor.run(within: .milliseconds(400)) { call.closeCode != nil }
        }
      }
    }
    try visitor.run { call.hasPeerEnded }
    #expect(visitor.text(call).hasSuffix("grpc-status: 0\r\n\r\n"))
    try rig.stop()
    service.stop()
  }

  /// A call that is given up is given up at the service too.
  @Test func callsThatAreGivenUp() throws {
    let service = try Self.service { peer in try peer.run { false } }
    let rig = try GatewayRig(["a.test": service.port])
    let visitor = try SessionPeer(rig)
    let call = try visitor.ask(Self.call() + Self.chunk)
    #expect(waitUntil { service.activeCount == 1 })
    #expect(try waitUntil { try rig.ask { $0.gateway?.activeCount } == 1 })
    call.abort(.cancel)
    try visitor.send()
    #expect(waitUntil { service.activeCount == 0 })
    try rig.stop()
    service.stop()
  }

  /// A service that resets the call, ends the connection, or speaks something else.
  @Test func servicesThatFail() throws {
    let resetting = try Self.service { peer in
      try peer.run { peer.requests.count > 0 }
      peer.requests[0].abort(.internalError)
      try peer.run { false }
    }
    let breaking = try Self.service { peer in
      try peer.run { peer.requests.count > 0 }
      peer.requests[0].write(Array((Self.ok + Self.chunk).utf8))
      try peer.send()
    }
    let old = try StubService(raw: { socket in
      _ = try socket.receiveSome()
      try socket.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
      _ = try? socket.receiveToEnd()
    })
    let rig = try GatewayRig([
      "a.test": resetting.port, "b.test": breaking.port, "c.test": old.port, "d.test": 1,
    ])
    let visitor = try SessionPeer(rig)
    func call(_ host: String) throws -> HTTP2Stream {
      let text = Self.call().split(separator: "a.test").joined(separator: host)
      let call = try visitor.ask(text + Self.chunk + Self.end)
      try visitor.run { call.hasPeerEnded || call.closeCode != nil }
      return call
    }
    let reset = try call("a.test")
    #expect(visitor.text(reset).hasPrefix("HTTP/1.1 503 "))
    let broken = try call("b.test")
    #expect(!broken.hasPeerEnded && broken.closeCode != 0)
    #expect(visitor.text(try call("c.test")).hasPrefix("HTTP/1.1 502 "))
    // Nobody there: to be tried again.
    #expect(visitor.text(try call("d.test")).hasPrefix("HTTP/1.1 503 "))
    #expect(visitor.text(try call("e.test")).hasPrefix("HTTP/1.1 503 "))
    try rig.stop()
    resetting.stop()
    breaking.stop()
    old.stop()
  }

  /// A service that says that it leaves is not given a next call on that stream.
  @Test func servicesThatLeave() throws {
    let service = try Self.service { peer in
      try peer.run { peer.requests.count > 0 && peer.requests[0].hasPeerEnded }
      peer.session.shutDown()
      peer.requests[0].write(Array("\(Self.ok)\(Self.chunk)0\r\ngrpc-status: 0\r\n\r\n".utf8))
      peer.requests[0].close()
      try peer.run { false }
    }
    let rig = try GatewayRig(["a.test": service.port])
    let visitor = try SessionPeer(rig)
    for _ in 0..<3 {
      #expect(
        try visitor.answer(Self.call() + Self.chunk + Self.end).contains("grpc-status: 0"))
    }
    #expect(service.acceptCount == 3)
    try rig.stop()
    service.stop()
  }

  /// What is not gRPC goes as HTTP/1.1.
  @Test func otherTypes() throws {
    let stub = try StubService.mirror()
    let rig = try GatewayRig(stub)
    let visitor = try SessionPeer(rig)
    for type in ["application/grpc-web", "application/grpcx", "application/json"] {
      let answer = try visitor.answer(
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Type: \(type)\r\nContent-Length: 1\r\n\r\nx")
      #expect(answer.hasPrefix("HTTP/1.1 200 "))
    }
    let get = try visitor.answer(
      "GET / HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/grpc\r\n\r\n")
    #expect(get.hasPrefix("HTTP/1.1 200 "))
    try rig.stop()
    stub.stop()
  }
}

extension String {
  /// How often `part` occurs.
  fileprivate func components(of part: String) -> Int { ranges(of: part).count }
}
