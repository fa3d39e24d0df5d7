/// Numbers and booleans as INI files spell them.
enum ScalarText {
  /// An integer: decimal, or `0x`, `0o`, `0b`, or a leading `0` for octal; single underscores
  /// between digits. `nil` for anything else and for what 64 bits cannot hold.
  static func integer(_ text: String) -> Int? {
    var digits = Substring(text)
    var isNegative = false
    if let sign = digits.first, sign == "-" || sign == "+" {
      isNegative = sign == "-"
      digits = digits.dropFirst()
    }
    let (radix, body, hadPrefix) = radixAndBody(digits)
    guard let plain = withoutUnderscores(body, mayLead: hadPrefix) else { return nil }
    // Int(_:radix:) would take another sign.
    guard let first = plain.utf8.first, first != 0x2B, first != 0x2D else { return nil }
    return Int((isNegative ? "-" : "") + plain, radix: radix)
  }

  /// A boolean; `nil` for anything that is none.
  static func boolean(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "1", "t", "true", "y", "yes", "on": true
    case "0", "f", "false", "n", "no", "off": false
    case _: nil
    }
  }

  private static func radixAndBody(_ digits: Substring) -> (Int, Substring, Bool) {
    guard digits.count > 1, digits.first == "0" else { return (10, digits, false) }
    switch digits.dropFirst().first {
    case "x", "X": return (16, digits.dropFirst(2), true)
    case "o", "O": return (8, digits.dropFirst(2), true)
    case "b", "B": return (2, digits.dropFirst(2), true)
    case _: return (8, digits.dropFirst(1), true)
    }
  }

  private static func withoutUnderscores(_ digits: Substring, mayLead: Bool) -> String? {
    var plain = ""
    var isAfterDigit = mayLead
    for character in digits {
      if character == "_" {
        guard isAfterDigit else { return nil }
        isAfterDigit = false
      } else {
        plain.append(character)
        isAfterDigit = true
      }
    }
    return isAfterDigit && !plain.isEmpty ? plain : nil
  }
}
