/// Decides which of many like messages are written: the first of each key in each period.
///
/// What strangers can cause again and again (garbage on a port, refused logins) is logged through
/// one of these. Keys beyond `DiagnosticsLimits.suppressorKeyCountMax` share one entry.
public struct RepeatSuppressor: Sendable {
  /// What to do with a message.
  public enum Decision: Equatable, Sendable {
    /// Write it; so many like it were left out since the last one that was written.
    case emit(suppressedCount: Int)
    /// Leave it out; it is the `count`th since the last one that was written.
    case suppress(count: Int)
  }

  private struct Entry {
    var periodStart: Int64
    var emittedCount: Int
    var suppressedCount: Int
  }

  private let periodNanoseconds: Int64
  private let burstMax: Int
  private let keyCountMax: Int
  private var entries: [String: Entry] = [:]
  private var overflowEntry: Entry?
  private var nextSweep = Int64.min

  /// Makes one that lets `burstMax` messages of a key through in each period.
  public init(
    periodNanoseconds: Int64, burstMax: Int = 1,
    keyCountMax: Int = DiagnosticsLimits.suppressorKeyCountMax
  ) {
    self.periodNanoseconds = max(1, periodNanoseconds)
    self.burstMax = max(1, burstMax)
    self.keyCountMax = max(1, keyCountMax)
  }

  /// How many keys are told apart at the moment.
  public var keyCount: Int { entries.count }

  /// Decides about one message.
  ///
  /// - Parameters:
  ///   - key: what makes messages alike.
  ///   - nowNanoseconds: a monotonic time.
  public mutating func decide(_ key: String, nowNanoseconds: Int64) -> Decision {
    if entries[key] == nil, entries.count >= keyCountMax { sweep(nowNanoseconds) }
    if entries[key] == nil, entries.count >= keyCountMax {
      return Self.decide(
        &overflowEntry, nowNanoseconds, period: periodNanoseconds, burstMax: burstMax)
    }
    return Self.decide(
      &entries[key], nowNanoseconds, period: periodNanoseconds, burstMax: burstMax)
  }

  private static func decide(
    _ entry: inout Entry?, _ now: Int64, period: Int64, burstMax: Int
  ) -> Decision {
    var current = entry ?? Entry(periodStart: now, emittedCount: 0, suppressedCount: 0)
    defer { entry = current }
    if isOver(current, now, period: period) {
      current.periodStart = now
      current.emittedCount = 0
    }
    guard current.emittedCount < burstMax else {
      current.suppressedCount += 1
      return .suppress(count: current.suppressedCount)
    }
    current.emittedCount += 1
    defer { current.suppressedCount = 0 }
    return .emit(suppressedCount: current.suppressedCount)
  }

  private static func isOver(_ entry: Entry, _ now: Int64, period: Int64) -> Bool {
    let (age, overflow) = now.subtractingReportingOverflow(entry.periodStart)
    return overflow || age >= period
  }

  /// Forgets keys whose period is over; at most once a period, so that it costs little.
  private mutating func sweep(_ now: Int64) {
    guard now >= nextSweep else { return }
    let (next, overflow) = now.addingReportingOverflow(periodNanoseconds)
    nextSweep = overflow ? .max : next
    entries = entries.filter { !Self.isOver($0.value, now, period: periodNanoseconds) }
  }
}
