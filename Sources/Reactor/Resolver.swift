internal import CCares
public import LinuxSystem
public import Timekeeping

/// Resolves host names on a loop with c-ares: hosts file first, then name servers.
///
/// Close it when it is not needed any more; requests that run then are cancelled.
public final class Resolver {
  private let loop: EventLoop
  private let serverList: String
  private var channel: ares_channel?
  private var openedAt: Instant
  private var isClosed = false
  private var sockets: [CInt: QuerySocket] = [:]
  private var queries: [ObjectIdentifier: ResolveRequest] = [:]
  private var timer: TimerID?

  /// Makes a resolver that asks `servers`, each a literal address with or without a port; the
  /// system's name servers when there are none.
  public init(_ loop: EventLoop, servers: [String] = []) throws(ResolveError) {
    serverList = try Self.serverList(servers)
    self.loop = loop
    openedAt = loop.now
    try openChannel()
  }

  deinit {
    if let channel { ares_destroy(channel) }
  }

  /// Resolves `host` to its addresses, the best first (RFC 6724), with port 0.
  ///
  /// A literal and `localhost` are answered without asking anybody. `completion` is called once
  /// unless the request is cancelled, and never before this method has returned.
  @discardableResult
  public func resolve(
    _ host: String, timeout: Interval,
    completion: @escaping (Result<[SocketAddress], ResolveError>) -> Void
  ) -> ResolveRequest {
    let request = ResolveRequest(loop, host: host, completion: completion)
    if let result = immediateResult(host) {
      request.finish(result)
    } else {
      ask(request, timeout)
    }
    return request
  }

  /// Cancels what runs and closes all sockets.
  public func close() {
    isClosed = true
    for request in queries.values { request.cancel() }
    closeChannel()
  }

  /// Gives up all questions that run, which fail, and reads the system's configuration again before
  /// the next one: another network has other name servers.
  public func forgetNetwork() {
    closeChannel()
  }

  /// The number of names that name servers are being asked for.
  public var queryCount: Int { queries.count }

  // MARK: Asking

  private func immediateResult(_ host: String) -> Result<[SocketAddress], ResolveError>? {
    if isClosed { return .failure(.closed(host)) }
    if let literal = SocketAddress(host: host, port: 0) { return .success([literal]) }
    let name = host.lowercased()
    // RFC 6761, section 6.3: these names are loopback and no name server is to be asked.
    if name == "localhost" || name == "localhost." || name.hasSuffix(".localhost") {
      return .success(["::1", "127.0.0.1"].compactMap { SocketAddress(host: $0, port: 0) })
    }
    if !Self.isName(host) { return .failure(.invalidName(host)) }
    if queries.count >= ReactorLimits.resolveRequestCountMax {
      return .failure(.tooManyRequests(host, limit: ReactorLimits.resolveRequestCountMax))
    }
    return nil
  }

  private func ask(_ request: ResolveRequest, _ timeout: Interval) {
    do throws(ResolveError) {
      try refreshChannel()
    } catch {
      request.finish(.failure(error))
      return
    }
    guard let channel else { return }
    request.arm(timeout)
    let query = Query(self, request)
    queries[ObjectIdentifier(request)] = request
    // The reference is taken back by the callback, which c-ares calls exactly once.
    frp_ares_query(channel, request.host, answerArrived, Unmanaged.passRetained(query).toOpaque())
    armTimer()
  }

  fileprivate func handleAnswer(
    _ request: ResolveRequest, _ status: CInt, _ answer: UnsafeMutablePointer<ares_addrinfo>?
  ) {
    queries[ObjectIdentifier(request)] = nil
    request.finish(Self.result(request.host, status, answer))
  }

  // MARK: The channel

  // c-ares 1.18 reads resolv.conf only when it opens a channel, and a home's name server changes
  // with its network; so an idle channel is not kept for long.
  private func refreshChannel() throws(ResolveError) {
    let isFresh = loop.now - openedAt < ReactorLimits.resolverRefresh
    if channel != nil, isFresh || !queries.isEmpty { return }
    closeChannel()
    try openChannel()
  }

  private func openChannel() throws(ResolveError) {
    var fresh: ares_channel?
    // Not retained: the channel does not outlive this object, see `deinit`.
    let status = frp_ares_open(
      &fresh, socketChanged, Unmanaged.passUnretained(self).toOpaque(),
      CInt(ReactorLimits.nameServerTimeout.nanoseconds / 1_000_000),
      CInt(ReactorLimits.nameServerTryCountMax))
    guard status == 0, let fresh else { throw .unavailable(reason: Self.text(status)) }
    let outcome = serverList.isEmpty ? 0 : frp_ares_set_servers(fresh, serverList)
    if outcome != 0 {
      ares_destroy(fresh)
      throw .unavailable(reason: Self.text(outcome))
    }
    channel = fresh
    openedAt = loop.now
  }

  private func closeChannel() {
    if let timer { loop.cancel(timer) }
    timer = nil
    guard let channel else { return }
    self.channel = nil
    // Ends all queries and sockets, through the callbacks below.
    ares_destroy(channel)
    for socket in sockets.values { loop.deregister(socket.registration) }
    sockets.removeAll()
  }

  fileprivate func handleSocketChange(_ number: CInt, isReading: Bool, isWriting: Bool) {
    var interest: Readiness = []
    if isReading { interest.insert(.readable) }
    if isWriting { interest.insert(.writable) }
    if let socket = sockets[number] {
      if interest.isEmpty {
        loop.deregister(socket.registration)
        sockets[number] = nil
      } else {
        try? loop.modify(socket.registration, interest)
      }
    } else if !interest.isEmpty {
      let socket = QuerySocket(self, number)
      // Without a registration no answer is seen, and the query ends by its time limit.
      guard let registration = try? loop.register(number, interest, socket) else { return }
      socket.registration = registration
      sockets[number] = socket
    }
  }

  fileprivate func process(_ number: CInt, _ readiness: Readiness) {
    guard let channel else { return }
    let isBroken = !readiness.isDisjoint(with: [.error, .hangup])
    frp_ares_process(
      channel, readiness.contains(.readable) || isBroken ? number : -1,
      readiness.contains(.writable) ? number : -1)
    armTimer()
  }

  private func armTimer() {
    if let timer { loop.cancel(timer) }
    timer = nil
    guard let channel else { return }
    let microseconds = frp_ares_timeout(channel)
    if microseconds < 0 { return }
    timer = loop.schedule(after: .microseconds(Int(microseconds))) { [self] in
      timer = nil
      process(-1, [])
    }
  }
}

@available(*, unavailable)
extension Resolver: Sendable {}

// MARK: Text and answers

extension Resolver {
  private static func serverList(_ servers: [String]) throws(ResolveError) -> String {
    if servers.count > ReactorLimits.nameServerCountMax {
      throw .tooManyServers(limit: ReactorLimits.nameServerCountMax)
    }
    var list: [String] = []
    for server in servers { list.append(try serverAddress(server).description) }
    return list.joined(separator: ",")
  }

  /// Whether a question for `host` can be written down (RFC 1035, section 2.3.4).
  private static func isName(_ host: String) -> Bool {
    var labels = host.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    if labels.count > 1, labels.last?.isEmpty == true { labels.removeLast() }
    return host.utf8.count <= ReactorLimits.hostNameLengthMax && !host.utf8.contains(0)
      && labels.allSatisfy { (1...ReactorLimits.hostLabelLengthMax).contains($0.count) }
  }

  private static func serverAddress(_ text: String) throws(ResolveError) -> SocketAddress {
    if let address = SocketAddress(host: text, port: 53) { return address }
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
      port > 0, let address = SocketAddress(host: String(text[..<colon]), port: port)
    else { throw .invalidServer(text) }
    return address
  }

  fileprivate static func result(
    _ host: String, _ status: CInt, _ answer: UnsafeMutablePointer<ares_addrinfo>?
  ) -> Result<[SocketAddress], ResolveError> {
    switch frp_ares_classify(status) {
    case frp_ares_success:
      let addresses = addresses(answer)
      return addresses.isEmpty ? .failure(.notFound(host)) : .success(addresses)
    case frp_ares_not_found: return .failure(.notFound(host))
    default: return .failure(.serverFailed(host, reason: text(status)))
    }
  }

  private static func addresses(
    _ answer: UnsafeMutablePointer<ares_addrinfo>?
  ) -> [SocketAddress] {
    var addresses: [SocketAddress] = []
    var next = answer?.pointee.nodes
    while let node = next, addresses.count < ReactorLimits.resolvedAddressCountMax {
      var octets = [UInt8](repeating: 0, count: 16)
      var scope: UInt32 = 0
      let family = frp_ares_address(node, &octets, &scope)
      var fixed = [16 of UInt8](repeating: 0)
      for index in 0..<16 { fixed[index] = octets[index] }
      if family == 4 || family == 6 {
        let address = SocketAddress(
          family: family == 4 ? .ipv4 : .ipv6, octets: fixed, port: 0, scopeID: scope)
        if !addresses.contains(address) { addresses.append(address) }
      }
      next = node.pointee.ai_next
    }
    return addresses
  }

  private static func text(_ status: CInt) -> String {
    String(cString: ares_strerror(status)).lowercased()
  }
}

// MARK: Callbacks

/// One of c-ares' sockets on the loop.
private final class QuerySocket: ReadinessHandler {
  private let resolver: Resolver
  private let number: CInt
  var registration = RegistrationID(slotIndex: .max, generation: 0)

  init(_ resolver: Resolver, _ number: CInt) {
    self.resolver = resolver
    self.number = number
  }

  func handleReadiness(_ readiness: Readiness) {
    resolver.process(number, readiness)
  }
}

/// What c-ares carries through one query.
private final class Query {
  let resolver: Resolver
  let request: ResolveRequest

  init(_ resolver: Resolver, _ request: ResolveRequest) {
    self.resolver = resolver
    self.request = request
  }
}

private func answerArrived(
  _ data: UnsafeMutableRawPointer?, _ status: CInt, _ timeouts: CInt,
  _ answer: UnsafeMutablePointer<ares_addrinfo>?
) {
  defer { if let answer { ares_freeaddrinfo(answer) } }
  guard let data else { return }
  // Given to c-ares by `ask`, once.
  let query = Unmanaged<Query>.fromOpaque(data).takeRetainedValue()
  query.resolver.handleAnswer(query.request, status, answer)
}

private func socketChanged(
  _ data: UnsafeMutableRawPointer?, _ number: ares_socket_t, _ isReading: CInt, _ isWriting: CInt
) {
  guard let data else { return }
  // The resolver owns the channel that calls here.
  Unmanaged<Resolver>.fromOpaque(data).takeUnretainedValue()
    .handleSocketChange(number, isReading: isReading != 0, isWriting: isWriting != 0)
}
