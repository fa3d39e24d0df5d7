internal import ByteBuffers
internal import LinuxSystem
internal import Reactor
internal import Timekeeping

/// A stream whose bytes, both ways, take part in a proxy's limited bandwidth.
///
/// What came and may not be delivered yet, or was written and may not be sent yet, waits here. The
/// stream below is not read meanwhile, and its peer gets no credit: at most one read, or what the
/// peer had credit for, is in `incoming`; and at most what the writer wrote before it looked at
/// `unsentByteCount` is in `outgoing`.
///
/// States: open; draining (closed by the owner, `outgoing` still goes out at its rate); closed.
final class LimitedStream: ByteStream, ByteStreamReceiver, BandwidthClaimant {
  private enum Phase {
    case open
    case draining
    case closed
  }

  private enum WriteState {
    case open
    case finishing
    case finished
  }

  var receiver: (any ByteStreamReceiver)?
  var isWaitingForBandwidth = false

  private let context: TransportContext
  private let base: any ByteStream
  private let limiter: BandwidthLimiter
  private var incoming = ByteQueue()
  private var outgoing = ByteQueue()
  private var phase = Phase.open
  private var writeState = WriteState.open
  private var isPaused = false
  private var hasPeerEnded = false
  private var isIncomingFirst = false
  // Delivered bytes that were given back as credit before they came here.
  private var prepaidByteCount = 0
  private var drainTimer: TimerID?

  /// Takes `base` over.
  init(_ context: TransportContext, over base: any ByteStream, _ limiter: BandwidthLimiter) {
    self.context = context
    self.base = base
    self.limiter = limiter
    base.receiver = self
  }

  /// Takes bytes of the base that came before; the first `prepaid` were given back as credit.
  func inject(_ bytes: [UInt8], prepaid: Int) {
    prepaidByteCount += prepaid
    bytes.withUnsafeBytes { streamDidReceive(base, $0) }
  }

  var localAddress: SocketAddress? { base.localAddress }

  var peerAddress: SocketAddress? { base.peerAddress }

  // MARK: Bandwidth

  private var sendableByteCount: Int { base.unsentByteCount > 0 ? 0 : outgoing.count }

  private var deliverableByteCount: Int { isPaused || phase != .open ? 0 : incoming.count }

  var wantedByteCount: Int {
    phase == .closed ? 0 : sendableByteCount + deliverableByteCount
  }

  func moveBytes(upTo byteCount: Int) -> Int {
    isIncomingFirst.toggle()
    var moved = 0
    if isIncomingFirst {
      moved += deliver(upTo: byteCount)
      moved += send(upTo: byteCount - moved)
    } else {
      moved += send(upTo: byteCount)
      moved += deliver(upTo: byteCount - moved)
    }
    return moved
  }

  private func claimIfNeeded() {
    if wantedByteCount > 0 { limiter.enqueue(self) }
  }

  // MARK: Writing

  var unsentByteCount: Int { base.unsentByteCount + outgoing.count }

  func write(_ bytes: UnsafeRawBufferPointer) {
    guard phase == .open, writeState == .open, bytes.count > 0 else { return }
    var granted = 0
    if outgoing.isEmpty, base.unsentByteCount == 0 {
      granted = limiter.take(upTo: bytes.count)
      base.write(UnsafeRawBufferPointer(rebasing: bytes[..<granted]))
    }
    guard granted < bytes.count else { return }
    outgoing.reserve(bytes.count - granted, from: context.outputPool)
    outgoing.append(UnsafeRawBufferPointer(rebasing: bytes[granted...]))
    claimIfNeeded()
  }

  private func send(upTo byteCount: Int) -> Int {
    let count = min(byteCount, sendableByteCount)
    guard count > 0 else { return 0 }
    base.write(UnsafeRawBufferPointer(rebasing: outgoing.readableBytes[..<count]))
    outgoing.removeFirst(count, returningTo: context.outputPool)
    didSend()
    return count
  }

  private func didSend() {
    if outgoing.isEmpty, writeState == .finishing {
      writeState = .finished
      if phase == .open { base.finish() }
    }
    switch phase {
    case .open: receiver?.streamDidProgress(self)
    case .draining: outgoing.isEmpty ? closeBase() : armDrainTimer()
    case .closed: break
    }
  }

  func finish() {
    guard phase == .open, writeState == .open else { return }
    writeState = outgoing.isEmpty ? .finished : .finishing
    if outgoing.isEmpty { base.finish() }
  }

  // MARK: Reading

  func pauseReading() {
    isPaused = true
    base.pauseReading()
  }

  func resumeReading() {
    isPaused = false
    if incoming.isEmpty {
      base.resumeReading()
    } else {
      claimIfNeeded()
    }
  }

  func consume(_ byteCount: Int) {
    let prepaid = min(prepaidByteCount, byteCount)
    prepaidByteCount -= prepaid
    if byteCount > prepaid { base.consume(byteCount - prepaid) }
  }

  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    guard phase == .open, bytes.count > 0 else { return }
    var granted = 0
    if incoming.isEmpty, !isPaused {
      granted = limiter.take(upTo: bytes.count)
      if granted > 0 {
        receiver?.streamDidReceive(self, UnsafeRawBufferPointer(rebasing: bytes[..<granted]))
      }
    }
    guard granted < bytes.count, phase == .open else { return }
    incoming.reserve(bytes.count - granted, from: context.outputPool)
    incoming.append(UnsafeRawBufferPointer(rebasing: bytes[granted...]))
    base.pauseReading()
    claimIfNeeded()
  }

  private func deliver(upTo byteCount: Int) -> Int {
    let count = min(byteCount, deliverableByteCount)
    guard count > 0 else { return 0 }
    // The queue is not changed while its bytes are lent, whatever the receiver does.
    receiver?.streamDidReceive(
      self, UnsafeRawBufferPointer(rebasing: incoming.readableBytes[..<count]))
    incoming.removeFirst(count, returningTo: context.outputPool)
    guard phase == .open, incoming.isEmpty else { return count }
    if hasPeerEnded {
      receiver?.streamDidEnd(self)
    } else if !isPaused {
      base.resumeReading()
    }
    return count
  }

  func streamDidEnd(_ stream: any ByteStream) {
    guard phase == .open else { return }
    hasPeerEnded = true
    if incoming.isEmpty { receiver?.streamDidEnd(self) }
  }

  func streamDidProgress(_ stream: any ByteStream) {
    switch phase {
    case .open:
      claimIfNeeded()
      receiver?.streamDidProgress(self)
    case .draining:
      armDrainTimer()
      claimIfNeeded()
    case .closed: break
    }
  }

  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) {
    guard phase != .closed else { return }
    let receiver = self.receiver
    leave()
    receiver?.streamDidFail(self, reason)
  }

  // MARK: Ending

  func close() {
    guard phase == .open else { return }
    receiver = nil
    if outgoing.isEmpty { return closeBase() }
    writeState = .finishing
    phase = .draining
    base.pauseReading()
    armDrainTimer()
    claimIfNeeded()
  }

  func abort() {
    guard phase != .closed else { return }
    leave()
    base.abort()
  }

  private func closeBase() {
    leave()
    base.close()
  }

  private func armDrainTimer() {
    if let drainTimer { context.loop.cancel(drainTimer) }
    drainTimer = context.loop.schedule(after: BandwidthLimits.stalledDrainTimeout) { [self] in
      drainTimer = nil
      abort()
    }
  }

  private func leave() {
    phase = .closed
    receiver = nil
    if let drainTimer { context.loop.cancel(drainTimer) }
    drainTimer = nil
    limiter.remove(self)
  }
}
