public import Timekeeping

/// Slows those who fail to log in.
///
/// The first failures of a network are answered at once, later ones after a pause that grows. What
/// is held back is the word that a login has failed: a client with the right credential is let in
/// at once, whoever shares its address. Whoever guesses waits, or learns nothing.
public struct LoginThrottle {
  /// What to do with a login that has failed.
  public enum Verdict: Equatable, Sendable {
    /// Say so, at this time.
    case answer(at: Instant)
    /// Close without an answer: too many of this network wait for one.
    case drop
  }

  private struct Failures {
    let network: PeerNetwork
    var count: Int
    var lastAt: Instant
    /// When the next answer may go out.
    var nextAnswerAt: Instant
  }

  private let networkCountMax: Int
  private var failures = AgeList<Failures>()
  private var indices: [PeerNetwork: Int] = [:]

  /// Remembers nobody yet.
  public init(networkCountMax: Int = AdmissionLimits.failingNetworkCountMax) {
    self.networkCountMax = max(1, networkCountMax)
  }

  /// Networks whose failures are remembered.
  public var networkCount: Int { failures.count }

  /// Notes a failed login, and says what to do with it.
  public mutating func handleFailure(from network: PeerNetwork, now: Instant) -> Verdict {
    forget(now)
    let index = indices[network] ?? insert(network, now)
    guard var entry = failures[index] else { return .drop }
    failures.renew(index)
    defer { failures[index] = entry }
    entry.lastAt = now
    entry.count = min(entry.count + 1, Int(Int32.max))
    guard entry.count > AdmissionLimits.freeFailureCountMax else { return .answer(at: now) }
    let at = max(now, entry.nextAnswerAt)
    guard at - now <= AdmissionLimits.heldAnswerMax else { return .drop }
    entry.nextAnswerAt = at + Self.pause(afterFailures: entry.count)
    return .answer(at: at)
  }

  /// Whether answers to a network are held back.
  public func isSlowed(_ network: PeerNetwork) -> Bool {
    guard let index = indices[network], let entry = failures[index] else { return false }
    return entry.count >= AdmissionLimits.freeFailureCountMax
  }

  static func pause(afterFailures count: Int) -> Interval {
    let step = max(0, count - AdmissionLimits.freeFailureCountMax - 1)
    let doublings = min(step / AdmissionLimits.freeFailureCountMax, 16)
    let pause = AdmissionLimits.failurePauseMin.nanoseconds << Int64(doublings)
    return min(Interval(nanoseconds: pause), AdmissionLimits.failurePauseMax)
  }

  private mutating func insert(_ network: PeerNetwork, _ now: Instant) -> Int {
    if failures.count >= networkCountMax { removeOldest() }
    let index = failures.append(
      Failures(network: network, count: 0, lastAt: now, nextAnswerAt: now))
    indices[network] = index
    return index
  }

  private mutating func forget(_ now: Instant) {
    while let index = failures.oldestIndex, let entry = failures[index],
      now - entry.lastAt > AdmissionLimits.failureMemory
    {
      removeOldest()
    }
  }

  private mutating func removeOldest() {
    guard let index = failures.oldestIndex, let entry = failures.remove(at: index) else { return }
    indices[entry.network] = nil
  }
}
