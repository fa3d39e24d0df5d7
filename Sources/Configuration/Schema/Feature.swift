/// What frp has and a version of ours may not have. A key that needs a missing one is an error when
/// it is set to anything but its default; when a feature is built, its row here changes and nothing
/// else in this module.
enum Feature: Sendable, CaseIterable {
  case kcp
  case quic
  case webSocket
  case wireProtocol2
  case httpProxies
  case httpsProxies
  case tcpmuxProxies
  case udpProxies
  case secretProxies
  case secretDatagrams
  case holePunching
  case visitors
  case loadBalancing
  case healthCheck
  case clientPlugins
  case serverPlugins
  case oidc
  case dashboard
  case adminServer
  case webPages
  case profiler
  case metrics
  case sshGateway
  case virtualNet

  /// Whether this version has it.
  var isInThisVersion: Bool {
    switch self {
    case .httpProxies, .httpsProxies, .tcpmuxProxies, .loadBalancing, .adminServer, .healthCheck:
      true
    case .kcp, .quic, .webSocket, .wireProtocol2, .udpProxies, .secretProxies,
      .secretDatagrams, .holePunching, .visitors, .clientPlugins, .serverPlugins, .oidc,
      .dashboard, .webPages, .profiler, .metrics, .sshGateway, .virtualNet:
      false
    }
  }

  /// Its name as the object of "needs".
  var name: String {
    switch self {
    case .kcp: "KCP"
    case .quic: "QUIC"
    case .webSocket: "WebSocket"
    case .wireProtocol2: "the newer message framing"
    case .httpProxies: "the HTTP virtual host port"
    case .httpsProxies: "the HTTPS virtual host port"
    case .tcpmuxProxies: "the HTTP CONNECT port"
    case .udpProxies: "UDP proxies"
    case .secretProxies: "secret proxies"
    case .secretDatagrams: "secret proxies for datagrams"
    case .holePunching: "hole punching"
    case .visitors: "visitors"
    case .loadBalancing: "load balancing"
    case .healthCheck: "the health check"
    case .clientPlugins: "client plugins"
    case .serverPlugins: "server plugins"
    case .oidc: "OIDC"
    case .dashboard: "the dashboard"
    case .adminServer: "the admin server"
    case .webPages: "web pages"
    case .profiler: "the profiler"
    case .metrics: "the metrics page"
    case .sshGateway: "the SSH gateway"
    case .virtualNet: "the virtual network"
    }
  }
}

extension ProxyKind {
  /// What must be there for it, beyond the kind that is always there.
  var feature: Feature? {
    switch self {
    case .tcp: nil
    case .udp: .udpProxies
    case .http: .httpProxies
    case .https: .httpsProxies
    case .tcpmux: .tcpmuxProxies
    case .stcp: .secretProxies
    case .sudp: .secretDatagrams
    case .xtcp: .holePunching
    }
  }

  /// Whether this version has it.
  public var isImplemented: Bool { feature?.isInThisVersion ?? true }
}
