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
  enum Phase {
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

  let context: TransportContext
  let number: CInt
  private var descriptor: FileDescriptor?
  var registration: RegistrationID?
  private var output = ByteQueue()
  var tls: TLSSession?
  var phase = Phase.open
  private var writeState = WriteState.open
  var isReadable = false
  var isWritable = true
  var isReadPaused = false
  var hasReadEnded = false
  var hasHangup = false
  var lingerByteCount = 0
  // Where bytes go without a stop here, and how many went there.
  var drain: (any SocketDrain)?
  var drainedByteCount: UInt64 = 0
  var isDrainFull = false
  var isCarrier = false
  // What a peer that has not shown who it is may still send; `nil` for one that has.
  var strangerByteCount: Int?
  // With whom its reads share their time; `nil` when they need not.
  var strangerTurns: StrangerTurns?
  var isStrangerWaiting = false
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

  /// Gives back memory that only a busy connection needs.
  func releaseIdleMemory() { tls?.releaseBuffers() }

  /// The shortest round trip that the kernel has measured lately.
  var roundTrip: Interval? {
    phase == .closed ? nil : Socket.roundTrip(number).map(Interval.init(nanoseconds:))
  }

  /// Whether bytes travel through TLS.
  public var isEncrypted: Bool { tls != nil }

  /// Whether the peer's certificate holds only from a later time on than our clock's.
  public var showsFutureCertificate: Bool { tls?.showsFutureCertificate ?? false }

  // MARK: Layers

  /// Sets the socket up for many streams at once: large reads, and little that waits in the kernel
  /// where nothing can overtake it.
  func prepareForCarrier() {
    isCarrier = true
    Socket.limitNotSent(number, to: TransportLimits.carrierNotSentMax)
    limitSilence(to: TransportLimits.muxCarrierUserTimeout)
  }

  /// The peer may be anybody: it gets little, until `trustPeer()`.
  ///
  /// - Parameters:
  ///   - byteCount: what it may send; more ends the connection.
  ///   - pace: with whom its reads share the time that strangers have in a turn.
  public func distrustPeer(upTo byteCount: Int, _ pace: StrangerPace) {
    strangerByteCount = byteCount
    strangerTurns =
      switch pace {
      case .unpaced: nil
      case .known: context.knownStrangers
      case .unknown: context.unknownStrangers
      }
  }

  /// The peer has shown who it is: from here on its records may take more memory, and a carrier
  /// keeps that between records. Strangers get what OpenSSL needs for the record at hand.
  public func trustPeer() {
    strangerByteCount = nil
    strangerTurns = nil
    tls?.readManyRecordsAtOnce()
    if isCarrier { tls?.keepBuffers() }
  }

  /// Puts TLS over the connection. `received` are raw bytes that came already; they belong to TLS.
  public func startTLS(_ session: TLSSession, received: UnsafeRawBufferPointer) {
    precondition(tls == nil && output.isEmpty, "TLS starts on a clean stream")
    tls = session
    session.begin()
    // The first record costs what a key exchange costs, the rest little: who has come so far does
    // not wait behind those who have just come.
    if strangerTurns === context.unknownStrangers { strangerTurns = context.unknownStrangersInTLS }
    if received.count > 0 {
      readRecords(of: session, received: received)
    } else {
      flushOutput()
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
    switch context.loop.calls.send(number, bytes) {
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
  func flushOutput() {
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
      switch context.loop.calls.send(number, bytes) {
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

  /// Fails from inside a call of the owner: the event comes when the caller has returned, to
  /// whoever is the receiver by then: a stream may fail before its first one is set.
  private func failLater(_ reason: CloseReason) {
    guard phase != .closed else { return }
    release(isReset: true)
    context.loop.schedule(at: context.loop.now) { [self] in
      let receiver = self.receiver
      self.receiver = nil
      receiver?.streamDidFail(self, reason)
    }
  }

  func fail(_ reason: CloseReason) {
    guard phase != .closed else { return }
    let receiver = self.receiver
    self.receiver = nil
    release(isReset: true)
    receiver?.streamDidFail(self, reason)
  }

  func release(isReset: Bool) {
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
    let drain = self.drain
    self.drain = nil
    drain?.sourceDidEnd()
  }
}
