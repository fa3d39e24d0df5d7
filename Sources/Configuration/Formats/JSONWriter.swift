/// Writes trees as JSON. `<`, `>` and `&` are escaped, as frp does.
struct JSONWriter {
  private var text = ""
  private let isIndented: Bool

  private init(isIndented: Bool) { self.isIndented = isIndented }

  /// - Parameter isIndented: two spaces for each level, a line for each value; else no white space.
  static func write(_ value: ConfigurationValue, isIndented: Bool = false) -> String {
    var writer = JSONWriter(isIndented: isIndented)
    writer.write(value, depth: 0)
    return writer.text
  }

  // As deep as trees are: `ConfigurationLimits.nestingMax`.
  private mutating func write(_ value: ConfigurationValue, depth: Int) {
    switch value.content {
    case .null, .date: text += "null"
    case .boolean(let boolean): text += boolean ? "true" : "false"
    case .integer(let number): text += String(number)
    case .number(let number): text += number.isFinite ? "\(number)" : "null"
    case .text(let value): quote(value)
    case .list(let items):
      writeAll(items, "[", "]", depth) { writer, item in writer.write(item, depth: depth + 1) }
    case .table(let members):
      writeAll(members, "{", "}", depth) { writer, member in
        writer.quote(member.name)
        writer.text += writer.isIndented ? ": " : ":"
        writer.write(member.value, depth: depth + 1)
      }
    }
  }

  private mutating func writeAll<Item>(
    _ items: [Item], _ open: String, _ close: String, _ depth: Int,
    _ body: (inout JSONWriter, Item) -> Void
  ) {
    text += open
    for (index, item) in items.enumerated() {
      if index > 0 { text += "," }
      startLine(depth + 1)
      body(&self, item)
    }
    if !items.isEmpty { startLine(depth) }
    text += close
  }

  private mutating func startLine(_ depth: Int) {
    if isIndented { text += "\n" + String(repeating: "  ", count: depth) }
  }

  private mutating func quote(_ value: String) {
    text += "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\0"..<" ", "<", ">", "&", "\u{2028}", "\u{2029}":
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
      case _: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
