/// One key of a section of the users file: its name, what it takes, and the line of the manual.
struct AccountKey: Sendable {
  let name: String
  let valueText: String
  let defaultText: String
  let documentation: String
  /// Stores a value that is not empty; gives what was expected instead, or `nil`.
  let store: @Sendable (inout Account, String) -> String?

  static let all: [AccountKey] = [token] + rights + maxima + validity

  static let token = AccountKey(
    name: "token", valueText: "secret text", defaultText: "",
    documentation: "what frpc of this user has as `token`; has to be set"
  ) { account, text in
    account.token = Secret(text)
    return nil
  }

  private static let rights: [AccountKey] = [
    AccountKey(
      name: "allow_ports", valueText: "list of N and A-B", defaultText: "1-65535",
      documentation:
        "ports that the user's proxies may have, of those in `allow_ports` of `[common]`"
    ) { account, text in
      do throws(PortRangesError) {
        account.allowedPorts = try PortRanges(parsing: text)
        return nil
      } catch {
        return error.description
      }
    },
    AccountKey(
      name: "proxy_types", valueText: "comma list", defaultText: "",
      documentation: "kinds of proxies that the user may have; empty: all"
    ) { account, text in
      var kinds: Set<ProxyKind> = []
      for item in listItems(text) {
        guard let kind = ProxyKind(rawValue: item) else {
          let names = ProxyKind.allCases.map(\.rawValue).joined(separator: ", ")
          return "expected kinds out of \(names), found \(quoted(item))"
        }
        kinds.insert(kind)
      }
      account.proxyKinds = kinds
      return nil
    },
    AccountKey(
      name: "proxy_names", valueText: "comma list", defaultText: "",
      documentation: "what the user's proxies may be called, without the user's name before it; "
        + "`*`, `?` and `[a-z]` stand for characters; empty: anything"
    ) { storePatterns(&$0.proxyNames, $1) },
    AccountKey(
      name: "domains", valueText: "comma list", defaultText: "",
      documentation: "host names under which the user's proxies may be reached, such as "
        + "`*.example.com`; without effect until there are virtual hosts; empty: any"
    ) { storePatterns(&$0.domains, $1.lowercased()) },
  ]

  private static let maxima: [AccountKey] = [
    AccountKey(
      name: "max_ports", valueText: "number", defaultText: "0",
      documentation: "the most ports that all clients of the user may have; 0: any number"
    ) { storeCount(&$0.portCountMax, $1, 65_535) },
    AccountKey(
      name: "max_connections", valueText: "number", defaultText: "0",
      documentation: "the most user connections of all of the user's proxies; 0: any number"
    ) { storeCount(&$0.connectionCountMax, $1, ConfigurationLimits.connectionCountMax) },
    AccountKey(
      name: "max_clients", valueText: "number", defaultText: "0",
      documentation: "the most clients of the user that may be logged in at once; 0: any number"
    ) { storeCount(&$0.clientCountMax, $1, ConfigurationLimits.connectionCountMax) },
  ]

  private static let validity: [AccountKey] = [
    AccountKey(
      name: "expires", valueText: "date or time in UTC", defaultText: "",
      documentation:
        "the last day on which the user's clients are let in, such as `2027-12-31`, or "
        + "the moment at which that ends, such as `2027-12-31T18:00:00Z`; empty: never"
    ) { account, text in
      guard let seconds = UTCTime.end(text) else {
        return "expected a date such as 2027-12-31 or a time such as 2027-12-31T18:00:00Z, "
          + "found \(quoted(text))"
      }
      account.expiry = seconds
      return nil
    },
    AccountKey(
      name: "enabled", valueText: "boolean", defaultText: "true",
      documentation: "whether the user's clients are let in"
    ) { account, text in
      guard let boolean = ScalarText.boolean(text) else {
        return "expected true or false, found \(quoted(text))"
      }
      account.isEnabled = boolean
      return nil
    },
  ]

  private static func storePatterns(_ target: inout NamePatterns, _ text: String) -> String? {
    do throws(NamePatternFault) {
      target = try NamePatterns(listItems(text))
      return nil
    } catch {
      return "expected complete patterns, found \(quoted(error.pattern))"
    }
  }

  private static func storeCount(_ target: inout Int?, _ text: String, _ most: Int) -> String? {
    guard let number = ScalarText.integer(text), (0...most).contains(number) else {
      return "expected a number from 0 to \(most), found \(quoted(text))"
    }
    target = number == 0 ? nil : number
    return nil
  }
}

/// Times of the calendar in UTC.
enum UTCTime {
  private static let secondsPerDay: Int64 = 86_400

  /// The moment that `YYYY-MM-DDTHH:MM:SSZ` names, or the end of the day `YYYY-MM-DD`, in seconds
  /// since 1970; `nil` for anything else.
  static func end(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    guard bytes.count >= 10, bytes[4] == 0x2D, bytes[7] == 0x2D,
      let year = decimal(bytes[0..<4]), let month = decimal(bytes[5..<7]),
      let day = decimal(bytes[8..<10]), year >= 1970, (1...12).contains(month),
      (1...dayCount(year, month)).contains(day)
    else { return nil }
    let start = daysSince1970(year, month, day) * secondsPerDay
    if bytes.count == 10 { return start + secondsPerDay }
    guard bytes.count == 20, bytes[10] == 0x54, bytes[13] == 0x3A, bytes[16] == 0x3A,
      bytes[19] == 0x5A, let hour = decimal(bytes[11..<13]), let minute = decimal(bytes[14..<16]),
      let second = decimal(bytes[17..<19]), hour < 24, minute < 60, second < 60
    else { return nil }
    return start + Int64(hour * 3600 + minute * 60 + second)
  }

  private static func decimal(_ digits: ArraySlice<UInt8>) -> Int? {
    guard digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return digits.reduce(0) { $0 * 10 + Int($1) - 0x30 }
  }

  private static func isLeap(_ year: Int) -> Bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
  }

  private static func dayCount(_ year: Int, _ month: Int) -> Int {
    switch month {
    case 2: isLeap(year) ? 29 : 28
    case 4, 6, 9, 11: 30
    case _: 31
    }
  }

  private static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
    let before = year - 1
    let leapDays = (before / 4 - before / 100 + before / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400)
    let earlierMonths = (1..<month).reduce(0) { $0 + dayCount(year, $1) }
    return Int64((year - 1970) * 365 + leapDays + earlierMonths + day - 1)
  }
}
