/// What is wrong with a JSON text, and where. Carries nothing of what the text said.
public struct JSONFault: Error, Equatable, Sendable {
  /// What is wrong.
  public enum Kind: Equatable, Sendable {
    /// The text ends inside a value.
    case unexpectedEnd
    /// A byte that cannot stand where it does.
    case unexpectedByte
    /// A control character inside a string, where it would have to be escaped.
    case controlCharacter
    /// A backslash followed by nothing that JSON knows.
    case invalidEscape
    /// A value of another kind than the member has.
    case typeMismatch(expected: ValueKind, found: ValueKind)
    /// A number with a fraction or an exponent where an integer belongs.
    case notAnInteger
    /// An integer that the member's type cannot hold.
    case integerOutOfRange
    /// A string that is not padded base64 where bytes belong.
    case invalidBase64
    /// Objects and arrays nested deeper than `limit`.
    case nestedTooDeep(limit: Int)
    /// Something behind the end of the value.
    case trailingBytes
  }

  /// The kinds of JSON values.
  public enum ValueKind: String, Equatable, Sendable {
    /// `{}`
    case object
    /// `[]`
    case array
    /// `""`
    case string
    /// `0`
    case number
    /// `true` or `false`
    case boolean
    /// `null`
    case null
  }

  /// What is wrong.
  public let kind: Kind

  /// How many bytes of the text come before the fault.
  public let offset: Int

  /// The name, as we write it, of the member whose value is at fault; `nil` outside of a member
  /// that we know.
  public let member: String?

  /// Makes a fault.
  public init(_ kind: Kind, offset: Int, member: String? = nil) {
    self.kind = kind
    self.offset = offset
    self.member = member
  }
}

extension JSONFault: CustomStringConvertible {
  /// A part of a log line, such as `remote_port at byte 17: expected number, found string`.
  public var description: String {
    "\(member.map { $0 + " " } ?? "")at byte \(offset): \(kind)"
  }
}

extension JSONFault.Kind: CustomStringConvertible {
  /// What is wrong, in words.
  public var description: String {
    switch self {
    case .unexpectedEnd: "the text ends too early"
    case .unexpectedByte: "unexpected character"
    case .controlCharacter: "control character inside a string"
    case .invalidEscape: "invalid escape inside a string"
    case .typeMismatch(let expected, let found):
      "expected \(expected.rawValue), found \(found.rawValue)"
    case .notAnInteger: "expected an integer, found a fraction or an exponent"
    case .integerOutOfRange: "integer out of range"
    case .invalidBase64: "invalid base64"
    case .nestedTooDeep(let limit): "nested deeper than \(limit)"
    case .trailingBytes: "bytes behind the end of the message"
    }
  }
}
