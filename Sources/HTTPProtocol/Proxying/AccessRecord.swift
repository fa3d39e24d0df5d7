public import Timekeeping

/// One request in the access log.
public struct AccessRecord: Sendable {
  /// How lines are written.
  public enum Form: Sendable {
    /// The common log format, and behind it the host, the proxy, the bytes of the request's body
    /// and two durations in milliseconds.
    case common
    /// One object of JSON.
    case json
  }

  /// When the request arrived, in seconds since 1970.
  public var secondsSinceEpoch: Int
  /// How far local time is ahead of UTC, in seconds.
  public var offsetSeconds = 0
  /// The visitor's address without port.
  public var visitorAddress = ""
  /// The user that the visitor authenticated as; empty for none.
  public var user = ""
  /// The host that was asked for, with its port.
  public var host = ""
  /// The method; empty when no request could be read.
  public var method = ""
  /// The target as the visitor wrote it.
  public var target = ""
  /// The visitor's version; `nil` when no request could be read.
  public var version: HTTPVersion?
  /// Whether the visitor speaks HTTP/2, whatever `version` says.
  public var isHTTP2 = false
  /// The code of the answer.
  public var status = 0
  /// Bytes of the request's body.
  public var receivedByteCount = 0
  /// Bytes of the answer's body.
  public var sentByteCount = 0
  /// From the head of the request to the head of the answer.
  public var timeToHead = Interval.zero
  /// From the head of the request to the end of the answer.
  public var duration = Interval.zero
  /// The proxy that served it; empty for an answer of our own.
  public var proxy = ""

  /// Makes a record of the head of a request; the rest comes when it is known.
  public init(
    _ head: RequestHead, visitorAddress: String, secondsSinceEpoch: Int, offsetSeconds: Int = 0
  ) {
    self.secondsSinceEpoch = secondsSinceEpoch
    self.offsetSeconds = offsetSeconds
    self.visitorAddress = visitorAddress
    user = head.routingUser
    host = head.authorityText
    method = head.methodText
    target = head.targetText
    version = head.version
  }

  /// Makes a record of something that was answered and is no request.
  public init(unreadFrom visitorAddress: String, secondsSinceEpoch: Int) {
    self.secondsSinceEpoch = secondsSinceEpoch
    self.visitorAddress = visitorAddress
  }

  /// The line, without its end.
  public func line(_ form: Form) -> String {
    switch form {
    case .common: commonLine
    case .json: jsonLine
    }
  }

  private var versionText: String { isHTTP2 ? "HTTP/2.0" : version?.text ?? "" }

  private var commonLine: String {
    let time = CalendarTime(secondsSinceEpoch: secondsSinceEpoch, offsetSeconds: offsetSeconds)
    let request =
      version == nil ? "-" : "\(Self.escaped(method)) \(Self.escaped(target)) \(versionText)"
    return "\(Self.word(visitorAddress)) - \(Self.word(user)) [\(time.commonText)] \"\(request)\" "
      + "\(status) \(sentByteCount) \"\(Self.escaped(host))\" \"\(Self.escaped(proxy))\" "
      + "\(receivedByteCount) \(Self.milliseconds(timeToHead)) \(Self.milliseconds(duration))"
  }

  private var jsonLine: String {
    let time = CalendarTime(secondsSinceEpoch: secondsSinceEpoch, offsetSeconds: offsetSeconds)
    var text = JSONText()
    text.object {
      $0.member("time", time.internetText)
      $0.member("visitor", visitorAddress)
      $0.member("user", user)
      $0.member("host", host)
      $0.member("method", method)
      $0.member("target", target)
      $0.member("version", versionText)
      $0.member("status", status)
      $0.member("received_bytes", receivedByteCount)
      $0.member("sent_bytes", sentByteCount)
      $0.name("head_ms")
      $0.raw(Self.milliseconds(timeToHead))
      $0.name("duration_ms")
      $0.raw(Self.milliseconds(duration))
      $0.member("proxy", proxy)
    }
    return String(decoding: text.bytes, as: UTF8.self)
  }

  /// A text that stands without quotes: `-` when it is empty, spaces escaped.
  private static func word(_ text: String) -> String {
    text.isEmpty ? "-" : escaped(text, spaces: true)
  }

  /// What could end the quotes or the line, or move a terminal's cursor, as `\xHH`.
  private static func escaped(_ text: String, spaces: Bool = false) -> String {
    let isClean = text.utf8.allSatisfy {
      $0 > 0x20 && $0 < 0x7f && $0 != 0x22 && $0 != 0x5c
    }
    if isClean { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      let isPlain =
        scalar.value >= 0x20 && !(0x7f...0x9f).contains(scalar.value) && scalar != "\""
        && scalar != "\\" && !(spaces && scalar == " ") && scalar != "\u{2028}"
        && scalar != "\u{2029}"
      if isPlain {
        result.unicodeScalars.append(scalar)
      } else {
        for byte in String(scalar).utf8 {
          result += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
      }
    }
    return result
  }

  /// Three decimal places, cut.
  private static func milliseconds(_ interval: Interval) -> String {
    let microseconds = max(0, interval.nanoseconds) / 1000
    let fraction = String(microseconds % 1000)
    return "\(microseconds / 1000)."
      + String(repeating: "0", count: 3 - fraction.utf8.count) + fraction
  }
}

/// A point of time as a calendar has it.
struct CalendarTime {
  private var year = 0
  private var month = 0
  private var day = 0
  /// 0 is Sunday.
  private var weekday = 0
  private let secondOfDay: Int
  private let offsetSeconds: Int

  /// Days to dates after H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".
  init(secondsSinceEpoch: Int, offsetSeconds: Int) {
    // A thousand years on either side; whoever gives more gets the end of it.
    let seconds = min(max(secondsSinceEpoch, -31_556_952_000), 31_556_952_000)
    self.offsetSeconds = min(max(offsetSeconds, -86_399), 86_399)
    let local = seconds + self.offsetSeconds
    let days = local >= 0 ? local / 86_400 : (local - 86_399) / 86_400
    secondOfDay = local - days * 86_400
    // The first day of 1970 was a Thursday.
    weekday = (days % 7 + 11) % 7
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]

  private func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

  private var clockText: String {
    "\(padded(secondOfDay / 3600)):\(padded(secondOfDay / 60 % 60)):\(padded(secondOfDay % 60))"
  }

  private func offsetText(_ separator: String) -> String {
    let minutes = abs(offsetSeconds) / 60
    return (offsetSeconds < 0 ? "-" : "+") + padded(minutes / 60) + separator
      + padded(minutes % 60)
  }

  /// `10/Oct/2000:13:55:36 -0700`.
  var commonText: String {
    "\(padded(day))/\(Self.months[month - 1])/\(year):\(clockText) \(offsetText(""))"
  }

  /// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7), of UTC and years with four digits.
  var messageText: String {
    "\(Self.weekdays[weekday]), \(padded(day)) \(Self.months[month - 1]) \(year) \(clockText) GMT"
  }

  /// `2000-10-10T13:55:36-07:00` (RFC 3339).
  var internetText: String {
    "\(year)-\(padded(month))-\(padded(day))T\(clockText)\(offsetText(":"))"
  }
}
