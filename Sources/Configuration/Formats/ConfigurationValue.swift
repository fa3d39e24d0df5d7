/// A value of a TOML, YAML or JSON file, with its place.
package struct ConfigurationValue: Sendable {
  /// What it is.
  package enum Content: Sendable {
    case null
    case boolean(Bool)
    case integer(Int)
    /// A number that is no integer of 64 bits.
    case number(Double)
    case text(String)
    /// A date or time of TOML, which no key takes.
    case date
    case list([ConfigurationValue])
    case table([Member])
  }

  /// One name of a table with its value.
  package struct Member: Sendable {
    package var name: String
    var place: Place
    package var value: ConfigurationValue
  }

  /// Line and column of the rendered text, from 1; the column in characters.
  package struct Place: Sendable, Hashable {
    var line: Int
    var column: Int
  }

  package var content: Content
  var place: Place

  /// The member that a name means: the exact one, or one that differs in case, as in frp.
  package func member(_ name: String) -> ConfigurationValue? {
    guard case .table(let members) = content else { return nil }
    let exact = members.last { $0.name == name }
    return (exact ?? members.last { $0.name.lowercased() == name.lowercased() })?.value
  }

  /// The text that it is; `nil` for another type.
  package var text: String? {
    if case .text(let text) = content { return text }
    return nil
  }

  /// The integer that it is, numbers such as 7000.0 included; `nil` for another type.
  var integer: Int? {
    switch content {
    case .integer(let number): number
    case .number(let number) where number.magnitude < 9e18:
      Double(Int(number)) == number ? Int(number) : nil
    case .null, .boolean, .number, .text, .date, .list, .table: nil
    }
  }

  /// What was found, for issues; without the value itself when that is a secret.
  func described(isSecret: Bool) -> String {
    switch content {
    case .null: "nothing"
    case .boolean(let value): "\(value)"
    case .integer(let number): isSecret ? "a number" : "the number \(number)"
    case .number(let number): isSecret ? "a number" : "the number \(number)"
    case .text(let text): isSecret ? "text" : "the text \(quoted(text))"
    case .date: "a date"
    case .list: "a list"
    case .table: "a table"
    }
  }
}

/// Why a text is not what it should be.
package struct FormatFault: Error, Equatable {
  var place: ConfigurationValue.Place?
  package var message: String
}

/// Counts characters of a line. Each byte is looked at once, as long as places ascend.
struct ColumnCounter {
  private var lineStart = 0
  private var counted = 0
  private var column = 1

  /// A new line begins at `index`.
  mutating func startLine(at index: Int) {
    lineStart = index
    counted = index
    column = 1
  }

  /// The column, from 1, of the byte at `index`, which is on the line that was started last.
  mutating func column(at index: Int, in bytes: [UInt8]) -> Int {
    if index < counted { startLine(at: lineStart) }
    // A byte that continues a character is none of its own.
    while counted < index {
      if bytes[counted] & 0xC0 != 0x80 { column += 1 }
      counted += 1
    }
    return column
  }
}
