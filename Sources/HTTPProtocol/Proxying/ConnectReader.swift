internal import ByteBuffers

/// The request that opens a tunnel through the port for CONNECT (behaviour.md 6).
public struct ConnectRequest: Sendable {
  /// The host to look routes up by.
  public let routingHost: String
  /// The user to look routes up by; empty for none.
  public let routingUser: String
  /// What the visitor authenticates with.
  public let credentials: BasicCredentials?
  /// How answers to it are written.
  public let exchange: VisitorExchange
  /// The bytes of the request. What came behind them is the tunnel's first data and is kept; a
  /// proxy that passes the request on begins with its first byte.
  public let byteCount: Int

  /// Whether the visitor may use a proxy with that user and password; everybody may where both are
  /// empty.
  public func isAuthorized(user: String, password: String) -> Bool {
    if user.isEmpty, password.isEmpty { return true }
    return BasicCredentials(user: user, password: password).matches(credentials)
  }
}

/// Reads the request of one connection to that port; used as `RequestHeadParser` is.
public struct ConnectReader: Sendable {
  /// What has come so far.
  public enum Finding: Sendable {
    /// Not all of the head.
    case moreBytesNeeded
    /// A request for a tunnel.
    case connect(ConnectRequest)
    /// Another request: the connection is closed without an answer.
    case otherRequest
  }

  private var parser = RequestHeadParser()

  /// Makes a reader at the start of a connection.
  public init() {}

  /// Looks at all bytes that came so far.
  public mutating func read(_ bytes: RawSpan) throws(HTTPFault) -> Finding {
    guard let head = try parser.parse(bytes) else { return .moreBytesNeeded }
    guard head.method == .connect else { return .otherRequest }
    return .connect(
      ConnectRequest(
        routingHost: head.routingHost, routingUser: head.credentials?.user ?? "",
        credentials: head.credentials, exchange: VisitorExchange(head), byteCount: head.byteCount))
  }
}
