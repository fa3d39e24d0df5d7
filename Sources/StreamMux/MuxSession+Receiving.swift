public import Timekeeping

/// The frame whose effects or body are not fully delivered yet.
struct FrameInProgress {
  /// What is still to be announced about the stream, in this order; `.ended` comes after the body.
  struct Announcements: OptionSet {
    let rawValue: UInt8

    static let opened = Announcements(rawValue: 1)
    static let accepted = Announcements(rawValue: 2)
    static let writable = Announcements(rawValue: 4)
    static let ended = Announcements(rawValue: 8)
  }

  /// The stream; `nil` when the body is drained.
  var stream: MuxStreamID?
  var announcements: Announcements = []
  var bodyBytesLeft = 0
}

extension MuxSession {
  /// The next thing that the peer's bytes, or an earlier `handleDeadline`, did to the session.
  ///
  /// Call it until it returns `nil`, which it does when it has used `bytes` up; what a frame's
  /// header lacks is kept inside. Payload is never copied: `.data` names where it lies in `bytes`.
  ///
  /// - Parameters:
  ///   - bytes: what was read from the carrier, whole or any part that follows what was handed in
  ///     before; may be empty.
  ///   - offset: where to go on in `bytes`; moved behind what was used.
  ///   - now: the time of the read.
  /// - Throws: why the session has ended.
  public mutating func nextInput(
    in bytes: UnsafeRawBufferPointer, at offset: inout Int, now: Instant
  ) throws(MuxError) -> MuxInput? {
    if let failure { throw failure }
    precondition(offset >= 0, "offset before the bytes")
    if offset < bytes.count {
      lastHeardAt = now
      keepalive.handleBytes(now: now)
    }
    if expiredThrough != nil, let input = nextExpiredStream() { return input }
    while true {
      if !frame.announcements.isEmpty, let input = nextAnnouncement() { return input }
      if frame.bodyBytesLeft > 0 {
        guard offset < bytes.count else { return nil }
        if let input = takeBody(from: bytes, at: &offset) { return input }
        continue
      }
      guard let header = try takeHeader(from: bytes, at: &offset) else { return nil }
      if let input = try handle(header, now: now) { return input }
    }
  }

  private mutating func takeHeader(
    from bytes: UnsafeRawBufferPointer, at offset: inout Int
  ) throws(MuxError) -> FrameHeader? {
    do throws(MuxError) {
      if partialHeader.byteCount == 0, bytes.count - offset >= FrameHeader.byteCount,
        let base = bytes.baseAddress
      {
        let header = try FrameHeader(at: base + offset)
        offset += FrameHeader.byteCount
        return header
      }
      return try partialHeader.complete(from: bytes, at: &offset)
    } catch {
      throw fail(error, peerIsToBlame: true)
    }
  }

  private mutating func takeBody(
    from bytes: UnsafeRawBufferPointer, at offset: inout Int
  ) -> MuxInput? {
    let taken = min(bytes.count - offset, frame.bodyBytesLeft)
    let range = offset..<(offset + taken)
    offset += taken
    frame.bodyBytesLeft -= taken
    // The driver may have reset the stream between two pieces.
    guard let id = frame.stream, let slot = table.slot(id) else { return nil }
    slot.pointee.receiveWindow -= UInt32(taken)
    slot.pointee.unreadBytes += UInt32(taken)
    slot.pointee.hasMoved = true
    return .data(id, range)
  }

  private mutating func nextAnnouncement() -> MuxInput? {
    guard let id = frame.stream, let slot = table.slot(id) else {
      frame.announcements = []
      return nil
    }
    if frame.announcements.remove(.opened) != nil { return .streamOpened(id) }
    if frame.announcements.remove(.accepted) != nil { return .streamAccepted(id) }
    if frame.announcements.remove(.writable) != nil { return .streamWritable(id) }
    if frame.bodyBytesLeft > 0 { return nil }
    frame.announcements = []
    switch slot.pointee.phase {
    case .open: slot.pointee.phase = .finishedByPeer
    case .finishedByUs: remove(id.slotIndex)
    case .finishedByPeer: assertionFailure("refused with the header")
    }
    return .streamEnded(id)
  }

  // MARK: Frames

  private mutating func handle(_ header: FrameHeader, now: Instant) throws(MuxError) -> MuxInput? {
    switch header.type {
    case .data, .windowUpdate: return try handleStreamFrame(header)
    case .ping: try handlePing(header, now: now)
    case .goAway: return try handleGoAway(header)
    }
    return nil
  }

  private mutating func handlePing(_ header: FrameHeader, now: Instant) throws(MuxError) {
    // An answer is a sign of life as any other byte.
    guard header.flags.contains(.synchronize) else { return }
    try checkReplies()
    replies.add()
    queue(.ping, .acknowledge, wireID: 0, length: header.length)
  }

  private mutating func handleGoAway(_ header: FrameHeader) throws(MuxError) -> MuxInput? {
    guard header.length == MuxGoAwayCode.normal.rawValue else {
      throw fail(.peerGaveUp(code: header.length), peerIsToBlame: false)
    }
    if isPeerGoingAway { return nil }
    isPeerGoingAway = true
    return .peerGoingAway
  }

  /// A peer may provoke only so many frames that wait. Checked before every frame that gets an
  /// answer now or, once it is accepted or consumed, later.
  private mutating func checkReplies() throws(MuxError) {
    let waiting = replies.waitingBytes
    guard waiting >= StreamMuxLimits.replyBytesMax else { return }
    throw fail(
      .repliesUnread(byteCount: waiting, limit: StreamMuxLimits.replyBytesMax),
      peerIsToBlame: true)
  }

  private mutating func handleStreamFrame(_ header: FrameHeader) throws(MuxError) -> MuxInput? {
    frame.stream = nil
    frame.bodyBytesLeft = header.type == .data ? Int(header.length) : 0
    var slotIndex = table.slotIndex(ofWireID: header.wireID)
    if header.flags.contains(.synchronize) {
      guard slotIndex < 0 else {
        throw fail(.streamDuplicated(wireID: header.wireID), peerIsToBlame: true)
      }
      slotIndex = try admitStream(header)
    }
    guard slotIndex >= 0 else { return nil }
    if header.flags.contains(.reset) {
      let id = table.id(slotIndex)
      remove(slotIndex)
      return .streamReset(id)
    }
    frame.stream = table.id(slotIndex)
    if !header.flags.isEmpty { try applyFlags(header, slotIndex) }
    switch header.type {
    case .data: try admitBody(header, slotIndex)
    case .windowUpdate: addCredit(header.length, slotIndex)
    case .ping, .goAway: assertionFailure("no stream frame")
    }
    return nil
  }

  /// Adds the stream that a SYN opens, or refuses it.
  ///
  /// - Returns: its slot index; -1 when it was refused.
  private mutating func admitStream(_ header: FrameHeader) throws(MuxError) -> Int32 {
    guard header.wireID != 0 else { throw fail(.sessionStreamOpened, peerIsToBlame: true) }
    if header.flags.contains(.reset) { return -1 }
    try checkReplies()
    guard !isGoingAway, backlogCount < settings.acceptBacklog, table.count < streamCountMax
    else {
      replies.add()
      queue(.windowUpdate, .reset, wireID: header.wireID)
      return -1
    }
    let id = table.insert(
      StreamSlot(
        wireID: header.wireID,
        sendWindow: UInt32(StreamMuxLimits.initialWindowBytes),
        receiveWindow: UInt32(StreamMuxLimits.initialWindowBytes),
        windowBytes: UInt32(settings.startingWindowBytes ?? settings.receiveWindowBytes),
        countedSince: Self.microseconds(lastHeardAt),
        handshake: .acknowledgementDue))
    backlogCount += 1
    frame.announcements.insert(.opened)
    return id.slotIndex
  }

  private mutating func applyFlags(_ header: FrameHeader, _ slotIndex: Int32) throws(MuxError) {
    let slot = table.slot(slotIndex)
    if header.flags.contains(.acknowledge),
      slot.pointee.handshake == .awaitingAcknowledgement
    {
      completeOpening(slotIndex)
      frame.announcements.insert(.accepted)
    }
    if header.flags.contains(.finish) {
      guard slot.pointee.phase != .finishedByPeer else {
        throw fail(.finishRepeated(wireID: header.wireID), peerIsToBlame: true)
      }
      // A peer that has nothing more to say need not acknowledge in time.
      if slot.pointee.timeout == .open { table.disarm(slotIndex) }
      frame.announcements.insert(.ended)
    }
  }

  private mutating func admitBody(_ header: FrameHeader, _ slotIndex: Int32) throws(MuxError) {
    try checkReplies()
    let slot = table.slot(slotIndex)
    guard header.length <= slot.pointee.receiveWindow else {
      throw fail(
        .windowExceeded(
          wireID: header.wireID, frameBytes: header.length,
          windowBytes: slot.pointee.receiveWindow),
        peerIsToBlame: true)
    }
    if slot.pointee.phase == .finishedByPeer {
      slot.pointee.receiveWindow -= header.length
      frame.stream = nil
    }
  }

  private mutating func addCredit(_ credit: UInt32, _ slotIndex: Int32) {
    let slot = table.slot(slotIndex)
    let before = slot.pointee.sendWindow
    let (sum, overflows) = before.addingReportingOverflow(credit)
    slot.pointee.sendWindow = overflows ? .max : sum
    if before == 0 && credit > 0 && slot.pointee.phase != .finishedByUs {
      frame.announcements.insert(.writable)
    }
  }
}
