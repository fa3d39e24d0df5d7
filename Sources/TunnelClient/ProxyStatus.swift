public import Configuration

/// How one proxy is, for status pages.
public struct ProxyStatus: Equatable, Sendable {
  /// The name, without the user's prefix.
  public var name: String

  /// The kind.
  public var kind: ProxyKind

  /// Where it stands with the server.
  public var phase: ProxyPhase

  /// Why the server refused it last; empty if it did not.
  public var error: String

  /// `host:port` of the local service; empty without a port.
  public var localAddress: String

  /// Where users reach it, or did before it was withdrawn: the server's host with the proxy's port;
  /// empty before the server has said so, and after a refusal.
  public var remoteAddress: String

  /// What serves users in the place of a local service; empty for nothing.
  public var plugin = ""

  /// Whether the store has it, and no file.
  public var isStored = false

  /// Puts all of it together.
  public init(
    name: String, kind: ProxyKind, phase: ProxyPhase, error: String, localAddress: String,
    remoteAddress: String
  ) {
    self.name = name
    self.kind = kind
    self.phase = phase
    self.error = error
    self.localAddress = localAddress
    self.remoteAddress = remoteAddress
  }
}

extension ProxyStatus {
  init(
    _ proxy: ProxyConfiguration, _ announced: AnnouncedProxy, of configuration: ClientConfiguration
  ) {
    let serverHost = configuration.serverHost
    isStored = configuration.storedProxyNames.contains(proxy.name)
    name = proxy.name
    kind = proxy.kind
    phase = announced.phase
    switch announced.phase {
    case .new, .waitStart, .running, .checkFailed: error = ""
    case .startError(let text): error = text
    }
    localAddress = proxy.localPort == 0 ? "" : "\(proxy.localHost):\(proxy.localPort)"
    let isPort = announced.remoteAddress.hasPrefix(":")
    remoteAddress = (isPort ? serverHost : "") + announced.remoteAddress
  }
}
