internal import Reactor
internal import Timekeeping

/// A joined pair that may not stay half-closed for ever while no byte moves.
protocol HalfClosedPair: AnyObject {
  /// The pair's loop and buffers.
  var context: TransportContext { get }
  /// The timer of the watch; the pair cancels it when it ends.
  var idleTimer: TimerID? { get set }
  /// The bytes that both directions have moved.
  var movedByteCount: UInt64 { get }
  /// Ends the pair: nothing has moved for `TransportLimits.halfClosedIdleMax`.
  func idleTimeDidPass()
}

extension HalfClosedPair {
  /// Watches from now on.
  func watchHalfClosed() {
    let moved = movedByteCount
    idleTimer = context.loop.schedule(after: TransportLimits.halfClosedIdleMax) { [unowned self] in
      // The timer is cancelled when the pair ends, so `self` is alive.
      idleTimer = nil
      if movedByteCount == moved { idleTimeDidPass() } else { watchHalfClosed() }
    }
  }
}
