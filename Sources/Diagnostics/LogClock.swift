internal import Glibc

/// A point of local time, as logs show it.
public struct LocalTime: Hashable, Sendable {
  /// The year.
  public var year: Int
  /// The month, from 1.
  public var month: Int
  /// The day of the month, from 1.
  public var day: Int
  /// The hour.
  public var hour: Int
  /// The minute.
  public var minute: Int
  /// The second.
  public var second: Int
  /// The millisecond.
  public var millisecond: Int

  /// Puts the parts together.
  public init(
    year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0,
    millisecond: Int = 0
  ) {
    self.year = year
    self.month = month
    self.day = day
    self.hour = hour
    self.minute = minute
    self.second = second
    self.millisecond = millisecond
  }

  /// `YYYY-MM-DD HH:MM:SS.mmm`.
  var lineText: String {
    "\(padded(year, 4))-\(padded(month))-\(padded(day)) "
      + "\(padded(hour)):\(padded(minute)):\(padded(second)).\(padded(millisecond, 3))"
  }

  /// `YYYYMMDD-HHMMSS`.
  var fileNameText: String {
    "\(padded(year, 4))\(padded(month))\(padded(day))-"
      + "\(padded(hour))\(padded(minute))\(padded(second))"
  }

  /// Reads `YYYYMMDD-HHMMSS`; `nil` for anything else.
  init?(fileNameText: some StringProtocol) {
    let bytes = Array(fileNameText.utf8)
    guard bytes.count == 15, bytes[8] == 0x2D else { return nil }
    func number(_ range: Range<Int>) -> Int? {
      bytes[range].reduce(0 as Int?) { total, byte in
        guard let total, (0x30...0x39).contains(byte) else { return nil }
        return total * 10 + Int(byte - 0x30)
      }
    }
    guard let year = number(0..<4), let month = number(4..<6), let day = number(6..<8),
      let hour = number(9..<11), let minute = number(11..<13), let second = number(13..<15),
      (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60
    else { return nil }
    self.init(
      year: year, month: month, day: day, hour: hour, minute: minute, second: second)
  }

  /// Whether both are on the same day.
  func isSameDay(as other: LocalTime) -> Bool {
    year == other.year && month == other.month && day == other.day
  }

  /// Seconds since a fixed point, as if every day had 24 hours; for differences.
  var wallSeconds: Int {
    // Days of the proleptic Gregorian calendar, years beginning in March.
    let shifted = month > 2 ? year : year - 1
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return ((era * 146_097 + dayOfEra) * 24 + hour) * 3600 + minute * 60 + second
  }

  private func padded(_ number: Int, _ width: Int = 2) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }
}

/// How far local time is ahead of UTC, in the time zone of the process; looked up once a second at
/// most.
public struct LocalOffset: Sendable {
  private var second: Int?
  private var value = 0

  /// Knows no second yet.
  public init() {}

  /// The seconds at that second since 1970.
  public mutating func seconds(at secondsSinceEpoch: Int) -> Int {
    guard secondsSinceEpoch != second else { return value }
    second = secondsSinceEpoch
    var time = time_t(secondsSinceEpoch)
    var parts = tm()
    value = localtime_r(&time, &parts) == nil ? 0 : parts.tm_gmtoff
    return value
  }
}

/// Where local time comes from.
public struct LogClock: Sendable {
  /// The time now.
  public var now: @Sendable () -> LocalTime

  /// A clock of one's own.
  public init(now: @escaping @Sendable () -> LocalTime) { self.now = now }

  /// The system's clock, in the time zone of the process.
  public static let system = LogClock {
    var point = timespec()
    clock_gettime(CLOCK_REALTIME, &point)
    var parts = tm()
    localtime_r(&point.tv_sec, &parts)
    return LocalTime(
      year: Int(parts.tm_year) + 1900, month: Int(parts.tm_mon) + 1, day: Int(parts.tm_mday),
      hour: Int(parts.tm_hour), minute: Int(parts.tm_min), second: Int(parts.tm_sec),
      millisecond: point.tv_nsec / 1_000_000)
  }
}
