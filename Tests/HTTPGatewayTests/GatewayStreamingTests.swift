import HTTPProtocol
import LinuxSystem
import TestKit
import Testing
import Timekeeping

@testable import HTTPGateway

/// Bodies of any size in both directions, tunnels, and those who do not read or leave.
@Suite(.serialized) struct GatewayStreamingTests {
  private static let piece = [UInt8](repeating: 0x61, count: 64 * 1024)

  /// The bytes of memory that this process has of its own.
  private static func residentByteCount() throws -> Int {
    let bytes = try HostSystem.readFile("/proc/self/statm", byteCountMax: 4096)
    let text = String(decoding: bytes, as: UTF8.self)
    return (Int(text.split(separator: " ")[1]) ?? 0) * 4096
  }

  /// A service that counts the bytes of bodies, and sends as many as the path says.
  private static func counter(_ taken: Locked<Int>) throws -> StubService {
    try StubService(raw: { socket in
      let reader = MessageReader(socket)
      while let head = try reader.head() {
        let seen = SeenRequest(head: head)
        var left = Int(seen.values("Content-Length").first ?? "0") ?? 0
        left -= try reader.take(min(left, reader.rest.count)).count
        while left > 0 {
          let bytes = try socket.receiveSome(byteCountMax: min(left, 1 << 20))
          if bytes.isEmpty { return }
          left -= bytes.count
          taken.withLock { $0 += bytes.count }
        }
        var due = Int(seen.path.dropFirst()) ?? 0
        try socket.send("HTTP/1.1 200 OK\r\nContent-Length: \(due)\r\n\r\n")
        while due > 0 {
          try socket.send(due >= piece.count ? piece : Array(piece[..<due]))
          due -= min(due, piece.count)
        }
      }
    })
  }

  @Test func largeBodiesTakeNoMemory() throws {
    let total = 1 << 30
    let taken = Locked(0)
    let stub = try Self.counter(taken)
    let rig = try GatewayRig(stub)
    let socket = try TestSocket.connect(rig.port)
    let reader = MessageReader(socket)
    let before = try Self.residentByteCount()
    var most = before
    try socket.send("PUT /0 HTTP/1.1\r\nHost: a.test\r\nContent-Length: \(total)\r\n\r\n")
    for number in 0..<total / Self.piece.count {
      try socket.send(Self.piece)
      if number % 1024 == 0 { most = max(most, try Self.residentByteCount()) }
    }
    #expect(try reader.head()?.hasPrefix("HTTP/1.1 200 ") == true)
    #expect(taken.withLock { $0 } > total - (1 << 20))
    try socket.send("GET /\(total) HTTP/1.1\r\nHost: a.test\r\n\r\n")
    #expect(try reader.head()?.contains("Content-Length: \(total)\r\n") == true)
    var left = total - reader.rest.count
    var count = 0
    while left > 0 {
      let bytes = try socket.receiveSome(byteCountMax: 1 << 18)
      if bytes.isEmpty { break }
      left -= bytes.count
      count += 1
      if count % 1024 == 0 { most = max(most, try Self.residentByteCount()) }
    }
    #expect(left == 0)
    // Other tests run in this process meanwhile; a body that is kept would take all of 1 GiB.
    // The address sanitizer keeps 256 MiB of what is freed.
    let bound = ProcessPrivileges.isSanitized ? 768 << 20 : 256 << 20
    #expect(most - before < bound, "\((most - before) >> 20) MiB more")
    socket.close()
    try rig.stop()
    stub.stop()
  }

  /// Who does not read stops the service, and nobody holds what he has not read.
  @Test func slowReadersStopTheService() throws {
    let taken = Locked(0)
    let stub = try StubService(raw: { socket in
      _ = try MessageReader(socket).head()
      try socket.send("HTTP/1.1 200 OK\r\n\r\n")
      while true {
        try socket.send(Self.piece, within: .seconds(20))
        taken.withLock { $0 += Self.piece.count }
      }
    })
    let rig = try GatewayRig(stub)
    let socket = try TestSocket.connect(rig.port)
    try socket.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
    var last = -1
    // Until nothing more is taken.
    #expect(
      waitUntil {
        let now = taken.withLock { $0 }
        defer { last = now }
        _ = try? socket.receiveSome(byteCountMax: 1, within: .milliseconds(100))
        return now > 0 && now == last
      })
    // What the kernel holds for two connections.
    #expect(last < 32 << 20)
    // Others are served meanwhile, and reading goes on where it stopped.
    #expect(try rig.exchange("GET / HTTP/1.1\r\nHost: b.test\r\n\r\n\r\n", closing: true))
    var received = 0
    while received < 48 << 20 { received += try socket.receiveSome().count }
    socket.abort()
    #expect(waitUntil { stub.openCount == 0 })
    try rig.stop()
    stub.stop()
  }

  /// An upload that the service does not take stops the visitor.
  @Test func slowServicesStopTheVisitor() throws {
    let isReleased = Locked(false)
    let stub = try StubService(raw: { socket in
      socket.shrinkBuffers()
      let reader = MessageReader(socket)
      let head = try reader.head() ?? ""
      _ = waitUntil { isReleased.withLock { $0 } }
      let body = try reader.body(head)
      try socket.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\r\n")
      try socket.send(body)
      _ = try reader.head()
    })
    let rig = try GatewayRig(stub)
    let socket = try TestSocket.connect(rig.port)
    let body = [UInt8](repeating: 0x62, count: 24 << 20)
    try socket.send("PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: \(body.count)\r\n\r\n")
    var sent = 0
    #expect(throws: TestSocketError.self) {
      while sent < body.count {
        try socket.send(Array(body[..<Self.piece.count]), within: .milliseconds(300))
        sent += Self.piece.count
      }
    }
    #expect(sent < 16 << 20)
    socket.abort()
    isReleased.withLock { $0 = true }
    // The service learns that the body is not whole.
    #expect(waitUntil { stub.openCount == 0 })
    try rig.stop()
    stub.stop()
  }

  /// The answer comes while the body is on its way, and both arrive whole.
  @Test func answersMayOvertakeBodies() throws {
    let total = 8 << 20
    let stub = try StubService(raw: { socket in
      let reader = MessageReader(socket)
      while let head = try reader.head() {
        try socket.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly")
        guard try reader.body(head).count == total else { return }
      }
    })
    let rig = try GatewayRig(stub)
    let socket = try TestSocket.connect(rig.port)
    let reader = MessageReader(socket)
    for _ in 0..<3 {
      try socket.send("PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: \(total)\r\n\r\n")
      let head = try #require(try reader.head())
      #expect(try reader.body(head) == Array("early".utf8))
      for _ in 0..<total / Self.piece.count { try socket.send(Self.piece) }
    }
    #expect(try waitUntil { try rig.ask { $0.records.count } == 3 })
    #expect(stub.connectionCount == 1)
    #expect(try rig.ask { $0.records[0].receivedByteCount } == total)
    socket.close()
    try rig.stop()
    stub.stop()
  }

  /// The service refuses the body and closes: its answer arrives all the same.
  @Test func refusedBodiesEndTheConnectionBehindTheAnswer() throws {
    let stub = try StubService(raw: { socket in
      _ = try MessageReader(socket).head()
      try socket.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
    })
    let rig = try GatewayRig(stub)
    let socket = try TestSocket.connect(rig.port)
    try socket.send("PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 99999999\r\n\r\nabc")
    let answer = String(decoding: try socket.receiveToEnd(), as: UTF8.self)
    #expect(answer.hasPrefix("HTTP/1.1 413 ") && answer.hasSuffix("big"))
    try rig.stop()
    stub.stop()
  }

  // MARK: Tunnels

  private static let upgrade =
    "GET /ws HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

  private static func switcher() throws -> StubService {
    try StubService(raw: { socket in
      let reader = MessageReader(socket)
      let seen = SeenRequest(head: try reader.head() ?? "")
      guard seen.values("Upgrade") == ["websocket"], seen.values("Connection") == ["Upgrade"]
      else {
        try socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno")
        return
      }
      // The first words of the other protocol come with the head.
      try socket.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
          + "hello")
      if !reader.rest.isEmpty { try socket.send(reader.rest) }
      while true {
        let bytes = try socket.receiveSome(within: .seconds(60))
        if bytes.isEmpty { return }
        try socket.send(bytes)
      }
    })
  }

  @Test func upgradesBecomeTunnels() throws {
    let stub = try Self.switcher()
    let rig = try GatewayRig(stub)
    let socket = try TestSocket.connect(rig.port)
    let reader = MessageReader(socket)
    // What comes behind the request is the tunnel's.
    try socket.send(Self.upgrade + "early")
    let head = try #require(try reader.head())
    #expect(head.hasPrefix("HTTP/1.1 101 ") && head.contains("Upgrade: websocket\r\n"))
    #expect(String(decoding: try reader.take(10), as: UTF8.self) == "helloearly")
    let data = [UInt8](repeating: 0x63, count: 1 << 20)
    for _ in 0..<8 {
      try socket.send(Array(data[..<100_000]))
      #expect(try reader.take(100_000).count == 100_000)
    }
    socket.shutdownWriting()
    #expect(try socket.receiveToEnd().isEmpty)
    #expect(try waitUntil { try rig.ask { $0.records.count } == 1 })
    let record = try rig.ask { $0.records[0] }
    #expect(record.status == 101 && record.receivedByteCount >= 800_000)
    #expect(try rig.ask { $0.gateway?.connectionCount } == 0)
    try rig.stop()
    stub.stop()
  }

  @Test func declinedUpgradesAreRequests() throws {
    let stub = try StubService.mirror()
    let rig = try GatewayRig(stub)
    let both = try rig.exchange(
      Self.upgrade + "GET /2 HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
    #expect(both.components(of: "HTTP/1.1 200 OK").count == 3)
    #expect(stub.connectionCount == 1 && stub.requests.count == 2)
    // One to HTTP/2 is none: requests inside would be hidden.
    let hidden = try rig.exchange(
      "GET /3 HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n")
    #expect(hidden.hasPrefix("HTTP/1.1 200 ") && !hidden.contains("h2c"))
    try rig.stop()
    stub.stop()
  }

  @Test func tunnelsOfConnectCarryBytes() throws {
    let stub = try StubService(raw: { socket in
      let reader = MessageReader(socket)
      let head = try reader.head() ?? ""
      guard head.hasPrefix("CONNECT a.test:443 HTTP/1.1\r\n"), head.contains("Proxy-A: 1\r\n")
      else { return try socket.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") }
      try socket.send("HTTP/1.1 200 OK\r\n\r\n")
      while true {
        let bytes = try socket.receiveSome(within: .seconds(60))
        if bytes.isEmpty { return }
        try socket.send(bytes)
      }
    })
    let rig = try GatewayRig(stub)
    let socket = try TestSocket.connect(rig.port)
    let reader = MessageReader(socket)
    try socket.send("CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nProxy-A: 1\r\n\r\nfirst")
    #expect(try reader.head()?.hasPrefix("HTTP/1.1 200 OK\r\n") == true)
    #expect(String(decoding: try reader.take(5), as: UTF8.self) == "first")
    socket.shutdownWriting()
    #expect(try socket.receiveToEnd().isEmpty)
    let refused = try rig.exchange(
      "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nConnection: close\r\n\r\n")
    #expect(refused.hasPrefix("HTTP/1.1 403 "))
    try rig.stop()
    stub.stop()
  }

  @Test func tunnelsEndWithEitherSide() throws {
    let stub = try Self.switcher()
    let rig = try GatewayRig(stub)
    for isAborted in [true, false] {
      let socket = try TestSocket.connect(rig.port)
      try socket.send(Self.upgrade)
      #expect(try MessageReader(socket).head()?.hasPrefix("HTTP/1.1 101 ") == true)
      if isAborted { socket.abort() } else { socket.close() }
      #expect(waitUntil { stub.openCount == 0 })
      #expect(try waitUntil { try rig.ask { $0.gateway?.connectionCount } == 0 })
    }
    let socket = try TestSocket.connect(rig.port)
    try socket.send(Self.upgrade)
    #expect(try MessageReader(socket).head()?.hasPrefix("HTTP/1.1 101 ") == true)
    // Everything ends with the gateway, tunnels too.
    _ = try rig.ask { $0.gateway?.close() }
    #expect(waitUntil { stub.openCount == 0 })
    #expect(try rig.ask { $0.gateway?.connectionCount } == 0)
    try rig.stop()
    stub.stop()
  }
}

extension GatewayRig {
  /// Whether a request on a connection of its own is answered.
  func exchange(_ text: String, closing: Bool) throws -> Bool {
    let socket = try TestSocket.connect(port)
    try socket.send(text)
    return try MessageReader(socket).head() != nil
  }
}
