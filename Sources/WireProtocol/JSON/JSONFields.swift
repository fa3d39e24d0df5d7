/// The members of a message, asked for by name. A missing or `null` member is zero; names match
/// exactly or, failing that, without case; the last of several wins (wire-protocol.md 2.2).
struct JSONFields {
  private let members: [JSONMember]

  /// Parses the text of a message.
  init(parsing bytes: [UInt8]) throws(WireError) {
    switch try JSONReader.parse(bytes) {
    case .object(let members): self.members = members
    case .null: members = []
    case .bool, .number, .string, .array: throw .notAnObject
    }
  }

  private init(_ members: [JSONMember]) { self.members = members }

  private func find(_ name: String) -> JSONValue? {
    let exact = members.last { $0.name == name }
    let value = (exact ?? members.last { $0.name.lowercased() == name.lowercased() })?.value
    return value == .null ? nil : value
  }

  func string(_ name: String) throws(WireError) -> String {
    guard let value = find(name) else { return "" }
    guard case .string(let text) = value else {
      throw .wrongType(member: name, expected: "a string")
    }
    return text
  }

  func bool(_ name: String) throws(WireError) -> Bool {
    guard let value = find(name) else { return false }
    guard case .bool(let flag) = value else {
      throw .wrongType(member: name, expected: "a boolean")
    }
    return flag
  }

  func integer<T: FixedWidthInteger>(_ name: String, as type: T.Type = T.self) throws(WireError)
    -> T
  {
    guard let value = find(name) else { return 0 }
    return try Self.integer(value, name)
  }

  private static func integer<T: FixedWidthInteger>(_ value: JSONValue, _ name: String)
    throws(WireError) -> T
  {
    guard case .number(let text) = value, let number = T(text) else {
      throw .wrongType(member: name, expected: "a whole number that fits")
    }
    return number
  }

  func strings(_ name: String) throws(WireError) -> [String] {
    try list(name, "a list of strings") { value in
      if case .string(let text) = value { text } else { value == .null ? "" : nil }
    }
  }

  func fieldLists(_ name: String) throws(WireError) -> [JSONFields] {
    try list(name, "a list of objects") { value in
      if case .object(let members) = value { JSONFields(members) } else { nil }
    }
  }

  private func list<T>(_ name: String, _ expected: String, _ convert: (JSONValue) -> T?)
    throws(WireError) -> [T]
  {
    guard let value = find(name) else { return [] }
    guard case .array(let elements) = value else {
      throw .wrongType(member: name, expected: expected)
    }
    let converted = elements.compactMap(convert)
    guard converted.count == elements.count else {
      throw .wrongType(member: name, expected: expected)
    }
    return converted
  }

  func stringMap(_ name: String) throws(WireError) -> [String: String] {
    guard let value = find(name) else { return [:] }
    guard case .object(let members) = value else {
      throw .wrongType(member: name, expected: "an object of strings")
    }
    var map: [String: String] = [:]
    for member in members {
      switch member.value {
      case .string(let text): map[member.name] = text
      case .null: map[member.name] = ""
      case .bool, .number, .array, .object:
        throw .wrongType(member: name, expected: "an object of strings")
      }
    }
    return map
  }

  func fields(_ name: String) throws(WireError) -> JSONFields {
    try optionalFields(name) ?? JSONFields([])
  }

  /// `nil` when the member is absent.
  func optionalFields(_ name: String) throws(WireError) -> JSONFields? {
    guard let value = find(name) else { return nil }
    guard case .object(let members) = value else {
      throw .wrongType(member: name, expected: "an object")
    }
    return JSONFields(members)
  }
}
