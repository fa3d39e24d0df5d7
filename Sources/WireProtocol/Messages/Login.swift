/// What kind of client logs in; honoured on connections inside the server only.
public struct ClientSpec: Equatable, Sendable {
  /// `ssh-tunnel` or empty.
  public var type: String = ""
  /// Whether the credential is not checked.
  public var alwaysAuthPass: Bool = false

  /// Makes an empty message.
  public init() {}

  init(_ fields: JSONFields) throws(WireError) {
    type = try fields.string("type")
    alwaysAuthPass = try fields.bool("always_auth_pass")
  }

  func write(to writer: inout JSONWriter) {
    writer.write("type", type)
    writer.write("always_auth_pass", alwaysAuthPass)
  }
}

/// The first message of a control connection (wire-protocol.md 2.4).
public struct Login: Equatable, Sendable {
  /// The client's frp version; only logged.
  public var version: String = ""
  /// The client's host name; may be empty.
  public var hostname: String = ""
  /// The operating system by its Go name.
  public var os: String = ""
  /// The architecture by its Go name.
  public var arch: String = ""
  /// The prefix of the client's proxy names.
  public var user: String = ""
  /// The proof of the credential; empty where it is not asked for.
  public var privilegeKey: String = ""
  /// Unix seconds; part of the proof.
  public var timestamp: Int64 = 0
  /// Empty at first, then the ID that the server gave.
  public var runID: String = ""
  /// A stable ID of the client, if it has one.
  public var clientID: String = ""
  /// Free metadata.
  public var metas: [String: String] = [:]
  /// What kind of client it is.
  public var clientSpec = ClientSpec()
  /// Idle work connections wanted.
  public var poolCount: Int = 0
  /// What our own programs can do beyond frp; not part of frp's protocol.
  public var extensions: WireExtension = []

  /// Makes an empty message.
  public init() {}

  init(_ fields: JSONFields) throws(WireError) {
    version = try fields.string("version")
    hostname = try fields.string("hostname")
    os = try fields.string("os")
    arch = try fields.string("arch")
    user = try fields.string("user")
    privilegeKey = try fields.string("privilege_key")
    timestamp = try fields.integer("timestamp")
    runID = try fields.string("run_id")
    clientID = try fields.string("client_id")
    metas = try fields.stringMap("metas")
    clientSpec = try ClientSpec(fields.fields("client_spec"))
    poolCount = try fields.integer("pool_count")
    extensions = WireExtension(rawValue: try fields.integer("swift_frp"))
  }

  func write(to writer: inout JSONWriter) {
    writer.write("version", version)
    writer.write("hostname", hostname)
    writer.write("os", os)
    writer.write("arch", arch)
    writer.write("user", user)
    writer.write("privilege_key", privilegeKey)
    writer.write("timestamp", timestamp)
    writer.write("run_id", runID)
    writer.write("client_id", clientID)
    writer.write("metas", metas)
    writer.writeObject("client_spec") { clientSpec.write(to: &$0) }
    writer.write("pool_count", poolCount)
    writer.write("swift_frp", extensions.rawValue)
  }
}
