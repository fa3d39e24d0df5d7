/// A value that is a JSON object on the wire.
///
/// Its members are listed once, in the order in which frp writes them: reader, writer and
/// description are visitors of that list.
protocol JSONObject: Equatable, Sendable {
  /// The value that an object without members means.
  static var empty: Self { get }

  /// Shows every member to `visitor`, in frp's order.
  mutating func visitMembers<Visitor: MemberVisitor & ~Copyable>(
    _ visitor: inout Visitor
  ) throws(Visitor.Failure)
}

/// A JSON object that is a message by itself.
protocol MessageBody: JSONObject, CustomStringConvertible {
  static var messageType: MessageType { get }
}

extension MessageBody {
  /// One log line without secrets, with the names that the members have on the wire.
  public var description: String { DescriptionWriter.describe(self, as: Self.messageType.name) }
}

/// Something done to each member of a JSON object. Members that are zero or empty are left out of
/// what is written, unless the method says otherwise.
protocol MemberVisitor: ~Copyable {
  associatedtype Failure: Error

  mutating func text(_ name: String, _ value: inout String) throws(Failure)

  /// A text that is never shown: keys and passwords.
  mutating func secret(_ name: String, _ value: inout String) throws(Failure)

  /// A text of which only the beginning is shown: who knows all of it can act in its name.
  mutating func identifier(_ name: String, _ value: inout String) throws(Failure)

  mutating func integer<Integer: FixedWidthInteger>(
    _ name: String, _ value: inout Integer
  ) throws(Failure)

  mutating func flag(_ name: String, _ value: inout Bool) throws(Failure)

  mutating func texts(_ name: String, _ value: inout [String]) throws(Failure)

  /// A map, of which only the keys are shown: people put secrets into metadata and headers.
  mutating func map(_ name: String, _ value: inout [String: String]) throws(Failure)

  /// Bytes, in base64 on the wire.
  mutating func bytes(_ name: String, _ value: inout [UInt8]) throws(Failure)

  /// A text that is written even when it is empty.
  mutating func textAlways(_ name: String, _ value: inout String) throws(Failure)

  /// An integer that is written even when it is zero.
  mutating func integerAlways(_ name: String, _ value: inout Int) throws(Failure)

  /// An object that is written even when all its members are left out.
  mutating func object<Object: JSONObject>(_ name: String, _ value: inout Object) throws(Failure)

  mutating func optionalObject<Object: JSONObject>(
    _ name: String, _ value: inout Object?
  ) throws(Failure)

  mutating func objects<Object: JSONObject>(
    _ name: String, _ value: inout [Object]
  ) throws(Failure)
}
