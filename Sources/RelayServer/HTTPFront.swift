internal import LinuxSystem
internal import Logging
internal import ProxyGraph
internal import Transports

/// A connection for the virtual hosts of HTTP, accepted and not answered yet.
struct HTTPVisitor {
  /// The connection; its receiver is not set.
  let stream: SocketStream
  /// What was read of it already.
  let early: [UInt8]
  /// Who is there, also behind a front proxy that says so.
  let ends: UserEnds
  /// Whether it came over TLS, which ended here.
  var isSecure = false
}

/// Who answers requests to the virtual hosts of HTTP.
protocol HTTPFront: AnyObject {
  /// Takes a connection over.
  func serve(_ visitor: HTTPVisitor)
  /// A proxy is gone: idle connections to its local service are of no use.
  func proxyDidClose(_ proxy: ProxyID, of route: RouteID)
  /// The server stops: running requests may end, others do not begin.
  func stop()
  /// Ends everything at once.
  func close()
}

extension RelayServer {
  /// The single entrance for connections to the virtual hosts of HTTP.
  func serveHTTP(_ visitor: HTTPVisitor) {
    if let httpFront { return httpFront.serve(visitor) }
    let peer = visitor.ends.source?.description ?? "?"
    logger.warning("nobody answers HTTP requests here, user [\(peer)]")
    visitor.stream.close()
  }
}
