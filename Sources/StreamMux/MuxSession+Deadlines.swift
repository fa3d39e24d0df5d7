public import Timekeeping

/// Pings, and what counts as a sign of life.
struct Keepalive {
  enum Phase {
    case off
    case idle(until: Instant)

    /// The ping with `value` ends at `outputEnd` in the stream of frames.
    case awaitingAnswer(value: UInt32, until: Instant, outputEnd: Int)
  }

  var phase: Phase
  private let interval: Interval?
  private let timeout: Interval
  private var nextValue: UInt32 = 0

  /// Whether bytes arrived since the last ping was queued.
  var hasHeard = false

  /// Whether the carrier took bytes, but not all, since the ping's time last started. A carrier
  /// that had no room and took bytes later has a peer that takes them.
  var hasOutputMoved = false

  init(settings: MuxSettings, now: Instant) {
    interval = settings.keepaliveInterval
    timeout = settings.pingTimeout
    phase = settings.keepaliveInterval.map { .idle(until: now + $0) } ?? .off
  }

  var deadline: Instant? {
    switch phase {
    case .off: nil
    case .idle(let until): until
    case .awaitingAnswer(_, let until, _): until
    }
  }

  /// - Returns: the value for the ping that is to be queued now.
  mutating func startPing(now: Instant, outputEnd: Int) -> UInt32 {
    let value = nextValue
    nextValue &+= 1
    hasHeard = false
    hasOutputMoved = false
    phase = .awaitingAnswer(value: value, until: now + timeout, outputEnd: outputEnd)
    return value
  }

  mutating func handleAnswer(_ answered: UInt32, now: Instant) {
    switch phase {
    case .off, .idle: return
    case .awaitingAnswer(let value, _, _):
      guard answered == value, let interval else { return }
      phase = .idle(until: now + interval)
    }
  }

  /// What is to be done when the time of `phase` is over.
  enum Verdict {
    case sendPing
    case wait
    case peerIsDead
  }

  mutating func judge(now: Instant, outputRemoved: Int) -> Verdict {
    switch phase {
    case .off: return .wait
    case .idle: return .sendPing
    case .awaitingAnswer(let value, _, let outputEnd):
      guard hasHeard || hasOutputMoved else { return .peerIsDead }
      // Asks again at once, so that a path which died after the last byte is noticed soon; but
      // pings do not queue up behind each other.
      if hasHeard && outputRemoved >= outputEnd { return .sendPing }
      hasHeard = false
      hasOutputMoved = false
      phase = .awaitingAnswer(value: value, until: now + timeout, outputEnd: outputEnd)
      return .wait
    }
  }
}

extension MuxSession {
  /// When `handleDeadline` is to be called; `nil` if nothing waits for time. O(1).
  public var nextDeadline: Instant? {
    if failure != nil { return nil }
    let timeout = earlier(table.firstDeadline(.open), table.firstDeadline(.halfClose))
    return earlier(keepalive.deadline, timeout)
  }

  private func earlier(_ one: Instant?, _ other: Instant?) -> Instant? {
    guard let one, let other else { return one ?? other }
    return min(one, other)
  }

  /// Sends a ping that is due, and finds what has timed out. Streams that were silent for too
  /// long after `finish` are reported by `nextInput`, which has to be called next.
  ///
  /// - Throws: `.openTimedOut` and `.pingTimedOut`, which end the session, or its earlier failure.
  public mutating func handleDeadline(now: Instant) throws(MuxError) {
    if let failure { throw failure }
    if let deadline = table.firstDeadline(.open), deadline <= now {
      let wireID = table.slot(table.first(.open)).pointee.wireID
      throw fail(
        .openTimedOut(wireID: wireID, after: settings.openTimeout), peerIsToBlame: false)
    }
    if let deadline = keepalive.deadline, deadline <= now { try handleKeepaliveDeadline(now: now) }
    if let deadline = table.firstDeadline(.halfClose), deadline <= now { expiredThrough = now }
  }

  private mutating func handleKeepaliveDeadline(now: Instant) throws(MuxError) {
    switch keepalive.judge(now: now, outputRemoved: output.removedTotal) {
    case .sendPing:
      output.releaseIfOversized()
      let outputEnd = output.appendedTotal + FrameHeader.byteCount
      let value = keepalive.startPing(now: now, outputEnd: outputEnd)
      queue(.ping, .synchronize, wireID: 0, length: value)
    case .wait: break
    case .peerIsDead:
      throw fail(.pingTimedOut(after: settings.pingTimeout), peerIsToBlame: false)
    }
  }

  /// Resets the next stream whose half-close timeout is over. One on which bytes moved since it
  /// started gets the whole time once more.
  mutating func nextExpiredStream() -> MuxInput? {
    guard let limit = expiredThrough else { return nil }
    while let deadline = table.firstDeadline(.halfClose), deadline <= limit {
      let slotIndex = table.first(.halfClose)
      let slot = table.slot(slotIndex)
      if slot.pointee.hasMoved {
        slot.pointee.hasMoved = false
        table.arm(.halfClose, slotIndex, until: limit + settings.halfCloseTimeout)
        continue
      }
      let id = table.id(slotIndex)
      reset(id)
      return .streamReset(id)
    }
    expiredThrough = nil
    return nil
  }
}
