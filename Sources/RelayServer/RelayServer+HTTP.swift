internal import Configuration
internal import Diagnostics
internal import HTTPGateway
internal import HTTPProtocol
internal import LinuxSystem
internal import ProxyGraph
internal import Reactor
internal import Timekeeping
internal import Transports
internal import WireProtocol

/// Answers requests to the virtual hosts of HTTP: finds routes in the graph, and asks for work
/// connections as for users.
final class RequestFront: HTTPFront, GatewayHost {
  /// Closes this before it goes away.
  private unowned let server: RelayServer
  private lazy var gateway = Gateway(server.context, host: self)
  private var services: [ProxyID: GatewayService] = [:]
  /// The rules of the routes that requests have come for.
  private var rules: [RouteID: GatewayRules] = [:]
  private let accessLog: AccessLog?

  init(_ server: RelayServer, _ accessLog: AccessLog?) {
    self.server = server
    self.accessLog = accessLog
  }

  // MARK: Front

  func serve(_ visitor: HTTPVisitor, onEnd: @escaping () -> Void) {
    // A stream that serves many visitors has no destination of one of them (behaviour.md 11).
    gateway.serve(
      visitor.stream, early: visitor.early,
      from: VisitorOrigin(
        address: visitor.ends.source, destination: nil, isSecure: visitor.isSecure),
      onEnd: onEnd)
  }

  func proxyDidClose(_ proxy: ProxyID, of route: RouteID) {
    services.removeValue(forKey: proxy)?.close()
    if server.graph.lead(of: route) == nil { rules[route] = nil }
  }

  func makeRoom() -> Bool { gateway.makeRoom() }

  func reopenLog() -> String? {
    do throws(LogError) {
      try accessLog?.reopen(daysMax: server.configuration.log.daysMax)
      return nil
    } catch {
      return "access_log: \(error.text)"
    }
  }

  func stop() {
    gateway.drain()
    for service in services.values { service.close() }
  }

  func close() {
    gateway.close()
    for service in services.values { service.close() }
    services = [:]
    accessLog?.close()
  }

  // MARK: Routes

  func route(of head: RequestHead, from origin: VisitorOrigin) -> GatewayRoute? {
    let host = head.routingHost
    let user = head.routingUser
    let found = head.withDecodedPath { path in
      server.graph.route(.http, host: host, path: path, user: user)
    }
    guard let found, let rules = rules(of: found),
      let proxy = server.chooseProxy(of: found, for: origin.address),
      let service = service(of: proxy)
    else { return nil }
    return GatewayRoute(to: service, rules)
  }

  func isMisdirected(_ head: RequestHead) -> Bool {
    server.graph.route(.https, host: head.routingHost) != nil
  }

  private func rules(of route: RouteID) -> GatewayRules? {
    if let rules = rules[route] { return rules }
    guard let lead = server.graph.lead(of: route) else { return nil }
    let rules = GatewayRules(
      rewriting: RequestRewriting(
        hostRewrite: lead.hostHeaderRewrite,
        fieldsToSet: lead.headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }),
      responseFields: lead.responseHeaders.sorted { $0.key < $1.key }.map { ($0.key, $0.value) },
      user: lead.httpUser, password: lead.httpPassword)
    self.rules[route] = rules
    return rules
  }

  private func service(of proxy: ProxyID) -> GatewayService? {
    if let service = services[proxy] { return service }
    guard let bound = server.proxies[proxy] else { return nil }
    let service = GatewayService(
      server.context.loop, name: bound.request.proxyName, tag: proxy.rawValue)
    services[proxy] = service
    return service
  }

  // MARK: Streams

  func requestStream(
    to service: GatewayService, for origin: VisitorOrigin,
    completion: @escaping (ServiceConnection?) -> Void
  ) -> UInt64 {
    let proxy = ProxyID(rawValue: service.tag)
    let isHalfCloseKept = server.proxies[proxy]?.session.isHalfCloseKept ?? false
    let ends = UserEnds(source: origin.address, destination: origin.destination)
    let request = server.requestStream(to: proxy, ends) { result in
      switch result {
      case .success(let stream):
        completion(ServiceConnection(stream, isHalfCloseKept: isHalfCloseKept))
      case .failure: completion(nil)
      }
    }
    return request.rawValue
  }

  func cancelStream(_ request: UInt64) {
    server.cancelStreamRequest(UserConnectionID(rawValue: request))
  }

  func requestDidEnd(
    on service: GatewayService, _ outcome: ServiceOutcome, hasAskedForStream: Bool
  ) {
    let proxy = ProxyID(rawValue: service.tag)
    guard server.graph.isInGroup(proxy) else { return }
    let now = server.context.loop.now
    // A stream that was asked for counts until it ends, and tells itself when nothing comes on it.
    if !hasAskedForStream { server.decide { $0.connectionEnded(proxy) } }
    switch outcome {
    case .answered: server.decide { $0.connectionSucceeded(proxy, now: now) }
    case .failed:
      if !hasAskedForStream { server.decide { $0.connectionFailed(proxy, now: now) } }
    case .abandoned: break
    }
  }

  // MARK: Settings

  var notFoundPage: [UInt8]? { server.notFoundPage.content }

  var responseTimeout: Interval { server.configuration.httpResponseTimeout }

  // MARK: Log

  var isAccessLogged: Bool { accessLog != nil }

  var secondsSinceEpoch: Int { Int(HostSystem.unixSeconds) }

  func write(_ record: AccessRecord) { accessLog?.write(record) }
}
