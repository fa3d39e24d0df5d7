internal import ByteBuffers
public import LinuxSystem
public import Reactor
internal import Timekeeping

/// One TCP connection as a byte stream, with an optional TLS layer inside.
///
/// States of the writing direction: open, finishing (behind the last byte a FIN will go), finished.
/// States of the whole: open; draining (closed by us, accepted bytes still go out); lingering (all
/// is out, the peer's end is awaited so that no reset destroys it); closed.
///
/// The descriptor is registered once, edge-triggered, for everything; the flags below remember
/// what the last edges said.
public final class SocketStream: ByteStream, ReadinessHandler {
  private enum Phase {
    case open
    case draining
    case lingering
    case closed
  }

  private enum WriteState {
    case open
    case finishing
    case finished
  }

  /// Who gets bytes and events.
  public var receiver: (any ByteStreamReceiver)?
  /// The peer's address.
  public let peerAddress: SocketAddress?

  private let context: TransportContext
  private let number: CInt
  private var descriptor: FileDescriptor?
  private var registration: RegistrationID?
  private var output = ByteQueue()
  private var tls: TLSSession?
  private var phase = Phase.open
  private var writeState = WriteState.open
  private var isReadable = false
  private var isWritable = true
  private var isReadPaused = false
  private var hasReadEnded = false
  private var hasHangup = false
  private var lingerByteCount = 0
  private var closeTimer: TimerID?

  /// Takes over a connected socket.
  ///
  /// - Throws: what epoll_ctl said.
  public init(
    _ context: TransportContext, owning descriptor: consuming FileDescriptor,
    peer: SocketAddress? = nil
  ) throws(Errno) {
    self.context = context
    number = descriptor.rawValue
    peerAddress = peer ?? Socket.peerAddress(number)
    self.descriptor = consume descriptor
    registration = try context.loop.register(number, .stream, self)
  }

  /// Takes over a socket that has just connected.
  public init(_ context: TransportContext, owning socket: consuming ConnectedSocket) {
    self.context = context
    number = socket.number
    peerAddress = socket.peer
    let registration = socket.registration
    let readiness = socket.readiness
    self.registration = registration
    descriptor = socket.takeDescriptor()
    context.loop.transfer(registration, to: self)
    // The connect's edge is seen again if it told of more than the connection.
    if readiness != .writable { context.loop.requeue(registration, readiness) }
  }

  /// Our address.
  public var localAddress: SocketAddress? {
    phase == .closed ? nil : Socket.localAddress(number)
  }

  /// Whether bytes travel through TLS.
  public var isEncrypted: Bool { tls != nil }

  // MARK: Layers

  /// Puts TLS over the connection. `received` are raw bytes that came already; they belong to TLS.
  public func startTLS(_ session: TLSSession, received: UnsafeRawBufferPointer) {
    precondition(tls == nil && output.isEmpty, "TLS starts on a clean stream")
    tls = session
    session.begin()
    if received.count > 0 {
      deliver(received)
    } else {
      flushOutput()
    }
  }

  // MARK: Reading

  /// Reads and writes what the kernel is ready for.
  public func handleReadiness(_ readiness: Readiness) {
    if !readiness.isDisjoint(with: [.readHangup, .hangup, .error]) { hasHangup = true }
    if !readiness.isDisjoint(with: [.readable, .readHangup, .hangup, .error]) {
      isReadable = true
      readAvailable()
    }
    if phase == .closed { return }
    if readiness.contains(.error), isReadPaused, let error = Socket.pendingError(number) {
      fail(error == .connectionReset ? .reset : .failed(error))
      return
    }
    if !readiness.isDisjoint(with: [.writable, .hangup, .error]) {
      isWritable = true
      flushOutput()
    }
  }

  /// Stops delivering, except what was read already.
  public func pauseReading() { isReadPaused = true }

  /// Goes on delivering in the next turn.
  public func resumeReading() {
    guard isReadPaused else { return }
    isReadPaused = false
    if isReadable, let registration { context.loop.requeue(registration, .readable) }
  }

  /// Nothing to do: the kernel's window follows our reads.
  public func consume(_ byteCount: Int) {}

  private func readAvailable() {
    var budget = TransportLimits.readBytesPerTurnMax
    while isReadable, phase != .closed, !hasReadEnded {
      if isReadPaused, phase == .open { return }
      switch Socket.receive(number, into: context.readBuffer) {
      case .bytes(0):
        isReadable = false
        hasReadEnded = true
        handleEnd()
        return
      case .bytes(let count):
        // A short read has emptied the socket, unless the end of the stream hides behind it: data
        // and FIN share one edge.
        if count < context.readBuffer.count, !hasHangup { isReadable = false }
        deliver(UnsafeRawBufferPointer(rebasing: context.readBuffer[..<count]))
        budget -= count
        if budget <= 0, isReadable, let registration {
          context.loop.requeue(registration, .readable)
          return
        }
      case .wouldBlock:
        isReadable = false
      case .failed(let error):
        fail(error == .connectionReset ? .reset : .failed(error))
        return
      }
    }
  }

  private func deliver(_ bytes: UnsafeRawBufferPointer) {
    switch phase {
    case .open:
      if let tls {
        deliver(bytes, through: tls)
      } else {
        receiver?.streamDidReceive(self, bytes)
      }
    case .draining, .lingering:
      lingerByteCount += bytes.count
      if lingerByteCount > TransportLimits.lingerByteCountMax { release(isReset: true) }
    case .closed:
      break
    }
  }

  private func deliver(_ bytes: UnsafeRawBufferPointer, through tls: TLSSession) {
    tls.provide(bytes)
    var outcome = TLSSession.ReadOutcome.bytes(0)
    repeat {
      outcome = tls.read(into: context.plaintextBuffer)
      if tls.unsentByteCount > 0 { flushOutput() }
      if case .bytes(let count) = outcome, count > 0, phase == .open {
        let plaintext = UnsafeRawBufferPointer(rebasing: context.plaintextBuffer[..<count])
        receiver?.streamDidReceive(self, plaintext)
      }
    } while phase == .open && outcome.isMoreAvailable
    tls.withdrawInput()
    guard phase == .open else { return }
    switch outcome {
    case .bytes: break
    case .ended:
      hasReadEnded = true
      receiver?.streamDidEnd(self)
    case .failed(let text): fail(.tlsFailed(text))
    }
  }

  private func handleEnd() {
    switch phase {
    case .open:
      // Without close_notify the end may be somebody else's doing (RFC 8446, 6.1).
      if tls != nil {
        fail(tls?.isEstablished == true ? .reset : .tlsFailed("closed during the handshake"))
      } else {
        receiver?.streamDidEnd(self)
      }
    case .draining: break
    case .lingering: release(isReset: false)
    case .closed: break
    }
  }

  // MARK: Writing

  /// Bytes that the kernel has not taken yet.
  public var unsentByteCount: Int { tls?.unsentByteCount ?? output.count }

  /// Sends what the kernel takes and queues the rest.
  public func write(_ bytes: UnsafeRawBufferPointer) {
    guard phase == .open, writeState == .open, bytes.count > 0 else { return }
    if let tls {
      if let text = tls.write(bytes, context.outputPool) { return failLater(.tlsFailed(text)) }
      sendQueued()
      return
    }
    guard output.isEmpty, isWritable else { return keep(bytes) }
    switch Socket.send(number, bytes) {
    case .bytes(let count):
      if count < bytes.count {
        isWritable = false
        keep(UnsafeRawBufferPointer(rebasing: bytes[count...]))
      }
    case .wouldBlock:
      isWritable = false
      keep(bytes)
    case .failed(let error):
      failLater(error == .connectionReset ? .reset : .failed(error))
    }
  }

  private func keep(_ bytes: UnsafeRawBufferPointer) {
    output.reserve(bytes.count, from: context.outputPool)
    output.append(bytes)
  }

  /// Ends our direction behind everything written.
  public func finish() {
    guard phase == .open, writeState == .open else { return }
    writeState = .finishing
    tls?.finish()
    sendQueued()
  }

  /// Sends from the queue, and tells the receiver when that made room.
  private func flushOutput() {
    let before = unsentByteCount
    sendQueued()
    if before > 0, phase == .open, unsentByteCount < before { receiver?.streamDidProgress(self) }
  }

  private func sendQueued() {
    let failure: Errno? = tls != nil ? tls?.withOutput(send) : send(&output)
    if let failure {
      failLater(failure == .connectionReset ? .reset : .failed(failure))
      return
    }
    guard unsentByteCount == 0 else { return }
    if writeState == .finishing {
      writeState = .finished
      Socket.shutdownWriting(number)
    }
    if phase == .draining { startLingering() }
  }

  private func send(_ queue: inout ByteQueue) -> Errno? {
    while isWritable, !queue.isEmpty {
      let bytes = queue.readableBytes
      switch Socket.send(number, bytes) {
      case .bytes(let count):
        if count < bytes.count { isWritable = false }
        queue.removeFirst(count, returningTo: context.outputPool)
      case .wouldBlock: isWritable = false
      case .failed(let error): return error
      }
    }
    return nil
  }

  // MARK: Splicing

  /// Whether the kernel may take the connection over: nothing of it is in this process.
  var isSpliceable: Bool {
    phase == .open && tls == nil && output.isEmpty && writeState == .open && !hasReadEnded
  }

  /// Gives the socket and its registration away; this stream is over then.
  ///
  /// - Returns: `nil` when it was over before.
  func surrender() -> SplicedSocket? {
    guard phase == .open, let registration, let open = descriptor.take() else { return nil }
    receiver = nil
    phase = .closed
    self.registration = nil
    return SplicedSocket(
      context, owning: open, registration,
      SplicedSocket.State(
        isReadable: isReadable, isWritable: isWritable, hasHangup: hasHangup))
  }

  // MARK: Ending

  /// Writes out what was accepted, sends FIN, waits a little for the peer's end, and closes.
  public func close() {
    guard phase == .open else { return }
    receiver = nil
    if writeState == .open {
      tls?.finish()
      writeState = .finishing
    }
    phase = .draining
    closeTimer = context.loop.schedule(after: TransportLimits.drainTimeout) { [unowned self] in
      // The timer is cancelled when the stream is released, so `self` is alive.
      closeTimer = nil
      release(isReset: true)
    }
    sendQueued()
    // What waits unread would turn our close into a reset.
    if phase != .closed, isReadable, let registration {
      context.loop.requeue(registration, .readable)
    }
  }

  /// Sends a reset and closes.
  public func abort() {
    receiver = nil
    release(isReset: true)
  }

  private func startLingering() {
    if hasReadEnded { return release(isReset: false) }
    phase = .lingering
    if let closeTimer { context.loop.cancel(closeTimer) }
    closeTimer = context.loop.schedule(after: TransportLimits.lingerTimeout) { [unowned self] in
      // As above.
      closeTimer = nil
      release(isReset: false)
    }
  }

  /// Fails from inside a call of the owner: the event comes when the caller has returned.
  private func failLater(_ reason: CloseReason) {
    guard phase != .closed else { return }
    let receiver = self.receiver
    release(isReset: true)
    guard let receiver else { return }
    self.receiver = receiver
    context.loop.schedule(at: context.loop.now) { [self] in
      let receiver = self.receiver
      self.receiver = nil
      receiver?.streamDidFail(self, reason)
    }
  }

  private func fail(_ reason: CloseReason) {
    guard phase != .closed else { return }
    let receiver = self.receiver
    self.receiver = nil
    release(isReset: true)
    receiver?.streamDidFail(self, reason)
  }

  private func release(isReset: Bool) {
    guard phase != .closed else { return }
    phase = .closed
    if let closeTimer { context.loop.cancel(closeTimer) }
    closeTimer = nil
    if let registration { context.loop.deregister(registration, isClosing: true) }
    registration = nil
    if isReset { Socket.resetOnClose(number) }
    descriptor = nil
    output.release()
    tls = nil
  }
}
