internal import DequeModule

/// The streams of one carrier that wait for it, in the order in which they are served.
///
/// Deficit round robin in which a stream that has just begun to wait comes before those that have
/// waited a whole turn already (the scheduler of RFC 8290, 4.1 and 4.2, without its hashing): a
/// stream that sends now and then never stands behind those that always have something.
struct StreamRound {
  /// Where a stream is in the round.
  enum Place {
    /// It does not wait.
    case outside
    /// It began to wait, and has not used up its first turn.
    case fresh
    /// It takes turns with the others.
    case old
  }

  private var fresh = Deque<MuxStream>()
  private var old = Deque<MuxStream>()

  /// Whether no stream waits.
  var isEmpty: Bool { fresh.isEmpty && old.isEmpty }

  /// Lets a stream wait; one that waits already stays where it is.
  mutating func enqueue(_ stream: MuxStream) {
    guard stream.place == .outside else { return }
    stream.place = .fresh
    stream.deficit = TransportLimits.streamQuantum
    fresh.append(stream)
  }

  /// The stream whose turn it is; it has a deficit of at least one byte.
  mutating func first() -> MuxStream? {
    while let stream = fresh.first ?? old.first {
      if stream.deficit > 0 { return stream }
      stream.deficit += TransportLimits.streamQuantum
      moveToOld(stream)
    }
    return nil
  }

  /// Notes what `first()` has sent.
  mutating func didServe(_ stream: MuxStream, byteCount: Int) {
    stream.deficit -= byteCount
    guard !stream.wantsTurn else { return }
    if stream.place == .fresh, !old.isEmpty {
      // It stays for one round, so that it does not become fresh again before the others' turns.
      moveToOld(stream)
    } else {
      removeFirst(stream)
      stream.place = .outside
    }
  }

  /// Forgets everybody.
  mutating func removeAll() {
    while let stream = fresh.first ?? old.first {
      removeFirst(stream)
      stream.place = .outside
    }
  }

  private mutating func moveToOld(_ stream: MuxStream) {
    removeFirst(stream)
    stream.place = .old
    old.append(stream)
  }

  private mutating func removeFirst(_ stream: MuxStream) {
    if stream.place == .fresh { _ = fresh.popFirst() } else { _ = old.popFirst() }
  }
}
