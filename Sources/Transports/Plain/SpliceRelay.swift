internal import LinuxSystem
internal import Reactor
internal import Timekeeping

/// Joins two plain TCP connections: the plain lane; `StreamRelay` is the framed one.
///
/// Long transfers stay inside the kernel. The slower end sets the pace of each direction, and a FIN
/// is passed on as a FIN, a reset as a reset.
final class SpliceRelay: HalfClosedPair {
  let context: TransportContext
  private let near: SplicedSocket
  private let far: SplicedSocket
  private let isHalfCloseKept: Bool
  private let forward: SplicedDirection
  private let backward: SplicedDirection
  private(set) var isOver = false
  var idleTimer: TimerID?
  private var isFarFirst = false
  private var onAnswer: (() -> Void)?
  private var onClose: ((RelaySummary) -> Void)?

  /// Takes both sockets over; bytes flow from the next turn on.
  ///
  /// - Parameters:
  ///   - greeting: goes to the far socket before anything else, with the near one's first bytes if
  ///     they are there.
  ///   - early: bytes of the near socket that came before.
  ///   - onAnswer: called once, with the first byte of the far socket.
  init(
    _ context: TransportContext, near: SplicedSocket, far: SplicedSocket, greeting: [UInt8],
    early: [UInt8], isHalfCloseKept: Bool, onAnswer: (() -> Void)? = nil,
    onClose: @escaping (RelaySummary) -> Void
  ) {
    self.onAnswer = onAnswer
    self.context = context
    self.near = near
    self.far = far
    self.isHalfCloseKept = isHalfCloseKept
    self.onClose = onClose
    forward = SplicedDirection(context, from: near, to: far, greeting: greeting, early: early)
    backward = SplicedDirection(context, from: far, to: near, greeting: [], early: [])
    near.relay = self
    far.relay = self
    near.requeue()
  }

  /// Aborts both sides.
  func abort() {
    fail(.reset)
  }

  func socketIsReady(_ socket: SplicedSocket) {
    guard !isOver else { return }
    if socket === near {
      pump(forward)
      if !isOver { pump(backward) }
    } else {
      pump(backward)
      if !isOver { pump(forward) }
    }
    if !isOver { endIfDone() }
  }

  private func pump(_ direction: SplicedDirection) {
    let stop = direction.pump()
    if direction === backward { noteProgress() }
    switch stop {
    case .blocked: break
    case .budgetSpent: direction.source.requeue()
    case .sourceFailed(let error):
      noteFailure(of: direction.source)
      socketDidFail(error)
    case .sinkFailed(let error): sinkDidFail(direction, error)
    case .pipesExhausted: fail(.failed(.tooManyOpenFiles))
    }
    if !isOver, direction.isFinishDue {
      direction.sinkDidEnd()
      // Behind the second end both are closed at once, which sends the FIN.
      if !(forward.isSinkEnded && backward.isSinkEnded) {
        Socket.shutdownWriting(direction.sink.number)
      }
    }
  }

  private func noteProgress() {
    if backward.byteCount > 0, let onAnswer = onAnswer.take() { onAnswer() }
    if backward.isSourceEnded, !forward.isSourceEnded { isFarFirst = true }
  }

  private func noteFailure(of socket: SplicedSocket) {
    if socket === far, !forward.isSourceEnded { isFarFirst = true }
  }

  /// The sink takes nothing any more. If it had ended its own direction in order before, what it
  /// sent still goes on: a stock peer closes like that.
  private func sinkDidFail(_ direction: SplicedDirection, _ error: Errno) {
    let opposite = direction === forward ? backward : forward
    if opposite.isSourceEnded {
      direction.giveUp()
    } else {
      noteFailure(of: direction.sink)
      socketDidFail(error)
    }
  }

  /// Whether that side has ended its direction in order.
  func hasEnded(_ socket: SplicedSocket) -> Bool {
    socket === near ? forward.isSourceEnded : backward.isSourceEnded
  }

  func socket(_ socket: SplicedSocket, didFail error: Errno) {
    noteFailure(of: socket)
    socketDidFail(error)
  }

  private func socketDidFail(_ error: Errno) {
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
    forward.release()
    backward.release()
    let summary = RelaySummary(
      forwardByteCount: forward.byteCount, backwardByteCount: backward.byteCount, failure: reason,
      isFarFirst: isFarFirst)
    onAnswer = nil
    let onClose = self.onClose
    self.onClose = nil
    onClose?(summary)
  }

  var movedByteCount: UInt64 { forward.byteCount + backward.byteCount }

  func idleTimeDidPass() { fail(.drainTimedOut) }
}
