internal import Admission
internal import Configuration
internal import Diagnostics
internal import LinuxSystem
internal import Logging
internal import ProxyGraph
internal import Reactor
internal import Timekeeping
internal import Transports
internal import WireProtocol

/// Names an announcement that the graph has not answered yet.
struct AnnouncementKey: Hashable {
  let session: SessionID
  let name: String
}

/// A proxy that users can reach.
struct BoundProxy {
  let session: ControlSession
  let route: RouteID
  let request: NewProxy
  /// What the users share, if keeping to it is our part.
  let limiter: BandwidthLimiter?
  let logger: Logger
}

extension RelayServer {
  /// Opens the public port of a route; the graph learns how it went.
  func listen(for id: RouteID, port: UInt16) {
    guard let address = SocketAddress(host: configuration.proxyBindAddress, port: port) else {
      return decide { $0.listenFailed(id, now: context.loop.now) }
    }
    do throws(Errno) {
      listeners[id] = try Listener(
        context.loop, address: address,
        keepalive: .user(configuration.transport.tcpKeepalive)
      ) { [unowned self] socket, peer in
        // The listener is closed before its server goes away.
        didAcceptUser(socket, peer, route: id)
      }
      decide { $0.listenSucceeded(id) }
    } catch {
      logger.debug("cannot listen on \(address): \(error)")
      decide { $0.listenFailed(id, now: context.loop.now) }
    }
  }

  /// Closes the public port of a route.
  func stopListening(for id: RouteID) {
    listeners.removeValue(forKey: id)?.close()
  }

  /// Serves users of a proxy from now on, and tells its client so.
  func openProxy(_ id: ProxyID, remoteAddress: String) {
    guard let owner = graph.session(of: id), let name = graph.name(of: id),
      let route = graph.route(of: id), let session = sessions[owner],
      let request = announcements.removeValue(forKey: AnnouncementKey(session: owner, name: name))
    else { return decide { $0.removeProxy(id, now: context.loop.now) } }
    let proxyLogger = session.logger.prefixed(by: name)
    proxies[id] = BoundProxy(
      session: session, route: route, request: request,
      limiter: makeLimiter(request, proxyLogger), logger: proxyLogger)
    for line in Self.openingLines(of: request, remoteAddress, configuration) {
      proxyLogger.info("\(line)")
    }
    var answer = NewProxyResponse()
    answer.proxyName = name
    answer.remoteAddress = remoteAddress
    session.logger.info("new proxy [\(name)] type [\(Self.typeName(of: request))] success")
    portMemory?.noteChange { [unowned self] in graph.portsByName }
    session.send(.newProxyResponse(answer))
  }

  /// What the log says of an open proxy: one line for each of its places.
  private static func openingLines(
    of request: NewProxy, _ remoteAddress: String, _ configuration: ServerConfiguration
  ) -> [String] {
    let group = "group [\(request.group)]"
    let user = "routeByHTTPUser [\(request.routeByHTTPUser)]"
    var hosts = request.customDomains.filter { !$0.isEmpty }
    if !request.subdomain.isEmpty {
      hosts.append("\(request.subdomain).\(configuration.subdomainHost ?? "")")
    }
    switch request.proxyType {
    case "http":
      let locations = request.locations.isEmpty ? [""] : request.locations
      return hosts.flatMap { host in
        locations.map { "http proxy listen for host [\(host)] location [\($0)] \(group), \(user)" }
      }
    case "https": return hosts.map { "https proxy listen for host [\($0)] \(group)" }
    case "tcpmux":
      return hosts.map {
        "tcpmux httpconnect multiplexer listens for host [\($0)], \(group) \(user)"
      }
    default: return ["tcp proxy listen port [\(request.remotePort)]"]
    }
  }

  private static func typeName(of request: NewProxy) -> String {
    request.proxyType.isEmpty ? ProxyKind.tcp.rawValue : request.proxyType
  }

  /// Nobody new comes to a proxy.
  func closeProxy(_ id: ProxyID) {
    guard let proxy = proxies.removeValue(forKey: id) else { return }
    proxy.logger.info("proxy closing")
    httpFront?.proxyDidClose(id, of: proxy.route)
  }

  /// Tells a client that its proxy is refused.
  func refuseProxy(_ name: String, of id: SessionID, _ refusal: ControlErrorText) {
    let request = announcements.removeValue(forKey: AnnouncementKey(session: id, name: name))
    guard let session = sessions[id] else { return }
    let type = request.map(Self.typeName) ?? ProxyKind.tcp.rawValue
    admission.complaints.write(
      .proxy, from: session.carrier.network, to: session.logger,
      "new proxy [\(name)] type [\(type)] error: \(refusal.detailed)")
    var answer = NewProxyResponse()
    answer.proxyName = name
    answer.error = refusal.text(isDetailed: configuration.sendsDetailedErrors)
    session.send(.newProxyResponse(answer))
  }

  /// The limiter of a proxy in server mode; `nil` when there is nothing to limit.
  private func makeLimiter(_ request: NewProxy, _ logger: Logger) -> BandwidthLimiter? {
    guard request.bandwidthLimitMode == BandwidthLimitMode.server.rawValue,
      !request.bandwidthLimit.isEmpty
    else { return nil }
    guard let limit = Bandwidth(request.bandwidthLimit) else {
      // frp's server lets such a proxy run without a limit, too.
      logger.warning(
        "the bandwidth limit [\(request.bandwidthLimit)] cannot be read, and is ignored")
      return nil
    }
    guard limit.bytesPerSecond > 0 else { return nil }
    return BandwidthLimiter(context.loop, bytesPerSecond: limit.bytesPerSecond)
  }
}
