import TestKit
import Testing
import Timekeeping

@testable import StreamMux

/// Every maximum is reached once, and costs what it says.
@Suite struct LimitsTests {
  private let refusal = Flag.rst

  @Test func backlogBeyondTheLimitIsReset() throws {
    let endpoint = Endpoint(.server)
    for position in UInt32(0)..<256 {
      #expect(try endpoint.feed(.open(2 * position + 1)) == [.opened(2 * position + 1)])
    }
    #expect(try endpoint.feed(.open(1001), .data(1001, [1, 2, 3])) == [])
    #expect(try endpoint.takeFrames() == [.window(1001, 0, flags: refusal)])
    endpoint.session.accept(try #require(endpoint.ids[1]))
    endpoint.session.reset(try #require(endpoint.ids[3]))
    #expect(
      try endpoint.feed(.open(1001), .open(1003), .open(1005)) == [.opened(1001), .opened(1003)])
    #expect(endpoint.isSound)
  }

  /// What the peer resets frees its place in the backlog, as what we reset does.
  @Test func resetStreamsLeaveTheBacklog() throws {
    let endpoint = Endpoint(.server) { $0.acceptBacklog = 1 }
    for position in UInt32(0)..<50 {
      let wireID = 2 * position + 1
      let seen = try endpoint.feed(.open(wireID), .window(wireID, 0, flags: Flag.rst))
      #expect(seen == [.opened(wireID), .reset(wireID)])
    }
    #expect(endpoint.streamCount == 0)
  }

  @Test func openingWaitsForAcknowledgements() throws {
    let endpoint = Endpoint(.client)
    for _ in 0..<256 { _ = try endpoint.open() }
    #expect(throws: MuxError.openingStreamsExhausted(limit: 256)) { try endpoint.open() }
    _ = try endpoint.feed(.accept(5))
    #expect(try endpoint.open().wireID == 513)
    _ = try endpoint.feed(.window(7, 0, flags: Flag.rst))
    #expect(try endpoint.open().wireID == 515)
    endpoint.session.reset(try #require(endpoint.ids[9]))
    #expect(try endpoint.open().wireID == 517)
    #expect(throws: MuxError.openingStreamsExhausted(limit: 256)) { try endpoint.open() }
    #expect(endpoint.isSound)
  }

  /// A finished stream keeps its place until the peer acknowledges it or ends it too.
  @Test func finishedStreamsStillWaitForAcknowledgement() throws {
    let endpoint = Endpoint(.client) { $0.acceptBacklog = 1 }
    endpoint.session.finish(try endpoint.open(), now: endpoint.now)
    #expect(throws: MuxError.openingStreamsExhausted(limit: 1)) { try endpoint.open() }
    _ = try endpoint.feed(.window(1, 0, flags: Flag.ack))
    endpoint.session.finish(try endpoint.open(), now: endpoint.now)
    _ = try endpoint.feed(.window(3, 0, flags: Flag.fin))
    #expect(try endpoint.open().wireID == 5)
  }

  @Test func streamsBeyondTheLimitAreResetOrRefused() throws {
    let endpoint = Endpoint(.server) { $0.streamCountMax = 3 }
    for wireID in [UInt32(1), 3] { _ = try endpoint.acceptOpened(wireID) }
    _ = try endpoint.open()
    _ = endpoint.takeBytes()
    #expect(throws: MuxError.streamsExhausted(limit: 3)) { try endpoint.open() }
    #expect(try endpoint.feed(.open(5)) == [])
    #expect(try endpoint.takeFrames() == [.window(5, 0, flags: refusal)])
    endpoint.session.streamCountMax = 4
    #expect(try endpoint.feed(.open(5)) == [.opened(5)])
    endpoint.session.streamCountMax = 1
    #expect(try endpoint.feed(.open(7), .data(1, [1])) == [.data(1, [1])])
  }

  @Test func streamCountReachesItsDefaultLimit() throws {
    let endpoint = Endpoint(.server) { $0.acceptBacklog = 1 }
    var wireID: UInt32 = 1
    var bytes: [UInt8] = []
    for _ in 0..<65_536 {
      bytes = TestFrame.open(wireID).bytes
      var offset = 0
      guard case .streamOpened(let id)? = try endpoint.next(in: bytes, at: &offset) else {
        Issue.record("refused \(wireID)")
        return
      }
      endpoint.session.accept(id)
      endpoint.session.removeOutput(endpoint.outputByteCount)
      wireID += 2
    }
    #expect(endpoint.streamCount == 65_536)
    #expect(try endpoint.feed(.open(wireID)) == [])
    #expect(try endpoint.takeFrames() == [.window(wireID, 0, flags: refusal)])
    #expect(endpoint.isSound)
  }

  @Test func outputLimitStopsSendingUntilItIsWritten() throws {
    let endpoint = Endpoint(.client) { $0.outputBytesMax = 1000 }
    let id = try endpoint.openAccepted()
    #expect(endpoint.sendWindow(of: id) == 988)
    #expect(endpoint.send(Array(repeating: 1, count: 5000), on: id) == 988)
    #expect(endpoint.outputByteCount == 1000)
    #expect(endpoint.sendWindow(of: id) == 0)
    #expect(endpoint.fill(upTo: 10, on: id) { $0.count } == 0)
    _ = endpoint.takeBytes(112)
    #expect(endpoint.send(Array(repeating: 1, count: 5000), on: id) == 100)
    endpoint.session.finish(id, now: endpoint.now)
    #expect(endpoint.outputByteCount == 1012)
  }

  // MARK: Provoked frames

  /// Goal: a peer that never reads can make us hold only so much, whatever it asks for.
  @Test(arguments: ["pings", "refused", "accepted", "reset"])
  func repliesThatNobodyReadsEndTheSession(kind: String) throws {
    let endpoint = Endpoint(.server) { $0.streamCountMax = kind == "refused" ? 1 : 65_536 }
    if kind == "refused" { _ = try endpoint.acceptOpened(1) }
    var wireID: UInt32 = 3
    var count = 0
    let error = MuxError.repliesUnread(byteCount: 65_544, limit: 65_536)
    #expect(throws: error) {
      while count < 100_000 {
        _ = try endpoint.feed(kind == "pings" ? .ping(wireID, flags: Flag.syn) : .open(wireID))
        if let id = endpoint.ids[wireID] {
          if kind == "accepted" { endpoint.session.accept(id) }
          if kind == "reset" { endpoint.session.reset(id) }
        }
        wireID += 2
        count += 1
      }
    }
    #expect(count == 5462)
    #expect(endpoint.outputByteCount == 65_544 + 12)
  }

  @Test func creditThatNobodyReadsEndsTheSession() throws {
    let endpoint = Endpoint(.server) { $0.receiveWindowBytes = 262_144 }
    let id = try endpoint.acceptOpened(1)
    let bytes = TestFrame.data(1, Array(repeating: 0, count: 131_072)).bytes
    var count = 0
    #expect(throws: MuxError.repliesUnread(byteCount: 65_544, limit: 65_536)) {
      while count < 10_000 {
        var offset = 0
        try bytes.withUnsafeBytes { raw in
          while case .data(_, let range)? = try endpoint.session.nextInput(
            in: raw, at: &offset, now: endpoint.now)
          {
            endpoint.session.consume(range.count, on: id)
          }
        }
        count += 1
      }
    }
    #expect(count == 5462)
  }

  /// Goal: a peer that reads slowly, behind a lot of data, may provoke any number of frames over
  /// time: those that have left are forgotten although the output never runs empty.
  @Test func repliesThatAreReadAreForgotten() throws {
    let endpoint = Endpoint(.server)
    let id = try endpoint.acceptOpened(1)
    let payload = [UInt8](repeating: 3, count: 50_000)
    _ = endpoint.send(payload, on: id)
    for _ in 0..<400 {
      _ = try endpoint.feed((0..<100).flatMap { TestFrame.ping($0, flags: Flag.syn).bytes })
      _ = try endpoint.feed(.window(1, 50_000))
      _ = endpoint.send(payload, on: id)
      _ = endpoint.takeBytes(endpoint.outputByteCount - 50_000)
    }
    #expect(endpoint.failure == nil)
  }

  /// Goal: the account never shows fewer replies than wait, wherever they stand between data and
  /// however the output moves; the model is a list of what is queued.
  @Test func replyAccountMissesNothingThatWaits() {
    var generator = RepeatableGenerator(seed: 7)
    var account = ReplyAccount()
    var replyEnds: [Int] = []
    var appended = 0
    var removed = 0
    for round in 0..<20_000 {
      switch Int.random(in: 0..<3, using: &generator) {
      case 0:
        account.add()
        appended += 12
        replyEnds.append(appended)
      case 1: appended += Int.random(in: 0...100, using: &generator)
      default:
        removed += Int.random(in: 0...min(130, appended - removed), using: &generator)
        account.outputMoved(removedTotal: removed, appendedTotal: appended)
      }
      replyEnds.removeAll { $0 <= removed }
      #expect(
        account.waitingBytes >= 12 * replyEnds.count, "seed \(generator.seed), round \(round)")
    }
  }

  // MARK: Memory

  /// Kept while it is used, also by a session that sends little now and then; freed by the second
  /// ping after a burst, and at once when it is large.
  @Test func outputMemoryIsKeptInUseAndFreedAfterwards() throws {
    let endpoint = Endpoint(.client)
    let id = try endpoint.openAccepted()
    #expect(endpoint.outputCapacity == 256)
    _ = endpoint.send(Array(repeating: 1, count: 200_000), on: id)
    _ = endpoint.takeBytes()
    for capacity in [262_144, 256] {
      #expect(endpoint.outputCapacity == 262_144)
      _ = try endpoint.passDeadline()
      #expect(endpoint.outputCapacity == capacity)
      _ = endpoint.send([1, 2, 3], on: id)
      _ = endpoint.takeBytes()
      _ = try endpoint.feed(.ping(capacity == 256 ? 1 : 0, flags: Flag.ack))
    }
    _ = endpoint.send(Array(repeating: 1, count: 2_000_000), on: id)
    #expect(endpoint.outputCapacity == 2_097_152)
    _ = endpoint.takeBytes()
    #expect(endpoint.outputCapacity == 0)
  }
}
