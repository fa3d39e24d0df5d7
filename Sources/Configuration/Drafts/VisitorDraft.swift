import Timekeeping

/// The keys of a visitor, of all kinds together.
struct VisitorDraft: Sendable {
  var name = ""
  var kind = ""
  var isEnabled = true
  var usesEncryption = false
  var usesCompression = false
  var secretKey = ""
  var serverUser = ""
  var serverName = ""
  var bindAddress = ""
  var bindPort = 0
  var pluginType = ""
  var pluginDestination = ""
  var tunnel = ""
  var keepsTunnelOpen = false
  var retriesPerHourMax = 0
  var retrySeconds = 0
  var fallbackVisitor = ""
  var fallbackMilliseconds = 0
  var hidesLocalAddresses = false

  /// Applies the rules across keys.
  func finish(_ places: KeyPlaces, _ issues: inout IssueCollector) -> VisitorConfiguration? {
    guard let kind = VisitorKind(rawValue: kind) else { return nil }
    var visitor = VisitorConfiguration(
      name: name, serverName: serverName,
      entrance: bindPort > 0 ? .port(UInt16(clamping: bindPort)) : .none, access: access(kind))
    visitor.usesEncryption = usesEncryption
    visitor.usesCompression = usesCompression
    visitor.secretKey = Secret(secretKey)
    visitor.serverUser = serverUser
    visitor.bindAddress = bindAddress
    if serverName.isEmpty {
      places.fail("serverName", "expected the name of a proxy, found none", &issues)
    }
    if bindPort == 0 {
      places.fail("bindPort", "expected a port, or -1 for none, found nothing", &issues)
    } else if bindPort < 0, kind == .sudp {
      places.fail("bindPort", "expected a port from 1 to 65535, found \(bindPort)", &issues)
    }
    if pluginType == "virtual_net" {
      if !HostText.isAddress(pluginDestination) {
        issues.add(
          .error, places.location("plugin.destinationIP", "plugin.type"),
          key: places.prefix + "plugin.destinationIP",
          "expected an IP address, found \(quoted(pluginDestination))")
      }
      visitor.virtualNetDestination = pluginDestination
    }
    return visitor
  }

  private func access(_ kind: VisitorKind) -> VisitorConfiguration.Access {
    switch kind {
    case .stcp: return .stcp
    case .sudp: return .sudp
    case .xtcp:
      var result = XTCPVisitorConfiguration()
      result.tunnel = XTCPVisitorConfiguration.Tunnel(rawValue: tunnel) ?? .quic
      result.keepsTunnelOpen = keepsTunnelOpen
      result.retriesPerHourMax = retriesPerHourMax
      result.retryInterval = .seconds(retrySeconds)
      result.fallbackVisitor = fallbackVisitor.nonEmpty
      result.fallbackTimeout = .milliseconds(fallbackMilliseconds)
      result.offersLocalAddresses = !hidesLocalAddresses
      return .xtcp(result)
    }
  }
}
