/// The first message of a visitor connection.
public struct NewVisitorConnection: Equatable, Sendable {
  /// The session of the visitor; empty from clients before 0.50.
  public var runID: String

  /// The full name of the proxy to visit.
  public var proxyName: String

  /// What proves that the visitor knows the secret key.
  public var signKey: String

  /// When the key was made, in seconds of Unix time.
  public var timestamp: Int64

  /// Whether payload on this connection is encrypted.
  public var useEncryption: Bool

  /// Whether payload on this connection is compressed.
  public var useCompression: Bool

  /// Makes the message; what is left out is zero or empty.
  public init(
    runID: String = "",
    proxyName: String = "",
    signKey: String = "",
    timestamp: Int64 = 0,
    useEncryption: Bool = false,
    useCompression: Bool = false
  ) {
    self.runID = runID
    self.proxyName = proxyName
    self.signKey = signKey
    self.timestamp = timestamp
    self.useEncryption = useEncryption
    self.useCompression = useCompression
  }
}

extension NewVisitorConnection: MessageBody, CustomStringConvertible {
  static var empty: NewVisitorConnection { NewVisitorConnection() }
  static var messageType: MessageType { .newVisitorConnection }

  mutating func visitMembers<Visitor: MemberVisitor & ~Copyable>(
    _ visitor: inout Visitor
  ) throws(Visitor.Failure) {
    try visitor.identifier("run_id", &runID)
    try visitor.text("proxy_name", &proxyName)
    try visitor.secret("sign_key", &signKey)
    try visitor.integer("timestamp", &timestamp)
    try visitor.flag("use_encryption", &useEncryption)
    try visitor.flag("use_compression", &useCompression)
  }
}

/// The answer to a visitor connection.
public struct NewVisitorConnectionResponse: Equatable, Sendable {
  /// The name in the request.
  public var proxyName: String

  /// Why the visitor is refused; empty when it is not.
  public var error: String

  /// Makes the message; what is left out is zero or empty.
  public init(
    proxyName: String = "",
    error: String = ""
  ) {
    self.proxyName = proxyName
    self.error = error
  }
}

extension NewVisitorConnectionResponse: MessageBody, CustomStringConvertible {
  static var empty: NewVisitorConnectionResponse { NewVisitorConnectionResponse() }
  static var messageType: MessageType { .newVisitorConnectionResponse }

  mutating func visitMembers<Visitor: MemberVisitor & ~Copyable>(
    _ visitor: inout Visitor
  ) throws(Visitor.Failure) {
    try visitor.text("proxy_name", &proxyName)
    try visitor.text("error", &error)
  }
}
