import StreamMux
import Timekeeping

extension FuzzTarget {
  static let muxes = [
    FuzzTarget("mux-bytes", byteCountMax: 4096) { (input) throws(FuzzFinding) in
      let choice = input.byte()
      let plan = input.byte()
      let reactions = input.take(8)
      let bytes = input.rest()
      let whole = MuxListener(choice)
      try whole.feed([bytes])
      let cut = MuxListener(choice)
      try cut.feed(pieces(of: bytes, plan: plan))
      try require(
        whole.events == cut.events && whole.failure == cut.failure && whole.output == cut.output,
        "another outcome in pieces")
      let busy = MuxListener(choice, reactions: reactions)
      try busy.feed(pieces(of: bytes, plan: plan))
      return whole.events.count
    },
    FuzzTarget("mux-pair", byteCountMax: 1024) { (input) throws(FuzzFinding) in
      let pair = MuxPair(input.byte())
      while !input.isEmpty, !pair.isOver { try pair.step(&input) }
      try pair.settle()
      return pair.receivedByteCount
    },
  ]
}

/// What a session said, payload joined.
enum MuxEvent: Equatable {
  case input(MuxInput)
  case data(UInt32, [UInt8])
}

/// One session that hears bytes of any kind, and does what its reactions say; without them nothing.
final class MuxListener {
  private var session: MuxSession
  private var now = Instant(nanoseconds: 0)
  private let reactions: [UInt8]
  private var commandCount = 0
  private var ids: [MuxStreamID] = []
  private(set) var events: [MuxEvent] = []
  private(set) var failure: MuxError?
  private(set) var output: [UInt8] = []

  init(_ choice: UInt8, reactions: [UInt8] = []) {
    session = MuxSession(
      role: choice & 1 == 0 ? .client : .server, settings: Self.settings(choice), now: now)
    self.reactions = reactions
  }

  static func settings(_ choice: UInt8) -> MuxSettings {
    var settings = MuxSettings()
    settings.receiveWindowBytes = choice & 2 == 0 ? 262_144 : 1_000_000
    settings.startingWindowBytes = choice & 4 == 0 ? nil : 262_144
    settings.acceptBacklog = choice & 8 == 0 ? 4 : 64
    settings.streamCountMax = choice & 16 == 0 ? 8 : 128
    settings.outputBytesMax = choice & 32 == 0 ? 1 << 20 : 4096
    settings.sentFrameBodyBytesMax = choice & 64 == 0 ? 65_536 : 1000
    return settings
  }

  func feed(_ pieces: [[UInt8]]) throws(FuzzFinding) {
    for piece in pieces {
      do throws(MuxError) {
        try hear(piece)
        if !reactions.isEmpty { try passTime() }
      } catch {
        failure = error
      }
      try check()
      if failure != nil { return }
    }
  }

  private func hear(_ piece: [UInt8]) throws(MuxError) {
    try piece.span.bytes.withUnsafeBytes { bytes throws(MuxError) in
      var offset = 0
      while let input = try session.nextInput(in: bytes, at: &offset, now: now) {
        note(input, in: bytes)
        if !reactions.isEmpty { react(to: input) }
      }
    }
  }

  private func passTime() throws(MuxError) {
    now = now + .seconds(Int(reactions[events.count % reactions.count] >> 4))
    try session.handleDeadline(now: now)
    try hear([])
  }

  private func note(_ input: MuxInput, in bytes: UnsafeRawBufferPointer) {
    switch input {
    case .data(let id, let range):
      let piece = Array(bytes[range])
      if case .data(id.wireID, let before)? = events.last {
        events[events.count - 1] = .data(id.wireID, before + piece)
      } else {
        events.append(.data(id.wireID, piece))
      }
    case .streamOpened(let id):
      ids.append(id)
      events.append(.input(input))
    case .streamAccepted, .streamWritable, .streamEnded, .streamReset, .peerGoingAway:
      events.append(.input(input))
    }
  }

  private func react(to input: MuxInput) {
    let reaction = reactions[events.count % reactions.count]
    let subject: MuxStreamID? =
      switch input {
      case .streamOpened(let id), .streamAccepted(let id), .data(let id, _),
        .streamWritable(let id), .streamEnded(let id), .streamReset(let id):
        id
      case .peerGoingAway: ids.last
      }
    commandCount += 1
    if reaction & 7 == 6, let id = try? session.openStream(now: now) { ids.append(id) }
    if reaction & 8 != 0 { drain(session.outputByteCount / 2) }
    guard let id = subject else { return }
    switch reaction & 7 {
    case 1: session.accept(id)
    case 2: session.consume(session.unreadByteCount(of: id) / 2, on: id, now: now)
    case 3: session.reset(id)
    case 4: session.finish(id, now: now)
    case 5: send(3000, on: id)
    case 7:
      session.accept(id)
      session.consume(.max, on: id, now: now)
      send(100, on: ids[commandCount % ids.count])
    default: break
    }
  }

  private func send(_ count: Int, on id: MuxStreamID) {
    _ = [UInt8](repeating: 1, count: count).withUnsafeBytes { session.send($0, on: id) }
  }

  private func drain(_ count: Int) {
    output += session.outputBytes.prefix(count)
    session.removeOutput(count)
  }

  private func check() throws(FuzzFinding) {
    try require(session.checkInvariants(), "the invariants of a session do not hold")
    try require(session.failure == failure, "the failure is not final")
    try require(session.streamCount <= session.settings.streamCountMax, "too many streams")
    // A command adds at most two frames of head and one body that the output has room for.
    let outputMax =
      session.settings.outputBytesMax + StreamMuxLimits.replyBytesMax + 64 * (commandCount + 4)
    try require(
      session.outputByteCount <= outputMax, "\(session.outputByteCount) bytes of output wait")
    drain(session.outputByteCount)
  }
}
