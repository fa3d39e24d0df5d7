/// A heartbeat.
public struct Ping: Equatable, Sendable {
  /// What proves that the client knows the token; empty unless configured.
  public var privilegeKey: String

  /// When the key was made, in seconds of Unix time.
  public var timestamp: Int64

  /// Makes the message; what is left out is zero or empty.
  public init(
    privilegeKey: String = "",
    timestamp: Int64 = 0
  ) {
    self.privilegeKey = privilegeKey
    self.timestamp = timestamp
  }
}

extension Ping: MessageBody, CustomStringConvertible {
  static var empty: Ping { Ping() }
  static var messageType: MessageType { .ping }

  mutating func visitMembers<Visitor: MemberVisitor & ~Copyable>(
    _ visitor: inout Visitor
  ) throws(Visitor.Failure) {
    try visitor.secret("privilege_key", &privilegeKey)
    try visitor.integer("timestamp", &timestamp)
  }
}

/// The answer to a heartbeat.
public struct Pong: Equatable, Sendable {
  /// Why the heartbeat does not count; empty when it does.
  public var error: String

  /// Makes the message; what is left out is zero or empty.
  public init(error: String = "") {
    self.error = error
  }
}

extension Pong: MessageBody, CustomStringConvertible {
  static var empty: Pong { Pong() }
  static var messageType: MessageType { .pong }

  mutating func visitMembers<Visitor: MemberVisitor & ~Copyable>(
    _ visitor: inout Visitor
  ) throws(Visitor.Failure) {
    try visitor.text("error", &error)
  }
}
