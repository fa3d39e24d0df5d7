public import HTTPProtocol
public import LinuxSystem
public import Timekeeping
public import Transports

/// What a proxy changes and demands. One value for all requests to it; those of a group have the
/// first member's (behaviour.md 7).
public final class GatewayRules {
  let rewriting: RequestRewriting
  let responseFields: [(name: String, value: String)]
  let credentials: BasicCredentials?

  /// Puts the rules together. Where user and password are both empty, everybody is let in.
  ///
  /// - Parameter responseFields: set in answers of the local service.
  public init(
    rewriting: RequestRewriting = RequestRewriting(),
    responseFields: [(name: String, value: String)] = [], user: String = "", password: String = ""
  ) {
    self.rewriting = rewriting
    self.responseFields = responseFields
    credentials =
      user.isEmpty && password.isEmpty ? nil : BasicCredentials(user: user, password: password)
  }
}

/// Where a request goes.
public struct GatewayRoute {
  let service: GatewayService
  let rules: GatewayRules

  /// Puts the two together.
  public init(to service: GatewayService, _ rules: GatewayRules) {
    self.service = service
    self.rules = rules
  }
}

/// Who sends requests on one connection.
public struct VisitorOrigin {
  /// The visitor's address; the front proxy's word for it where there is one.
  public let address: SocketAddress?
  /// The address that he connected to.
  public let destination: SocketAddress?
  /// Whether he came over TLS that ends at us.
  public let isSecure: Bool
  /// Whether he speaks HTTP/2.
  var isHTTP2 = false

  /// Puts them together.
  public init(address: SocketAddress?, destination: SocketAddress?, isSecure: Bool = false) {
    self.address = address
    self.destination = destination
    self.isSecure = isSecure
  }
}

/// A fresh stream to a local service.
public struct ServiceConnection {
  let stream: any ByteStream
  let isHalfCloseKept: Bool

  /// Puts them together.
  ///
  /// - Parameters:
  ///   - stream: plain bytes of the local service; nothing has been read from it.
  ///   - isHalfCloseKept: as for `JoinedPair`.
  public init(_ stream: any ByteStream, isHalfCloseKept: Bool) {
    self.stream = stream
    self.isHalfCloseKept = isHalfCloseKept
  }
}

/// How a request ended for the local service.
public enum ServiceOutcome: Sendable {
  /// It answered.
  case answered
  /// There was no stream to it, or no answer that is one, or none in time.
  case failed
  /// The visitor left before that was known.
  case abandoned
}

/// What a gateway needs of the program that it is part of. Everything is called on its loop.
public protocol GatewayHost: AnyObject {
  /// Where a request goes; `nil` for nowhere. A choice among the members of a group is made here,
  /// for each request; `requestDidEnd` is called once for each route that was given.
  func route(of head: RequestHead, from origin: VisitorOrigin) -> GatewayRoute?

  /// Whether a request without a route, which came over TLS that ends at us, is for a host whose
  /// TLS ends elsewhere: a visitor who finds that host's name in a certificate may have sent it on
  /// this connection (RFC 9110, section 15.5.20).
  func isMisdirected(_ head: RequestHead) -> Bool

  /// Asks for a stream to the local service. `completion` is called once, maybe before this
  /// returns, unless it is cancelled; with `nil` when there is none.
  ///
  /// - Returns: what to cancel.
  func requestStream(
    to service: GatewayService, for origin: VisitorOrigin,
    completion: @escaping (ServiceConnection?) -> Void
  ) -> UInt64

  /// Nobody waits for that stream any more.
  func cancelStream(_ request: UInt64)

  /// A request to that service is over.
  ///
  /// - Parameter hasAskedForStream: whether the host was asked for a stream for it.
  func requestDidEnd(
    on service: GatewayService, _ outcome: ServiceOutcome, hasAskedForStream: Bool)

  /// The page for requests without a route; `nil` for the one of ours.
  var notFoundPage: [UInt8]? { get }

  /// Whether requests are logged.
  var isAccessLogged: Bool { get }

  /// The time of day, for answers and the log.
  var secondsSinceEpoch: Int { get }

  /// One request, at its end.
  func write(_ record: AccessRecord)

  /// How long a local service may take until its answer begins.
  var responseTimeout: Interval { get }
}
