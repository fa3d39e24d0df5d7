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
  public func post(_ job: @escaping @Sendable (EventLoop) -> Void) {
    let wasEmpty = jobs.withLock { jobs in
      jobs.append(job)
      return jobs.count == 1
    }
    if wasEmpty { wakeup.signal() }
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
