internal import WireProtocol

/// The kinds of virtual hosts, each with a table of its own.
public enum VirtualHostKind: String, Sendable, CaseIterable {
  /// Hosts of HTTP requests.
  case http
  /// Server names of TLS connections.
  case https
  /// Hosts of CONNECT requests.
  case tcpmux
}

/// Names a group: those of different types have names of their own.
struct GroupKey: Hashable {
  /// `nil` for groups of public ports.
  let kind: VirtualHostKind?
  let name: String
}

/// What users reach, and who serves them there: one proxy, or the members of a group. It ends with
/// the last of them.
///
/// A class for the reason that `RelayGraph.Session` is one.
final class Route {
  /// A public port.
  struct Port {
    /// The name of the proxy that asked for it, under which it is remembered.
    let name: String
    let requested: Int
    let previous: UInt16?
    var number: UInt16
    var candidates: [UInt16]
    var isListening = false
  }

  /// Where users reach it.
  enum Place {
    case port(Port)
    case hosts(VirtualHostKind, remoteAddress: String)
  }

  var place: Place
  /// The announcement of the first proxy, whose HTTP settings hold for the whole group.
  let lead: NewProxy
  /// In the order in which they came.
  var members: [ProxyID] = []
  let groupKey: GroupKey?
  var group: ProxyGroup?

  init(_ place: Place, lead: NewProxy, groupKey: GroupKey?, group: ProxyGroup?) {
    self.place = place
    self.lead = lead
    self.groupKey = groupKey
    self.group = group
  }

  var port: Port? {
    switch place {
    case .port(let port): port
    case .hosts: nil
    }
  }

  /// Whether users can come.
  var isOpen: Bool {
    switch place {
    case .port(let port): port.isListening
    case .hosts: true
    }
  }

  /// What clients are told of it.
  var remoteAddress: String {
    switch place {
    case .port(let port): ":\(port.number)"
    case .hosts(_, let remoteAddress): remoteAddress
    }
  }
}

/// What an announcement asks for, or why it asks for something that nobody gets, whatever is there.
enum ProxyWish {
  case port(Int)
  case hosts(VirtualHostKind, [String])
  case refused(ControlErrorText)

  /// Reads an announcement by the rules of the server.
  init(_ request: NewProxy, _ policy: RelayPolicy) {
    let name = request.proxyName
    switch request.proxyType {
    case "", "tcp": self = .port(request.remotePort)
    case "http", "https":
      let kind: VirtualHostKind = request.proxyType == "http" ? .http : .https
      self =
        policy.hostPorts[kind] == nil
        ? .refused(.virtualHostPortNotSet(name, type: request.proxyType))
        : Self.hosts(of: request, kind, policy)
    case "tcpmux":
      if request.multiplexer != "httpconnect" {
        self = .refused(.multiplexerUnknown(name, multiplexer: request.multiplexer))
      } else if policy.hostPorts[.tcpmux] == nil {
        self = .refused(.connectMultiplexerNotEnabled(name))
      } else {
        self = Self.hosts(of: request, .tcpmux, policy)
      }
    default: self = .refused(.proxyTypeUnknown(name, type: request.proxyType))
    }
  }

  private static func hosts(
    of request: NewProxy, _ kind: VirtualHostKind, _ policy: RelayPolicy
  ) -> ProxyWish {
    let decision = VirtualHostNames.make(
      customDomains: request.customDomains, subdomain: request.subdomain,
      subdomainHost: policy.subdomainHost, proxyName: request.proxyName)
    switch decision {
    case .accepted(let hosts): return .hosts(kind, hosts)
    case .refused(let text): return .refused(text)
    }
  }

  /// What all members of the proxy's group have to agree on; `nil` when it cannot be in one.
  func groupTerms(of request: NewProxy) -> GroupTerms? {
    switch self {
    case .port(let port): return .tcp(remotePort: port)
    case .hosts(.http, let hosts):
      return .http(hosts: hosts, locations: request.locations, user: request.routeByHTTPUser)
    case .hosts(.https, let hosts):
      guard hosts.count == 1 else { return nil }
      return .https(host: hosts[0].lowercased())
    case .hosts(.tcpmux, let hosts):
      guard hosts.count == 1 else { return nil }
      return .tcpmux(
        host: hosts[0].lowercased(), user: request.routeByHTTPUser, httpUser: request.httpUser,
        httpPassword: request.httpPassword)
    case .refused: return nil
    }
  }
}
