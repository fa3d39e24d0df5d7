/// The first message of a work connection.
public struct NewWorkConnection: Equatable, Sendable {
  /// The session that it belongs to.
  public var runID: String = ""
  /// The proof of the credential; empty where it is not asked for.
  public var privilegeKey: String = ""
  /// Unix seconds; part of the proof.
  public var timestamp: Int64 = 0

  /// Makes an empty message.
  public init() {}

  init(_ fields: JSONFields) throws(WireError) {
    runID = try fields.string("run_id")
    privilegeKey = try fields.string("privilege_key")
    timestamp = try fields.integer("timestamp")
  }

  func write(to writer: inout JSONWriter) {
    writer.write("run_id", runID)
    writer.write("privilege_key", privilegeKey)
    writer.write("timestamp", timestamp)
  }
}

/// Asks the client for one more work connection.
public struct RequestWorkConnection: Equatable, Sendable {
  /// Makes an empty message.
  public init() {}

  init(_ fields: JSONFields) throws(WireError) {}

  func write(to writer: inout JSONWriter) {}
}

/// Tells a work connection about its user, or refuses it.
public struct StartWorkConnection: Equatable, Sendable {
  /// The proxy's full name.
  public var proxyName: String = ""
  /// The user's address; empty when unknown.
  public var sourceAddress: String = ""
  /// The address that the user connected to.
  public var destinationAddress: String = ""
  /// The user's port.
  public var sourcePort: UInt16 = 0
  /// The port that the user connected to.
  public var destinationPort: UInt16 = 0
  /// Why it was refused; empty when it was not.
  public var error: String = ""

  /// Makes an empty message.
  public init() {}

  init(_ fields: JSONFields) throws(WireError) {
    proxyName = try fields.string("proxy_name")
    sourceAddress = try fields.string("src_addr")
    destinationAddress = try fields.string("dst_addr")
    sourcePort = try fields.integer("src_port")
    destinationPort = try fields.integer("dst_port")
    error = try fields.string("error")
  }

  func write(to writer: inout JSONWriter) {
    writer.write("proxy_name", proxyName)
    writer.write("src_addr", sourceAddress)
    writer.write("dst_addr", destinationAddress)
    writer.write("src_port", sourcePort)
    writer.write("dst_port", destinationPort)
    writer.write("error", error)
  }
}
