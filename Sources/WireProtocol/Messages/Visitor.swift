/// The first message of a visitor connection.
public struct NewVisitorConnection: Equatable, Sendable {
  /// The visitor's session; empty for no user.
  public var runID: String = ""
  /// The proxy's full name.
  public var proxyName: String = ""
  /// The proof of the secret.
  public var signKey: String = ""
  /// Unix seconds; part of the proof.
  public var timestamp: Int64 = 0
  /// Whether payload is encrypted on the visitor's leg.
  public var useEncryption: Bool = false
  /// Whether payload is compressed on the visitor's leg.
  public var useCompression: Bool = false

  /// Makes an empty message.
  public init() {}

  init(_ fields: JSONFields) throws(WireError) {
    runID = try fields.string("run_id")
    proxyName = try fields.string("proxy_name")
    signKey = try fields.string("sign_key")
    timestamp = try fields.integer("timestamp")
    useEncryption = try fields.bool("use_encryption")
    useCompression = try fields.bool("use_compression")
  }

  func write(to writer: inout JSONWriter) {
    writer.write("run_id", runID)
    writer.write("proxy_name", proxyName)
    writer.write("sign_key", signKey)
    writer.write("timestamp", timestamp)
    writer.write("use_encryption", useEncryption)
    writer.write("use_compression", useCompression)
  }
}

/// The answer to `NewVisitorConn`.
public struct NewVisitorConnectionResponse: Equatable, Sendable {
  /// The proxy's full name.
  public var proxyName: String = ""
  /// Why it was refused; empty when it was not.
  public var error: String = ""

  /// Makes an empty message.
  public init() {}

  init(_ fields: JSONFields) throws(WireError) {
    proxyName = try fields.string("proxy_name")
    error = try fields.string("error")
  }

  func write(to writer: inout JSONWriter) {
    writer.write("proxy_name", proxyName)
    writer.write("error", error)
  }
}
