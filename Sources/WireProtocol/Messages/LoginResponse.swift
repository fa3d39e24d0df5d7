/// The answer to `Login`.
public struct LoginResponse: Equatable, Sendable {
  /// The server's frp version; only logged.
  public var version: String = ""
  /// The client's run ID.
  public var runID: String = ""
  /// Why it was refused; empty when it was not.
  public var error: String = ""
  /// What our own programs can do beyond frp; not part of frp's protocol.
  public var extensions: WireExtension = []

  /// Makes an empty message.
  public init() {}

  init(_ fields: JSONFields) throws(WireError) {
    version = try fields.string("version")
    runID = try fields.string("run_id")
    error = try fields.string("error")
    extensions = WireExtension(rawValue: try fields.integer("swift_frp"))
  }

  func write(to writer: inout JSONWriter) {
    writer.write("version", version)
    writer.write("run_id", runID)
    writer.write("error", error)
    writer.write("swift_frp", extensions.rawValue)
  }
}
