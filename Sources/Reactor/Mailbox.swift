internal import LinuxSystem
internal import Synchronization

/// Hands work to a loop from any thread.
public final class Mailbox: Sendable {
  private let jobs = Mutex<[@Sendable (EventLoop) -> Void]>([])
  private let wakeup: WakeupDescriptor

  init() throws(Errno) {
    wakeup = try WakeupDescriptor()
  }

  var descriptor: CInt { wakeup.rawValue }

  /// Runs `job` on the loop's thread, soon. Wakes the loop only when nothing waited before.
  ///
  /// - Returns: whether there was room; `ReactorLimits.mailboxJobCountMax` jobs may wait.
  @discardableResult
  public func post(_ job: @escaping @Sendable (EventLoop) -> Void) -> Bool {
    let countBefore = jobs.withLock { jobs in
      let count = jobs.count
      if count < ReactorLimits.mailboxJobCountMax { jobs.append(job) }
      return count
    }
    if countBefore == 0 { wakeup.signal() }
    return countBefore < ReactorLimits.mailboxJobCountMax
  }

  func takeJobs(_ countMax: Int) -> [@Sendable (EventLoop) -> Void] {
    wakeup.clear()
    let (taken, isMore) = jobs.withLock { jobs in
      let taken = Array(jobs.prefix(countMax))
      jobs.removeFirst(taken.count)
      return (taken, !jobs.isEmpty)
    }
    if isMore { wakeup.signal() }
    return taken
  }
}
