/// A length of time in integer nanoseconds; may be negative.
///
/// Arithmetic stops at the ends of the range (292 years) instead of trapping: lengths come from
/// configuration files.
public struct Interval: Comparable, Hashable, Sendable {
  /// The length in nanoseconds.
  public var nanoseconds: Int64

  /// Makes an interval of that many nanoseconds.
  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// No time at all.
  public static let zero = Interval(nanoseconds: 0)

  /// That many seconds.
  public static func seconds(_ count: Int) -> Interval {
    Interval(nanoseconds: 1_000_000_000) * count
  }

  /// That many milliseconds.
  public static func milliseconds(_ count: Int) -> Interval {
    Interval(nanoseconds: 1_000_000) * count
  }

  /// That many microseconds.
  public static func microseconds(_ count: Int) -> Interval {
    Interval(nanoseconds: 1_000) * count
  }

  /// The length in seconds, for reports.
  public var inSeconds: Double { Double(nanoseconds) / 1e9 }

  /// Compares lengths.
  public static func < (left: Interval, right: Interval) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// Adds lengths.
  public static func + (left: Interval, right: Interval) -> Interval {
    Interval(nanoseconds: left.nanoseconds.addingClamped(right.nanoseconds))
  }

  /// Subtracts lengths.
  public static func - (left: Interval, right: Interval) -> Interval {
    Interval(nanoseconds: left.nanoseconds.subtractingClamped(right.nanoseconds))
  }

  /// Multiplies a length.
  public static func * (left: Interval, right: Int) -> Interval {
    let (product, isOverflown) = left.nanoseconds.multipliedReportingOverflow(by: Int64(right))
    if !isOverflown { return Interval(nanoseconds: product) }
    return Interval(nanoseconds: (left.nanoseconds < 0) == (right < 0) ? .max : .min)
  }
}

/// A point on a monotonic clock, in integer nanoseconds since an arbitrary start.
public struct Instant: Comparable, Hashable, Sendable {
  /// Nanoseconds since the start of the clock.
  public var nanoseconds: Int64

  /// Makes the point that lies so many nanoseconds behind the start of the clock.
  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// Compares points of the same clock.
  public static func < (left: Instant, right: Instant) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// The point that lies `interval` later.
  public static func + (left: Instant, interval: Interval) -> Instant {
    Instant(nanoseconds: left.nanoseconds.addingClamped(interval.nanoseconds))
  }

  /// The time from `right` to `left`.
  public static func - (left: Instant, right: Instant) -> Interval {
    Interval(nanoseconds: left.nanoseconds.subtractingClamped(right.nanoseconds))
  }
}

extension Int64 {
  fileprivate func addingClamped(_ other: Int64) -> Int64 {
    let (sum, isOverflown) = addingReportingOverflow(other)
    return isOverflown ? (other < 0 ? .min : .max) : sum
  }

  fileprivate func subtractingClamped(_ other: Int64) -> Int64 {
    let (difference, isOverflown) = subtractingReportingOverflow(other)
    return isOverflown ? (other < 0 ? .max : .min) : difference
  }
}
