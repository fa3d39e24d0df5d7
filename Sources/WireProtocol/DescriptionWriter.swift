/// Describes a message for a log line: its members by the names they have on the wire, without
/// those that are zero or empty. Keys and passwords are masked, identities shortened, long texts
/// cut, and characters that could forge a line escaped.
struct DescriptionWriter: MemberVisitor {
  typealias Failure = Never

  private var members: [String] = []

  static func describe(_ object: some JSONObject, as name: String) -> String {
    var writer = DescriptionWriter()
    var object = object
    object.visitMembers(&writer)
    return "\(name)(\(writer.members.joined(separator: ", ")))"
  }

  mutating func text(_ name: String, _ value: inout String) {
    if !value.isEmpty { members.append("\(name): \(Self.quoted(value))") }
  }

  mutating func secret(_ name: String, _ value: inout String) {
    if !value.isEmpty { members.append("\(name): ***") }
  }

  mutating func identifier(_ name: String, _ value: inout String) {
    guard !value.isEmpty else { return }
    // At most half of it and at most four characters.
    let shown = String(value.unicodeScalars.prefix(min(4, value.unicodeScalars.count / 2)))
    members.append("\(name): \(Self.quoted(shown))…")
  }

  mutating func textAlways(_ name: String, _ value: inout String) { text(name, &value) }

  mutating func integer<Integer: FixedWidthInteger>(_ name: String, _ value: inout Integer) {
    if value != 0 { members.append("\(name): \(value)") }
  }

  mutating func integerAlways(_ name: String, _ value: inout Int) { integer(name, &value) }

  mutating func flag(_ name: String, _ value: inout Bool) {
    if value { members.append("\(name): true") }
  }

  mutating func texts(_ name: String, _ value: inout [String]) {
    list(name, value.map(Self.quoted))
  }

  mutating func map(_ name: String, _ value: inout [String: String]) {
    list(name, value.keys.sorted().map { Self.quoted($0) + ": ***" })
  }

  mutating func bytes(_ name: String, _ value: inout [UInt8]) {
    if !value.isEmpty { members.append("\(name): \(value.count) bytes") }
  }

  mutating func object<Object: JSONObject>(_ name: String, _ value: inout Object) {
    if value != Object.empty { members.append(Self.describe(value, as: "\(name): ")) }
  }

  mutating func optionalObject<Object: JSONObject>(_ name: String, _ value: inout Object?) {
    if let value { members.append(Self.describe(value, as: "\(name): ")) }
  }

  mutating func objects<Object: JSONObject>(_ name: String, _ value: inout [Object]) {
    list(name, value.map { Self.describe($0, as: "") })
  }

  private mutating func list(_ name: String, _ elements: [String]) {
    guard !elements.isEmpty else { return }
    let shown = elements.prefix(WireProtocolLimits.describedElementsMax)
    let more = elements.count > shown.count ? ", … \(elements.count) in all" : ""
    members.append("\(name): [\(shown.joined(separator: ", "))\(more)]")
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars.prefix(WireProtocolLimits.describedTextLengthMax) {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
        result += "\\u{\(String(scalar.value, radix: 16))}"
      default:
        if scalar == "\"" || scalar == "\\" { result += "\\" }
        result.unicodeScalars.append(scalar)
      }
    }
    let isCut = text.unicodeScalars.count > WireProtocolLimits.describedTextLengthMax
    return result + (isCut ? "…\"" : "\"")
  }
}
