internal import Timekeeping

/// Where one proxy stands with the server (behaviour.md 2).
enum ProxyPhase: Equatable {
  /// Not announced yet.
  case new
  /// Announced; the answer is awaited.
  case waitStart
  /// The server listens for it.
  case running
  /// Refused, for this reason; announced again later.
  case startError(String)
}

/// The announcement of one proxy as a state machine without I/O.
///
/// | state | announce due | accepted | refused |
/// | --- | --- | --- | --- |
/// | new | wait start | running | start error |
/// | wait start | wait start (again) | running | start error |
/// | running | – | running | start error |
/// | start error | wait start | running | start error |
struct AnnouncedProxy {
  private(set) var phase = ProxyPhase.new
  /// When to announce (again); `nil` while running.
  private(set) var nextAnnouncement: Instant?
  private var refusalCount = 0

  init(now: Instant) {
    nextAnnouncement = now
  }

  /// Whether to announce now; if so, an answer is awaited from here on.
  mutating func announceIfDue(now: Instant) -> Bool {
    guard let due = nextAnnouncement, due <= now else { return false }
    phase = .waitStart
    nextAnnouncement = now + TunnelClientLimits.announcementTimeout
    return true
  }

  /// The server answered; `error` is empty when it listens.
  mutating func handleAnswer(error: String, now: Instant) {
    if error.isEmpty {
      phase = .running
      nextAnnouncement = nil
      refusalCount = 0
    } else {
      phase = .startError(error)
      nextAnnouncement = now + retryDelay
      refusalCount += 1
    }
  }

  /// 1, 2, 4, 8, 16, then always 30 s. frp waits 30 s from the start, and so keeps a restarted
  /// client out for that long when the server still holds its former session.
  private var retryDelay: Interval {
    min(.seconds(1 << min(refusalCount, 5)), TunnelClientLimits.refusedRetryDelayMax)
  }
}
