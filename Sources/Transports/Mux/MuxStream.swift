internal import ByteBuffers
public import LinuxSystem
public import StreamMux

/// One stream of a mux carrier as a byte stream.
///
/// What the peer's window or a congested carrier does not take waits here; the writer sees it as
/// `unsentByteCount` and stops reading from its own source.
public final class MuxStream: ByteStream {
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
  private var isEnqueued = false

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
    if pending.isEmpty, !carrier.isCongested { sent = carrier.send(bytes, on: id) }
    guard sent < bytes.count else { return }
    pending.append(UnsafeRawBufferPointer(rebasing: bytes[sent...]))
    enqueueIfPossible()
  }

  /// Ends our direction behind everything written.
  public func finish() {
    guard writeState == .open, carrier != nil else { return }
    writeState = .finishing
    finishIfEmpty()
  }

  /// Sends what waits and a FIN; what the peer still sends is dropped.
  public func close() {
    receiver = nil
    finish()
  }

  /// Resets the stream.
  public func abort() {
    receiver = nil
    let carrier = self.carrier
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
    receiver?.streamDidReceive(self, bytes)
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
    carrier = nil
    pending.release()
    let receiver = self.receiver
    self.receiver = nil
    receiver?.streamDidFail(self, reason)
  }

  /// Sends up to one quantum of what waits.
  func takeTurn() {
    isEnqueued = false
    guard let carrier, !pending.isEmpty else { return }
    let bytes = pending.readableBytes
    let turn = UnsafeRawBufferPointer(
      rebasing: bytes.prefix(TransportLimits.streamQuantum))
    let sent = carrier.send(turn, on: id)
    pending.removeFirst(sent)
    enqueueIfPossible()
    finishIfEmpty()
    if sent > 0 { receiver?.streamDidProgress(self) }
  }

  private func enqueueIfPossible() {
    guard let carrier, !isEnqueued, !pending.isEmpty, carrier.hasWindow(id) else { return }
    isEnqueued = true
    carrier.enqueue(self)
  }

  private func finishIfEmpty() {
    guard writeState == .finishing, pending.isEmpty, let carrier else { return }
    writeState = .finished
    carrier.finish(id)
    if hasPeerEnded { leave() }
  }

  private func leave() {
    carrier?.forget(self)
    carrier = nil
  }
}
