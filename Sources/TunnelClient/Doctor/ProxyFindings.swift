internal import Configuration
internal import Reactor

/// What can be found out about proxies without publishing them.
enum ProxyFindings {
  /// Where the local service of a proxy is; `nil` when there is nothing to connect to.
  static func localService(of proxy: ProxyConfiguration) -> ConnectBatch.Target? {
    guard findingWithoutConnecting(proxy) == nil else { return nil }
    return ConnectBatch.Target(host: proxy.localHost, port: proxy.localPort)
  }

  /// For proxies of which there is nothing to connect to.
  static func findingWithoutConnecting(_ proxy: ProxyConfiguration) -> DoctorFinding? {
    if proxy.plugin != nil {
      return DoctorFinding(proxy.name, .note, "a plugin serves it; not looked at")
    }
    guard proxy.localPort > 0 else {
      return DoctorFinding(
        proxy.name, .fault(.localServiceNotSet), "no port of the local service is set")
    }
    switch proxy.kind {
    case .udp, .sudp:
      return DoctorFinding(
        proxy.name, .note,
        "\(address(proxy)) takes datagrams, which nobody need answer; not looked at")
    case .tcp, .http, .https, .tcpmux, .stcp, .xtcp: return nil
    }
  }

  private static func address(_ proxy: ProxyConfiguration) -> String {
    let host = proxy.localHost
    return host.contains(":") ? "[\(host)]:\(proxy.localPort)" : "\(host):\(proxy.localPort)"
  }

  /// What came of connecting to the local service.
  static func finding(
    _ proxy: ProxyConfiguration, _ outcome: ConnectBatch.Outcome?
  ) -> DoctorFinding {
    let (name, address) = (proxy.name, address(proxy))
    switch outcome {
    case .connected: return DoctorFinding(name, .good, "the local service \(address) answers")
    case nil:
      return DoctorFinding(
        name, .fault(.timeOver), "the time was over before its local service answered")
    case .failed(let error):
      switch ConnectFaultKind(error) {
      case .name: return DoctorFinding(name, .fault(.localServiceName), "\(error)")
      case .refused:
        return DoctorFinding(name, .fault(.localServiceRefuses), "nobody listens on \(address)")
      case .silent:
        return DoctorFinding(name, .fault(.localServiceSilent), "\(address) does not answer")
      case .unreachable: return DoctorFinding(name, .fault(.localServiceSilent), "\(error)")
      }
    }
  }

  // MARK: Public ports

  /// The public port that a proxy asks for; `nil` for none, or one that it may share.
  static func publicPort(of proxy: ProxyConfiguration) -> UInt16? {
    guard case .tcp(let tcp) = proxy.service, tcp.remotePort > 0, proxy.loadBalancing == nil
    else { return nil }
    return tcp.remotePort
  }

  /// Public ports that cannot be had, as far as the configuration alone tells.
  static func conflicts(_ configuration: ClientConfiguration) -> [DoctorFinding] {
    var owners: [UInt16: String] = [:]
    var conflicts: [DoctorFinding] = []
    for proxy in configuration.proxies {
      guard let port = publicPort(of: proxy) else { continue }
      if port == configuration.serverPort {
        conflicts.append(
          DoctorFinding(
            proxy.name, .fault(.portConflict), "port \(port) is the one that clients connect to"))
      } else if let owner = owners[port] {
        conflicts.append(
          DoctorFinding(
            proxy.name, .fault(.portConflict), "port \(port) is that of the proxy \(owner) too"))
      } else {
        owners[port] = proxy.name
      }
    }
    return conflicts
  }

  /// Who has the port cannot be seen from here.
  static func findingOfPort(_ proxy: ProxyConfiguration, _ port: UInt16) -> DoctorFinding {
    DoctorFinding(
      proxy.name, .note,
      "port \(port) of the relay answers already: it is this client's, if that is running, or "
        + "else somebody has it who will keep it")
  }
}
