/// One datagram of a udp or sudp proxy.
public struct UDPPacket: Equatable, Sendable {
  /// The payload in base64, as on the wire.
  public var content: String = ""
  /// Never set by frp.
  public var localAddress: UDPAddress?
  /// The user's address.
  public var remoteAddress: UDPAddress?

  /// Makes an empty packet.
  public init() {}

  init(_ fields: JSONFields) throws(WireError) {
    content = try fields.string("c")
    if let address = try fields.optionalFields("l") { localAddress = try UDPAddress(address) }
    if let address = try fields.optionalFields("r") { remoteAddress = try UDPAddress(address) }
  }

  func write(to writer: inout JSONWriter) {
    writer.write("c", content)
    if let localAddress { writer.writeObject("l") { localAddress.write(to: &$0) } }
    if let remoteAddress { writer.writeObject("r") { remoteAddress.write(to: &$0) } }
  }
}

/// An address as `UDPPacket` spells it.
public struct UDPAddress: Equatable, Sendable {
  /// The IP address as text.
  public var address: String = ""
  /// The port.
  public var port: Int = 0
  /// The interface of a link-local address.
  public var zone: String = ""

  /// Makes an empty address.
  public init() {}

  init(_ fields: JSONFields) throws(WireError) {
    address = try fields.string("IP")
    port = try fields.integer("Port")
    zone = try fields.string("Zone")
  }

  func write(to writer: inout JSONWriter) {
    writer.writeAlways("IP", address)
    writer.writeAlways("Port", port)
    writer.writeAlways("Zone", zone)
  }
}
