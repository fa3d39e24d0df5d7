/// What one message of the kernel's routing socket says (rtnetlink(7)).
public enum NetlinkMessage: Equatable, Sendable {
  /// A network interface is new or has changed; whether it is up and has its carrier.
  case link(interface: UInt32, isRunning: Bool)
  /// A network interface is gone.
  case linkRemoved(interface: UInt32)
  /// An address was given to an interface, changed, or taken from it.
  case address(SocketAddress, interface: UInt32, isRemoved: Bool)
  /// A route is new, has changed, or is gone; also the answer to a query.
  case route(NetlinkRoute, isRemoved: Bool)
  /// The end of an answer; the error if the request failed.
  case answer(Errno?)
  /// A message of a kind that says nothing to us.
  case ignored(type: UInt16)
}

/// A route, as far as it matters here.
public struct NetlinkRoute: Equatable, Sendable {
  /// The network; `nil` for all of them.
  public var destination: SocketAddress?
  /// How many bits of `destination` count.
  public var prefixLength: UInt8
  /// The address that packets get which leave by this route, if the route says it.
  public var source: SocketAddress?
  /// The next hop; `nil` when the destination is a neighbour.
  public var gateway: SocketAddress?
  /// The interface; 0 when the route names none.
  public var interface: UInt32
  /// Whether packets get anywhere by it; not so for blackholes and their like.
  public var isUsable: Bool
}

/// How this machine would send to an address.
public enum RouteAnswer: Equatable, Sendable {
  /// By this interface, and from this address unless the query named one.
  case via(interface: UInt32, source: SocketAddress?)
  /// Not at all; why.
  case unreachable(Errno)

  /// Whether there is a way.
  public var isReachable: Bool {
    switch self {
    case .via: true
    case .unreachable: false
    }
  }
}
