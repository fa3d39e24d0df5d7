/// The first message of a work connection.
public struct NewWorkConnection: Equatable, Sendable {
  /// The session that the connection belongs to.
  public var runID: String

  /// What proves that the client knows the token; empty unless configured.
  public var privilegeKey: String

  /// When the key was made, in seconds of Unix time.
  public var timestamp: Int64

  /// Makes the message; what is left out is zero or empty.
  public init(
    runID: String = "",
    privilegeKey: String = "",
    timestamp: Int64 = 0
  ) {
    self.runID = runID
    self.privilegeKey = privilegeKey
    self.timestamp = timestamp
  }
}

extension NewWorkConnection: MessageBody, CustomStringConvertible {
  static var empty: NewWorkConnection { NewWorkConnection() }
  static var messageType: MessageType { .newWorkConnection }

  mutating func visitMembers<Visitor: MemberVisitor & ~Copyable>(
    _ visitor: inout Visitor
  ) throws(Visitor.Failure) {
    try visitor.identifier("run_id", &runID)
    try visitor.secret("privilege_key", &privilegeKey)
    try visitor.integer("timestamp", &timestamp)
  }
}

/// The server wants one more work connection.
public struct RequestWorkConnection: Equatable, Sendable {
  /// Makes the message.
  public init() {}
}

extension RequestWorkConnection: MessageBody, CustomStringConvertible {
  static var empty: RequestWorkConnection { RequestWorkConnection() }
  static var messageType: MessageType { .requestWorkConnection }

  mutating func visitMembers<Visitor: MemberVisitor & ~Copyable>(
    _ visitor: inout Visitor
  ) throws(Visitor.Failure) {}
}

/// A work connection gets its user connection, or is refused.
public struct StartWorkConnection: Equatable, Sendable {
  /// The full name of the proxy.
  public var proxyName: String

  /// The IP address of the user; empty when unknown.
  public var sourceAddress: String

  /// The IP address that the user connected to; empty when unknown.
  public var destinationAddress: String

  /// The port of the user.
  public var sourcePort: UInt16

  /// The port that the user connected to.
  public var destinationPort: UInt16

  /// Why the work connection is refused; empty when it is not.
  public var error: String

  /// Makes the message; what is left out is zero or empty.
  public init(
    proxyName: String = "",
    sourceAddress: String = "",
    destinationAddress: String = "",
    sourcePort: UInt16 = 0,
    destinationPort: UInt16 = 0,
    error: String = ""
  ) {
    self.proxyName = proxyName
    self.sourceAddress = sourceAddress
    self.destinationAddress = destinationAddress
    self.sourcePort = sourcePort
    self.destinationPort = destinationPort
    self.error = error
  }
}

extension StartWorkConnection: MessageBody, CustomStringConvertible {
  static var empty: StartWorkConnection { StartWorkConnection() }
  static var messageType: MessageType { .startWorkConnection }

  mutating func visitMembers<Visitor: MemberVisitor & ~Copyable>(
    _ visitor: inout Visitor
  ) throws(Visitor.Failure) {
    try visitor.text("proxy_name", &proxyName)
    try visitor.text("src_addr", &sourceAddress)
    try visitor.text("dst_addr", &destinationAddress)
    try visitor.integer("src_port", &sourcePort)
    try visitor.integer("dst_port", &destinationPort)
    try visitor.text("error", &error)
  }
}
