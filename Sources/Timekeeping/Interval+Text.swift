extension Interval {
  /// Reads a length of time as Go's programs write it: numbers with units, such as `1m30s`, `500ms`
  /// or `1.5h`; `0` needs no unit. `nil` for anything else, and for what is too long.
  public init?(duration text: String) {
    var rest = Substring(text)
    var isNegative = false
    if let sign = rest.first, sign == "-" || sign == "+" {
      isNegative = sign == "-"
      rest = rest.dropFirst()
    }
    if rest == "0" {
      self = .zero
      return
    }
    guard !rest.isEmpty else { return nil }
    var total = 0.0
    while !rest.isEmpty {
      let number = rest.prefix { $0 == "." || $0.isASCII && $0.isNumber }
      rest = rest.dropFirst(number.count)
      let unit = rest.prefix { $0 != "." && !($0.isASCII && $0.isNumber) }
      rest = rest.dropFirst(unit.count)
      // Double would take words and exponents too.
      guard number.contains(where: \.isNumber), let factor = Self.units[String(unit)],
        let value = Double(number.hasPrefix(".") ? "0" + number : String(number))
      else { return nil }
      total += value * factor
    }
    guard total < 9.2e18 else { return nil }
    self = Interval(nanoseconds: Int64(isNegative ? -total : total))
  }

  private static let units: [String: Double] = [
    "ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9,
  ]
}
