/// A sign of life of the client.
public struct Ping: Equatable, Sendable {
  /// The proof of the credential; empty where it is not asked for.
  public var privilegeKey: String = ""
  /// Unix seconds; part of the proof.
  public var timestamp: Int64 = 0

  /// Makes an empty message.
  public init() {}

  init(_ fields: JSONFields) throws(WireError) {
    privilegeKey = try fields.string("privilege_key")
    timestamp = try fields.integer("timestamp")
  }

  func write(to writer: inout JSONWriter) {
    writer.write("privilege_key", privilegeKey)
    writer.write("timestamp", timestamp)
  }
}

/// The answer to `Ping`.
public struct Pong: Equatable, Sendable {
  /// Why it was refused; empty when it was not.
  public var error: String = ""

  /// Makes an empty message.
  public init() {}

  init(_ fields: JSONFields) throws(WireError) {
    error = try fields.string("error")
  }

  func write(to writer: inout JSONWriter) {
    writer.write("error", error)
  }
}
