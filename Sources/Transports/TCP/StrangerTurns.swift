internal import DequeModule
internal import LinuxSystem
internal import Reactor
internal import Timekeeping

/// How the reads of a peer that has not shown who it is are paced.
public enum StrangerPace: Sendable {
  /// Like those of everybody else.
  case unpaced
  /// With those of others from places where somebody has logged in from.
  case known
  /// With those of all others.
  case unknown
}

/// Gives strangers, whose reads may be TLS handshakes, a bounded time of each turn of the loop.
///
/// Whoever comes when the time is over waits. Of those who wait, the one who came last and the one
/// who came first are read from by turns: under a flood that is more than there is time for, nobody
/// would be served in time in the order of arrival, and the oldest would starve in the other.
final class StrangerTurns {
  private let loop: EventLoop
  // How long strangers were read from in the turn `turn`, in nanoseconds.
  private var turn: UInt64 = 0
  private var spent: Int64 = 0
  // In the order in which they came; those who have left are passed over.
  private var waiting = Deque<SocketStream>()
  private var isScheduled = false

  init(_ loop: EventLoop) {
    self.loop = loop
  }

  /// Reads now, or later.
  ///
  /// - Returns: whether `read` was called.
  func read(from stranger: SocketStream, _ read: () -> Void) -> Bool {
    if turn != loop.turnCount {
      turn = loop.turnCount
      spent = 0
    }
    guard spent < TransportLimits.strangerTimePerTurn.nanoseconds else {
      wait(stranger)
      return false
    }
    let start = HostSystem.monotonicNanoseconds
    read()
    spent += HostSystem.monotonicNanoseconds - start
    return true
  }

  private func wait(_ stranger: SocketStream) {
    if waiting.count >= TransportLimits.waitingStrangerCountMax {
      waiting.removeAll { $0.phase == .closed }
    }
    waiting.append(stranger)
    scheduleTurn()
  }

  private func scheduleTurn() {
    guard !isScheduled else { return }
    isScheduled = true
    loop.schedule(at: loop.now) { [self] in
      isScheduled = false
      readWaiting()
    }
  }

  private func readWaiting() {
    let end =
      HostSystem.monotonicNanoseconds + TransportLimits.strangerTimePerTurn.nanoseconds
    var isNewestNext = true
    while HostSystem.monotonicNanoseconds < end,
      let stranger = isNewestNext ? waiting.popLast() : waiting.popFirst()
    {
      guard stranger.phase != .closed else { continue }
      stranger.readAfterWaiting()
      isNewestNext.toggle()
    }
    if !waiting.isEmpty { scheduleTurn() }
  }
}
