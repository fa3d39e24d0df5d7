internal import ByteBuffers
public import Timekeeping

/// One end of a yamux session, without I/O: bytes in, frames out (wire-protocol.md 5).
///
/// A stream's life, for each direction: open → ended (FIN). Both ended, or a reset from either
/// side: the stream is forgotten, and late frames for it are drained and ignored.
///
/// | frame | stream unknown | stream live |
/// | --- | --- | --- |
/// | SYN | opened, acknowledged with credit; reset when there are too many | error |
/// | data | drained | payload; error beyond the credit |
/// | window update | ignored | credit |
/// | FIN | ignored | ended; a second one is an error |
/// | RST | ignored | forgotten |
///
/// Deliberately different from the reference: the peer is asked for a sign of life only when it
/// has been silent for the keepalive interval, and any byte counts as one; streams are
/// acknowledged at once, so the limit is on live streams and not on a backlog.
///
/// The driver hands bytes to `nextInput` until it returns `nil`, calls commands at any time in
/// between, and writes `outputBytes` out.
public struct MuxSession: ~Copyable {
  /// Which end: the client opens streams with odd IDs, the server with even ones.
  public enum Role: Sendable {
    /// The end that dialled.
    case client
    /// The end that accepted.
    case server
  }

  struct Slot {
    var wireID: UInt32 = 0
    var sendWindow = 0
    /// What the peer may still send.
    var receiveWindow = 0
    /// Received and not consumed; the part of a body that is still to come included.
    var unreadByteCount = 0
    var isAcknowledged = true
    var hasEnded = false
    var hasPeerEnded = false
  }

  let settings: MuxSettings
  var slots: [Slot] = []
  var freeSlots: [Int32] = []
  var table = StreamTable()
  var output = ByteQueue()
  var events: [MuxInput] = []
  var eventHead = 0
  var openDeadlines = DeadlineQueue()
  var halfCloseDeadlines = DeadlineQueue()
  var unacknowledgedCount = 0
  var lastHeard: Instant
  var keepaliveDeadline: Instant?
  var pingDeadline: Instant?
  var nextPingValue: UInt32 = 0
  private var nextWireID: UInt32
  private var isGoingAway = false
  private var isPeerGoingAway = false
  private var partialHeader: [12 of UInt8] = .init(repeating: 0)
  private var partialByteCount = 0
  private var bodyByteCount = 0
  private var bodySlot = -1
  private var bodyWireID: UInt32 = 0
  private var isBodyLast = false

  /// Starts a session; nothing is sent until something is asked for.
  public init(role: Role, settings: MuxSettings, now: Instant) {
    self.settings = settings
    switch role {
    case .client: nextWireID = 1
    case .server: nextWireID = 2
    }
    lastHeard = now
    keepaliveDeadline = settings.keepaliveInterval.map { now + $0 }
  }

  // MARK: Queries

  /// The number of live streams.
  public var streamCount: Int { table.count }

  /// Bytes that wait to be written to the carrier.
  public var outputByteCount: Int { output.count }

  /// Those bytes; valid until the next call that changes the session.
  public var outputBytes: UnsafeRawBufferPointer { output.readableBytes }

  /// How many bytes `send` would take now.
  public func sendWindow(of id: MuxStreamID) -> Int {
    let index = liveSlot(id)
    return index < 0 || slots[index].hasEnded ? 0 : slots[index].sendWindow
  }

  // MARK: Input

  /// Takes the next event out of `bytes` from `offset` on.
  ///
  /// - Returns: `nil` when all bytes are used; a header that is cut off is kept inside.
  /// - Throws: what makes the session useless; close the carrier.
  public mutating func nextInput(
    in bytes: UnsafeRawBufferPointer, at offset: inout Int, now: Instant
  ) throws(MuxError) -> MuxInput? {
    while true {
      if eventHead < events.count { return takeEvent() }
      if bodyByteCount == 0, isBodyLast {
        isBodyLast = false
        if bodySlot >= 0, slots[bodySlot].wireID == bodyWireID { peerDidEnd(bodySlot) }
        continue
      }
      if bodyByteCount > 0 {
        guard let data = takeBody(bytes, &offset, now) else {
          if offset == bytes.count { return nil }
          continue
        }
        return data
      }
      guard let header = try takeHeader(bytes, &offset, now) else { return nil }
      try handle(header)
    }
  }

  private mutating func takeEvent() -> MuxInput {
    let event = events[eventHead]
    eventHead += 1
    if eventHead == events.count {
      events.removeAll(keepingCapacity: true)
      eventHead = 0
    }
    return event
  }

  private mutating func takeBody(
    _ bytes: UnsafeRawBufferPointer, _ offset: inout Int, _ now: Instant
  ) -> MuxInput? {
    let count = min(bytes.count - offset, bodyByteCount)
    guard count > 0 else { return nil }
    let range = offset..<(offset + count)
    offset += count
    bodyByteCount -= count
    lastHeard = now
    guard bodySlot >= 0, slots[bodySlot].wireID == bodyWireID else { return nil }
    return .data(MuxStreamID(wireID: bodyWireID, slotIndex: Int32(bodySlot)), range)
  }

  private mutating func takeHeader(
    _ bytes: UnsafeRawBufferPointer, _ offset: inout Int, _ now: Instant
  ) throws(MuxError) -> MuxFrameHeader? {
    let available = bytes.count - offset
    guard available > 0, let base = bytes.baseAddress else { return nil }
    lastHeard = now
    if partialByteCount == 0, available >= MuxFrameHeader.byteCount {
      let header = try MuxFrameHeader(decoding: base + offset)
      offset += MuxFrameHeader.byteCount
      return header
    }
    let taken = min(available, MuxFrameHeader.byteCount - partialByteCount)
    for index in 0..<taken {
      partialHeader[partialByteCount + index] = bytes[offset + index]
    }
    partialByteCount += taken
    offset += taken
    // A wrong version is told at once: a peer that does not speak yamux may never send twelve.
    if partialHeader[0] != 0 { throw .versionUnsupported(partialHeader[0]) }
    guard partialByteCount == MuxFrameHeader.byteCount else { return nil }
    partialByteCount = 0
    let copy = partialHeader
    return try withUnsafeBytes(of: copy) { raw throws(MuxError) in
      // Twelve bytes, so there is a base address.
      try MuxFrameHeader(decoding: raw.baseAddress!)
    }
  }

  private mutating func handle(_ header: MuxFrameHeader) throws(MuxError) {
    switch header.kind {
    case .data, .windowUpdate: try handleStreamFrame(header)
    case .ping: try handlePing(header)
    case .goAway:
      guard header.length == 0 else { throw .peerFailed(code: header.length) }
      isPeerGoingAway = true
      events.append(.peerGoingAway)
    }
  }

  private mutating func handleStreamFrame(_ header: MuxFrameHeader) throws(MuxError) {
    guard header.stream != 0 else { throw .streamIDZero }
    let isData = header.kind == .data
    var index = table.find(header.stream)
    if header.flags.contains(.syn) {
      guard index < 0 else { throw .streamOpenedTwice(header.stream) }
      index = try acceptStream(header.stream)
    }
    guard index >= 0 else {
      if isData { expectBody(header, slot: -1) }
      return
    }
    if header.flags.contains(.ack) { didAcknowledge(index) }
    if header.flags.contains(.rst) {
      events.append(.streamReset(identity(index)))
      removeSlot(index)
      if isData { expectBody(header, slot: -1) }
      return
    }
    let isLast = header.flags.contains(.fin)
    if isLast, slots[index].hasPeerEnded { throw .streamEndedTwice(header.stream) }
    if isData {
      try takeCredit(index, header)
      expectBody(header, slot: index)
      isBodyLast = isLast && header.length > 0
      if isLast, header.length == 0 { peerDidEnd(index) }
    } else {
      addSendWindow(index, Int(header.length))
      if isLast { peerDidEnd(index) }
    }
  }

  private mutating func expectBody(_ header: MuxFrameHeader, slot: Int) {
    bodyByteCount = Int(header.length)
    bodySlot = slot
    bodyWireID = header.stream
    isBodyLast = false
  }

  private mutating func takeCredit(_ index: Int, _ header: MuxFrameHeader) throws(MuxError) {
    let length = Int(header.length)
    guard length <= slots[index].receiveWindow else {
      throw .windowExceeded(
        stream: header.stream, length: header.length, window: slots[index].receiveWindow)
    }
    slots[index].receiveWindow -= length
    slots[index].unreadByteCount += length
  }

  private mutating func addSendWindow(_ index: Int, _ credit: Int) {
    let before = slots[index].sendWindow
    slots[index].sendWindow = min(before + credit, StreamMuxLimits.sendWindowBytesMax)
    if before == 0, credit > 0 { events.append(.streamWritable(identity(index))) }
  }

  /// - Returns: the new slot, or -1 when the stream was refused.
  private mutating func acceptStream(_ wireID: UInt32) throws(MuxError) -> Int {
    guard !isGoingAway, table.count < settings.streamCountMax else {
      try queueAnswer(MuxFrameHeader(.windowUpdate, .rst, stream: wireID, length: 0))
      return -1
    }
    let index = addSlot(wireID)
    try queueAnswer(
      MuxFrameHeader(.windowUpdate, .ack, stream: wireID, length: extendReceiveWindow(index)))
    events.append(.streamOpened(identity(index)))
    return index
  }

  private mutating func didAcknowledge(_ index: Int) {
    guard !slots[index].isAcknowledged else { return }
    slots[index].isAcknowledged = true
    unacknowledgedCount -= 1
    events.append(.streamAcknowledged(identity(index)))
  }

  private mutating func peerDidEnd(_ index: Int) {
    slots[index].hasPeerEnded = true
    events.append(.streamEnded(identity(index)))
    if slots[index].hasEnded { removeSlot(index) }
  }

  private mutating func handlePing(_ header: MuxFrameHeader) throws(MuxError) {
    if header.flags.contains(.syn) {
      try queueAnswer(MuxFrameHeader(.ping, .ack, stream: 0, length: header.length))
    }
    // The answer to ours needs nothing: any byte from the peer is a sign of life.
  }

  /// Queues a frame that the peer provoked; one that provokes and does not read is given up.
  private mutating func queueAnswer(_ header: MuxFrameHeader) throws(MuxError) {
    guard output.count < StreamMuxLimits.outputByteCountMax else {
      throw .outputOverflow(byteCount: output.count)
    }
    header.append(to: &output)
  }

  // MARK: Commands

  /// Opens a stream; bytes may be sent at once.
  ///
  /// - Throws: `.noMoreStreams`, `.tooManyStreams`, `.tooManyUnacknowledged`.
  public mutating func openStream(now: Instant) throws(MuxError) -> MuxStreamID {
    guard !isGoingAway, !isPeerGoingAway, nextWireID < UInt32.max - 1 else {
      throw .noMoreStreams
    }
    guard table.count < settings.streamCountMax else { throw .tooManyStreams }
    guard unacknowledgedCount < settings.unacknowledgedCountMax else {
      throw .tooManyUnacknowledged
    }
    let index = addSlot(nextWireID)
    nextWireID += 2
    slots[index].isAcknowledged = false
    unacknowledgedCount += 1
    let id = identity(index)
    dropSettledDeadlines()
    openDeadlines.append(id.wireID, deadline: (now + settings.openTimeout).nanoseconds)
    let credit = extendReceiveWindow(index)
    MuxFrameHeader(.windowUpdate, .syn, stream: id.wireID, length: credit).append(to: &output)
    return id
  }

  /// Frames as much of `bytes` as the peer's window takes.
  ///
  /// - Returns: the number of bytes taken; 0 for an invalid ID and behind `finish`.
  public mutating func send(_ bytes: UnsafeRawBufferPointer, on id: MuxStreamID) -> Int {
    let index = liveSlot(id)
    guard index >= 0, !slots[index].hasEnded else { return 0 }
    let taken = min(bytes.count, slots[index].sendWindow)
    guard taken > 0 else { return 0 }
    slots[index].sendWindow -= taken
    let frameCount = (taken - 1) / settings.sentFrameBodyBytesMax + 1
    output.reserve(taken + frameCount * MuxFrameHeader.byteCount)
    var sent = 0
    while sent < taken {
      let end = min(sent + settings.sentFrameBodyBytesMax, taken)
      MuxFrameHeader(.data, stream: id.wireID, length: UInt32(end - sent)).append(to: &output)
      output.append(UnsafeRawBufferPointer(rebasing: bytes[sent..<end]))
      sent = end
    }
    return taken
  }

  /// Ends our direction. When the peer's has ended too, the ID is invalid from here on.
  public mutating func finish(_ id: MuxStreamID, now: Instant) {
    let index = liveSlot(id)
    guard index >= 0, !slots[index].hasEnded else { return }
    slots[index].hasEnded = true
    MuxFrameHeader(.windowUpdate, .fin, stream: id.wireID, length: 0).append(to: &output)
    if slots[index].hasPeerEnded {
      removeSlot(index)
    } else {
      dropSettledDeadlines()
      halfCloseDeadlines.append(
        id.wireID, deadline: (now + settings.halfCloseTimeout).nanoseconds)
    }
  }

  /// Aborts a stream; the ID is invalid from here on.
  public mutating func reset(_ id: MuxStreamID) {
    let index = liveSlot(id)
    guard index >= 0 else { return }
    MuxFrameHeader(.windowUpdate, .rst, stream: id.wireID, length: 0).append(to: &output)
    removeSlot(index)
  }

  /// Says that so many received bytes have been used; credit is returned once it amounts to half
  /// of the window.
  public mutating func consume(_ byteCount: Int, on id: MuxStreamID) {
    let index = liveSlot(id)
    guard index >= 0 else { return }
    slots[index].unreadByteCount = max(0, slots[index].unreadByteCount - byteCount)
    guard !slots[index].hasPeerEnded else { return }
    let free = settings.receiveWindowBytes - slots[index].unreadByteCount
    let credit = free - slots[index].receiveWindow
    guard credit >= settings.receiveWindowBytes / 2 else { return }
    slots[index].receiveWindow += credit
    MuxFrameHeader(.windowUpdate, stream: id.wireID, length: UInt32(credit)).append(to: &output)
  }

  /// Accepts no further streams and says so; live ones go on.
  public mutating func goAway() {
    guard !isGoingAway else { return }
    isGoingAway = true
    MuxFrameHeader(.goAway, stream: 0, length: 0).append(to: &output)
  }

  /// Drops bytes that were written to the carrier.
  public mutating func removeOutput(_ byteCount: Int) {
    output.removeFirst(byteCount)
  }

  // MARK: Slots

  func identity(_ index: Int) -> MuxStreamID {
    MuxStreamID(wireID: slots[index].wireID, slotIndex: Int32(index))
  }

  private func liveSlot(_ id: MuxStreamID) -> Int {
    let index = Int(id.slotIndex)
    guard index >= 0, index < slots.count, slots[index].wireID == id.wireID else { return -1 }
    return index
  }

  private mutating func addSlot(_ wireID: UInt32) -> Int {
    var slot = Slot()
    slot.wireID = wireID
    slot.sendWindow = StreamMuxLimits.initialWindowBytes
    slot.receiveWindow = StreamMuxLimits.initialWindowBytes
    let index: Int
    if let free = freeSlots.popLast() {
      index = Int(free)
      slots[index] = slot
    } else {
      index = slots.count
      slots.append(slot)
    }
    table.insert(wireID, Int32(index))
    return index
  }

  /// Raises a fresh stream's credit to the full window.
  private mutating func extendReceiveWindow(_ index: Int) -> UInt32 {
    let credit = max(0, settings.receiveWindowBytes - slots[index].receiveWindow)
    slots[index].receiveWindow += credit
    return UInt32(credit)
  }

  mutating func removeSlot(_ index: Int) {
    table.remove(slots[index].wireID)
    if !slots[index].isAcknowledged { unacknowledgedCount -= 1 }
    slots[index] = Slot()
    freeSlots.append(Int32(index))
  }
}
