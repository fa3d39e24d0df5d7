/// Why the server refuses something, in frp's words. All texts live here.
///
/// Each refusal has two: the cause, and the one that a server sends which is told to keep causes
/// to itself (`detailedErrorsToClient = false`).
public struct ControlErrorText: Equatable, Sendable {
  /// The cause.
  public let detailed: String

  /// What a server says that does not tell causes.
  public let generic: String

  /// The text to send.
  public func text(isDetailed: Bool) -> String { isDetailed ? detailed : generic }

  private init(_ detailed: String, generic: String) {
    self.detailed = detailed
    self.generic = generic
  }
}

/// Answers to `Login`, in a `LoginResponse`.
extension ControlErrorText {
  private static func login(_ cause: String) -> ControlErrorText {
    ControlErrorText(cause, generic: "register control error")
  }

  /// The privilege key of a login is not that of our token.
  public static func loginTokenMismatch() -> ControlErrorText {
    login("token in login doesn't match token from configuration")
  }

  /// An OpenID Connect token was refused for the reason `cause`.
  public static func loginOIDCTokenInvalid(cause: String) -> ControlErrorText {
    login("invalid OIDC token in login: \(cause)")
  }

  /// Another session of the same user has that client ID.
  public static func clientAlreadyOnline(clientID: String, user: String) -> ControlErrorText {
    login("client_id [\(clientID)] for user [\(user)] is already online")
  }

  /// There is no room for another session.
  public static func serverFull() -> ControlErrorText {
    login("the server has as many clients as it may")
  }

  /// The user of a login has expired, or is switched off.
  public static func userNotValid(_ user: String) -> ControlErrorText {
    login("user [\(user)] is not let in any more")
  }

  /// The user of a login has as many clients as it may have.
  public static func tooManyClients(user: String) -> ControlErrorText {
    login("user [\(user)] has as many clients as it may have")
  }

  /// A wire v2 login that no hello came before.
  public static func cryptoNegotiationMissing() -> ControlErrorText {
    login("missing v2 crypto negotiation")
  }
}

/// Answers to `NewWorkConnection`, in a `StartWorkConnection`.
extension ControlErrorText {
  private static func workConnection(_ cause: String) -> ControlErrorText {
    ControlErrorText(cause, generic: "invalid NewWorkConn")
  }

  /// No session has the run ID of a new work connection.
  public static func workConnectionRunIDUnknown(_ runID: String) -> ControlErrorText {
    workConnection("no client control found for run id [\(runID)]")
  }

  /// The privilege key of a new work connection is not that of our token.
  public static func workConnectionTokenMismatch() -> ControlErrorText {
    workConnection("token in NewWorkConn doesn't match token from configuration")
  }

  /// The session has as many idle work connections as it may have.
  public static func workConnectionPoolFull() -> ControlErrorText {
    workConnection("work connection pool is full, discarding")
  }
}

/// Answers to `NewVisitorConnection`, in a `NewVisitorConnectionResponse`.
extension ControlErrorText {
  private static func visitorConnection(_ cause: String) -> ControlErrorText {
    ControlErrorText(cause, generic: "register visitor conn error")
  }

  /// No secret proxy has that name.
  public static func visitorProxyUnknown(_ proxyName: String) -> ControlErrorText {
    visitorConnection("custom listener for [\(proxyName)] doesn't exist")
  }

  /// The visitor's key is not that of the proxy.
  public static func visitorKeyMismatch(_ proxyName: String) -> ControlErrorText {
    visitorConnection("visitor connection of [\(proxyName)] auth failed")
  }

  /// The proxy does not allow the visitor's user.
  public static func visitorUserNotAllowed(
    _ proxyName: String, user: String
  ) -> ControlErrorText {
    visitorConnection("visitor connection of [\(proxyName)] user [\(user)] not allowed")
  }

  /// No session has the run ID of a visitor connection.
  public static func visitorRunIDUnknown(_ runID: String) -> ControlErrorText {
    visitorConnection("no client control found for run id [\(runID)]")
  }
}

/// The answer to a `Ping`, in a `Pong`.
extension ControlErrorText {
  /// The privilege key of a heartbeat is not that of our token.
  public static func pingTokenMismatch() -> ControlErrorText {
    ControlErrorText(
      "token in heartbeat doesn't match token from configuration", generic: "invalid ping")
  }
}

/// Answers to `NewProxy`, in a `NewProxyResponse`. `proxyName` is the name in the request.
extension ControlErrorText {
  private static func newProxy(_ proxyName: String, _ cause: String) -> ControlErrorText {
    ControlErrorText(cause, generic: "new proxy [\(proxyName)] error")
  }

  /// What is wrong with a port; a udp proxy names the port before it.
  private static func port(
    _ proxyName: String, udpPort: Int?, _ cause: String
  ) -> ControlErrorText {
    newProxy(proxyName, udpPort.map { "acquire port \($0) error: \(cause)" } ?? cause)
  }

  /// The name is in use, in this session or another.
  public static func proxyAlreadyExists(_ proxyName: String) -> ControlErrorText {
    newProxy(proxyName, "proxy [\(proxyName)] already exists")
  }

  /// The wanted port is none that clients may have. Give `udpPort` for a udp proxy.
  public static func portNotAllowed(
    _ proxyName: String, udpPort: Int? = nil
  ) -> ControlErrorText {
    port(proxyName, udpPort: udpPort, "port not allowed")
  }

  /// Another proxy has the wanted port. Give `udpPort` for a udp proxy.
  public static func portAlreadyUsed(
    _ proxyName: String, udpPort: Int? = nil
  ) -> ControlErrorText {
    port(proxyName, udpPort: udpPort, "port already used")
  }

  /// The kernel refuses the wanted port. Give `udpPort` for a udp proxy.
  public static func portUnavailable(
    _ proxyName: String, udpPort: Int? = nil
  ) -> ControlErrorText {
    port(proxyName, udpPort: udpPort, "port unavailable")
  }

  /// The server was to choose a port and found none. Give `udpPort` (0) for a udp proxy.
  public static func noAvailablePort(
    _ proxyName: String, udpPort: Int? = nil
  ) -> ControlErrorText {
    port(proxyName, udpPort: udpPort, "no available port")
  }

  /// The session has as many ports as one may have.
  public static func tooManyPorts(_ proxyName: String) -> ControlErrorText {
    newProxy(proxyName, "exceed the max_ports_per_client")
  }

  /// The clients of a user have as many ports as they may have.
  public static func tooManyPortsOfUser(_ proxyName: String) -> ControlErrorText {
    newProxy(proxyName, "exceed the max_ports of the user")
  }

  /// The name belongs to another user, or is none that this user may take.
  public static func proxyNameNotAllowed(_ proxyName: String) -> ControlErrorText {
    newProxy(proxyName, "proxy name [\(proxyName)] not allowed for this user")
  }

  /// The user may not have proxies of this type.
  public static func proxyTypeNotAllowed(_ proxyName: String, type: String) -> ControlErrorText {
    newProxy(proxyName, "proxy type [\(type)] not allowed for this user")
  }

  /// No such type of proxy.
  public static func proxyTypeUnknown(_ proxyName: String, type: String) -> ControlErrorText {
    newProxy(proxyName, "unknown proxy type: \(type)")
  }

  /// The server has no port for virtual hosts; `type` is `http` or `https`.
  public static func virtualHostPortNotSet(_ proxyName: String, type: String) -> ControlErrorText {
    newProxy(proxyName, "type [\(type)] not supported when vhost \(type) port is not set")
  }

  /// The server has no port for CONNECT multiplexing.
  public static func connectMultiplexerNotEnabled(_ proxyName: String) -> ControlErrorText {
    newProxy(
      proxyName,
      "tcpmux with multiplexer httpconnect not supported because this feature is not enabled in "
        + "server")
  }

  /// No such way to tell the hosts of a port apart.
  public static func multiplexerUnknown(
    _ proxyName: String, multiplexer: String
  ) -> ControlErrorText {
    newProxy(proxyName, "unknown multiplexer [\(multiplexer)]")
  }

  /// The server has no domain under which it gives out subdomains.
  public static func subdomainNotEnabled(_ proxyName: String) -> ControlErrorText {
    newProxy(
      proxyName, "subdomain is not supported because this feature is not enabled in server")
  }

  /// A subdomain is one label.
  public static func subdomainMalformed(_ proxyName: String) -> ControlErrorText {
    newProxy(proxyName, "'.' and '*' are not supported in subdomain")
  }

  /// A custom domain lies under the server's own domain.
  public static func customDomainUnderSubdomainHost(
    _ proxyName: String, domain: String, host: String
  ) -> ControlErrorText {
    newProxy(proxyName, "custom domain [\(domain)] should not belong to subdomain host [\(host)]")
  }

  /// The same domain, location and user lead somewhere already.
  public static func routeConflict(_ proxyName: String) -> ControlErrorText {
    newProxy(proxyName, "router config conflict")
  }

  /// The group exists with another key.
  public static func groupKeyMismatch(_ proxyName: String) -> ControlErrorText {
    newProxy(proxyName, "group auth failed")
  }

  /// The group exists with other parameters.
  public static func groupParametersDiffer(_ proxyName: String) -> ControlErrorText {
    newProxy(proxyName, "group params invalid")
  }

  /// The group exists on another port.
  public static func groupPortDiffers(_ proxyName: String) -> ControlErrorText {
    newProxy(proxyName, "group should have same remote port")
  }

  /// The proxy is in the group already.
  public static func groupProxyRepeated(_ proxyName: String) -> ControlErrorText {
    newProxy(proxyName, "group proxy repeated")
  }

  /// The group has as many members as it may have.
  public static func groupFull(_ proxyName: String) -> ControlErrorText {
    newProxy(proxyName, "group has too many members")
  }

  /// The server does not help with NAT holes.
  public static func natHoleNotSupported(_ proxyName: String) -> ControlErrorText {
    newProxy(proxyName, "xtcp is not supported in frps")
  }
}
