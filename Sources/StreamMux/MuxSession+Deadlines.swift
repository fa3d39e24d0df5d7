public import Timekeeping

/// Pings a peer that is silent, and what counts as a sign of life.
///
/// | phase | at its time | bytes arrive |
/// |---|---|---|
/// | idle | silent for the interval → ping, else → idle | – |
/// | awaiting | output moved → awaiting, else the peer is dead | → idle |
///
/// Whoever hears bytes does not ask: a ping goes out only when nothing has arrived for the whole
/// interval, whatever has been sent meanwhile.
struct Keepalive {
  enum Phase {
    case off
    case idle(until: Instant)
    case awaitingLife(until: Instant)
  }

  private(set) var phase: Phase
  private let interval: Interval?
  private let timeout: Interval
  private var nextValue: UInt32 = 0
  // Where the last ping ends in the stream of frames.
  private var pingEnd = 0

  /// Whether the peer's side took bytes, but not all, since the phase's time last started: the
  /// carrier had no room and took bytes later, or the peer's host acknowledged some.
  var hasOutputMoved = false

  init(settings: MuxSettings, now: Instant) {
    interval = settings.keepaliveInterval
    timeout = settings.pingTimeout
    phase = settings.keepaliveInterval.map { .idle(until: now + $0) } ?? .off
  }

  var deadline: Instant? {
    switch phase {
    case .off: nil
    case .idle(let until), .awaitingLife(let until): until
    }
  }

  /// Notes that bytes arrived.
  mutating func handleBytes(now: Instant) {
    switch phase {
    case .off, .idle: break
    case .awaitingLife:
      if let interval { phase = .idle(until: now + interval) }
    }
  }

  /// What is to be done when the time of `phase` is over.
  enum Verdict {
    /// Queue a ping with this value.
    case sendPing(UInt32)
    case wait
    case peerIsDead
  }

  /// - Parameters:
  ///   - lastHeardAt: when bytes last arrived.
  ///   - outputRemoved: how many bytes of frames the carrier has taken so far.
  ///   - outputEnd: where a ping that is queued now would end.
  mutating func judge(
    now: Instant, lastHeardAt: Instant, outputRemoved: Int, outputEnd: Int
  ) -> Verdict {
    guard let interval else { return .wait }
    switch phase {
    case .off: return .wait
    case .idle:
      let quietUntil = lastHeardAt + interval
      if quietUntil > now {
        phase = .idle(until: quietUntil)
        return .wait
      }
    case .awaitingLife:
      guard hasOutputMoved else { return .peerIsDead }
    }
    hasOutputMoved = false
    let wasAwaiting = if case .awaitingLife = phase { true } else { false }
    phase = .awaitingLife(until: now + timeout)
    // Pings do not queue up behind each other, and one that is on its way asks already.
    if wasAwaiting || outputRemoved < pingEnd { return .wait }
    pingEnd = outputEnd
    let value = nextValue
    nextValue &+= 1
    return .sendPing(value)
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
    let verdict = keepalive.judge(
      now: now, lastHeardAt: lastHeardAt, outputRemoved: output.removedTotal,
      outputEnd: output.appendedTotal + FrameHeader.byteCount)
    switch verdict {
    case .sendPing(let value):
      output.releaseIfOversized()
      queue(.ping, .synchronize, wireID: 0, length: value)
    case .wait: break
    case .peerIsDead:
      throw fail(.pingTimedOut(after: settings.pingTimeout), peerIsToBlame: false)
    }
  }

  /// Notes that the peer's host has acknowledged output since the last call: it is alive, however
  /// long what we sent takes to reach its program.
  public mutating func handleAcknowledgedOutput() {
    keepalive.hasOutputMoved = true
  }

  /// Queues a ping beside those of the keepalive: whoever asks looks at `lastHeardAt` later.
  public mutating func probe() {
    guard failure == nil else { return }
    queue(.ping, .synchronize, wireID: 0, length: UInt32.max)
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
