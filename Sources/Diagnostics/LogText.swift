/// Makes text fit for one line of a log.
enum LogText {
  /// `text` with everything escaped that could break a line, or change how a terminal or a reader
  /// sees it: control and formatting characters, and separators of lines.
  static func escaped(_ text: String) -> String {
    var text = text
    let isPlain = text.withUTF8 { $0.allSatisfy { (0x20...0x7E).contains($0) } }
    if isPlain { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      default:
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
          result += "\\u{\(String(scalar.value, radix: 16))}"
        default: result.unicodeScalars.append(scalar)
        }
      }
    }
    return result
  }

  /// `text` cut to `byteCountMax` bytes of UTF-8 at a whole character, with `…` where it was cut.
  static func shortened(_ text: String, byteCountMax: Int) -> String {
    let mark = "…"
    guard text.utf8.count > byteCountMax else { return text }
    var end = text.utf8.index(text.startIndex, offsetBy: max(0, byteCountMax - mark.utf8.count))
    // UTF-8 continuation bytes are 0b10xx_xxxx.
    while end > text.startIndex, text.utf8[end] & 0xC0 == 0x80 {
      end = text.utf8.index(before: end)
    }
    return String(text[..<end]) + mark
  }
}
