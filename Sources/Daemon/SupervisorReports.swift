public import LinuxSystem
public import Reactor
internal import Timekeeping

/// Tells the supervisor how the program is, and that its loop still turns.
///
/// What the supervisor does not take at once is sent again later, the newest text of each kind.
public final class SupervisorReports {
  private let loop: EventLoop
  private let supervisor: Supervisor
  private var unsent: [(key: String, value: String)] = []
  private var retryTimer: TimerID?
  private var watchdogTimer: TimerID?

  /// Says nothing yet.
  public init(_ loop: EventLoop, _ supervisor: Supervisor) {
    self.loop = loop
    self.supervisor = supervisor
  }

  /// The start is over; from now on the supervisor hears that the loop turns.
  public func ready(_ status: String) {
    report([("READY", "1"), ("STATUS", status)])
    armWatchdog()
  }

  /// The configuration is read again; `reloaded()` follows.
  public func reloading() {
    let microseconds = HostSystem.monotonicNanoseconds / 1000
    report([("RELOADING", "1"), ("MONOTONIC_USEC", "\(microseconds)")])
  }

  /// It has been read.
  public func reloaded() {
    // Of what was not taken yet, nobody needs to hear any more.
    unsent.removeAll { ["RELOADING", "MONOTONIC_USEC"].contains($0.key) }
    report([("READY", "1")])
  }

  /// What the program does, in a few words.
  public func status(_ text: String) {
    report([("STATUS", text)])
  }

  /// The program has begun to stop.
  public func stopping(_ status: String) {
    report([("STOPPING", "1"), ("STATUS", status)])
  }

  /// Says nothing more.
  public func close() {
    for timer in [retryTimer, watchdogTimer] {
      if let timer { loop.cancel(timer) }
    }
    retryTimer = nil
    watchdogTimer = nil
  }

  private func report(_ assignments: [(key: String, value: String)]) {
    for (key, value) in assignments {
      unsent.removeAll { $0.key == key }
      unsent.append((key, value))
    }
    send()
  }

  private func send() {
    guard !unsent.isEmpty else { return }
    if supervisor.notify(unsent.map { "\($0.key)=\($0.value)" }) {
      unsent = []
    } else if retryTimer == nil {
      retryTimer = loop.schedule(after: DaemonLimits.supervisorRetryDelay) { [unowned self] in
        // Cancelled in `close`.
        retryTimer = nil
        send()
      }
    }
  }

  // Half the time, as sd_watchdog_enabled(3) advises. The timer fires only if the loop turns.
  private func armWatchdog() {
    guard let limit = supervisor.watchdogNanoseconds else { return }
    watchdogTimer = loop.schedule(after: Interval(nanoseconds: limit / 2)) { [unowned self] in
      // Cancelled in `close`.
      report([("WATCHDOG", "1")])
      armWatchdog()
    }
  }
}

@available(*, unavailable)
extension SupervisorReports: Sendable {}
