public import Timekeeping
public import WireProtocol

extension RelayGraph {
  // MARK: Ports that are remembered

  /// The names of all proxies with ports, by name.
  public var portsByName: [(name: String, port: UInt16)] {
    proxies.values.compactMap { proxy in
      routes[proxy.route]?.port.map { (proxy.name, $0.number) }
    }.sorted { $0.name < $1.name }
  }

  /// Keeps a port for a proxy of that name, as after its client was lost.
  public mutating func reservePort(_ port: UInt16, forProxy name: String, now: Instant) {
    if ports.isAllowed(port) { ports.reserve(port, for: name, host: "", now: now) }
  }

  /// Keeps the port of a proxy whose client was lost, unless others of its group go on with it.
  mutating func reservePort(of id: ProxyID, host: String, now: Instant) {
    guard let proxy = proxies[id], let route = routes[proxy.route], let port = route.port,
      route.members == [id]
    else { return }
    ports.reserve(port.number, for: proxy.name, host: host, now: now)
  }

  // MARK: Announcements

  /// A client announces a proxy; an action answers it, at once or after a `listen`.
  public mutating func requestProxy(
    session id: SessionID, _ request: NewProxy, now: Instant, random: UInt64
  ) {
    guard let session = sessions[id] else { return }
    let name = request.proxyName
    // frp's order: what can never be, then the number of ports, then the name, then the place.
    let wish = ProxyWish(request, policy)
    if case .refused(let text) = wish { return refuse(id, name, text) }
    if isFull(session, wish) { return refuse(id, name, .tooManyPorts(name)) }
    if proxiesByName[name] != nil {
      let contender = Contender(session: id, request: request, random: random)
      return contest(contender, in: session)
        ? () : refuse(id, name, .proxyAlreadyExists(name))
    }
    let proxy = ProxyID(rawValue: makeNumber())
    if request.group.isEmpty {
      open(proxy, request, wish, group: nil, in: session, id, now: now, random: random)
    } else {
      join(proxy, request, wish, in: session, id, now: now, random: random)
    }
  }

  private func isFull(_ session: Session, _ wish: ProxyWish) -> Bool {
    guard session.proxies.count < ProxyGraphLimits.proxiesPerSessionMax else { return true }
    switch wish {
    case .port: return session.portCount >= portsPerSessionMax
    case .hosts, .refused: return false
    }
  }

  private var portsPerSessionMax: Int {
    policy.portsPerSessionMax > 0
      ? policy.portsPerSessionMax : ProxyGraphLimits.proxiesPerSessionMax
  }

  /// Lets an announcement wait for the verdict about another session of the same user that has
  /// its proxy.
  ///
  /// - Returns: whether it waits.
  private mutating func contest(_ contender: Contender, in session: Session) -> Bool {
    let name = contender.request.proxyName
    guard let proxy = proxiesByName[name], let ownerID = proxies[proxy]?.session,
      ownerID != contender.session, let owner = sessions[ownerID], owner.user == session.user,
      owner.contenders.count < ProxyGraphLimits.contendersPerSessionMax
    else { return false }
    // One that is announced again while it waits is answered once.
    let key = Contender.Key(session: contender.session, name: name)
    guard owner.contenderKeys.insert(key).inserted else { return true }
    if owner.contenders.isEmpty { queue(.probeSession(ownerID)) }
    owner.contenders.append(contender)
    return true
  }

  mutating func refuse(_ id: SessionID, _ name: String, _ text: ControlErrorText) {
    queue(.replyProxyRefused(id, name: name, text))
  }

  // MARK: Places

  /// Makes a route for a proxy, alone or as the first of a group.
  private mutating func open(
    _ id: ProxyID, _ request: NewProxy, _ wish: ProxyWish,
    group: (key: GroupKey, group: ProxyGroup)?, in session: Session, _ sessionID: SessionID,
    now: Instant, random: UInt64
  ) {
    let name = request.proxyName
    // A route has the number of the proxy that made it.
    let routeID = RouteID(rawValue: id.rawValue)
    let place: Route.Place
    switch wish {
    case .port(let requested):
      switch takePort(requested, name, in: session, now: now, random: random) {
      case .success(let port): place = .port(port)
      case .failure(let refusal): return refuse(sessionID, name, refusal.text)
      }
    case .hosts(let kind, let names):
      let refusal = hosts[kind]?.add(
        hosts: names, locations: kind == .http ? request.locations : [],
        user: kind == .https ? "" : request.routeByHTTPUser, route: routeID, proxyName: name)
      if let refusal { return refuse(sessionID, name, refusal) }
      let remoteAddress = VirtualHostNames.remoteAddress(
        hosts: names, locationCount: kind == .http ? request.locations.count : 1,
        port: policy.hostPorts[kind] ?? 0)
      place = .hosts(kind, remoteAddress: remoteAddress)
    case .refused(let text): return refuse(sessionID, name, text)
    }
    let route = Route(place, lead: request, groupKey: group?.key, group: group?.group)
    routes[routeID] = route
    if let group { groups[group.key] = routeID }
    add(id, request, to: route, routeID, of: sessionID)
    if let port = route.port { queue(.listen(routeID, port: port.number)) }
  }

  private struct PlaceRefusal: Error {
    let text: ControlErrorText
  }

  private mutating func takePort(
    _ requested: Int, _ name: String, in session: Session, now: Instant, random: UInt64
  ) -> Result<Route.Port, PlaceRefusal> {
    if let refusal = portRefusal(requested, name, in: session, now: now) {
      return .failure(PlaceRefusal(text: refusal))
    }
    let previous = ports.rememberedPort(of: name, now: now)
    var candidates: [UInt16]
    if requested == 0 {
      candidates = ports.candidates(
        for: name, count: ProxyGraphLimits.portCandidateCountMax, random: random, now: now,
        within: session.ownPorts)
    } else {
      candidates = [UInt16(requested)]
    }
    guard !candidates.isEmpty else {
      return .failure(PlaceRefusal(text: .noAvailablePort(name)))
    }
    let number = candidates.removeFirst()
    ports.take(number, for: name)
    return .success(
      Route.Port(
        name: name, requested: requested, previous: previous, number: number,
        candidates: candidates))
  }

  private func portRefusal(
    _ requested: Int, _ name: String, in session: Session, now: Instant
  ) -> ControlErrorText? {
    if requested == 0 { return nil }
    guard let port = UInt16(exactly: requested), ports.isAllowed(port),
      session.ownPorts?.contains(where: { $0.contains(port) }) != false
    else { return .portNotAllowed(name) }
    let isFree =
      !ports.isTaken(port)
      && !ports.isReserved(port, against: name, host: session.host, now: now)
    return isFree ? nil : .portAlreadyUsed(name)
  }

  private mutating func add(
    _ id: ProxyID, _ request: NewProxy, to route: Route, _ routeID: RouteID,
    of session: SessionID
  ) {
    let name = request.proxyName
    let isPort = route.port != nil
    proxies[id] = Proxy(
      session: session, name: name, route: routeID, isPort: isPort,
      metadata: route.groupKey == nil ? [:] : request.metas)
    proxiesByName[name] = id
    sessions[session]?.proxies.insert(id)
    if isPort { sessions[session]?.portCount += 1 }
    route.members.append(id)
    if route.isOpen { start(id, on: route) }
  }

  private mutating func start(_ id: ProxyID, on route: Route) {
    proxies[id]?.isOpen = true
    queue(.openProxy(id, remoteAddress: route.remoteAddress))
  }

  // MARK: Groups

  private mutating func join(
    _ id: ProxyID, _ request: NewProxy, _ wish: ProxyWish, in session: Session,
    _ sessionID: SessionID, now: Instant, random: UInt64
  ) {
    let name = request.proxyName
    let kind: VirtualHostKind? =
      switch wish {
      case .hosts(let kind, _): kind
      case .port, .refused: nil
      }
    guard let terms = wish.groupTerms(of: request) else {
      return refuse(sessionID, name, .groupParametersDiffer(name))
    }
    let key = GroupKey(kind: kind, name: request.group)
    let settings = policy.groups.settings(of: request.group)
    let weight = settings.weight(by: request.metas)
    if let routeID = groups[key], let route = routes[routeID] {
      let refusal = route.group?.join(
        id, proxyName: name, key: request.groupKey, terms: terms, weight: weight, now: now)
      if let refusal { return refuse(sessionID, name, refusal) }
      return add(id, request, to: route, routeID, of: sessionID)
    }
    var group = ProxyGroup(terms: terms, key: request.groupKey, settings: settings)
    _ = group.join(
      id, proxyName: name, key: request.groupKey, terms: terms, weight: weight, now: now)
    open(
      id, request, wish, group: (key, group), in: session, sessionID, now: now, random: random)
  }

  // MARK: Ends

  /// The server listens for a route.
  public mutating func listenSucceeded(_ id: RouteID) {
    guard let route = routes[id], var port = route.port, !port.isListening else { return }
    port.isListening = true
    route.place = .port(port)
    for member in route.members { start(member, on: route) }
  }

  /// The port cannot be bound; another one is tried if the server may choose.
  public mutating func listenFailed(_ id: RouteID, now: Instant) {
    guard let route = routes[id], var port = route.port, !port.isListening else { return }
    ports.giveUp(port.number, of: port.name, previous: port.previous, now: now)
    while !port.candidates.isEmpty {
      port.number = port.candidates.removeFirst()
      if ports.isTaken(port.number) { continue }
      route.place = .port(port)
      ports.take(port.number, for: port.name)
      queue(.listen(id, port: port.number))
      return
    }
    let members = route.members
    forget(route, id)
    for member in members {
      guard let proxy = proxies[member] else { continue }
      forgetProxy(member, proxy)
      let name = proxy.name
      refuse(
        proxy.session, name,
        port.requested == 0 ? .noAvailablePort(name) : .portUnavailable(name))
    }
  }

  /// The client withdraws a proxy; an unknown name is ignored.
  public mutating func closeProxy(session: SessionID, name: String, now: Instant) {
    guard let id = proxiesByName[name], let owner = proxies[id]?.session else { return }
    if owner == session { return removeProxy(id, now: now) }
    // It may wait for what becomes of the owner.
    let key = Contender.Key(session: session, name: name)
    guard sessions[owner]?.contenderKeys.remove(key) != nil else { return }
    sessions[owner]?.contenders.removeAll {
      $0.session == session && $0.request.proxyName == name
    }
  }

  /// A proxy ends.
  public mutating func removeProxy(_ id: ProxyID, now: Instant) {
    guard let proxy = proxies[id] else { return }
    forgetProxy(id, proxy)
    if let route = routes[proxy.route] {
      route.members.removeAll { $0 == id }
      route.group?.leave(id)
      if route.members.isEmpty { end(route, proxy.route, now: now) }
    }
    queue(.closeProxy(id))
    closeWaitingUsers(of: proxy.session) { $0.proxy == id }
  }

  private mutating func end(_ route: Route, _ id: RouteID, now: Instant) {
    forget(route, id)
    switch route.place {
    case .port(let port):
      ports.release(port.number, of: port.name, now: now)
      queue(.stopListening(id))
    case .hosts(let kind, _): hosts[kind]?.remove(id)
    }
  }

  private mutating func forget(_ route: Route, _ id: RouteID) {
    routes[id] = nil
    if let key = route.groupKey { groups[key] = nil }
  }

  mutating func closeWaitingUsers(of id: SessionID, where isConcerned: (WaitingUser) -> Bool) {
    guard let session = sessions[id], session.waitingCount > 0 else { return }
    for user in session.waiting.live {
      guard let waiting = users[user], isConcerned(waiting) else { continue }
      users[user] = nil
      sessions[id]?.waitingCount -= 1
      queue(.closeUser(user, .proxyGone))
    }
    dropStaleDeadlines()
  }

  private mutating func forgetProxy(_ id: ProxyID, _ proxy: Proxy) {
    proxies[id] = nil
    proxiesByName[proxy.name] = nil
    sessions[proxy.session]?.proxies.remove(id)
    if proxy.isPort { sessions[proxy.session]?.portCount -= 1 }
  }
}

extension RelayGraph {
  // MARK: Routing

  /// The route of a request or connection to a virtual host; `nil` when nobody serves it.
  ///
  /// - Parameters:
  ///   - host: in small letters, without port, brackets and trailing dot.
  ///   - path: decoded; empty when there is none.
  ///   - user: the HTTP user; empty for none.
  public func route(
    _ kind: VirtualHostKind, host: String, path: RawSpan = RawSpan(), user: String = ""
  ) -> RouteID? {
    hosts[kind]?.route(host: host, path: path, user: user)
  }

  /// The announcement of the first proxy of a route: what it says of HTTP holds for all of them,
  /// also when it has left (behaviour.md 7).
  public func lead(of route: RouteID) -> NewProxy? { routes[route]?.lead }

  /// The proxy that serves the next user of a route; in a group he counts as one of its
  /// connections until `connectionEnded`.
  ///
  /// - Parameters:
  ///   - source: the user's address, for policies that look at it.
  ///   - random: for policies that draw lots.
  public mutating func chooseProxy(
    of id: RouteID, source: @autoclosure () -> [UInt8], random: @autoclosure () -> UInt64,
    now: Instant
  ) -> ProxyID? {
    guard let route = routes[id], route.isOpen else { return nil }
    guard route.group != nil else { return route.members.first }
    return route.group?.choose(source: source(), random: random(), now: now)
  }

  /// A user whom `chooseProxy` gave to the proxy is gone.
  public mutating func connectionEnded(_ proxy: ProxyID) {
    group(of: proxy)?.group?.connectionEnded(proxy)
  }

  /// A user of the proxy got an answer.
  public mutating func connectionSucceeded(_ proxy: ProxyID, now: Instant) {
    group(of: proxy)?.group?.succeeded(proxy, now: now)
  }

  /// A user of the proxy could not be served.
  public mutating func connectionFailed(_ proxy: ProxyID, now: Instant) {
    group(of: proxy)?.group?.failed(proxy, now: now)
  }

  /// Whether it matters how the users of the proxy fare.
  public func isInGroup(_ proxy: ProxyID) -> Bool { group(of: proxy) != nil }

  private func group(of proxy: ProxyID) -> Route? {
    guard let id = proxies[proxy]?.route, let route = routes[id], route.group != nil else {
      return nil
    }
    return route
  }
}
