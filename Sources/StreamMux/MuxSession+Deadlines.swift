public import Timekeeping

extension MuxSession {
  /// When `handleDeadline` has something to do; `nil` for never.
  public var nextDeadline: Instant? {
    var earliest = pingDeadline ?? keepaliveDeadline
    for queued in [openDeadlines.first?.deadline, halfCloseDeadlines.first?.deadline] {
      guard let queued else { continue }
      let instant = Instant(nanoseconds: queued)
      earliest = min(earliest ?? instant, instant)
    }
    return earliest
  }

  /// Does what is due: asks a silent peer for a sign of life, and ends what waited too long.
  /// Streams ended here come as `.streamReset` out of the next `nextInput`.
  ///
  /// - Throws: `.keepaliveTimedOut`, `.openTimedOut`; close the carrier.
  public mutating func handleDeadline(now: Instant) throws(MuxError) {
    try checkKeepalive(now)
    dropSettledDeadlines()
    if let first = openDeadlines.first, first.deadline <= now.nanoseconds {
      throw .openTimedOut(first.wireID)
    }
    while let first = halfCloseDeadlines.first, first.deadline <= now.nanoseconds {
      halfCloseDeadlines.removeFirst()
      let index = table.find(first.wireID)
      guard index >= 0 else { continue }
      let id = identity(index)
      reset(id)
      events.append(.streamReset(id))
    }
  }

  private mutating func checkKeepalive(_ now: Instant) throws(MuxError) {
    guard let interval = settings.keepaliveInterval else { return }
    if let deadline = pingDeadline {
      guard deadline <= now else { return }
      pingDeadline = nil
      if lastHeard + settings.pingTimeout <= now { throw .keepaliveTimedOut }
    }
    let due = lastHeard + interval
    if due > now {
      keepaliveDeadline = due
      return
    }
    MuxFrameHeader(.ping, .syn, stream: 0, length: nextPingValue).append(to: &output)
    nextPingValue &+= 1
    pingDeadline = now + settings.pingTimeout
    keepaliveDeadline = now + interval
  }

  /// Drops entries at the front whose streams have got what they waited for.
  mutating func dropSettledDeadlines() {
    while let first = openDeadlines.first {
      let index = table.find(first.wireID)
      if index >= 0, !slots[index].isAcknowledged { break }
      openDeadlines.removeFirst()
    }
    while let first = halfCloseDeadlines.first {
      if table.find(first.wireID) >= 0 { break }
      halfCloseDeadlines.removeFirst()
    }
  }
}
