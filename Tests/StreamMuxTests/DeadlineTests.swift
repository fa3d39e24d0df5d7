import StreamMux
import Testing
import Timekeeping

/// Pings and timeouts on a clock that the tests set.
@Suite struct DeadlineTests {
  // MARK: Keepalive

  @Test func pingsFollowTheLastByteByTheInterval() throws {
    let endpoint = Endpoint(.client)
    for round in 0..<3 {
      #expect(endpoint.nextDeadline == seconds(Double(round) * 32 + 30))
      _ = try endpoint.passDeadline()
      #expect(try endpoint.takeFrames() == [.ping(UInt32(round), flags: Flag.syn)])
      #expect(endpoint.nextDeadline == endpoint.now + .seconds(10))
      endpoint.now = endpoint.now + .seconds(2)
      _ = try endpoint.feed(.ping(UInt32(round), flags: Flag.ack))
    }
  }

  /// Goal: whoever hears something does not ask.
  @Test func nobodyIsPingedWhoIsHeard() throws {
    let endpoint = Endpoint(.client)
    for second in 1...100 {
      endpoint.now = seconds(Double(second) * 20)
      if endpoint.nextDeadline! <= endpoint.now { _ = try endpoint.passDeadline() }
      endpoint.now = seconds(Double(second) * 20)
      _ = try endpoint.feed([])
      _ = try endpoint.feed(.ping(9, flags: Flag.ack))
    }
    #expect(endpoint.outputByteCount == 0)
    _ = try endpoint.passDeadline()
    _ = try endpoint.passDeadline()
    #expect(try endpoint.takeFrames() == [.ping(0, flags: Flag.syn)])
    #expect(endpoint.now == seconds(2030))
  }

  @Test func earlyCallSendsNothing() throws {
    let endpoint = Endpoint(.client)
    try endpoint.handleDeadline(now: seconds(29.999))
    #expect(endpoint.outputByteCount == 0)
  }

  @Test func withoutIntervalThereIsNoDeadline() throws {
    let endpoint = Endpoint(.client) { $0.keepaliveInterval = nil }
    #expect(endpoint.nextDeadline == nil)
    try endpoint.handleDeadline(now: seconds(1000))
    _ = try endpoint.feed(.ping(0, flags: Flag.ack))
    #expect(endpoint.outputByteCount == 0 && endpoint.nextDeadline == nil)
  }

  @Test func silentPeerEndsTheSession() throws {
    let endpoint = Endpoint(.client)
    _ = try endpoint.passDeadline()
    _ = endpoint.takeBytes()
    #expect(throws: MuxError.pingTimedOut(after: .seconds(10))) { try endpoint.passDeadline() }
    #expect(endpoint.now == seconds(40))
    #expect(endpoint.outputByteCount == 0)
  }

  /// Goal: a session that hears bytes is never ended by an unanswered ping, but one that then falls
  /// silent is: interval and timeout after the last byte.
  @Test func anyBytesCountAsALifeSign() throws {
    let endpoint = Endpoint(.client)
    _ = try endpoint.passDeadline()
    for value in UInt32(0)..<5 {
      #expect(try endpoint.takeFrames() == [.ping(value, flags: Flag.syn)])
      endpoint.now = endpoint.now + .seconds(1)
      _ = try endpoint.feed([0])
      #expect(endpoint.lastHeardAt == endpoint.now)
      #expect(endpoint.nextDeadline == endpoint.now + .seconds(30))
      _ = try endpoint.passDeadline()
    }
    let heardAt = endpoint.lastHeardAt
    #expect(throws: MuxError.pingTimedOut(after: .seconds(10))) { try endpoint.passDeadline() }
    #expect(endpoint.now == heardAt + .seconds(40))
  }

  /// Goal: a ping that waits in the kernel behind a slow upload does not end its session as long as
  /// the peer's host takes bytes.
  @Test func acknowledgedOutputCountsAsALifeSign() throws {
    let endpoint = Endpoint(.client)
    _ = try endpoint.passDeadline()
    #expect(try endpoint.takeFrames() == [.ping(0, flags: Flag.syn)])
    for _ in 0..<4 {
      endpoint.session.handleAcknowledgedOutput()
      _ = try endpoint.passDeadline()
      #expect(endpoint.outputByteCount == 0)
    }
    #expect(throws: MuxError.pingTimedOut(after: .seconds(10))) { try endpoint.passDeadline() }
    #expect(endpoint.now == seconds(80))
  }

  @Test func bytesBeforeThePingAreNoLifeSign() throws {
    let endpoint = Endpoint(.client)
    endpoint.now = seconds(29)
    _ = try endpoint.feed(.ping(9, flags: Flag.syn))
    _ = endpoint.takeBytes()
    _ = try endpoint.passDeadline()
    #expect(endpoint.outputByteCount == 0 && endpoint.nextDeadline == seconds(59))
    _ = try endpoint.passDeadline()
    #expect(try endpoint.takeFrames() == [.ping(0, flags: Flag.syn)])
    #expect(throws: MuxError.pingTimedOut(after: .seconds(10))) { try endpoint.passDeadline() }
  }

  /// Goal: a slow upload, where the ping waits behind other bytes, survives as long as the carrier
  /// takes some of them; pings do not pile up.
  @Test func outputThatMovesCountsAsALifeSign() throws {
    let endpoint = Endpoint(.client)
    let id = try endpoint.openAccepted()
    _ = endpoint.send(Array(repeating: 1, count: 1_000_000), on: id)
    _ = try endpoint.passDeadline()
    let queued = endpoint.outputByteCount
    for round in 1...4 {
      _ = endpoint.takeBytes(1000)
      _ = try endpoint.passDeadline()
      #expect(endpoint.outputByteCount == queued - 1000 * round)
    }
    #expect(throws: MuxError.pingTimedOut(after: .seconds(10))) { try endpoint.passDeadline() }
    #expect(endpoint.now == seconds(80))
  }

  /// A carrier that takes everything may be a dead path's socket buffer.
  @Test func emptiedOutputIsNoLifeSign() throws {
    let endpoint = Endpoint(.client)
    let id = try endpoint.openAccepted()
    _ = try endpoint.passDeadline()
    for _ in 0..<3 {
      _ = endpoint.send([1, 2, 3], on: id)
      _ = endpoint.takeBytes()
    }
    #expect(throws: MuxError.pingTimedOut(after: .seconds(10))) { try endpoint.passDeadline() }
  }

  /// Goal: pings do not pile up behind a carrier that takes nothing, though the peer is heard.
  @Test func pingThatWaitsIsNotRepeated() throws {
    let endpoint = Endpoint(.client)
    let id = try endpoint.openAccepted()
    _ = endpoint.send(Array(repeating: 1, count: 1000), on: id)
    _ = try endpoint.passDeadline()
    let queued = endpoint.outputByteCount
    for _ in 0..<3 {
      _ = try endpoint.feed([0])
      _ = try endpoint.passDeadline()
    }
    #expect(endpoint.outputByteCount == queued)
  }

  // MARK: Open timeout

  @Test func unacknowledgedStreamEndsTheSession() throws {
    let endpoint = Endpoint(.client) { $0.keepaliveInterval = nil }
    _ = try endpoint.open()
    endpoint.now = seconds(10)
    _ = try endpoint.open()
    _ = try endpoint.feed(.accept(1))
    #expect(endpoint.nextDeadline == seconds(85))
    try endpoint.handleDeadline(now: seconds(84))
    #expect(throws: MuxError.openTimedOut(wireID: 3, after: .seconds(75))) {
      try endpoint.passDeadline()
    }
    #expect(throws: MuxError.openTimedOut(wireID: 3, after: .seconds(75))) {
      try endpoint.feed(.accept(3))
    }
  }

  @Test(arguments: ["ACK", "FIN", "RST", "reset", "finish"])
  func openTimeoutStops(by event: String) throws {
    let endpoint = Endpoint(.client) { $0.keepaliveInterval = nil }
    let id = try endpoint.open()
    switch event {
    case "ACK": _ = try endpoint.feed(.data(1, [], flags: Flag.ack))
    case "FIN": _ = try endpoint.feed(.window(1, 0, flags: Flag.fin))
    case "RST": _ = try endpoint.feed(.window(1, 0, flags: Flag.rst))
    case "reset": endpoint.session.reset(id)
    default: endpoint.session.finish(id, now: endpoint.now)
    }
    #expect(endpoint.nextDeadline == (event == "finish" ? seconds(300) : nil))
    #expect(endpoint.isSound)
  }

  // MARK: Half-close timeout

  @Test func silentHalfClosedStreamIsReset() throws {
    let endpoint = Endpoint(.client) { $0.keepaliveInterval = nil }
    let ids = try (0..<3).map { _ in try endpoint.openAccepted() }
    for (delay, id) in ids.enumerated() {
      endpoint.session.finish(id, now: seconds(Double(delay)))
    }
    _ = try endpoint.feed(.window(3, 0, flags: Flag.fin))
    _ = endpoint.takeBytes()
    #expect(endpoint.nextDeadline == seconds(300))
    #expect(try endpoint.passDeadline() == [.reset(1)])
    #expect(try endpoint.takeFrames() == [.window(1, 0, flags: Flag.rst)])
    #expect(endpoint.nextDeadline == seconds(302))
    #expect(try endpoint.passDeadline() == [.reset(5)])
    #expect(endpoint.nextDeadline == nil && endpoint.streamCount == 0)
  }

  @Test func allThatAreDueAreResetTogether() throws {
    let endpoint = Endpoint(.client) { $0.keepaliveInterval = nil }
    for _ in 0..<100 { endpoint.session.finish(try endpoint.openAccepted(), now: seconds(1)) }
    endpoint.now = seconds(301)
    try endpoint.handleDeadline(now: endpoint.now)
    let seen = try endpoint.feed(.data(1, [1]))
    #expect(seen == (0..<100).map { .reset(2 * $0 + 1) })
  }

  /// Goal: an answer that takes longer than five minutes is not cut while bytes move, whether they
  /// arrive or are consumed.
  @Test func movingHalfClosedStreamLives() throws {
    let endpoint = Endpoint(.client) { $0.keepaliveInterval = nil }
    let id = try endpoint.openAccepted()
    endpoint.session.finish(id, now: endpoint.now)
    endpoint.now = seconds(1)
    _ = try endpoint.feed(.data(1, [1, 2]))
    #expect(try endpoint.passDeadline() == [])
    #expect(endpoint.nextDeadline == seconds(600))
    endpoint.session.consume(2, on: id)
    #expect(try endpoint.passDeadline() == [])
    #expect(endpoint.nextDeadline == seconds(900))
    #expect(try endpoint.passDeadline() == [.reset(1)])
  }

  @Test func clockThatGoesBackKeepsTheOrder() throws {
    let endpoint = Endpoint(.client) { $0.keepaliveInterval = nil }
    let ids = try (0..<3).map { _ in try endpoint.openAccepted() }
    for (id, time) in zip(ids, [5.0, 3, 6]) { endpoint.session.finish(id, now: seconds(time)) }
    #expect(endpoint.isSound)
    #expect(endpoint.nextDeadline == seconds(305))
    #expect(try endpoint.passDeadline() == [.reset(1), .reset(3)])
    #expect(try endpoint.passDeadline() == [.reset(5)])
  }
}
