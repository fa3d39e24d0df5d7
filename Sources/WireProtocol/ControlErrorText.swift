/// The refusals in frp's words (wire-protocol.md 3.7 and 11.2), which scripts and people look for.
public enum ControlErrorText {
  /// Login: the credential is wrong.
  public static let tokenMismatchInLogin =
    "token in login doesn't match token from configuration"
  /// NewWorkConn: the credential is wrong.
  public static let tokenMismatchInWorkConnection =
    "token in NewWorkConn doesn't match token from configuration"
  /// Ping: the credential is wrong.
  public static let tokenMismatchInPing =
    "token in heartbeat doesn't match token from configuration"
  /// NewWorkConn: there are enough idle ones.
  public static let workConnectionPoolFull = "work connection pool is full, discarding"

  /// Login, without details.
  public static let genericLogin = "register control error"
  /// NewWorkConn, without details.
  public static let genericWorkConnection = "invalid NewWorkConn"
  /// NewVisitorConn, without details.
  public static let genericVisitor = "register visitor conn error"
  /// Ping, without details.
  public static let genericPing = "invalid ping"

  /// NewWorkConn or NewVisitorConn: nobody is logged in under the run ID.
  public static func noControl(runID: String) -> String {
    "no client control found for run id [\(runID)]"
  }

  /// NewVisitorConn: there is no such proxy.
  public static func customListenerMissing(_ proxyName: String) -> String {
    "custom listener for [\(proxyName)] doesn't exist"
  }

  /// Login: another session has the client ID.
  public static func clientIDOnline(_ clientID: String, user: String) -> String {
    "client_id [\(clientID)] for user [\(user)] is already online"
  }

  /// NewProxy: the name is taken.
  public static func proxyExists(_ name: String) -> String { "proxy [\(name)] already exists" }
  /// NewProxy: we do not have this type.
  public static func unknownProxyType(_ type: String) -> String { "unknown proxy type: \(type)" }
  /// NewProxy, without details.
  public static func genericProxy(_ name: String) -> String { "new proxy [\(name)] error" }

  /// NewProxy: `allow_ports` does not have the port.
  public static let portNotAllowed = "port not allowed"
  /// NewProxy: another proxy has the port.
  public static let portAlreadyUsed = "port already used"
  /// NewProxy: the port cannot be bound.
  public static let portUnavailable = "port unavailable"
  /// NewProxy: no free port was found.
  public static let noAvailablePort = "no available port"
  /// NewProxy: the session has as many ports as it may.
  public static let exceedMaxPorts = "exceed the max_ports_per_client"
}
