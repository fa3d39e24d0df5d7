extension StreamTable {
  /// Whether slots, index and lists agree; for tests. Walks everything.
  func checkInvariants(receiveWindowBytes: Int) -> Bool {
    var liveCount = 0
    var timedCount = 0
    for slotIndex in 0..<Int32(slotCount) {
      let stream = slot(slotIndex).pointee
      guard stream.wireID != 0 else { continue }
      liveCount += 1
      if stream.timeout != .none { timedCount += 1 }
      let isSound =
        self.slotIndex(ofWireID: stream.wireID) == slotIndex
        && Int(stream.receiveWindow) + Int(stream.unreadBytes)
          <= max(Int(stream.windowBytes), StreamMuxLimits.initialWindowBytes)
        && Int(stream.windowBytes) <= receiveWindowBytes
        && (stream.timeout == .halfClose) == (stream.phase == .finishedByUs)
        && (stream.timeout != .open || stream.handshake == .awaitingAcknowledgement)
      if !isSound { return false }
    }
    let openingCount = listedCount(.open)
    let halfClosedCount = listedCount(.halfClose)
    return liveCount == count && indexedCount == count && openingCount >= 0
      && halfClosedCount >= 0 && openingCount + halfClosedCount == timedCount
  }

  /// How many streams are in that state of their opening.
  func count(of handshake: StreamHandshake) -> Int {
    var found = 0
    for slotIndex in 0..<Int32(slotCount) {
      let stream = slot(slotIndex).pointee
      if stream.wireID != 0 && stream.handshake == handshake { found += 1 }
    }
    return found
  }

  /// The length of a list; -1 when it is out of order or its links disagree.
  private func listedCount(_ timeout: StreamTimeout) -> Int {
    var length = 0
    var previous: Int32 = -1
    var next = first(timeout)
    while next >= 0 {
      let stream = slot(next).pointee
      let isSound =
        stream.timeout == timeout && stream.previous == previous && stream.wireID != 0
        && (previous < 0 || slot(previous).pointee.deadline <= stream.deadline)
      if !isSound || length > count { return -1 }
      length += 1
      previous = next
      next = stream.next
    }
    return length
  }
}
