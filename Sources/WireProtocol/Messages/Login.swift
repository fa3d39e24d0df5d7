/// The first message of a control connection: a client introduces itself.
public struct Login: Equatable, Sendable {
  /// The client's version, such as `0.70.0`; only logged.
  public var version: String

  /// The client's host name; may be empty.
  public var hostname: String

  /// The client's system, by its Go name: `linux`, `darwin`, `windows`.
  public var os: String

  /// The client's processor, by its Go name: `amd64`, `arm64`.
  public var arch: String

  /// The prefix of the client's proxy names, and its name for `allow_users`.
  public var user: String

  /// What proves that the client knows the token.
  public var privilegeKey: String

  /// When the key was made, in seconds of Unix time.
  public var timestamp: Int64

  /// The run ID of the session to take over; empty at first.
  public var runID: String

  /// A name of the client that stays; may be empty.
  public var clientID: String

  /// What the client's configuration says about it.
  public var metas: [String: String]

  /// What kind of client this is.
  public var clientSpecification: ClientSpecification

  /// How many idle work connections the client wants to keep.
  public var poolCount: Int

  /// What the client can do beyond frp; frp ignores the member.
  public var extensions: WireExtensions

  /// Makes the message; what is left out is zero or empty.
  public init(
    version: String = "",
    hostname: String = "",
    os: String = "",
    arch: String = "",
    user: String = "",
    privilegeKey: String = "",
    timestamp: Int64 = 0,
    runID: String = "",
    clientID: String = "",
    metas: [String: String] = [:],
    clientSpecification: ClientSpecification = ClientSpecification(),
    poolCount: Int = 0,
    extensions: WireExtensions = []
  ) {
    self.version = version
    self.hostname = hostname
    self.os = os
    self.arch = arch
    self.user = user
    self.privilegeKey = privilegeKey
    self.timestamp = timestamp
    self.runID = runID
    self.clientID = clientID
    self.metas = metas
    self.clientSpecification = clientSpecification
    self.poolCount = poolCount
    self.extensions = extensions
  }
}

extension Login: MessageBody, CustomStringConvertible {
  static var empty: Login { Login() }
  static var messageType: MessageType { .login }

  mutating func visitMembers<Visitor: MemberVisitor & ~Copyable>(
    _ visitor: inout Visitor
  ) throws(Visitor.Failure) {
    try visitor.text("version", &version)
    try visitor.text("hostname", &hostname)
    try visitor.text("os", &os)
    try visitor.text("arch", &arch)
    try visitor.text("user", &user)
    try visitor.secret("privilege_key", &privilegeKey)
    try visitor.integer("timestamp", &timestamp)
    try visitor.identifier("run_id", &runID)
    try visitor.text("client_id", &clientID)
    try visitor.map("metas", &metas)
    try visitor.object("client_spec", &clientSpecification)
    try visitor.integer("pool_count", &poolCount)
    try visitor.integer("swift_frp", &extensions.rawValue)
  }
}

/// What kind of client logs in. Honoured only inside of a server's own process.
public struct ClientSpecification: Equatable, Sendable {
  /// `ssh-tunnel`, or empty.
  public var type: String

  /// Whether the token is not checked.
  public var alwaysAuthenticated: Bool

  /// Makes the value; what is left out is zero or empty.
  public init(
    type: String = "",
    alwaysAuthenticated: Bool = false
  ) {
    self.type = type
    self.alwaysAuthenticated = alwaysAuthenticated
  }
}

extension ClientSpecification: JSONObject {
  static var empty: ClientSpecification { ClientSpecification() }

  mutating func visitMembers<Visitor: MemberVisitor & ~Copyable>(
    _ visitor: inout Visitor
  ) throws(Visitor.Failure) {
    try visitor.text("type", &type)
    try visitor.flag("always_auth_pass", &alwaysAuthenticated)
  }
}

/// The answer to a login.
public struct LoginResponse: Equatable, Sendable {
  /// The server's version; only logged.
  public var version: String

  /// The run ID of the session; empty when refused.
  public var runID: String

  /// Why the login is refused; empty when it is not.
  public var error: String

  /// What the server can do beyond frp; frp ignores the member.
  public var extensions: WireExtensions

  /// Makes the message; what is left out is zero or empty.
  public init(
    version: String = "",
    runID: String = "",
    error: String = "",
    extensions: WireExtensions = []
  ) {
    self.version = version
    self.runID = runID
    self.error = error
    self.extensions = extensions
  }
}

extension LoginResponse: MessageBody, CustomStringConvertible {
  static var empty: LoginResponse { LoginResponse() }
  static var messageType: MessageType { .loginResponse }

  mutating func visitMembers<Visitor: MemberVisitor & ~Copyable>(
    _ visitor: inout Visitor
  ) throws(Visitor.Failure) {
    try visitor.text("version", &version)
    try visitor.identifier("run_id", &runID)
    try visitor.text("error", &error)
    try visitor.integer("swift_frp", &extensions.rawValue)
  }
}
