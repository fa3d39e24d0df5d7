/// A visitor asks for a hole to a proxy's client.
public struct NATHoleVisitor: Equatable, Sendable {
  /// What the answer is matched by.
  public var transactionID: String

  /// The full name of the proxy to visit.
  public var proxyName: String

  /// Whether only to ask if the proxy exists and may be visited.
  public var isPreCheck: Bool

  /// `quic` or `kcp`.
  public var protocolName: String

  /// What proves that the visitor knows the secret key.
  public var signKey: String

  /// When the key was made, in seconds of Unix time.
  public var timestamp: Int64

  /// How STUN servers see the visitor, `ip:port`.
  public var mappedAddresses: [String]

  /// The visitor's own addresses, `ip:port`.
  public var assistedAddresses: [String]

  /// Makes the message; what is left out is zero or empty.
  public init(
    transactionID: String = "",
    proxyName: String = "",
    isPreCheck: Bool = false,
    protocolName: String = "",
    signKey: String = "",
    timestamp: Int64 = 0,
    mappedAddresses: [String] = [],
    assistedAddresses: [String] = []
  ) {
    self.transactionID = transactionID
    self.proxyName = proxyName
    self.isPreCheck = isPreCheck
    self.protocolName = protocolName
    self.signKey = signKey
    self.timestamp = timestamp
    self.mappedAddresses = mappedAddresses
    self.assistedAddresses = assistedAddresses
  }
}

extension NATHoleVisitor: MessageBody, CustomStringConvertible {
  static var empty: NATHoleVisitor { NATHoleVisitor() }
  static var messageType: MessageType { .natHoleVisitor }

  mutating func visitMembers<Visitor: MemberVisitor & ~Copyable>(
    _ visitor: inout Visitor
  ) throws(Visitor.Failure) {
    try visitor.text("transaction_id", &transactionID)
    try visitor.text("proxy_name", &proxyName)
    try visitor.flag("pre_check", &isPreCheck)
    try visitor.text("protocol", &protocolName)
    try visitor.secret("sign_key", &signKey)
    try visitor.integer("timestamp", &timestamp)
    try visitor.texts("mapped_addrs", &mappedAddresses)
    try visitor.texts("assisted_addrs", &assistedAddresses)
  }
}

/// A proxy's client answers for its side of a hole.
public struct NATHoleClient: Equatable, Sendable {
  /// What the answer is matched by.
  public var transactionID: String

  /// The full name of the proxy.
  public var proxyName: String

  /// The attempt.
  public var sid: String

  /// How STUN servers see the client, `ip:port`.
  public var mappedAddresses: [String]

  /// The client's own addresses, `ip:port`.
  public var assistedAddresses: [String]

  /// Makes the message; what is left out is zero or empty.
  public init(
    transactionID: String = "",
    proxyName: String = "",
    sid: String = "",
    mappedAddresses: [String] = [],
    assistedAddresses: [String] = []
  ) {
    self.transactionID = transactionID
    self.proxyName = proxyName
    self.sid = sid
    self.mappedAddresses = mappedAddresses
    self.assistedAddresses = assistedAddresses
  }
}

extension NATHoleClient: MessageBody, CustomStringConvertible {
  static var empty: NATHoleClient { NATHoleClient() }
  static var messageType: MessageType { .natHoleClient }

  mutating func visitMembers<Visitor: MemberVisitor & ~Copyable>(
    _ visitor: inout Visitor
  ) throws(Visitor.Failure) {
    try visitor.text("transaction_id", &transactionID)
    try visitor.text("proxy_name", &proxyName)
    try visitor.text("sid", &sid)
    try visitor.texts("mapped_addrs", &mappedAddresses)
    try visitor.texts("assisted_addrs", &assistedAddresses)
  }
}

/// The server tells a peer how to punch.
public struct NATHoleResponse: Equatable, Sendable {
  /// The request that this answers.
  public var transactionID: String

  /// The attempt.
  public var sid: String

  /// `quic` or `kcp`.
  public var protocolName: String

  /// Where the other peer may be reached, `ip:port`.
  public var candidateAddresses: [String]

  /// The other peer's own addresses, `ip:port`.
  public var assistedAddresses: [String]

  /// What to do.
  public var detectBehavior: NATHoleDetectBehavior

  /// Why there will be no hole; empty when there may be.
  public var error: String

  /// Makes the message; what is left out is zero or empty.
  public init(
    transactionID: String = "",
    sid: String = "",
    protocolName: String = "",
    candidateAddresses: [String] = [],
    assistedAddresses: [String] = [],
    detectBehavior: NATHoleDetectBehavior = NATHoleDetectBehavior(),
    error: String = ""
  ) {
    self.transactionID = transactionID
    self.sid = sid
    self.protocolName = protocolName
    self.candidateAddresses = candidateAddresses
    self.assistedAddresses = assistedAddresses
    self.detectBehavior = detectBehavior
    self.error = error
  }
}

extension NATHoleResponse: MessageBody, CustomStringConvertible {
  static var empty: NATHoleResponse { NATHoleResponse() }
  static var messageType: MessageType { .natHoleResponse }

  mutating func visitMembers<Visitor: MemberVisitor & ~Copyable>(
    _ visitor: inout Visitor
  ) throws(Visitor.Failure) {
    try visitor.text("transaction_id", &transactionID)
    try visitor.text("sid", &sid)
    try visitor.text("protocol", &protocolName)
    try visitor.texts("candidate_addrs", &candidateAddresses)
    try visitor.texts("assisted_addrs", &assistedAddresses)
    try visitor.object("detect_behavior", &detectBehavior)
    try visitor.text("error", &error)
  }
}

/// What one peer of a hole is to do.
public struct NATHoleDetectBehavior: Equatable, Sendable {
  /// `sender` or `receiver`.
  public var role: String

  /// How to punch, 0 to 4.
  public var mode: Int

  /// The hop limit of the first datagrams; 0 leaves it as it is.
  public var timeToLive: Int

  /// How long to wait before sending.
  public var sendDelayMilliseconds: Int

  /// How long to wait for the other peer.
  public var readTimeoutMilliseconds: Int

  /// Ports of the other peer to try.
  public var candidatePorts: [NATHolePortRange]

  /// How many random ports of the other peer to try.
  public var sendRandomPortCount: Int

  /// How many sockets of our own to open.
  public var listenRandomPortCount: Int

  /// Makes the value; what is left out is zero or empty.
  public init(
    role: String = "",
    mode: Int = 0,
    timeToLive: Int = 0,
    sendDelayMilliseconds: Int = 0,
    readTimeoutMilliseconds: Int = 0,
    candidatePorts: [NATHolePortRange] = [],
    sendRandomPortCount: Int = 0,
    listenRandomPortCount: Int = 0
  ) {
    self.role = role
    self.mode = mode
    self.timeToLive = timeToLive
    self.sendDelayMilliseconds = sendDelayMilliseconds
    self.readTimeoutMilliseconds = readTimeoutMilliseconds
    self.candidatePorts = candidatePorts
    self.sendRandomPortCount = sendRandomPortCount
    self.listenRandomPortCount = listenRandomPortCount
  }
}

extension NATHoleDetectBehavior: JSONObject {
  static var empty: NATHoleDetectBehavior { NATHoleDetectBehavior() }

  mutating func visitMembers<Visitor: MemberVisitor & ~Copyable>(
    _ visitor: inout Visitor
  ) throws(Visitor.Failure) {
    try visitor.text("role", &role)
    try visitor.integer("mode", &mode)
    try visitor.integer("ttl", &timeToLive)
    try visitor.integer("send_delay_ms", &sendDelayMilliseconds)
    try visitor.integer("read_timeout", &readTimeoutMilliseconds)
    try visitor.objects("candidate_ports", &candidatePorts)
    try visitor.integer("send_random_ports", &sendRandomPortCount)
    try visitor.integer("listen_random_ports", &listenRandomPortCount)
  }
}

/// A range of ports, both ends included.
public struct NATHolePortRange: Equatable, Sendable {
  /// The first port.
  public var from: Int

  /// The last port.
  public var to: Int

  /// Makes the value; what is left out is zero or empty.
  public init(
    from: Int = 0,
    to: Int = 0
  ) {
    self.from = from
    self.to = to
  }
}

extension NATHolePortRange: JSONObject {
  static var empty: NATHolePortRange { NATHolePortRange() }

  mutating func visitMembers<Visitor: MemberVisitor & ~Copyable>(
    _ visitor: inout Visitor
  ) throws(Visitor.Failure) {
    try visitor.integer("from", &from)
    try visitor.integer("to", &to)
  }
}

/// The identity of one attempt, to the proxy's client and between the peers.
public struct NATHoleSid: Equatable, Sendable {
  /// The visitor's request.
  public var transactionID: String

  /// The attempt.
  public var sid: String

  /// Whether this answers the other peer's.
  public var isResponse: Bool

  /// Random characters, so that datagrams differ in length.
  public var nonce: String

  /// Makes the message; what is left out is zero or empty.
  public init(
    transactionID: String = "",
    sid: String = "",
    isResponse: Bool = false,
    nonce: String = ""
  ) {
    self.transactionID = transactionID
    self.sid = sid
    self.isResponse = isResponse
    self.nonce = nonce
  }
}

extension NATHoleSid: MessageBody, CustomStringConvertible {
  static var empty: NATHoleSid { NATHoleSid() }
  static var messageType: MessageType { .natHoleSid }

  mutating func visitMembers<Visitor: MemberVisitor & ~Copyable>(
    _ visitor: inout Visitor
  ) throws(Visitor.Failure) {
    try visitor.text("transaction_id", &transactionID)
    try visitor.text("sid", &sid)
    try visitor.flag("response", &isResponse)
    try visitor.text("nonce", &nonce)
  }
}

/// How an attempt ended.
public struct NATHoleReport: Equatable, Sendable {
  /// The attempt.
  public var sid: String

  /// Whether the hole is there.
  public var isSuccess: Bool

  /// Makes the message; what is left out is zero or empty.
  public init(
    sid: String = "",
    isSuccess: Bool = false
  ) {
    self.sid = sid
    self.isSuccess = isSuccess
  }
}

extension NATHoleReport: MessageBody, CustomStringConvertible {
  static var empty: NATHoleReport { NATHoleReport() }
  static var messageType: MessageType { .natHoleReport }

  mutating func visitMembers<Visitor: MemberVisitor & ~Copyable>(
    _ visitor: inout Visitor
  ) throws(Visitor.Failure) {
    try visitor.text("sid", &sid)
    try visitor.flag("success", &isSuccess)
  }
}
