import HTTPProtocol
import LinuxSystem
import TestKit
import Testing
import Timekeeping

@testable import HTTPGateway

/// Streams to the local service that are used again, and those that are not there any more.
@Suite(.serialized) struct GatewayPoolTests {
  private static func visit(
    _ socket: TestSocket, _ reader: MessageReader, _ line: String = "GET /", body: String = ""
  ) throws -> String {
    let length = body.isEmpty ? "" : "Content-Length: \(body.utf8.count)\r\n"
    try socket.send("\(line) HTTP/1.1\r\nHost: a.test\r\n\(length)\r\n\(body)")
    guard let head = try reader.head() else { return "" }
    return head + String(decoding: try reader.body(head), as: UTF8.self)
  }

  @Test func visitorsShareStreams() throws {
    let stub = try StubService.mirror()
    let rig = try GatewayRig(stub)
    for _ in 0..<20 {
      let socket = try TestSocket.connect(rig.port)
      #expect(try Self.visit(socket, MessageReader(socket)).hasPrefix("HTTP/1.1 200 "))
      socket.close()
    }
    #expect(stub.connectionCount == 1)
    try rig.stop()
    #expect(waitUntil { stub.openCount == 0 })
    stub.stop()
  }

  @Test func noMoreStreamsAreKeptThanTheLimit() throws {
    let count = GatewayLimits.idleStreamCountMax + 20
    let arrived = Locked(0)
    let stub = try StubService { _, socket in
      arrived.withLock { $0 += 1 }
      // All are under way at once.
      _ = waitUntil { arrived.withLock { $0 } >= count }
      try socket.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
      return true
    }
    let rig = try GatewayRig(stub)
    let sockets = try (0..<count).map { _ in try TestSocket.connect(rig.port) }
    for socket in sockets { try socket.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n") }
    for socket in sockets {
      #expect(try MessageReader(socket).head()?.hasPrefix("HTTP/1.1 200 ") == true)
    }
    #expect(stub.connectionCount == count)
    let isKept = { try rig.ask { $0.services["a.test"]?.idleStreamCount } }
    #expect(try waitUntil { try isKept() == GatewayLimits.idleStreamCountMax })
    #expect(waitUntil { stub.openCount == GatewayLimits.idleStreamCountMax })
    for socket in sockets { socket.close() }
    try rig.stop()
    stub.stop()
  }

  @Test func idleStreamsAreClosedInTime() throws {
    let stub = try StubService.mirror()
    var times = GatewayTimes()
    times.idleStream = .milliseconds(50)
    let rig = try GatewayRig(stub, times: times)
    let socket = try TestSocket.connect(rig.port)
    _ = try Self.visit(socket, MessageReader(socket))
    #expect(waitUntil { stub.openCount == 0 })
    #expect(try rig.ask { $0.services["a.test"]?.idleStreamCount } == 0)
    socket.close()
    try rig.stop()
    stub.stop()
  }

  /// The service closes its idle connection: the stream is gone before the next request.
  @Test func streamsThatTheServiceClosedAreForgotten() throws {
    let stub = try StubService { _, socket in
      try socket.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
      return false
    }
    let rig = try GatewayRig(stub)
    let socket = try TestSocket.connect(rig.port)
    let reader = MessageReader(socket)
    for count in 1...5 {
      #expect(try Self.visit(socket, reader).hasPrefix("HTTP/1.1 200 "))
      #expect(try waitUntil { try rig.ask { $0.services["a.test"]?.idleStreamCount } == 0 })
      #expect(stub.connectionCount == count)
    }
    socket.close()
    try rig.stop()
    stub.stop()
  }

  /// The service closes at the very moment at which the next request is on its way.
  @Test func requestsThatCanBeRepeatedAre() throws {
    let stub = try StubService(raw: { socket in
      let reader = MessageReader(socket)
      _ = try reader.head()
      try socket.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
      // The next request is read, and not answered.
      guard try reader.head() != nil else { return }
    })
    let rig = try GatewayRig(stub)
    let socket = try TestSocket.connect(rig.port)
    let reader = MessageReader(socket)
    for _ in 0..<5 {
      #expect(try Self.visit(socket, reader).hasPrefix("HTTP/1.1 200 "))
    }
    #expect(stub.connectionCount == 5)
    // A POST may have had its effect: it is not sent again.
    #expect(try Self.visit(socket, reader, "POST /", body: "x").hasPrefix("HTTP/1.1 404 "))
    #expect(stub.connectionCount == 5)
    socket.close()
    try rig.stop()
    stub.stop()
  }

  /// A fresh stream on which nothing comes is no reason to ask again.
  @Test func freshStreamsAreTriedOnce() throws {
    let stub = try StubService(raw: { socket in _ = try MessageReader(socket).head() })
    let rig = try GatewayRig(stub)
    let socket = try TestSocket.connect(rig.port)
    #expect(try Self.visit(socket, MessageReader(socket)).hasPrefix("HTTP/1.1 404 "))
    #expect(stub.connectionCount == 1)
    #expect(try rig.ask { $0.outcomes } == [.failed])
    socket.close()
    try rig.stop()
    stub.stop()
  }

  /// What cannot be repeated goes on streams that the service has not had time to close.
  @Test func requestsThatCannotBeRepeatedGetFreshStreams() throws {
    let stub = try StubService.mirror()
    var times = GatewayTimes()
    times.unrepeatableIdle = .milliseconds(-1)
    let rig = try GatewayRig(stub, times: times)
    let socket = try TestSocket.connect(rig.port)
    let reader = MessageReader(socket)
    _ = try Self.visit(socket, reader)
    _ = try Self.visit(socket, reader)
    #expect(stub.connectionCount == 1)
    _ = try Self.visit(socket, reader, "POST /", body: "x")
    #expect(stub.connectionCount == 2)
    socket.close()
    try rig.stop()
    stub.stop()
  }

  /// A service that speaks without being asked could answer the next visitor's request.
  @Test func streamsThatSpeakUnaskedAreEnded() throws {
    let stub = try StubService(raw: { socket in
      let reader = MessageReader(socket)
      _ = try reader.head()
      try socket.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
      _ = try? socket.receiveSome(within: .milliseconds(50))
      try socket.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad")
      _ = try reader.head()
    })
    let rig = try GatewayRig(stub)
    let socket = try TestSocket.connect(rig.port)
    let reader = MessageReader(socket)
    #expect(try Self.visit(socket, reader).hasPrefix("HTTP/1.1 200 "))
    #expect(try waitUntil { try rig.ask { $0.services["a.test"]?.idleStreamCount } == 0 })
    #expect(try !Self.visit(socket, reader).contains("bad"))
    socket.close()
    try rig.stop()
    stub.stop()
  }
}
