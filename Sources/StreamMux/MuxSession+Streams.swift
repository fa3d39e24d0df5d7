public import Timekeeping

extension MuxSession {
  /// Opens a stream. Bytes may be sent at once; the peer's acknowledgement is not waited for.
  ///
  /// - Throws: the session's failure, or why no stream can be opened now (`.peerGoingAway`,
  ///   `.openingStreamsExhausted`, `.streamsExhausted`, `.wireIDsExhausted`).
  public mutating func openStream(now: Instant) throws(MuxError) -> MuxStreamID {
    if let failure { throw failure }
    if isPeerGoingAway { throw .peerGoingAway }
    guard openingCount < settings.acceptBacklog else {
      throw .openingStreamsExhausted(limit: settings.acceptBacklog)
    }
    guard table.count < streamCountMax else { throw .streamsExhausted(limit: streamCountMax) }
    let wireID = try takeWireID()
    let windowBytes = settings.startingWindowBytes ?? settings.receiveWindowBytes
    let id = table.insert(
      StreamSlot(
        wireID: wireID,
        sendWindow: UInt32(StreamMuxLimits.initialWindowBytes),
        receiveWindow: UInt32(windowBytes),
        windowBytes: UInt32(windowBytes),
        countedSince: Self.microseconds(now),
        handshake: .awaitingAcknowledgement))
    openingCount += 1
    table.arm(.open, id.slotIndex, until: now + settings.openTimeout)
    queue(
      .windowUpdate, .synchronize, wireID: wireID,
      length: UInt32(windowBytes - StreamMuxLimits.initialWindowBytes))
    return id
  }

  /// The next ID of our parity. One that the peer took, as it may, is passed over.
  private mutating func takeWireID() throws(MuxError) -> UInt32 {
    while nextWireID <= StreamMuxLimits.openedWireIDMax {
      let wireID = nextWireID
      nextWireID += 2
      if table.slotIndex(ofWireID: wireID) < 0 { return wireID }
    }
    throw .wireIDsExhausted
  }

  /// Acknowledges a stream that the peer opened, and grants it the whole receive window. Without
  /// this call the stream occupies the backlog, and the peer may send the initial 256 KiB, until
  /// the first frame sent on it acknowledges it.
  public mutating func accept(_ id: MuxStreamID) {
    guard let slot = table.slot(id), slot.pointee.handshake == .acknowledgementDue else { return }
    returnCredit(slot)
  }

  /// Sends as many of `bytes` as the window and the output have room for.
  ///
  /// - Returns: how many were taken. Fewer than asked: the peer's credit is used up, and
  ///   `.streamWritable` will follow; or the output is full, and has to be written first.
  public mutating func send(_ bytes: UnsafeRawBufferPointer, on id: MuxStreamID) -> Int {
    guard let slot = table.slot(id), slot.pointee.phase != .finishedByUs else { return 0 }
    let total = min(bytes.count, Int(slot.pointee.sendWindow))
    var taken = 0
    while taken < total {
      let byteCount = min(total - taken, settings.sentFrameBodyBytesMax, outputRoom)
      guard byteCount > 0 else { break }
      let flags = takeAcknowledgement(slot)
      output.append(
        FrameHeader(.data, flags, wireID: id.wireID, length: UInt32(byteCount)),
        body: UnsafeRawBufferPointer(rebasing: bytes[taken..<(taken + byteCount)]))
      taken += byteCount
    }
    slot.pointee.sendWindow -= UInt32(taken)
    return taken
  }

  /// Lets `fill` write one frame's body straight into the output, for example by reading from a
  /// socket.
  ///
  /// - Parameters:
  ///   - byteCount: the most bytes to send; less is lent when the window, the output or a frame
  ///     has less room. When it has none, `fill` is not called.
  ///   - fill: returns how many bytes it wrote at the start of its argument; when it returns 0 or
  ///     throws, nothing is sent.
  /// - Returns: how many bytes are sent.
  public mutating func send<E: Error>(
    upTo byteCount: Int, on id: MuxStreamID,
    _ fill: (UnsafeMutableRawBufferPointer) throws(E) -> Int
  ) throws(E) -> Int {
    let room = min(byteCount, sendWindow(of: id), settings.sentFrameBodyBytesMax)
    guard room > 0, let slot = table.slot(id) else { return 0 }
    let flags: FrameFlags = slot.pointee.handshake == .acknowledgementDue ? .acknowledge : []
    let sent = try output.append(
      FrameHeader(.data, flags, wireID: id.wireID, length: 0), bodyRoom: room, fill: fill)
    if sent > 0 { _ = takeAcknowledgement(slot) }
    slot.pointee.sendWindow -= UInt32(sent)
    return sent
  }

  /// Sends FIN: this side has no more bytes for the stream. The peer may go on sending; when it
  /// has ended too, the stream is gone. A second call does nothing.
  public mutating func finish(_ id: MuxStreamID, now: Instant) {
    guard let slot = table.slot(id), slot.pointee.phase != .finishedByUs else { return }
    // Early versions of yamux overlook a FIN beside an ACK.
    accept(id)
    queue(.windowUpdate, .finish, wireID: id.wireID)
    if slot.pointee.phase == .finishedByPeer {
      remove(id.slotIndex)
      return
    }
    slot.pointee.phase = .finishedByUs
    slot.pointee.hasMoved = false
    table.arm(.halfClose, id.slotIndex, until: now + settings.halfCloseTimeout)
  }

  /// Sends RST and forgets the stream; what the peer still sends on it is drained. Unread bytes
  /// need not be consumed.
  public mutating func reset(_ id: MuxStreamID) {
    guard let slot = table.slot(id) else { return }
    // A peer could otherwise open streams that get reset, and never read of it.
    if slot.pointee.handshake == .acknowledgementDue { replies.add() }
    queue(.windowUpdate, .reset, wireID: id.wireID)
    remove(id.slotIndex)
  }

  /// Notes that the application has taken `byteCount` of the delivered bytes, at most those that
  /// are unread. Credit is returned once it comes to half of the stream's window, as frp does, or
  /// with an acknowledgement that is due; not to a peer that has ended the stream.
  ///
  /// - Parameter now: the time; without it the window does not grow.
  public mutating func consume(_ byteCount: Int, on id: MuxStreamID, now: Instant? = nil) {
    precondition(byteCount >= 0, "negative byte count")
    guard let slot = table.slot(id) else { return }
    slot.pointee.unreadBytes -= UInt32(min(byteCount, Int(slot.pointee.unreadBytes)))
    slot.pointee.hasMoved = true
    if slot.pointee.handshake == .acknowledgementDue {
      returnCredit(slot)
    } else if slot.pointee.phase != .finishedByPeer,
      returnableCredit(slot) >= Int(slot.pointee.windowBytes) / 2
    {
      if let now { growWindow(slot, now) }
      replies.add()
      returnCredit(slot)
    }
  }

  private func returnableCredit(_ slot: UnsafeMutablePointer<StreamSlot>) -> Int {
    Int(slot.pointee.windowBytes) - Int(slot.pointee.unreadBytes) - Int(slot.pointee.receiveWindow)
  }

  /// Doubles a window that is smaller than three times of what the stream uses while credit comes
  /// back: one that holds the peer up is used by half in that time at least.
  private func growWindow(_ slot: UnsafeMutablePointer<StreamSlot>, _ now: Instant) {
    slot.pointee.usedBytes &+= UInt32(returnableCredit(slot))
    let time = Self.microseconds(now)
    let elapsed = Int(time &- slot.pointee.countedSince)
    let turnaround = max(roundTrip, StreamMuxLimits.windowTurnaroundMin)
    // Credit comes in bursts: it takes a while to see the pace.
    let shortest = max(2 * roundTrip.nanoseconds, StreamMuxLimits.paceIntervalMin.nanoseconds)
    guard elapsed >= Int(shortest / 1000) else { return }
    let needed = 3 * Int(slot.pointee.usedBytes) * Int(turnaround.nanoseconds / 1000) / elapsed
    if needed > Int(slot.pointee.windowBytes) {
      slot.pointee.windowBytes = UInt32(
        min(2 * Int(slot.pointee.windowBytes), settings.receiveWindowBytes))
    }
    slot.pointee.countedSince = time
    slot.pointee.usedBytes = 0
  }

  static func microseconds(_ time: Instant) -> UInt32 {
    UInt32(truncatingIfNeeded: time.nanoseconds / 1000)
  }

  private mutating func returnCredit(_ slot: UnsafeMutablePointer<StreamSlot>) {
    let credit = UInt32(returnableCredit(slot))
    slot.pointee.receiveWindow += credit
    let flags = takeAcknowledgement(slot)
    queue(.windowUpdate, flags, wireID: slot.pointee.wireID, length: credit)
  }

  /// Tells the peer to open no more streams, and resets those that it opens nevertheless. Streams
  /// that exist go on. A second call does nothing.
  public mutating func goAway(_ code: MuxGoAwayCode = .normal) {
    if isGoingAway { return }
    isGoingAway = true
    queue(.goAway, [], wireID: 0, length: code.rawValue)
  }
}
