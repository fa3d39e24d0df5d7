import HTTPProtocol
import LinuxSystem
import Reactor
import TestKit
import Testing
import Timekeeping

@testable import HTTPGateway

/// Deadlines, visitors who leave at every stage, and a gateway that stops.
@Suite(.serialized) struct GatewayEndingTests {
  private static let get = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"

  /// A service that takes requests and never answers.
  private static func silent() throws -> StubService {
    try StubService(raw: { socket in
      while try !socket.receiveSome(within: .seconds(60)).isEmpty {}
    })
  }

  private static func elapsed(_ body: () throws -> Void) rethrows -> Interval {
    let start = HostSystem.monotonicNanoseconds
    try body()
    return Interval(nanoseconds: HostSystem.monotonicNanoseconds - start)
  }

  // MARK: Deadlines

  @Test func silentHeadsAreRefused() throws {
    var times = GatewayTimes()
    times.headSilence = .milliseconds(100)
    let rig = try GatewayRig([:], times: times)
    let answer = try rig.exchange("GET / HT")
    #expect(answer.hasPrefix("HTTP/1.1 408 ") && answer.contains("Connection: close"))
    // It has a line in the log, with the time that it took.
    let records = try rig.ask { $0.records }
    #expect(records.map(\.status) == [408])
    #expect(records.allSatisfy { $0.duration >= .milliseconds(100) && $0.version == nil })
    try rig.stop()
  }

  /// A byte now and then does not keep a head alive.
  @Test func slowHeadsAreRefused() throws {
    var times = GatewayTimes()
    // Longer than a busy machine holds the test up between two bytes.
    times.headSilence = .seconds(1)
    times.head = .seconds(2)
    let rig = try GatewayRig([:], times: times)
    let socket = try TestSocket.connect(rig.port)
    let start = HostSystem.monotonicNanoseconds
    try socket.send("GET / HTTP/1.1\r\nX: ")
    var answer: [UInt8] = []
    while answer.isEmpty, HostSystem.monotonicNanoseconds - start < 10_000_000_000 {
      try socket.send("x")
      answer = (try? socket.receiveSome(within: .milliseconds(30))) ?? []
    }
    #expect(String(decoding: answer, as: UTF8.self).hasPrefix("HTTP/1.1 408 "))
    #expect(HostSystem.monotonicNanoseconds - start >= 2_000_000_000)
    try rig.stop()
  }

  @Test func idleConnectionsAreClosed() throws {
    let stub = try StubService.mirror()
    var times = GatewayTimes()
    times.idle = .milliseconds(100)
    let rig = try GatewayRig(stub, times: times)
    #expect(try rig.exchange("").isEmpty)
    #expect(try rig.exchange(Self.get).hasPrefix("HTTP/1.1 200 "))
    try rig.stop()
    stub.stop()
  }

  /// Whoever asks again and again is not idle.
  @Test func busyConnectionsAreKept() throws {
    let stub = try StubService.mirror()
    var times = GatewayTimes()
    // Longer than a busy machine holds the test up between two requests.
    times.idle = .seconds(1)
    let rig = try GatewayRig(stub, times: times)
    let socket = try TestSocket.connect(rig.port)
    let reader = MessageReader(socket)
    let start = HostSystem.monotonicNanoseconds
    while HostSystem.monotonicNanoseconds - start < 2_500_000_000 {
      try socket.send(Self.get)
      let head = try #require(try reader.head())
      _ = try reader.body(head)
    }
    socket.close()
    try rig.stop()
    stub.stop()
  }

  @Test func servicesThatDoNotAnswerTimeOut() throws {
    let stub = try Self.silent()
    let rig = try GatewayRig(stub, settings: { $0.responseTimeout = .milliseconds(100) })
    let socket = try TestSocket.connect(rig.port)
    let reader = MessageReader(socket)
    for _ in 0..<2 {
      let time = try Self.elapsed {
        try socket.send(Self.get)
        let head = try #require(try reader.head())
        #expect(head.hasPrefix("HTTP/1.1 504 ") && head.contains("Content-Length: 0\r\n"))
      }
      #expect(time >= .milliseconds(99))
    }
    #expect(try rig.ask { $0.outcomes } == [.failed, .failed])
    #expect(waitUntil { stub.openCount == 0 })
    socket.close()
    try rig.stop()
    stub.stop()
  }

  /// The time begins when the request is whole.
  @Test func longUploadsDoNotTimeOut() throws {
    let stub = try StubService.mirror()
    let rig = try GatewayRig(stub, settings: { $0.responseTimeout = .milliseconds(200) })
    let socket = try TestSocket.connect(rig.port)
    try socket.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 30\r\n\r\n")
    for _ in 0..<30 {
      // No answer comes before the last byte.
      #expect(throws: TestSocketError.timedOut("receive", byteCount: 0)) {
        try socket.receiveSome(within: .milliseconds(20))
      }
      try socket.send("x")
    }
    #expect(try MessageReader(socket).head()?.hasPrefix("HTTP/1.1 200 ") == true)
    socket.close()
    try rig.stop()
    stub.stop()
  }

  @Test func stalledBodiesAreCutOff() throws {
    let stub = try Self.silent()
    var times = GatewayTimes()
    times.stalled = .milliseconds(100)
    let rig = try GatewayRig(stub, times: times)
    let socket = try TestSocket.connect(rig.port)
    try socket.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 30\r\n\r\nabc")
    #expect(socket.isReset())
    #expect(waitUntil { stub.openCount == 0 })
    try rig.stop()
    stub.stop()
  }

  // MARK: Visitors who leave

  @Test func visitorsMayLeaveAtEveryStage() throws {
    let stub = try Self.silent()
    let rig = try GatewayRig(stub)
    let stages = [
      "", "GET / HT", "GET / HTTP/1.1\r\nHost: a.test\r\n", Self.get,
      "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 30\r\n\r\nabc",
      "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
      Self.get + Self.get,
    ]
    for stage in stages {
      let socket = try TestSocket.connect(rig.port)
      try socket.send(stage)
      #expect(try waitUntil { try rig.ask { $0.gateway?.connectionCount } == 1 })
      socket.abort()
      #expect(try waitUntil { try rig.ask { $0.gateway?.connectionCount } == 0 }, "\(stage)")
      #expect(waitUntil { stub.openCount == 0 }, "\(stage)")
    }
    // Those who were in the middle of a request.
    #expect(try rig.ask { $0.records.map(\.status) } == [499, 499, 499, 499])
    try rig.stop()
    stub.stop()
  }

  /// Half a request is none.
  @Test func visitorsWhoEndInsideOfARequestAreCutOff() throws {
    let stub = try Self.silent()
    let rig = try GatewayRig(stub)
    for text in [
      "GET / HT", "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 30\r\n\r\nabc",
    ] {
      let socket = try TestSocket.connect(rig.port)
      try socket.send(text)
      socket.shutdownWriting()
      #expect(try waitUntil { try rig.ask { $0.gateway?.connectionCount } == 0 })
      // A stream on which nothing was sent yet is kept.
      #expect(
        try waitUntil {
          try rig.ask { $0.services["a.test"]?.idleStreamCount } == stub.openCount
        })
    }
    try rig.stop()
    stub.stop()
  }

  /// Who has ended his direction still gets his answers, if they come soon.
  @Test func visitorsWhoHaveEndedGetTheirAnswers() throws {
    let stub = try StubService.mirror()
    let rig = try GatewayRig(stub)
    let socket = try TestSocket.connect(rig.port)
    try socket.send(Self.get + Self.get)
    socket.shutdownWriting()
    let text = String(decoding: try socket.receiveToEnd(), as: UTF8.self)
    #expect(text.components(of: "HTTP/1.1 200 OK").count == 3)
    try rig.stop()
    stub.stop()
    let silent = try Self.silent()
    var times = GatewayTimes()
    times.halfClosed = .milliseconds(100)
    let other = try GatewayRig(silent, times: times)
    let waiting = try TestSocket.connect(other.port)
    try waiting.send(Self.get)
    waiting.shutdownWriting()
    #expect(try waitUntil { try other.ask { $0.gateway?.connectionCount } == 0 })
    #expect(waitUntil { silent.openCount == 0 })
    try other.stop()
    silent.stop()
  }

  /// A visitor who leaves while the host looks for a stream takes his wish along.
  @Test func wishesForStreamsAreTakenBack() throws {
    // An address that takes no connection and refuses none: its queue is full.
    let full = try TestServer(backlog: 0) { socket in
      while try !socket.receiveSome(within: .seconds(60)).isEmpty {}
    }
    let rig = try GatewayRig(["a.test": full.port])
    let socket = try TestSocket.connect(rig.port)
    try socket.send(Self.get)
    socket.abort()
    #expect(try waitUntil { try rig.ask { $0.gateway?.connectionCount } == 0 })
    try rig.stop()
    full.stop()
  }

  // MARK: Stopping

  // MARK: Room for others

  /// Whoever has been without a request for longest has to go, and nobody who has one.
  @Test func emptyConnectionsMakeRoom() throws {
    let stub = try Self.silent()
    let rig = try GatewayRig(stub)
    func makeRoom() throws -> Bool { try rig.ask { $0.gateway?.makeRoom() ?? true } }
    func connect(_ text: String, _ count: Int) throws -> TestSocket {
      let socket = try TestSocket.connect(rig.port)
      try socket.send(text)
      #expect(try waitUntil { try rig.ask { $0.gateway?.connectionCount } == count })
      return socket
    }
    #expect(try !makeRoom())
    let asking = try connect(Self.get, 1)
    #expect(waitUntil { stub.openCount == 1 })
    #expect(try !makeRoom())
    let slow = try connect("GET / HT", 2)
    #expect(try waitUntil { try rig.ask { $0.gateway?.activeCount } == 2 })
    // A preface of HTTP/2, and empty settings.
    let session = try connect(
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0", 3)
    #expect(try !session.receiveSome().isEmpty)
    let silent = try connect("", 4)
    #expect(try makeRoom() && slow.isReset())
    // This one says goodbye.
    #expect(try makeRoom() && session.isOver())
    #expect(try makeRoom() && silent.isReset())
    #expect(try !makeRoom())
    #expect(try rig.ask { $0.gateway?.connectionCount } == 1)
    asking.close()
    try rig.stop()
    stub.stop()
  }

  /// The answer before is not lost: no reset follows it.
  @Test func visitorsWhoHaveTheirAnswersEndInOrder() throws {
    let stub = try StubService.mirror()
    let rig = try GatewayRig(stub)
    let sockets = try (0..<70).map { _ in try TestSocket.connect(rig.port) }
    for socket in sockets { try socket.send(Self.get) }
    #expect(try waitUntil { try rig.ask { $0.records.count } == sockets.count })
    // The search is bounded, and goes round.
    for count in (0..<sockets.count).reversed() {
      #expect(try rig.ask { $0.gateway?.makeRoom() ?? false })
      #expect(try rig.ask { $0.gateway?.connectionCount } == count)
    }
    for socket in sockets {
      #expect(String(decoding: try socket.receiveToEnd(), as: UTF8.self).contains("GET / "))
    }
    try rig.stop()
    stub.stop()
  }

  @Test func drainingEndsConnectionsBehindTheirAnswers() throws {
    let isReleased = Locked(false)
    let stub = try StubService { _, socket in
      _ = waitUntil { isReleased.withLock { $0 } }
      try socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
      return true
    }
    let rig = try GatewayRig(stub)
    let idle = try TestSocket.connect(rig.port)
    let busy = try TestSocket.connect(rig.port)
    try busy.send(Self.get)
    #expect(waitUntil { stub.requests.count == 1 })
    #expect(try waitUntil { try rig.ask { $0.gateway?.connectionCount } == 2 })
    _ = try rig.ask { $0.gateway?.drain() }
    #expect(try idle.receiveToEnd().isEmpty)
    #expect(try rig.ask { $0.gateway?.activeCount } == 1)
    isReleased.withLock { $0 = true }
    let answer = String(decoding: try busy.receiveToEnd(), as: UTF8.self)
    #expect(answer.contains("Connection: close\r\n") && answer.hasSuffix("hi"))
    // Nobody new is let in.
    #expect((try? TestSocket.connect(rig.port))?.isReset() ?? true)
    try rig.stop()
    stub.stop()
  }

  @Test func nothingIsLeftBehind() throws {
    let stub = try StubService.mirror()
    let before = openDescriptorCount()
    try Self.visitOnFiftyConnections(stub)
    #expect(waitUntil { stub.openCount == 0 })
    #expect(waitUntil { openDescriptorCount() <= before })
    stub.stop()
  }

  private static func visitOnFiftyConnections(_ stub: StubService) throws {
    let rig = try GatewayRig(stub)
    let sockets = try (0..<50).map { _ in try TestSocket.connect(rig.port) }
    for socket in sockets { try socket.send(Self.get) }
    for socket in sockets { #expect(try MessageReader(socket).head() != nil) }
    for socket in sockets { socket.close() }
    let host = rig.host
    try rig.thread.run { host.on($0).close() }
    // The loop's own door is left.
    #expect(try waitUntil { try rig.thread.run { $0.registrationCount } == 1 })
    try rig.stop()
  }
}
