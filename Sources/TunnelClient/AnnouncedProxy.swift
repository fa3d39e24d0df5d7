internal import Timekeeping

/// Where one proxy stands with the server.
public enum ProxyPhase: Equatable, Sendable {
  /// Not announced yet.
  case new
  /// Announced; the answer is awaited.
  case waitStart
  /// The server listens for it.
  case running
  /// Refused, for this reason; announced again later.
  case startError(String)
  /// Its local service does not answer; withdrawn until it does.
  case checkFailed

  /// The word of frp's status pages for it.
  public var name: String {
    switch self {
    case .new: "new"
    case .waitStart: "wait start"
    case .running: "running"
    case .startError: "start error"
    case .checkFailed: "check failed"
    }
  }
}

/// The announcement of one proxy as a state machine without I/O.
///
/// | state | announce due | accepted | refused | service fails | service is there |
/// | --- | --- | --- | --- | --- | --- |
/// | new | wait start | running | start error | check failed | new, due at once |
/// | wait start | wait start (again) | running | start error | check failed | – |
/// | running | – | running | start error | check failed | – |
/// | start error | wait start | running | start error | check failed | – |
/// | check failed | – | – | – | – | new, due at once |
struct AnnouncedProxy {
  private(set) var phase = ProxyPhase.new
  /// When to announce (again); `nil` while running.
  private(set) var nextAnnouncement: Instant?
  /// What the server said last about where users reach it; empty before, and after a refusal.
  private(set) var remoteAddress = ""
  private var refusalCount = 0

  /// - Parameter isServiceThere: whether to announce it before its local service was checked.
  init(now: Instant, isServiceThere: Bool = true) {
    nextAnnouncement = isServiceThere ? now : nil
  }

  /// Whether to announce now; if so, an answer is awaited from here on.
  mutating func announceIfDue(now: Instant) -> Bool {
    guard let due = nextAnnouncement, due <= now else { return false }
    phase = .waitStart
    nextAnnouncement = now + TunnelClientLimits.announcementTimeout
    return true
  }

  /// The server answered; `error` is empty when it listens.
  mutating func handleAnswer(error: String, remoteAddress: String, now: Instant) {
    if phase == .checkFailed { return }
    self.remoteAddress = error.isEmpty ? remoteAddress : ""
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

  /// The local service does not answer.
  ///
  /// - Returns: whether the server knows the proxy, or will when it has read everything.
  mutating func serviceDidFail() -> Bool {
    let isKnown = phase == .running || phase == .waitStart
    phase = .checkFailed
    nextAnnouncement = nil
    return isKnown
  }

  /// The local service answers.
  mutating func serviceDidAnswer(now: Instant) {
    guard phase == .checkFailed || phase == .new else { return }
    phase = .new
    nextAnnouncement = now
    refusalCount = 0
  }

  /// 1, 2, 4, 8, 16, then always 30 s. frp waits 30 s from the start, and so keeps a restarted
  /// client out for that long when the server still holds its former session.
  private var retryDelay: Interval {
    min(.seconds(1 << min(refusalCount, 5)), TunnelClientLimits.refusedRetryDelayMax)
  }
}
