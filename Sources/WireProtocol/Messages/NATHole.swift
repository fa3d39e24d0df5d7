/// A visitor asks for a hole (wire-protocol.md 8.3).
public struct NATHoleVisitor: Equatable, Sendable {
  /// Joins an answer to its question.
  public var transactionID: String = ""
  /// The proxy's full name.
  public var proxyName: String = ""
  /// Only ask whether it is allowed.
  public var preCheck: Bool = false
  /// `quic` or `kcp`.
  public var protocolName: String = ""
  /// The proof of the secret.
  public var signKey: String = ""
  /// Unix seconds; part of the proof.
  public var timestamp: Int64 = 0
  /// What the STUN servers saw.
  public var mappedAddresses: [String] = []
  /// Local addresses.
  public var assistedAddresses: [String] = []

  /// Makes an empty message.
  public init() {}

  init(_ fields: JSONFields) throws(WireError) {
    transactionID = try fields.string("transaction_id")
    proxyName = try fields.string("proxy_name")
    preCheck = try fields.bool("pre_check")
    protocolName = try fields.string("protocol")
    signKey = try fields.string("sign_key")
    timestamp = try fields.integer("timestamp")
    mappedAddresses = try fields.strings("mapped_addrs")
    assistedAddresses = try fields.strings("assisted_addrs")
  }

  func write(to writer: inout JSONWriter) {
    writer.write("transaction_id", transactionID)
    writer.write("proxy_name", proxyName)
    writer.write("pre_check", preCheck)
    writer.write("protocol", protocolName)
    writer.write("sign_key", signKey)
    writer.write("timestamp", timestamp)
    writer.write("mapped_addrs", mappedAddresses)
    writer.write("assisted_addrs", assistedAddresses)
  }
}

/// The proxy's client answers with its addresses.
public struct NATHoleClient: Equatable, Sendable {
  /// Joins an answer to its question.
  public var transactionID: String = ""
  /// The proxy's full name.
  public var proxyName: String = ""
  /// The hole-punching session.
  public var sid: String = ""
  /// What the STUN servers saw.
  public var mappedAddresses: [String] = []
  /// Local addresses.
  public var assistedAddresses: [String] = []

  /// Makes an empty message.
  public init() {}

  init(_ fields: JSONFields) throws(WireError) {
    transactionID = try fields.string("transaction_id")
    proxyName = try fields.string("proxy_name")
    sid = try fields.string("sid")
    mappedAddresses = try fields.strings("mapped_addrs")
    assistedAddresses = try fields.strings("assisted_addrs")
  }

  func write(to writer: inout JSONWriter) {
    writer.write("transaction_id", transactionID)
    writer.write("proxy_name", proxyName)
    writer.write("sid", sid)
    writer.write("mapped_addrs", mappedAddresses)
    writer.write("assisted_addrs", assistedAddresses)
  }
}

/// How one peer is to punch (wire-protocol.md 8.5).
public struct NATHoleDetectBehavior: Equatable, Sendable {
  /// `sender` or `receiver`.
  public var role: String = ""
  /// 0 to 4.
  public var mode: Int = 0
  /// The IP TTL of the first packets.
  public var ttl: Int = 0
  /// Wait before sending.
  public var sendDelayMilliseconds: Int = 0
  /// How long to listen.
  public var readTimeoutMilliseconds: Int = 0
  /// Ports to try.
  public var candidatePorts: [NATHolePortRange] = []
  /// Random ports to send to.
  public var sendRandomPorts: Int = 0
  /// Extra sockets to open.
  public var listenRandomPorts: Int = 0

  /// Makes an empty message.
  public init() {}

  init(_ fields: JSONFields) throws(WireError) {
    role = try fields.string("role")
    mode = try fields.integer("mode")
    ttl = try fields.integer("ttl")
    sendDelayMilliseconds = try fields.integer("send_delay_ms")
    readTimeoutMilliseconds = try fields.integer("read_timeout")
    for range in try fields.fieldLists("candidate_ports") {
      candidatePorts.append(try NATHolePortRange(range))
    }
    sendRandomPorts = try fields.integer("send_random_ports")
    listenRandomPorts = try fields.integer("listen_random_ports")
  }

  func write(to writer: inout JSONWriter) {
    writer.write("role", role)
    writer.write("mode", mode)
    writer.write("ttl", ttl)
    writer.write("send_delay_ms", sendDelayMilliseconds)
    writer.write("read_timeout", readTimeoutMilliseconds)
    writer.writeObjects("candidate_ports", candidatePorts) { $1.write(to: &$0) }
    writer.write("send_random_ports", sendRandomPorts)
    writer.write("listen_random_ports", listenRandomPorts)
  }
}

/// The server's instructions to one peer.
public struct NATHoleResponse: Equatable, Sendable {
  /// Joins an answer to its question.
  public var transactionID: String = ""
  /// The hole-punching session.
  public var sid: String = ""
  /// `quic` or `kcp`.
  public var protocolName: String = ""
  /// The other peer's mapped addresses.
  public var candidateAddresses: [String] = []
  /// Local addresses.
  public var assistedAddresses: [String] = []
  /// How to punch.
  public var detectBehavior = NATHoleDetectBehavior()
  /// Why it was refused; empty when it was not.
  public var error: String = ""

  /// Makes an empty message.
  public init() {}

  init(_ fields: JSONFields) throws(WireError) {
    transactionID = try fields.string("transaction_id")
    sid = try fields.string("sid")
    protocolName = try fields.string("protocol")
    candidateAddresses = try fields.strings("candidate_addrs")
    assistedAddresses = try fields.strings("assisted_addrs")
    detectBehavior = try NATHoleDetectBehavior(fields.fields("detect_behavior"))
    error = try fields.string("error")
  }

  func write(to writer: inout JSONWriter) {
    writer.write("transaction_id", transactionID)
    writer.write("sid", sid)
    writer.write("protocol", protocolName)
    writer.write("candidate_addrs", candidateAddresses)
    writer.write("assisted_addrs", assistedAddresses)
    writer.writeObject("detect_behavior") { detectBehavior.write(to: &$0) }
    writer.write("error", error)
  }
}

/// Names a session to the proxy's client, and between the peers.
public struct NATHoleSID: Equatable, Sendable {
  /// Joins an answer to its question.
  public var transactionID: String = ""
  /// The hole-punching session.
  public var sid: String = ""
  /// Whether it answers one.
  public var isResponse: Bool = false
  /// Varies the length.
  public var nonce: String = ""

  /// Makes an empty message.
  public init() {}

  init(_ fields: JSONFields) throws(WireError) {
    transactionID = try fields.string("transaction_id")
    sid = try fields.string("sid")
    isResponse = try fields.bool("response")
    nonce = try fields.string("nonce")
  }

  func write(to writer: inout JSONWriter) {
    writer.write("transaction_id", transactionID)
    writer.write("sid", sid)
    writer.write("response", isResponse)
    writer.write("nonce", nonce)
  }
}

/// Tells the server how it went.
public struct NATHoleReport: Equatable, Sendable {
  /// The hole-punching session.
  public var sid: String = ""
  /// Whether there is a hole.
  public var isSuccess: Bool = false

  /// Makes an empty message.
  public init() {}

  init(_ fields: JSONFields) throws(WireError) {
    sid = try fields.string("sid")
    isSuccess = try fields.bool("success")
  }

  func write(to writer: inout JSONWriter) {
    writer.write("sid", sid)
    writer.write("success", isSuccess)
  }
}

/// Ports from one to another, both included.
public struct NATHolePortRange: Equatable, Sendable {
  /// The first port.
  public var from = 0
  /// The last port.
  public var to = 0

  /// Makes a range.
  public init(from: Int, to: Int) {
    self.from = from
    self.to = to
  }

  init(_ fields: JSONFields) throws(WireError) {
    from = try fields.integer("from")
    to = try fields.integer("to")
  }

  func write(to writer: inout JSONWriter) {
    writer.writeAlways("from", from)
    writer.writeAlways("to", to)
  }
}
