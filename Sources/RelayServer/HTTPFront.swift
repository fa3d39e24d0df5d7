internal import Admission
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
  ///
  /// - Parameter onEnd: to be called once, when it is over.
  func serve(_ visitor: HTTPVisitor, onEnd: @escaping () -> Void)
  /// A proxy is gone: idle connections to its local service are of no use.
  func proxyDidClose(_ proxy: ProxyID, of route: RouteID)
  /// Ends the connection of a visitor without a request.
  ///
  /// - Returns: whether there was one.
  func makeRoom() -> Bool
  /// The configuration is read again: the log of requests may have been moved away.
  ///
  /// - Returns: why it could not be opened; `nil` for no such problem.
  func reopenLog() -> String?
  /// The server stops: running requests may end, others do not begin.
  func stop()
  /// Ends everything at once.
  func close()
}

extension RelayServer {
  /// The single entrance for connections to the virtual hosts of HTTP.
  func serveHTTP(_ visitor: HTTPVisitor) {
    let source = visitor.ends.source ?? .loopback(port: 0)
    guard let httpFront else {
      logger.warning("nobody answers HTTP requests here, user [\(source)]")
      return visitor.stream.close()
    }
    let network = PeerNetwork(source)
    makeRoomForUser()
    switch admission.admitUser(from: network) {
    case .success(let place):
      let number = makeConnectionNumber()
      visitors[number] = place
      httpFront.serve(visitor) { [unowned self] in
        // `conclude` closes the front.
        if let place = visitors.removeValue(forKey: number) { admission.release(place) }
      }
    case .failure(let rejection):
      admission.complaints.write(
        .user, from: network, "visitor refused: \(rejection), user [\(source)]")
      visitor.stream.abort()
    }
  }

  /// Where there is no place for another user, a visitor of HTTP without a request has to go.
  func makeRoomForUser() {
    guard admission.isFull, httpFront?.makeRoom() == true else { return }
    admission.counters.evictedVisitors += 1
  }
}
