internal import LinuxSystem
internal import Reactor
internal import Timekeeping

/// Joins two plain TCP connections inside the kernel: bytes move through pooled pipes by splice(2)
/// and never reach this process. The plain lane; `StreamRelay` is the framed one.
///
/// Each direction: open → ended (the source's FIN came and everything before it was passed on,
/// followed by a FIN). A pipe is held only while bytes are in it. Reading stops while the pipe
/// holds what the sink does not take, so the slower end sets the pace.
final class SpliceRelay {
  // A class: a failure in the middle of a pump ends both directions.
  private final class Direction {
    var pipe: PooledPipe?
    var byteCount: UInt64 = 0
    var isSourceEnded = false
    var isSinkEnded = false
  }

  private let context: TransportContext
  private let near: SplicedSocket
  private let far: SplicedSocket
  private let isHalfCloseKept: Bool
  private let forward = Direction()
  private let backward = Direction()
  private(set) var isOver = false
  private var idleTimer: TimerID?
  private var onClose: ((RelaySummary) -> Void)?

  /// Takes both sockets over; bytes flow from the next turn on.
  init(
    _ context: TransportContext, near: SplicedSocket, far: SplicedSocket, isHalfCloseKept: Bool,
    onClose: @escaping (RelaySummary) -> Void
  ) {
    self.context = context
    self.near = near
    self.far = far
    self.isHalfCloseKept = isHalfCloseKept
    self.onClose = onClose
    near.relay = self
    far.relay = self
    near.requeue()
    far.requeue()
  }

  /// Aborts both sides.
  func abort() {
    fail(.reset)
  }

  fileprivate func socketIsReady(_ socket: SplicedSocket) {
    guard !isOver else { return }
    if socket === near {
      pump(forward, from: near, to: far)
      if !isOver { pump(backward, from: far, to: near) }
    } else {
      pump(backward, from: far, to: near)
      if !isOver { pump(forward, from: near, to: far) }
    }
    if !isOver { endIfDone() }
  }

  private func pump(
    _ direction: Direction, from source: SplicedSocket, to sink: SplicedSocket
  ) {
    var budget = TransportLimits.splicedBytesPerTurnMax
    while !direction.isSinkEnded {
      if direction.pipe == nil, !fill(direction, from: source) { break }
      guard drain(direction, into: sink) else { break }
      budget -= TransportLimits.splicePipeBytes
      if budget <= 0 {
        source.requeue()
        break
      }
    }
    if direction.isSourceEnded, direction.pipe == nil, !direction.isSinkEnded, !isOver {
      direction.isSinkEnded = true
      // Behind the second end both are closed at once, which sends the FIN.
      if !(forward.isSinkEnded && backward.isSinkEnded) { Socket.shutdownWriting(sink.number) }
    }
  }

  /// Fills a pipe from the source.
  ///
  /// - Returns: whether there is something in a pipe now.
  private func fill(_ direction: Direction, from source: SplicedSocket) -> Bool {
    guard source.isReadable, !direction.isSourceEnded else { return false }
    guard let pipe = context.pipePool.take() else {
      fail(.failed(.tooManyOpenFiles))
      return false
    }
    let result = splice(
      from: source.number, to: pipe.writeNumber, byteCount: TransportLimits.splicePipeBytes)
    switch result {
    case .bytes(0):
      direction.isSourceEnded = true
      source.isReadable = false
    case .bytes(let count):
      pipe.byteCount = count
      direction.pipe = pipe
      direction.byteCount += UInt64(count)
      return true
    case .wouldBlock:
      source.isReadable = false
    case .failed(let error):
      context.pipePool.put(pipe)
      fail(error == .connectionReset ? .reset : .failed(error))
      return false
    }
    context.pipePool.put(pipe)
    return false
  }

  /// Empties the pipe into the sink.
  ///
  /// - Returns: whether the pipe is empty now.
  private func drain(_ direction: Direction, into sink: SplicedSocket) -> Bool {
    guard let pipe = direction.pipe else { return true }
    while pipe.byteCount > 0, sink.isWritable {
      switch splice(from: pipe.readNumber, to: sink.number, byteCount: pipe.byteCount) {
      case .bytes(let count): pipe.byteCount -= count
      case .wouldBlock: sink.isWritable = false
      case .failed(let error):
        giveUp(direction, error)
        return false
      }
    }
    guard pipe.byteCount == 0 else { return false }
    direction.pipe = nil
    context.pipePool.put(pipe)
    return true
  }

  /// The sink takes nothing any more. If it had ended its own direction in order before, what it
  /// sent still goes on: a stock peer closes like that.
  private func giveUp(_ direction: Direction, _ error: Errno) {
    let opposite = direction === forward ? backward : forward
    guard opposite.isSourceEnded else {
      return fail(error == .connectionReset ? .reset : .failed(error))
    }
    direction.pipe = nil
    direction.isSourceEnded = true
    direction.isSinkEnded = true
  }

  /// Whether that side has ended its direction in order.
  fileprivate func hasEnded(_ socket: SplicedSocket) -> Bool {
    socket === near ? forward.isSourceEnded : backward.isSourceEnded
  }

  fileprivate func socketDidFail(_ error: Errno) {
    // Nothing is lost by not reading on: a reset discards what was unread.
    fail(error == .connectionReset ? .reset : .failed(error))
  }

  private func endIfDone() {
    if forward.isSinkEnded && backward.isSinkEnded {
      near.close()
      far.close()
      conclude(nil)
    } else if backward.isSinkEnded && !isHalfCloseKept {
      // A stock peer has closed both directions; what its side still gets is lost to it.
      near.lingerAndClose()
      far.close()
      conclude(nil)
    } else if (forward.isSinkEnded || backward.isSinkEnded) && idleTimer == nil {
      watchHalfClosed()
    }
  }

  private func fail(_ reason: CloseReason) {
    guard !isOver else { return }
    near.abort()
    far.abort()
    conclude(reason)
  }

  private func conclude(_ reason: CloseReason?) {
    isOver = true
    if let idleTimer { context.loop.cancel(idleTimer) }
    idleTimer = nil
    // A pipe that still holds bytes of this pair must not serve another one.
    forward.pipe = nil
    backward.pipe = nil
    let summary = RelaySummary(
      forwardByteCount: forward.byteCount, backwardByteCount: backward.byteCount, failure: reason)
    let onClose = self.onClose
    self.onClose = nil
    onClose?(summary)
  }

  private func watchHalfClosed() {
    let moved = forward.byteCount + backward.byteCount
    idleTimer = context.loop.schedule(after: TransportLimits.halfClosedIdleMax) { [unowned self] in
      // The timer is cancelled when the relay ends, so `self` is alive.
      idleTimer = nil
      if forward.byteCount + backward.byteCount == moved {
        fail(.drainTimedOut)
      } else {
        watchHalfClosed()
      }
    }
  }
}

/// One end of a spliced pair: a registered descriptor and what the last edges said about it.
final class SplicedSocket: ReadinessHandler {
  fileprivate var relay: SpliceRelay?
  fileprivate var isReadable = true
  fileprivate var isWritable = true
  let number: CInt

  private let context: TransportContext
  private var descriptor: FileDescriptor?
  private var registration: RegistrationID?

  /// Takes a socket and its registration over.
  init(
    _ context: TransportContext, owning descriptor: consuming FileDescriptor,
    _ registration: RegistrationID
  ) {
    self.context = context
    number = descriptor.rawValue
    self.descriptor = consume descriptor
    self.registration = registration
    context.loop.transfer(registration, to: self)
  }

  func handleReadiness(_ readiness: Readiness) {
    // Seen here too, as a direction whose sink is stalled reads nothing.
    if readiness.contains(.error), let relay, !relay.hasEnded(self),
      let error = Socket.pendingError(number)
    {
      return relay.socketDidFail(error)
    }
    if !readiness.isDisjoint(with: [.readable, .readHangup, .hangup, .error]) { isReadable = true }
    if !readiness.isDisjoint(with: [.writable, .hangup, .error]) { isWritable = true }
    relay?.socketIsReady(self)
  }

  fileprivate func requeue() {
    if let registration { context.loop.requeue(registration, [.readable, .writable]) }
  }

  fileprivate func abort() {
    if registration != nil { Socket.resetOnClose(number) }
    close()
  }

  fileprivate func close() {
    if let registration { context.loop.deregister(registration, isClosing: true) }
    registration = nil
    descriptor = nil
    relay = nil
  }

  /// Closes so that the peer gets all of what was sent.
  fileprivate func lingerAndClose() {
    if let registration { context.loop.deregister(registration) }
    registration = nil
    relay = nil
    if let open = descriptor.take() {
      (try? SocketStream(context, owning: open))?.close()
    }
  }
}

/// A pipe of the pool, and how many bytes are in it.
final class PooledPipe {
  fileprivate(set) var byteCount = 0
  private let pipe: Pipe

  fileprivate init(capacity: Int) throws(Errno) {
    pipe = try Pipe(capacity: capacity)
  }

  fileprivate var readNumber: CInt { pipe.readEnd.rawValue }
  fileprivate var writeNumber: CInt { pipe.writeEnd.rawValue }
}

/// Empty pipes for reuse; opening one costs three system calls.
final class PipePool {
  private var idle: [PooledPipe] = []

  /// An empty pipe; `nil` when no descriptor is left.
  func take() -> PooledPipe? {
    if let pipe = idle.popLast() { return pipe }
    return try? PooledPipe(capacity: TransportLimits.splicePipeBytes)
  }

  /// Takes an empty pipe back.
  func put(_ pipe: PooledPipe) {
    precondition(pipe.byteCount == 0, "a pipe with bytes of one pair returned")
    if idle.count < TransportLimits.idlePipeCountMax { idle.append(pipe) }
  }
}
