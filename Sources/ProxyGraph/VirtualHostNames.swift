public import WireProtocol

/// The hosts of a proxy of type http, https or tcpmux, and what its client is told of them.
public enum VirtualHostNames {
  /// What became of a proxy's domains.
  public enum Decision: Equatable, Sendable {
    /// The hosts that it serves.
    case accepted([String])
    /// It is refused, for this reason.
    case refused(ControlErrorText)
  }

  /// Puts custom domains and the subdomain together (configuration.md 4.2).
  ///
  /// - Parameter subdomainHost: the domain under which the server gives out subdomains; empty for
  ///   none.
  public static func make(
    customDomains: [String], subdomain: String, subdomainHost: String, proxyName: String
  ) -> Decision {
    let custom = customDomains.filter { !$0.isEmpty }
    if !subdomainHost.isEmpty {
      let suffix = "." + subdomainHost.lowercased()
      if let domain = custom.first(where: { $0.lowercased().hasSuffix(suffix) }) {
        return .refused(
          .customDomainUnderSubdomainHost(proxyName, domain: domain, host: subdomainHost))
      }
    }
    if subdomain.isEmpty { return .accepted(custom) }
    guard !subdomainHost.isEmpty else { return .refused(.subdomainNotEnabled(proxyName)) }
    guard !subdomain.utf8.contains(where: { $0 == 0x2e || $0 == 0x2a }) else {
      return .refused(.subdomainMalformed(proxyName))
    }
    return .accepted(custom + ["\(subdomain).\(subdomainHost)"])
  }

  /// The address that the client shows (wire-protocol.md 11.2): each host, once for each location;
  /// the port is left out where browsers do not need it.
  public static func remoteAddress(hosts: [String], locationCount: Int = 1, port: UInt16) -> String
  {
    let suffix = port == 80 || port == 443 ? "" : ":\(port)"
    return hosts.flatMap { host in
      (0..<max(1, locationCount)).map { _ in host + suffix }
    }.joined(separator: ",")
  }
}
