import StreamMux
import Timekeeping

/// Two sessions and what is on its way between them. Both keep the rules, so neither may blame the
/// other, and no byte of a stream that nobody reset may be lost.
final class MuxPair {
  private final class End {
    var session: MuxSession
    var inbox: [UInt8] = []
    var ids: [MuxStreamID] = []
    var isOver = false

    init(_ role: MuxSession.Role, _ settings: MuxSettings) {
      session = MuxSession(role: role, settings: settings, now: Instant(nanoseconds: 0))
    }
  }

  /// One direction of one stream.
  private struct Direction: Hashable {
    var wireID: UInt32
    var sender: Int
  }

  private struct Account {
    var sent = 0
    var received = 0
    var isFinished = false
    var isEndSeen = false
  }

  private let ends: [End]
  private var now = Instant(nanoseconds: 0)
  private var accounts: [Direction: Account] = [:]
  private var reset: Set<UInt32> = []

  init(_ choice: UInt8) {
    let settings = MuxListener.settings(choice)
    ends = [End(.client, settings), End(.server, settings)]
  }

  var isOver: Bool { ends.contains(where: \.isOver) }

  var receivedByteCount: Int { accounts.values.reduce(0) { $0 + $1.received } }

  func step(_ input: inout FuzzInput) throws(FuzzFinding) {
    let operation = input.byte()
    let side = Int(operation >> 7)
    let end = ends[side]
    switch operation & 15 {
    case 0: open(end)
    case 1, 2: try write(input.short(), side, stream(of: end, &input))
    case 3: finish(side, stream(of: end, &input))
    case 4: resetStream(end, stream(of: end, &input))
    case 5, 6:
      let count = input.short()
      if let id = stream(of: end, &input) { end.session.consume(count, on: id, now: now) }
    case 7: if let id = stream(of: end, &input) { end.session.accept(id) }
    case 8: try advance(.milliseconds(input.short()))
    case 9: try advance(.seconds(Int(input.byte())))
    case 10: end.session.roundTrip = .microseconds(input.short())
    case 11: if operation & 0x70 == 0x70 { end.session.goAway() }
    default:
      let count = input.short()
      try deliver(to: side, takenMax: count, heardMax: operation & 16 == 0 ? .max : count / 2)
    }
    for end in ends {
      try require(end.session.checkInvariants(), "the invariants of a session do not hold")
    }
  }

  private func stream(of end: End, _ input: inout FuzzInput) -> MuxStreamID? {
    end.ids.isEmpty ? nil : end.ids[Int(input.byte()) % end.ids.count]
  }

  private func open(_ end: End) {
    if let id = try? end.session.openStream(now: now) { end.ids.append(id) }
  }

  /// As many bytes as one write has at most, from each place in the pattern.
  private static let pattern = (0..<65_536 + 256).map { UInt8(truncatingIfNeeded: $0) }

  /// What is sent on a stream, from `offset` on.
  private static func payload(
    _ direction: Direction, at offset: Int, count: Int
  ) -> ArraySlice<UInt8> {
    let start = (offset + Int(direction.wireID) * 7 + direction.sender * 101) & 255
    return pattern[start..<start + count]
  }

  private func write(_ count: Int, _ side: Int, _ id: MuxStreamID?) throws(FuzzFinding) {
    guard let id else { return }
    let direction = Direction(wireID: id.wireID, sender: side)
    let start = accounts[direction, default: Account()].sent
    let bytes = Self.payload(direction, at: start, count: count)
    let room = ends[side].session.sendWindow(of: id)
    let taken = bytes.withUnsafeBytes { ends[side].session.send($0, on: id) }
    try require(taken <= min(count, room), "\(taken) of \(count) bytes fit into \(room)")
    try require(taken > 0 || room == 0 || count == 0, "none of \(count) bytes fit into \(room)")
    accounts[direction, default: Account()].sent += taken
  }

  private func finish(_ side: Int, _ id: MuxStreamID?) {
    guard let id, ends[side].session.hasStream(id) else { return }
    ends[side].session.finish(id, now: now)
    accounts[Direction(wireID: id.wireID, sender: side), default: Account()].isFinished = true
  }

  private func resetStream(_ end: End, _ id: MuxStreamID?) {
    guard let id, end.session.hasStream(id) else { return }
    end.session.reset(id)
    reset.insert(id.wireID)
  }

  private func advance(_ interval: Interval) throws(FuzzFinding) {
    now = now + interval
    for side in 0...1 where !isOver {
      do throws(MuxError) {
        try ends[side].session.handleDeadline(now: now)
      } catch {
        try end(side, error)
        return
      }
      try hear([], side)
    }
  }

  /// A session may end because time passed while nothing was delivered, and for no other reason.
  private func end(_ side: Int, _ error: MuxError) throws(FuzzFinding) {
    ends[side].isOver = true
    switch error {
    case .pingTimedOut, .openTimedOut: break
    case .versionUnsupported, .frameTypeUnknown, .sessionStreamOpened, .streamDuplicated,
      .windowExceeded, .finishRepeated, .peerGaveUp, .repliesUnread, .peerGoingAway,
      .openingStreamsExhausted, .streamsExhausted, .wireIDsExhausted:
      throw FuzzFinding(description: "a peer of good will is blamed: \(error)")
    }
  }

  /// The carrier takes some bytes of what one end has to say, and the other hears some of those.
  private func deliver(to side: Int, takenMax: Int, heardMax: Int) throws(FuzzFinding) {
    let sender = ends[1 - side]
    let taken = min(takenMax, sender.session.outputByteCount)
    ends[side].inbox += sender.session.outputBytes.prefix(taken)
    sender.session.removeOutput(taken)
    let bytes = Array(ends[side].inbox.prefix(heardMax))
    ends[side].inbox.removeFirst(bytes.count)
    try hear(bytes, side)
  }

  private func hear(_ bytes: [UInt8], _ side: Int) throws(FuzzFinding) {
    var offset = 0
    while true {
      let input: MuxInput?
      do throws(MuxError) {
        input = try bytes.span.bytes.withUnsafeBytes { (buffer) throws(MuxError) in
          try ends[side].session.nextInput(in: buffer, at: &offset, now: now)
        }
      } catch {
        return try end(side, error)
      }
      guard let input else { return }
      try note(input, in: bytes, side)
    }
  }

  private func note(_ input: MuxInput, in bytes: [UInt8], _ side: Int) throws(FuzzFinding) {
    switch input {
    case .streamOpened(let id): ends[side].ids.append(id)
    case .data(let id, let range):
      let direction = Direction(wireID: id.wireID, sender: 1 - side)
      var account = accounts[direction, default: Account()]
      try require(
        bytes[range].elementsEqual(
          Self.payload(direction, at: account.received, count: range.count)),
        "bytes from \(account.received) on of \(direction) are others")
      account.received += range.count
      try require(account.received <= account.sent, "more arrives than was sent")
      try require(!account.isEndSeen, "data behind the end")
      accounts[direction] = account
    case .streamEnded(let id):
      let direction = Direction(wireID: id.wireID, sender: 1 - side)
      let account = accounts[direction, default: Account()]
      try require(account.isFinished && account.received == account.sent, "an early end")
      accounts[direction]?.isEndSeen = true
    case .streamReset(let id): reset.insert(id.wireID)
    case .streamAccepted, .streamWritable, .peerGoingAway: break
    }
  }

  /// Delivers and consumes everything, and compares the accounts.
  func settle() throws(FuzzFinding) {
    while !isOver {
      let before = receivedByteCount
      for side in 0...1 where !isOver { try deliver(to: side, takenMax: .max, heardMax: .max) }
      for end in ends {
        for id in end.ids { end.session.consume(.max, on: id, now: now) }
      }
      let waiting = ends.reduce(0) { $0 + $1.inbox.count + $1.session.outputByteCount }
      if waiting == 0, receivedByteCount == before { break }
    }
    guard !isOver else { return }
    for (direction, account) in accounts where !reset.contains(direction.wireID) {
      try require(
        account.sent == account.received,
        "\(account.received) of \(account.sent) bytes of \(direction) arrived")
      try require(account.isFinished == account.isEndSeen, "an end of \(direction) is lost")
    }
  }
}
