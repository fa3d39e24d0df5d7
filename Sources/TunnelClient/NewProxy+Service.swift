internal import Configuration
internal import WireProtocol

extension NewProxy {
  /// Fills in what is particular to the kind of a proxy.
  mutating func describe(_ service: ProxyConfiguration.Service) {
    switch service {
    case .tcp(let tcp): remotePort = Int(tcp.remotePort)
    case .udp(let udp): remotePort = Int(udp.remotePort)
    case .http(let http):
      describe(http.domains)
      locations = http.locations
      httpUser = http.user
      httpPassword = http.password.value
      hostHeaderRewrite = http.hostHeaderRewrite
      headers = http.requestHeaders
      responseHeaders = http.responseHeaders
      routeByHTTPUser = http.routeByUser
    case .https(let https): describe(https.domains)
    case .tcpmux(let tcpmux):
      describe(tcpmux.domains)
      httpUser = tcpmux.user
      httpPassword = tcpmux.password.value
      routeByHTTPUser = tcpmux.routeByUser
      multiplexer = tcpmux.multiplexer.rawValue
    case .stcp(let access), .sudp(let access): describe(access)
    case .xtcp(let xtcp): describe(xtcp.access)
    }
  }

  private mutating func describe(_ domains: ProxyDomains) {
    customDomains = domains.custom
    subdomain = domains.subdomain
  }

  private mutating func describe(_ access: SecretProxyConfiguration) {
    secretKey = access.secretKey.value
    allowUsers = access.allowedUsers
  }
}
