internal import Admission
internal import Diagnostics
internal import Logging
internal import Reactor
internal import Timekeeping

/// Writes the log lines that strangers, users and clients can cause again and again.
///
/// Each line is written as long as there are few: so many of one network about one subject, and so
/// many in all (`RelayServerLimits`). What is left out is counted, and one line says how much it
/// was once the time is over. So a log can be read under attack, and does not fill the disk.
final class ComplaintLog {
  /// What a line is about.
  enum Subject: String, CaseIterable {
    case login = "failed logins"
    case bringUp = "connections that did not log in"
    case workConnection = "refused work connections"
    case user = "users who were not served"
    case proxy = "refused proxies"
  }

  private let loop: EventLoop
  private let logger: Logger
  private var perNetwork = RepeatSuppressor(
    periodNanoseconds: RelayServerLimits.complaintPeriod.nanoseconds,
    burstMax: RelayServerLimits.complaintsPerNetworkMax)
  private var overall = RepeatSuppressor(
    periodNanoseconds: Interval.seconds(1).nanoseconds,
    burstMax: RelayServerLimits.complaintsPerSecondMax)
  private var leftOut: [Subject: Int] = [:]
  private var summaryTimer: TimerID?

  init(_ loop: EventLoop, _ logger: Logger) {
    self.loop = loop
    self.logger = logger
  }

  /// Writes one line, or counts it.
  ///
  /// - Parameters:
  ///   - network: who caused it; `nil` when nobody knows.
  ///   - target: the logger whose prefixes the line gets; `nil` for the server's.
  func write(
    _ subject: Subject, from network: PeerNetwork?, at level: Logger.Level = .warning,
    to target: Logger? = nil, _ text: @autoclosure () -> String
  ) {
    let target = target ?? logger
    guard target.logLevel <= level else { return }
    let now = loop.now.nanoseconds
    let key = "\(subject.rawValue) \(network.map { String($0.hashValue) } ?? "")"
    guard case .emit = perNetwork.decide(key, nowNanoseconds: now),
      case .emit = overall.decide("", nowNanoseconds: now)
    else {
      leftOut[subject, default: 0] += 1
      if summaryTimer == nil { armSummary() }
      return
    }
    target.log(level: level, "\(text())")
  }

  private func armSummary() {
    summaryTimer = loop.schedule(after: RelayServerLimits.complaintPeriod) { [unowned self] in
      // Cancelled in `close`.
      summaryTimer = nil
      writeSummary()
    }
  }

  /// Says what has been left out and not reported, and ends.
  func close() {
    if let summaryTimer { loop.cancel(summaryTimer) }
    summaryTimer = nil
    writeSummary()
  }

  private func writeSummary() {
    let parts = Subject.allCases.compactMap { subject in
      leftOut[subject].map { "\($0) \(subject.rawValue)" }
    }
    leftOut = [:]
    guard !parts.isEmpty else { return }
    let seconds = Int(RelayServerLimits.complaintPeriod.inSeconds)
    logger.warning(
      "more of the same in the last \(seconds) s, left out here: \(parts.joined(separator: ", "))")
  }
}
