internal import Timekeeping

/// How long to wait before the next login attempt (behaviour.md 1.1).
///
/// Before the first success of the process: 2, 4, 8, then 10 s, each plus up to 10 %. After an
/// established session ended: at once; when that session dies too, up to three quick repeats a
/// minute (200 to 300 ms); otherwise 2, 4, 8, 16, 20 s.
///
/// A server that was reached before and cannot be reached now is another matter: 0.1, 0.2, 0.4,
/// 0.8, 1.6, then 2 s, each by a quarter more or less, for as long as
/// `TunnelClientLimits.quickAttemptCountMax` attempts last; then as above. Before the first login a
/// server that takes a connection and drops it before it has answered, as one does that has too
/// many strangers, is tried the same way from 0.025 s on, `quickFirstAttemptCountMax` times.
public struct ReconnectBackoff: Sendable {
  private static let quickWindow = Interval.seconds(60)

  /// Sessions that may die young within a minute before it is taken for a fault.
  public var quickRepeatsMax = 3
  private var hasEverLoggedIn = false
  private var failureCount = 0
  private var quickRepeats: [Instant] = []
  private var unreachableCount = 0

  /// Starts before the first login, with frp's numbers.
  public init() {}

  /// The delay after a failed attempt. `random` is uniform in 0..<1.
  mutating func delayAfterFailure(random: Double) -> Interval {
    failureCount += 1
    let ceiling = hasEverLoggedIn ? 20.0 : 10.0
    let seconds = min(Double(1 << min(failureCount, 10)), ceiling)
    return Interval(nanoseconds: Int64(seconds * (1 + 0.1 * random) * 1e9))
  }

  /// The delay after an attempt that the server has not answered.
  ///
  /// - Parameters:
  ///   - wasReached: whether the server took the connection and then dropped it.
  ///   - random: uniform in 0..<1.
  mutating func delayWithoutAnswer(wasReached: Bool, random: Double) -> Interval {
    let quickAttemptCountMax =
      if hasEverLoggedIn {
        TunnelClientLimits.quickAttemptCountMax
      } else {
        wasReached ? TunnelClientLimits.quickFirstAttemptCountMax : 0
      }
    guard unreachableCount < quickAttemptCountMax else {
      return delayAfterFailure(random: random)
    }
    let delay = min(
      Interval.milliseconds((hasEverLoggedIn ? 100 : 25) << min(unreachableCount, 10)),
      TunnelClientLimits.unreachableRetryDelayMax)
    unreachableCount += 1
    return Interval(nanoseconds: Int64(Double(delay.nanoseconds) * (0.75 + 0.5 * random)))
  }

  /// The network is another one: earlier failures say nothing.
  mutating func networkDidChange() {
    failureCount = 0
    unreachableCount = 0
    quickRepeats = []
  }

  /// Whether the next attempt is to reach a server that was reached before.
  var isUrgent: Bool { hasEverLoggedIn }

  /// A login succeeded.
  mutating func didLogIn() {
    hasEverLoggedIn = true
    failureCount = 0
    unreachableCount = 0
  }

  /// The delay after an established session ended.
  mutating func delayAfterSession(endedAt now: Instant, lasted: Interval, random: Double)
    -> Interval
  {
    if lasted > Self.quickWindow { return .zero }
    quickRepeats.removeAll { now - $0 > Self.quickWindow }
    guard quickRepeats.count < quickRepeatsMax else {
      failureCount = max(failureCount, quickRepeats.count - quickRepeatsMax)
      return delayAfterFailure(random: random)
    }
    quickRepeats.append(now)
    return Interval(nanoseconds: Int64((0.2 + 0.1 * random) * 1e9))
  }
}
