internal import ByteBuffers
public import LinuxSystem
public import StreamMux
internal import Timekeeping

/// One stream of a mux carrier as a byte stream.
///
/// What the peer's window or a congested carrier does not take waits here; the writer sees it as
/// `unsentByteCount` and stops reading from its own source.
public final class MuxStream: ByteStream, SocketDrain {
  private enum WriteState {
    case open
    case finishing
    case finished
  }

  /// Who gets bytes and events; without one, bytes are dropped and give no credit.
  public var receiver: (any ByteStreamReceiver)?
  /// The stream's name in its session.
  public let id: MuxStreamID

  private var carrier: MuxCarrier?
  private var pending = ByteQueue()
  private var writeState = WriteState.open
  private var hasPeerEnded = false
  private var isClosing = false
  private var drainTimer: TimerID?
  // The socket that is read straight into our frames, and whether it waits for us.
  private var source: SocketStream?
  private var isSourceWaiting = false

  /// Where the stream is among those that wait for the carrier.
  var place = StreamRound.Place.outside
  /// Bytes that the stream may send before its turn is over.
  var deficit = 0

  init(_ carrier: MuxCarrier, _ id: MuxStreamID) {
    self.carrier = carrier
    self.id = id
  }

  /// The carrier that this stream belongs to; `nil` when it is over.
  public var owningCarrier: MuxCarrier? { carrier }

  /// The carrier's local address.
  public var localAddress: SocketAddress? { carrier?.stream.localAddress }

  /// The carrier's peer.
  public var peerAddress: SocketAddress? { carrier?.stream.peerAddress }

  /// Bytes that wait for the window or for the carrier.
  public var unsentByteCount: Int { pending.count }

  /// Frames what may go now; the rest waits.
  public func write(_ bytes: UnsafeRawBufferPointer) {
    guard let carrier, writeState == .open, bytes.count > 0 else { return }
    var sent = 0
    if pending.isEmpty, carrier.isOpen(for: self) { sent = carrier.send(bytes, on: id) }
    guard sent < bytes.count else { return }
    pending.append(UnsafeRawBufferPointer(rebasing: bytes[sent...]))
    enqueueIfPossible()
  }

  /// Ends our direction behind everything written.
  public func finish() {
    guard writeState == .open, carrier != nil else { return }
    writeState = .finishing
    source = nil
    finishIfEmpty()
  }

  /// Sends what waits and a FIN. A peer that goes on sending gets a reset once everything is out,
  /// and so does one that gives no credit for what waits.
  public func close() {
    receiver = nil
    isClosing = true
    finish()
    restartDrainTimer()
  }

  private func restartDrainTimer() {
    if let drainTimer { carrier?.cancel(drainTimer) }
    drainTimer = writeState == .finishing ? carrier?.startDrainTimer(of: self) : nil
  }

  func drainTimeDidPass() {
    drainTimer = nil
    abort()
  }

  /// Resets the stream.
  public func abort() {
    receiver = nil
    source = nil
    let carrier = self.carrier
    cancelDrainTimer()
    self.carrier = nil
    pending.release()
    carrier?.reset(self)
  }

  /// Does nothing: the peer is held back by credit alone, so withhold `consume(_:)`.
  public func pauseReading() {}

  /// Does nothing, as `pauseReading()`.
  public func resumeReading() {}

  /// Gives credit for bytes that the receiver is done with.
  public func consume(_ byteCount: Int) {
    carrier?.consume(byteCount, on: id)
  }

  // MARK: From the carrier

  func deliver(_ bytes: UnsafeRawBufferPointer) {
    guard isClosing else {
      receiver?.streamDidReceive(self, bytes)
      return
    }
    // Nobody reads any more. As long as we have something to send the peer must not be stopped.
    if writeState == .finished { abort() } else { consume(bytes.count) }
  }

  func peerDidEnd() {
    hasPeerEnded = true
    let receiver = self.receiver
    if writeState == .finished { leave() }
    receiver?.streamDidEnd(self)
  }

  func windowDidOpen() {
    enqueueIfPossible()
  }

  func die(_ reason: CloseReason) {
    cancelDrainTimer()
    carrier = nil
    source = nil
    pending.release()
    let receiver = self.receiver
    self.receiver = nil
    receiver?.streamDidFail(self, reason)
  }

  // MARK: Turns

  /// Whether there is something to send that the peer's window has room for.
  var wantsTurn: Bool {
    guard let carrier, !pending.isEmpty || isSourceWaiting && source != nil else { return false }
    return carrier.hasWindow(id)
  }

  /// Sends at most `byteCount` bytes of what waits.
  ///
  /// - Returns: how many it sent.
  func takeTurn(upTo byteCount: Int) -> Int {
    guard let carrier else { return 0 }
    guard !pending.isEmpty else {
      guard isSourceWaiting, let source else { return 0 }
      isSourceWaiting = false
      let drained = source.drain(upTo: byteCount)
      if drained.isMoreWaiting { isSourceWaiting = true }
      return drained.byteCount
    }
    let sent = carrier.send(
      UnsafeRawBufferPointer(rebasing: pending.readableBytes.prefix(byteCount)), on: id)
    pending.removeFirst(sent)
    finishIfEmpty()
    if sent > 0, drainTimer != nil { restartDrainTimer() }
    if sent > 0 { receiver?.streamDidProgress(self) }
    return sent
  }

  private func enqueueIfPossible() {
    if wantsTurn { carrier?.enqueue(self) }
  }

  // MARK: A socket that is read straight into our frames

  /// Reads everything that `socket` gets into frames of this stream, from the next turn on.
  func attach(_ socket: SocketStream) {
    guard carrier != nil, writeState == .open else { return }
    source = socket
    socket.startDraining(into: self)
  }

  func receive(from socket: CInt, upTo byteCount: Int) -> Reception? {
    guard let carrier, source != nil else { return nil }
    if pending.isEmpty, carrier.isOpen(for: self),
      let reception = carrier.receive(from: socket, upTo: byteCount, on: id)
    {
      return reception
    }
    isSourceWaiting = true
    enqueueIfPossible()
    return nil
  }

  func sourceDidEnd() {
    source = nil
  }

  private func finishIfEmpty() {
    guard writeState == .finishing, pending.isEmpty, let carrier else { return }
    writeState = .finished
    carrier.finish(id)
    if hasPeerEnded { leave() }
  }

  private func cancelDrainTimer() {
    if let drainTimer { carrier?.cancel(drainTimer) }
    drainTimer = nil
  }

  private func leave() {
    cancelDrainTimer()
    carrier?.forget(self)
    carrier = nil
  }
}
