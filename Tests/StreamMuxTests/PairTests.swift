import Foundation
import TestKit
import Testing
import Timekeeping

@testable import StreamMux

/// What one side of the pair knows of one stream.
private struct Ledger {
  var id: MuxStreamID
  var sentCount = 0
  var receivedCount = 0
  var unreadCount = 0
  var isAccepted: Bool
  var hasFinished = false
  var hasSeenEnd = false
  var isGone = false
  var wasReset = false
}

/// One side: a session, what it has sent to the other, and its ledgers.
private final class Side {
  let endpoint: Endpoint
  let salt: UInt32
  var ledgers: [UInt32: Ledger] = [:]

  /// Bytes on their way to the other side.
  var wire: [UInt8] = []

  init(_ endpoint: Endpoint, salt: UInt32) {
    self.endpoint = endpoint
    self.salt = salt
  }

  /// What this side sends on a stream from a position on.
  func withPayload<R>(
    _ wireID: UInt32, at position: Int, count: Int, _ body: (UnsafeRawBufferPointer) -> R
  ) -> R {
    let start = (position + Int(wireID * 17 + salt)) % Self.period
    return Self.pattern.withUnsafeBytes {
      body(UnsafeRawBufferPointer(rebasing: $0[start..<(start + count)]))
    }
  }

  private static let period = 4093

  /// Random bytes that repeat, so that every piece that a test sends lies somewhere in one run.
  private static let pattern: [UInt8] = {
    var generator = RepeatableGenerator(seed: 4093)
    let once = generator.bytes(period)
    return Array((0..<80).map { _ in once }.joined())
  }()

  func liveLedger(using generator: inout RepeatableGenerator) -> UInt32? {
    let live = ledgers.filter { !$0.value.isGone }.keys.sorted()
    return live.randomElement(using: &generator)
  }
}

/// Two sessions, two queues of bytes, and a virtual clock.
///
/// Random operations with a seed; the model is that every byte sent on a stream arrives once, in
/// order, and before its end; that each side learns once that a stream is gone; and that both
/// agree when everything has been delivered.
@Suite struct PairTests {
  private func makePair(_ generator: inout RepeatableGenerator) -> [Side] {
    let bodyMax = Int.random(in: 1...70_000, using: &generator)
    let window = [262_144, 300_000, 6_291_456].randomElement(using: &generator) ?? 262_144
    let halfCloseTimeout = Interval.seconds(Int.random(in: 2...300, using: &generator))
    return [MuxSession.Role.client, .server].enumerated().map { position, role in
      let endpoint = Endpoint(role) {
        $0.sentFrameBodyBytesMax = bodyMax
        $0.receiveWindowBytes = window
        $0.acceptBacklog = 6
        $0.outputBytesMax = 500_000
        $0.openTimeout = .seconds(1000)
        $0.halfCloseTimeout = halfCloseTimeout
      }
      return Side(endpoint, salt: UInt32(position) * 101)
    }
  }

  // MARK: Operations of the applications

  private func operate(_ side: Side, _ generator: inout RepeatableGenerator) throws {
    let choice = Int.random(in: 0..<100, using: &generator)
    if choice < 8 {
      if side.ledgers.values.count(where: { !$0.isGone }) < 20, let id = try? side.endpoint.open() {
        side.ledgers[id.wireID] = Ledger(id: id, isAccepted: true)
      }
      return
    }
    guard let wireID = side.liveLedger(using: &generator), var ledger = side.ledgers[wireID]
    else { return }
    switch choice {
    case ..<55: send(on: &ledger, by: side, &generator)
    case ..<85: consume(on: &ledger, by: side, &generator)
    case ..<92:
      side.endpoint.session.accept(ledger.id)
      ledger.isAccepted = true
    case ..<97: finish(&ledger, by: side)
    case ..<98:
      side.endpoint.session.reset(ledger.id)
      ledger.isGone = true
      ledger.wasReset = true
    default: break
    }
    #expect(side.endpoint.hasStream(ledger.id) == !ledger.isGone)
    side.ledgers[wireID] = ledger
  }

  private func send(
    on ledger: inout Ledger, by side: Side, _ generator: inout RepeatableGenerator
  ) {
    let wanted = Int.random(in: 1...120_000, using: &generator)
    let start = ledger.sentCount
    let wireID = ledger.id.wireID
    let window = side.endpoint.sendWindow(of: ledger.id)
    if Bool.random(using: &generator) {
      let taken = side.withPayload(wireID, at: start, count: wanted) {
        side.endpoint.session.send($0, on: ledger.id)
      }
      #expect(taken <= window)
      ledger.sentCount += taken
    } else {
      let kept = Int.random(in: 0...wanted, using: &generator)
      ledger.sentCount += side.endpoint.fill(upTo: wanted, on: ledger.id) { room in
        let count = min(kept, room.count)
        side.withPayload(wireID, at: start, count: count) { room.copyMemory(from: $0) }
        return count
      }
    }
    #expect(!ledger.hasFinished || ledger.sentCount == start)
  }

  private func consume(
    on ledger: inout Ledger, by side: Side, _ generator: inout RepeatableGenerator
  ) {
    let count = Int.random(in: 0...ledger.unreadCount, using: &generator)
    side.endpoint.session.consume(count, on: ledger.id)
    ledger.unreadCount -= count
    #expect(side.endpoint.unreadByteCount(of: ledger.id) == ledger.unreadCount)
  }

  private func finish(_ ledger: inout Ledger, by side: Side) {
    side.endpoint.session.finish(ledger.id, now: side.endpoint.now)
    ledger.hasFinished = true
    if ledger.hasSeenEnd { ledger.isGone = true }
  }

  // MARK: Delivery

  /// Moves up to `count` bytes from one side to the other; `split` cuts the read in two.
  private func deliver(
    from sender: Side, to receiver: Side, count: Int, split: Int
  ) throws {
    sender.wire += sender.endpoint.takeBytes()
    let read = Array(sender.wire.prefix(count))
    sender.wire.removeFirst(read.count)
    let cut = min(split, read.count)
    for part in [Array(read[..<cut]), Array(read[cut...])] {
      try part.withUnsafeBytes { raw in
        var offset = 0
        while let input = try receiver.endpoint.session.nextInput(
          in: raw, at: &offset, now: receiver.endpoint.now)
        {
          note(input, raw, at: receiver, from: sender)
        }
        #expect(offset == raw.count)
      }
    }
  }

  private func note(
    _ input: MuxInput, _ raw: UnsafeRawBufferPointer, at receiver: Side, from sender: Side
  ) {
    let id: MuxStreamID
    switch input {
    case .streamOpened(let opened):
      #expect(receiver.ledgers[opened.wireID] == nil)
      receiver.ledgers[opened.wireID] = Ledger(id: opened, isAccepted: false)
      return
    case .streamAccepted(let named), .streamWritable(let named), .streamEnded(let named),
      .streamReset(let named), .data(let named, _):
      id = named
    case .peerGoingAway:
      Issue.record("nobody goes away here")
      return
    }
    guard var ledger = receiver.ledgers[id.wireID], ledger.id == id, !ledger.isGone else {
      Issue.record("\(input) on a stream that is gone or unknown")
      return
    }
    apply(input, raw, to: &ledger, from: sender)
    if receiver.endpoint.hasStream(id) == ledger.isGone { Issue.record("\(input): \(ledger)") }
    receiver.ledgers[id.wireID] = ledger
  }

  private func apply(
    _ input: MuxInput, _ raw: UnsafeRawBufferPointer, to ledger: inout Ledger, from sender: Side
  ) {
    let wireID = ledger.id.wireID
    switch input {
    case .data(_, let range):
      let isRight = sender.withPayload(
        wireID, at: ledger.receivedCount, count: range.count
      ) { expected in
        guard let one = raw.baseAddress, let other = expected.baseAddress else { return false }
        return memcmp(one + range.lowerBound, other, range.count) == 0
      }
      #expect(isRight, "stream \(wireID) at \(ledger.receivedCount)")
      #expect(!range.isEmpty && !ledger.hasSeenEnd)
      ledger.receivedCount += range.count
      ledger.unreadCount += range.count
    case .streamEnded:
      #expect(!ledger.hasSeenEnd)
      #expect(ledger.receivedCount == sender.ledgers[wireID]?.sentCount)
      ledger.hasSeenEnd = true
      if ledger.hasFinished { ledger.isGone = true }
    case .streamReset:
      ledger.isGone = true
      ledger.wasReset = true
    case .streamOpened, .streamAccepted, .streamWritable, .peerGoingAway: break
    }
  }

  // MARK: Rounds

  private func passTime(_ sides: [Side], _ generator: inout RepeatableGenerator) throws {
    let step = Interval.milliseconds(Int.random(in: 0...200, using: &generator))
    for (position, side) in sides.enumerated() {
      side.endpoint.now = side.endpoint.now + step
      if let deadline = side.endpoint.nextDeadline, deadline <= side.endpoint.now {
        try side.endpoint.session.handleDeadline(now: side.endpoint.now)
        try deliver(from: sides[1 - position], to: side, count: 0, split: 0)
      }
    }
  }

  private func deliverSome(_ sides: [Side], _ generator: inout RepeatableGenerator) throws {
    for position in 0...1 where Int.random(in: 0..<3, using: &generator) > 0 {
      let count = Int.random(in: 0...200_000, using: &generator)
      let split = Int.random(in: 0...60, using: &generator)
      try deliver(from: sides[position], to: sides[1 - position], count: count, split: split)
    }
  }

  @Test(arguments: UInt64(1)...24)
  func randomOperationsConserveEveryByte(seed: UInt64) throws {
    var generator = RepeatableGenerator(seed: seed)
    let sides = makePair(&generator)
    for round in 0..<600 {
      for side in sides { try operate(side, &generator) }
      try deliverSome(sides, &generator)
      try passTime(sides, &generator)
      let areSound = sides.allSatisfy(\.endpoint.isSound)
      #expect(areSound, "seed \(generator.seed), round \(round)")
      if !areSound { return }
    }
    try settle(sides)
    for (side, other) in [(sides[0], sides[1]), (sides[1], sides[0])] {
      #expect(side.endpoint.streamCount == 0 && side.endpoint.isSound)
      #expect(side.ledgers.values.allSatisfy { $0.isGone })
      for (wireID, ledger) in side.ledgers where !ledger.wasReset {
        let peer = try #require(other.ledgers[wireID])
        #expect(ledger.receivedCount == peer.sentCount)
      }
    }
    #expect(
      sides.reduce(0) { $0 + $1.ledgers.values.reduce(0) { $0 + $1.receivedCount } } > 1_000_000)
  }

  /// Reads, ends and delivers everything; ten rounds are more than windows and backlogs need.
  private func settle(_ sides: [Side]) throws {
    for _ in 0..<10 {
      for (side, other) in [(sides[0], sides[1]), (sides[1], sides[0])] {
        for wireID in side.ledgers.keys.sorted() {
          guard var ledger = side.ledgers[wireID], !ledger.isGone else { continue }
          side.endpoint.session.consume(ledger.unreadCount, on: ledger.id)
          ledger.unreadCount = 0
          if !ledger.hasFinished { finish(&ledger, by: side) }
          side.ledgers[wireID] = ledger
        }
        try deliver(from: side, to: other, count: .max, split: 5)
      }
    }
  }

  /// Goal: a transfer many times the window never stalls, for windows and frames of any size; and
  /// the credit comes in few updates.
  @Test(arguments: [262_144, 1_000_000, 6_291_456], [1000, 65_536, 10_000_000])
  func bulkTransferNeverStalls(window: Int, bodyMax: Int) throws {
    var sides: [Side] = []
    for role in [MuxSession.Role.client, .server] {
      let endpoint = Endpoint(role) {
        $0.receiveWindowBytes = window
        $0.sentFrameBodyBytesMax = bodyMax
      }
      sides.append(Side(endpoint, salt: 0))
    }
    let client = sides[0].endpoint
    let server = sides[1].endpoint
    let id = try client.open()
    let total = 30_000_000
    let payload = [UInt8](repeating: 7, count: 1 << 20)
    var sent = 0
    var received = 0
    var updateBytes = 0
    while received < total {
      let before = received
      sent += client.send(Array(payload.prefix(total - sent)), on: id)
      let bytes = client.takeBytes()
      try bytes.withUnsafeBytes { raw in
        var offset = 0
        while let input = try server.session.nextInput(in: raw, at: &offset, now: server.now) {
          switch input {
          case .streamOpened(let opened): server.session.accept(opened)
          case .data(let stream, let range):
            received += range.count
            server.session.consume(range.count, on: stream)
          case .streamAccepted, .streamWritable, .streamEnded, .streamReset, .peerGoingAway: break
          }
        }
      }
      updateBytes += server.outputByteCount
      _ = try client.feed(server.takeBytes())
      try #require(received > before)
    }
    #expect(received == total)
    #expect(updateBytes / 12 <= total / (window / 2) + 2)
  }
}
