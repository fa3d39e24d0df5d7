public import Timekeeping

/// The kinds of proxies that can be visited.
public enum VisitorKind: String, Sendable, CaseIterable {
  /// Connections.
  case stcp
  /// Datagrams.
  case sudp
  /// Connections, straight from client to client.
  case xtcp
}

/// One visitor: a local port that leads to a secret proxy of another client.
public struct VisitorConfiguration: Equatable, Sendable {
  /// What is particular to the kind.
  public enum Access: Equatable, Sendable {
    /// Connections.
    case stcp
    /// Datagrams.
    case sudp
    /// Connections, straight from client to client.
    case xtcp(XTCPVisitorConfiguration)
  }

  /// Where users connect.
  public enum Entrance: Equatable, Sendable {
    /// A local port.
    case port(UInt16)
    /// Nowhere; other visitors fall back to this one.
    case none
  }

  /// The name; unique among the client's visitors.
  public var name: String

  /// Whether payload is encrypted with a key made of the secret.
  public var usesEncryption = false

  /// Whether payload is compressed.
  public var usesCompression = false

  /// What the proxy asks of its visitors.
  public var secretKey = Secret("")

  /// The user of the proxy's client; empty for our own.
  public var serverUser = ""

  /// The proxy's name, without prefix.
  public var serverName: String

  /// The address to listen on.
  public var bindAddress = "127.0.0.1"

  /// Where users connect.
  public var entrance: Entrance

  /// The address in the virtual network that leads to the proxy; `nil` for none.
  public var virtualNetDestination: String?

  /// What is particular to the kind.
  public var access: Access

  /// The defaults.
  public init(name: String, serverName: String, entrance: Entrance, access: Access) {
    self.name = name
    self.serverName = serverName
    self.entrance = entrance
    self.access = access
  }

  /// The kind.
  public var kind: VisitorKind {
    switch access {
    case .stcp: .stcp
    case .sudp: .sudp
    case .xtcp: .xtcp
    }
  }
}

/// What is particular to an xtcp visitor.
public struct XTCPVisitorConfiguration: Equatable, Sendable {
  /// What carries the tunnel.
  public enum Tunnel: String, Sendable, CaseIterable {
    /// QUIC.
    case quic
    /// KCP.
    case kcp
  }

  /// What carries the tunnel.
  public var tunnel = Tunnel.quic

  /// Whether the tunnel is kept up while nobody uses it.
  public var keepsTunnelOpen = false

  /// How often in an hour a lost tunnel is made anew.
  public var retriesPerHourMax = 8

  /// The pause between two looks at the tunnel.
  public var retryInterval = Interval.seconds(90)

  /// The visitor that takes over when there is no tunnel; `nil` for none.
  public var fallbackVisitor: String?

  /// How long a user waits for a tunnel before the other visitor takes over.
  public var fallbackTimeout = Interval.milliseconds(1000)

  /// Whether addresses of the local network are offered to the proxy.
  public var offersLocalAddresses = true

  /// The defaults.
  public init() {}
}
