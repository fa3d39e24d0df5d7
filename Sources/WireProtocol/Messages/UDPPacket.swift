/// One datagram, with the user that it came from or goes to.
public struct UDPPacket: Equatable, Sendable {
  /// The payload.
  public var content: [UInt8]

  /// Never set by frp.
  public var localAddress: UDPAddress?

  /// The user.
  public var remoteAddress: UDPAddress?

  /// Makes the message; what is left out is zero or empty.
  public init(
    content: [UInt8] = [],
    localAddress: UDPAddress? = nil,
    remoteAddress: UDPAddress? = nil
  ) {
    self.content = content
    self.localAddress = localAddress
    self.remoteAddress = remoteAddress
  }
}

extension UDPPacket: MessageBody, CustomStringConvertible {
  static var empty: UDPPacket { UDPPacket() }
  static var messageType: MessageType { .udpPacket }

  mutating func visitMembers<Visitor: MemberVisitor & ~Copyable>(
    _ visitor: inout Visitor
  ) throws(Visitor.Failure) {
    try visitor.bytes("c", &content)
    try visitor.optionalObject("l", &localAddress)
    try visitor.optionalObject("r", &remoteAddress)
  }
}

/// A UDP address. frp writes all three members, capitalised.
public struct UDPAddress: Equatable, Sendable {
  /// The IP address as text. Not checked here: frp refuses one that cannot be parsed.
  public var ip: String

  /// The port. Not checked here, and any integer on the wire.
  public var port: Int

  /// The zone of a link-local IPv6 address.
  public var zone: String

  /// Makes the value; what is left out is zero or empty.
  public init(
    ip: String = "",
    port: Int = 0,
    zone: String = ""
  ) {
    self.ip = ip
    self.port = port
    self.zone = zone
  }
}

extension UDPAddress: JSONObject {
  static var empty: UDPAddress { UDPAddress() }

  mutating func visitMembers<Visitor: MemberVisitor & ~Copyable>(
    _ visitor: inout Visitor
  ) throws(Visitor.Failure) {
    try visitor.textAlways("IP", &ip)
    try visitor.integerAlways("Port", &port)
    try visitor.textAlways("Zone", &zone)
  }
}
