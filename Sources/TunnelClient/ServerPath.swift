internal import LinuxSystem

/// The way that a connection to the server took when it was made.
///
/// Only what ends TCP connections or makes them useless counts: new interfaces, addresses and
/// routes beside this way are none of its business.
struct ServerPath: Equatable {
  /// What has become of a path.
  enum Finding: Equatable {
    /// Packets go as before.
    case intact
    /// Packets go another way now, so the connection is of no use; how.
    case changed(String)
    /// There is no way now; why.
    case lost(String)
  }

  /// Our address; port 0.
  let local: SocketAddress
  /// The server's address, or that of the proxy before it.
  let peer: SocketAddress
  /// The address that the configuration wants to send from.
  let chosenSource: SocketAddress?
  /// What the routes said when the connection was made.
  let route: RouteAnswer

  /// Compares with the present.
  ///
  /// - Parameters:
  ///   - isLocalPresent: whether `local` is still an address of this machine; `nil` if unknown.
  ///   - current: what the routes say now, for a source if one was chosen; `nil` if unknown.
  func finding(isLocalPresent: Bool?, current: RouteAnswer?) -> Finding {
    guard let current else { return isLocalPresent == false ? lostAddress : .intact }
    switch current {
    case .unreachable:
      if isLocalPresent == false { return lostAddress }
      // It never had a route that the kernel would tell of.
      return route.isReachable ? .lost("no route to \(peer.host)") : .intact
    case .via(let interface, let source):
      if isLocalPresent == false {
        // With a chosen source the kernel has no other.
        return chosenSource == nil ? .changed("local address \(local.host) is gone") : lostAddress
      }
      guard case .via(let oldInterface, let oldSource) = route else { return .intact }
      if interface != oldInterface {
        return .changed("the route to \(peer.host) leads over another interface")
      }
      if let source, let oldSource, isAnotherNetwork(source, oldSource) {
        return .changed("the route to \(peer.host) leads from address \(source.host)")
      }
      return .intact
    }
  }

  private var lostAddress: Finding { .lost("local address \(local.host) is gone") }

  /// Whether packets from one address would be answered elsewhere than those from the other. In
  /// IPv6 an interface has many addresses of one network, which come and go for privacy
  /// (RFC 8981); connections keep theirs meanwhile.
  private func isAnotherNetwork(_ one: SocketAddress, _ other: SocketAddress) -> Bool {
    switch one.family {
    case .ipv4: one != other
    case .ipv6: one.octetArray.prefix(8) != other.octetArray.prefix(8)
    }
  }
}
