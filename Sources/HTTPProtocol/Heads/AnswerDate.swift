internal import ByteBuffers

/// The value of `Date` in answers (RFC 9110, section 6.6.1), put together once a second at most.
public struct AnswerDate: Sendable {
  private var second = -1
  private var value = ""

  /// Knows no second yet.
  public init() {}

  /// The value at that second since 1970, as an IMF-fixdate: `Sun, 06 Nov 1994 08:49:37 GMT`.
  public mutating func text(at secondsSinceEpoch: Int) -> String {
    // Before 1970 the clock is not set.
    let wanted = max(0, secondsSinceEpoch)
    if wanted != second {
      second = wanted
      value = CalendarTime(secondsSinceEpoch: wanted, offsetSeconds: 0).messageText
    }
    return value
  }

  /// Appends the line of the field.
  static func write(_ value: String, into queue: inout ByteQueue) {
    queue.append(utf8: "Date: ")
    queue.append(utf8: value)
    queue.append(utf8: "\r\n")
  }
}
