import Timekeeping

/// The keys of a proxy, of all kinds and plugins together, before its kind is settled.
struct ProxyDraft: Sendable {
  var name = ""
  var kind = ""
  var isEnabled = true
  var annotations: [String: String] = [:]
  var metadata: [String: String] = [:]
  var localHost = ""
  var localPort = 0
  var usesEncryption = false
  var usesCompression = false
  var bandwidthLimit = ""
  var bandwidthLimitMode = ""
  var proxyProtocolVersion = ""
  var group = ""
  var groupKey = ""
  var healthCheckType = ""
  var healthCheckSeconds = 0
  var healthCheckFailureCount = 0
  var healthCheckIntervalSeconds = 0
  var healthCheckPath = ""
  var healthCheckHeaders: [NamedValue] = []
  var remotePort = 0
  var customDomains: [String] = []
  var subdomain = ""
  var locations: [String] = []
  var httpUser = ""
  var httpPassword = ""
  var hostHeaderRewrite = ""
  var requestHeaders: [String: String] = [:]
  var responseHeaders: [String: String] = [:]
  var routeByUser = ""
  var multiplexer = ""
  var secretKey = ""
  var allowedUsers: [String] = []
  var hidesLocalAddresses = false
  var plugin = PluginDraft()

  /// Applies the rules across keys; `nil` when a kind cannot be without what is missing.
  func finish(_ places: KeyPlaces, _ issues: inout IssueCollector) -> ProxyConfiguration? {
    guard let kind = ProxyKind(rawValue: kind) else { return nil }
    var proxy = ProxyConfiguration(name: name, service: service(kind))
    proxy.localHost = localHost
    proxy.localPort = UInt16(clamping: localPort)
    proxy.usesEncryption = usesEncryption
    proxy.usesCompression = usesCompression
    proxy.bandwidthLimit = Bandwidth(bandwidthLimit)
    proxy.bandwidthLimitMode = BandwidthLimitMode(rawValue: bandwidthLimitMode) ?? .client
    proxy.proxyProtocolVersion = ProxyProtocolVersion(rawValue: proxyProtocolVersion)
    proxy.metadata = metadata
    proxy.annotations = annotations
    if !group.isEmpty {
      proxy.loadBalancing = LoadBalancingConfiguration(group: group, key: Secret(groupKey))
    }
    proxy.healthCheck = healthCheck(places, &issues)
    proxy.plugin = plugin.finish(places, &issues)
    check(kind, places, &issues)
    return proxy
  }

  private func service(_ kind: ProxyKind) -> ProxyConfiguration.Service {
    let port = UInt16(clamping: remotePort)
    let domains = ProxyDomains(custom: customDomains, subdomain: subdomain)
    let access = SecretProxyConfiguration(
      secretKey: Secret(secretKey), allowedUsers: allowedUsers)
    switch kind {
    case .tcp: return .tcp(TCPProxyConfiguration(remotePort: port))
    case .udp: return .udp(UDPProxyConfiguration(remotePort: port))
    case .http: return .http(http(domains))
    case .https: return .https(HTTPSProxyConfiguration(domains: domains))
    case .tcpmux:
      var result = TCPMuxProxyConfiguration(domains: domains)
      result.user = httpUser
      result.password = Secret(httpPassword)
      result.routeByUser = routeByUser
      return .tcpmux(result)
    case .stcp: return .stcp(access)
    case .sudp: return .sudp(access)
    case .xtcp:
      var result = XTCPProxyConfiguration(access: access)
      result.offersLocalAddresses = !hidesLocalAddresses
      return .xtcp(result)
    }
  }

  private func http(_ domains: ProxyDomains) -> HTTPProxyConfiguration {
    var result = HTTPProxyConfiguration(domains: domains)
    result.locations = locations
    result.user = httpUser
    result.password = Secret(httpPassword)
    result.hostHeaderRewrite = hostHeaderRewrite
    result.requestHeaders = requestHeaders
    result.responseHeaders = responseHeaders
    result.routeByUser = routeByUser
    return result
  }

  private func healthCheck(_ places: KeyPlaces, _ issues: inout IssueCollector)
    -> HealthCheckConfiguration?
  {
    let probe: HealthCheckConfiguration.Probe
    switch healthCheckType {
    case "tcp": probe = .tcp
    case "http":
      if healthCheckPath.isEmpty {
        issues.add(
          .error, places.location("healthCheck.path", "healthCheck.type"),
          key: places.prefix + places.name("healthCheck.path"),
          "expected the path to ask for, since the check is by http")
      }
      let path = healthCheckPath.hasPrefix("/") ? healthCheckPath : "/" + healthCheckPath
      probe = .http(path: path, headers: healthCheckHeaders)
    case _: return nil
    }
    var result = HealthCheckConfiguration(probe: probe)
    result.timeout = .seconds(healthCheckSeconds)
    result.failureCountMax = healthCheckFailureCount
    result.interval = .seconds(healthCheckIntervalSeconds)
    return result
  }

  private func check(
    _ kind: ProxyKind, _ places: KeyPlaces, _ issues: inout IssueCollector
  ) {
    switch kind {
    case .http, .https, .tcpmux:
      if customDomains.isEmpty, subdomain.isEmpty, !places.isFaulty("customDomains"),
        !places.isFaulty("subdomain")
      {
        places.fail(
          "customDomains", "expected a host name here or a \(places.name("subdomain"))", &issues)
      }
    case .udp, .sudp:
      if !plugin.type.isEmpty {
        places.warn("plugin.type", "has no effect on proxies of the type \(kind)", &issues)
      }
    case .tcp, .stcp, .xtcp: break
    }
    if localPort == 0, plugin.type.isEmpty, !places.isFaulty("localPort") {
      places.warn(
        "localPort",
        "no port of the local service is set; every user connection will fail", &issues)
    }
    for name in annotations.keys.sorted() where !QualifiedName.isValid(name.lowercased()) {
      places.fail(
        "annotations",
        "expected names of letters, digits, - _ and ., with a domain and a / before them if "
          + "anything, found \(quoted(name))", &issues)
    }
    let bytes = annotations.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
    if bytes > ConfigurationLimits.annotationBytesMax {
      places.fail(
        "annotations",
        "expected at most \(ConfigurationLimits.annotationBytesMax) bytes, found \(bytes)", &issues)
    }
  }
}

/// Names as annotations have them: `part` or `domain/part`.
enum QualifiedName {
  static func isValid(_ name: String) -> Bool {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, let last = parts.last, isPart(last, extra: "-_.") else { return false }
    if parts.count == 1 { return true }
    return parts[0].utf8.count <= 253
      && parts[0].split(separator: ".", omittingEmptySubsequences: false)
        .allSatisfy { isPart($0, extra: "-") }
  }

  /// At most 63 letters, digits and `extra`, with letters or digits at both ends.
  private static func isPart(_ text: Substring, extra: String) -> Bool {
    func isPlain(_ byte: UInt8) -> Bool {
      (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
    }
    guard (1...63).contains(text.utf8.count), let first = text.utf8.first,
      let last = text.utf8.last
    else { return false }
    return isPlain(first) && isPlain(last)
      && text.utf8.allSatisfy { isPlain($0) || extra.utf8.contains($0) }
  }
}
