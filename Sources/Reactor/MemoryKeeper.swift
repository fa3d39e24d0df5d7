internal import LinuxSystem
internal import Timekeeping

extension EventLoop {
  /// Gives memory back to the system soon after the start, and whenever the loop was busy and has
  /// become quiet. For programs, not for tests, as it concerns the whole process.
  public func keepMemorySmall() {
    let keeper = MemoryKeeper(self)
    schedule(after: ReactorLimits.startupMemoryDelay) { keeper.look() }
  }
}

/// Looks now and then whether the loop has become quiet.
private final class MemoryKeeper {
  private unowned let loop: EventLoop
  private var isReleaseDue = true
  private var turnCount: UInt64

  init(_ loop: EventLoop) {
    self.loop = loop
    turnCount = loop.turnCount
  }

  func look() {
    let turns = loop.turnCount - turnCount
    turnCount = loop.turnCount
    if turns > ReactorLimits.quietTurnCountMax {
      isReleaseDue = true
    } else if isReleaseDue {
      isReleaseDue = false
      HostSystem.releaseUnusedMemory()
    }
    loop.schedule(after: ReactorLimits.quietInterval) { self.look() }
  }
}
