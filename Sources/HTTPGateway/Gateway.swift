internal import HTTPProtocol
public import Transports

/// A reverse proxy for HTTP: reads visitors' requests, and carries them over streams to local
/// services, which it asks its host for.
///
/// Bodies are passed on as they come, in both directions; the slower end sets the pace. What keeps
/// not all rules of RFC 9110 and RFC 9112 is answered with a fault and reaches no local service.
public final class Gateway {
  let context: TransportContext
  unowned let host: any GatewayHost
  let times: GatewayTimes
  private var connections: [ObjectIdentifier: VisitorConnection] = [:]
  private var sessions: [ObjectIdentifier: VisitorSession] = [:]
  /// Those with a connection of their own.
  private var ring = ConnectionRing()
  private(set) var isDraining = false
  private var answerDate = AnswerDate()

  /// Makes a gateway without connections.
  ///
  /// - Parameter host: has to outlive it.
  public init(
    _ context: TransportContext, host: any GatewayHost, times: GatewayTimes = GatewayTimes()
  ) {
    self.context = context
    self.host = host
    self.times = times
  }

  /// The value of `Date` in answers of this moment.
  var dateText: String { answerDate.text(at: host.secondsSinceEpoch) }

  /// Visitors' connections, tunnels and the requests inside of HTTP/2 among them.
  public var connectionCount: Int { connections.count + sessions.count }

  /// Requests and tunnels that are not over.
  public var activeCount: Int { connections.values.count { $0.isActive } }

  /// Takes a visitor's connection over.
  ///
  /// - Parameters:
  ///   - early: bytes of his that came before.
  ///   - onEnd: called once, when the gateway is done with it.
  public func serve(
    _ stream: any ByteStream, early: [UInt8] = [], from origin: VisitorOrigin,
    onEnd: @escaping () -> Void = {}
  ) {
    guard connectionCount < GatewayLimits.connectionCountMax, !isDraining else {
      stream.abort()
      return onEnd()
    }
    let connection = VisitorConnection(self, stream, origin, onEnd: onEnd)
    connections[ObjectIdentifier(connection)] = connection
    if !origin.isHTTP2 { ring.add(connection) }
    connection.begin(early)
  }

  /// The visitor speaks HTTP/2.
  func serveSession(
    _ stream: any ByteStream, early: UnsafeRawBufferPointer, from origin: VisitorOrigin,
    onEnd: @escaping () -> Void
  ) {
    let session = VisitorSession(self, stream, origin, onEnd: onEnd)
    sessions[ObjectIdentifier(session)] = session
    ring.add(session)
    session.begin(early)
  }

  /// Ends a connection without a request, so that somebody else has its place: of those that are
  /// looked at the one that has been so for longest.
  ///
  /// - Returns: whether there was one.
  public func makeRoom() -> Bool {
    guard let member = ring.nextEmpty() else { return false }
    member.makeRoom()
    return true
  }

  /// Takes no new connections, ends those without a request, and the others behind their answer.
  public func drain() {
    isDraining = true
    for connection in Array(connections.values) { connection.endWhenIdle() }
    for session in Array(sessions.values) { session.drain() }
  }

  /// Ends everything at once.
  public func close() {
    isDraining = true
    for connection in Array(connections.values) { connection.abort() }
    for session in Array(sessions.values) { session.abort() }
  }

  func connectionDidEnd(_ connection: VisitorConnection) {
    connections[ObjectIdentifier(connection)] = nil
    if !connection.origin.isHTTP2 { ring.remove(connection) }
  }

  func sessionDidEnd(_ session: VisitorSession) {
    sessions[ObjectIdentifier(session)] = nil
    ring.remove(session)
  }
}
