internal import LinuxSystem
internal import Synchronization

/// Hands work to a loop from any thread.
///
/// A stack onto which any thread pushes and which the loop takes away whole, without a lock: no
/// thread waits for another, and the thread sanitizer can follow it (it does not see what the
/// kernel does for a contended `Mutex`).
public final class Mailbox: Sendable {
  /// One entry of the stack, kept by one unbalanced reference from whatever points to it.
  private final class Job: Sendable {
    let body: @Sendable (EventLoop) -> Void
    /// The entry that was pushed before; written before this one is published.
    let next = Atomic<Unmanaged<Job>?>(nil)

    init(_ body: @escaping @Sendable (EventLoop) -> Void) { self.body = body }
  }

  private let newest = Atomic<Unmanaged<Job>?>(nil)
  private let waitingCount = Atomic<Int>(0)
  private let wakeup: WakeupDescriptor

  init() throws(Errno) {
    wakeup = try WakeupDescriptor()
  }

  deinit {
    _ = takeJobs()
  }

  var descriptor: CInt { wakeup.rawValue }

  /// Runs `job` on the loop's thread, soon. Wakes the loop only when nothing waited before.
  ///
  /// - Returns: whether there was room; `ReactorLimits.mailboxJobCountMax` jobs may wait.
  @discardableResult
  public func post(_ job: @escaping @Sendable (EventLoop) -> Void) -> Bool {
    let count = waitingCount.add(1, ordering: .relaxed).newValue
    if count > ReactorLimits.mailboxJobCountMax {
      waitingCount.subtract(1, ordering: .relaxed)
      return false
    }
    // Released by `takeJobs`.
    let entry = Unmanaged.passRetained(Job(job))
    var below = newest.load(ordering: .relaxed)
    while true {
      entry._withUnsafeGuaranteedRef { $0.next.store(below, ordering: .relaxed) }
      let (isPushed, seen) = newest.weakCompareExchange(
        expected: below, desired: entry, ordering: .acquiringAndReleasing)
      if isPushed { break }
      below = seen
    }
    if below == nil { wakeup.signal() }
    return true
  }

  /// Makes the loop turn again for jobs that it has taken and not run.
  func signal() { wakeup.signal() }

  /// Takes all jobs, the oldest first. The caller reports with `ran` what it has run of them.
  func takeJobs() -> [@Sendable (EventLoop) -> Void] {
    // Before the exchange: what is pushed after it signals anew.
    wakeup.clear()
    var next = newest.exchange(nil, ordering: .acquiringAndReleasing)
    var jobs: [@Sendable (EventLoop) -> Void] = []
    while let entry = next {
      let job = entry.takeRetainedValue()
      jobs.append(job.body)
      next = job.next.load(ordering: .relaxed)
    }
    jobs.reverse()
    return jobs
  }

  /// Makes room for as many new jobs.
  func ran(_ count: Int) {
    waitingCount.subtract(count, ordering: .relaxed)
  }
}

/// Runs the jobs that other threads left, some in each turn.
final class MailboxReader: ReadinessHandler {
  // The loop owns this object.
  private unowned let loop: EventLoop
  private var jobs: [@Sendable (EventLoop) -> Void] = []
  private var ranCount = 0

  init(_ loop: EventLoop) { self.loop = loop }

  func handleReadiness(_ readiness: Readiness) {
    jobs += loop.mailbox.takeJobs()
    let end = min(jobs.count, ranCount + ReactorLimits.mailboxJobsPerTurnMax)
    let portion = jobs[ranCount..<end]
    for job in portion { job(loop) }
    ranCount = end
    loop.mailbox.ran(portion.count)
    if ranCount == jobs.count {
      jobs.removeAll(keepingCapacity: jobs.count <= ReactorLimits.mailboxJobsPerTurnMax)
      ranCount = 0
    } else {
      loop.mailbox.signal()
    }
  }
}
