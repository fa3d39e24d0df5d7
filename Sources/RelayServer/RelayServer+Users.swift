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

/// What a user takes up until he is gone.
struct UserSeat {
  let place: ConnectionCaps.Place
  let proxy: ProxyID
  /// What he came to.
  let route: RouteID
  /// Whether it matters how he fares.
  let isInGroup: Bool
}

/// The two ends of a user's connection, as the client is told of them; `nil` for what is unknown.
struct UserEnds {
  let source: SocketAddress?
  let destination: SocketAddress?
}

/// What a user hears of us, where his protocol has words for it.
struct UserWords {
  /// Before the first byte of the local service.
  var granted: [UInt8] = []
  /// When nobody serves him.
  var refused: [UInt8] = []
}

/// A user who is served.
struct RunningRelay {
  enum Lane {
    /// His connection is joined with the work connection.
    case pair(JoinedPair)
    /// Code of ours has the work connection.
    case stream(any ByteStream)
  }

  let lane: Lane
  let seat: UserSeat
  /// Whose proxy it is.
  let session: SessionID

  func abort() {
    switch lane {
    case .pair(let pair): pair.abort()
    case .stream(let stream): stream.abort()
    }
  }
}

/// Somebody who waits for a work connection.
enum PendingUser {
  /// A user with a connection of his own.
  case connection(UserConnection)
  /// Code of ours, on behalf of a user.
  case request(StreamRequest)

  var seat: UserSeat {
    switch self {
    case .connection(let user): user.seat
    case .request(let request): request.seat
    }
  }
}

/// A wish for a work connection that code of ours has.
struct StreamRequest {
  let seat: UserSeat
  let ends: UserEnds
  let completion: (Result<any ByteStream, StreamRefusal>) -> Void
}

/// Why code of ours gets no work connection.
enum StreamRefusal: Error, Equatable, CustomStringConvertible {
  /// A maximum of user connections is reached; the log says which.
  case limited
  /// Nobody serves him.
  case refused(UserRefusal)
  /// The server or the session ends.
  case ended

  var description: String {
    switch self {
    case .limited: "too many user connections"
    case .refused(let refusal): refusal.description
    case .ended: "the proxy's session has ended"
    }
  }
}

/// A user who waits for a work connection. Nothing of his is read meanwhile.
final class UserConnection: ByteStreamReceiver {
  let stream: SocketStream
  /// What of his was read already.
  let early: [UInt8]
  let ends: UserEnds
  let seat: UserSeat
  let words: UserWords
  private let id: UserConnectionID
  /// Holds this while it waits.
  private unowned let server: RelayServer

  init(
    _ server: RelayServer, _ id: UserConnectionID, _ stream: SocketStream, early: [UInt8],
    _ ends: UserEnds, _ seat: UserSeat, _ words: UserWords
  ) {
    self.server = server
    self.words = words
    self.id = id
    self.stream = stream
    self.early = early
    self.ends = ends
    self.seat = seat
    stream.receiver = self
    stream.pauseReading()
  }

  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    preconditionFailure("a paused socket delivered bytes")
  }

  func streamDidEnd(_ stream: any ByteStream) {}

  func streamDidProgress(_ stream: any ByteStream) {}

  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) { server.userDidLeave(id) }
}

extension RelayServer {
  // MARK: Arriving

  func didAcceptUser(
    _ descriptor: consuming FileDescriptor, _ peer: SocketAddress, route: RouteID
  ) {
    // What a front proxy says of its user comes first.
    if trustedProxies.contain(peer) {
      return didAcceptArrival(descriptor, peer, for: .port(route))
    }
    guard let proxy = chooseProxy(of: route, for: peer), let bound = proxies[proxy] else { return }
    bound.logger.debug("get a user connection [\(peer)]")
    guard let seat = seat(at: proxy, peer) else {
      // A reset leaves nothing behind, here or in the kernel.
      return Socket.resetOnClose(descriptor.rawValue)
    }
    do throws(Errno) {
      let stream = try SocketStream(context, owning: descriptor, peer: peer)
      admit(stream, UserEnds(source: peer, destination: stream.localAddress), seat)
    } catch {
      release(seat)
      admission.complaints.write(
        .user, from: PeerNetwork(peer), to: bound.logger,
        "cannot watch a user connection: \(error), user [\(peer)]")
    }
  }

  /// Lets a user wait who has a seat.
  ///
  /// - Parameter early: what was read of him already.
  func admit(
    _ stream: SocketStream, early: [UInt8] = [], _ ends: UserEnds, _ seat: UserSeat,
    words: UserWords = UserWords()
  ) {
    let id = UserConnectionID(rawValue: makeConnectionNumber())
    users[id] = .connection(UserConnection(self, id, stream, early: early, ends, seat, words))
    decide { $0.userConnected(id, to: seat.proxy, now: context.loop.now) }
  }

  /// The proxy that serves the next user of a route.
  func chooseProxy(of route: RouteID, for source: SocketAddress?) -> ProxyID? {
    graph.chooseProxy(
      of: route, source: source.map(Self.octets) ?? [], random: HostSystem.randomNumber,
      now: context.loop.now)
  }

  private static func octets(of address: SocketAddress) -> [UInt8] {
    let count =
      switch address.family {
      case .ipv4: 4
      case .ipv6: 16
      }
    return (0..<count).map { address.octets[$0] }
  }

  /// Counts a user who was given to a proxy; `nil`, with a line in the log, when he is one too
  /// many.
  ///
  /// - Parameter isVisitor: whether his connection is counted already.
  func seat(at proxy: ProxyID, _ source: SocketAddress, isVisitor: Bool = false) -> UserSeat? {
    guard let bound = proxies[proxy] else { return nil }
    let network = PeerNetwork(source)
    if !isVisitor { makeRoomForUser() }
    switch admission.admitUser(
      from: isVisitor ? nil : network, proxy: proxy.rawValue, session: bound.session.id.rawValue,
      account: bound.session.credential.connectionShare)
    {
    case .success(let place):
      return UserSeat(
        place: place, proxy: proxy, route: bound.route, isInGroup: !bound.request.group.isEmpty)
    case .failure(let rejection):
      graph.connectionEnded(proxy)
      admission.complaints.write(
        .user, from: network, to: bound.logger,
        "user connection refused: \(rejection), user [\(source)]")
      return nil
    }
  }

  /// A user is gone.
  func release(_ seat: UserSeat) {
    admission.release(seat.place)
    if seat.isInGroup { graph.connectionEnded(seat.proxy) }
  }

  // MARK: Requests of our own

  /// Asks for a connection to the local service of a proxy; the client is told that it is for a
  /// user from `ends`, who is counted himself. It counts for the proxy, its client and account
  /// until it is closed, and what `chooseProxy` counted ends with it.
  ///
  /// - Parameter completion: gets the connection, which delivers nothing before its receiver is
  ///   set and it is told to resume reading; called once, perhaps before this returns.
  /// - Returns: its name while it waits.
  @discardableResult
  func requestStream(
    to proxy: ProxyID, _ ends: UserEnds,
    completion: @escaping (Result<any ByteStream, StreamRefusal>) -> Void
  ) -> UserConnectionID {
    let id = UserConnectionID(rawValue: makeConnectionNumber())
    guard !isStopping, proxies[proxy] != nil else {
      graph.connectionEnded(proxy)
      completion(.failure(.refused(.proxyGone)))
      return id
    }
    let source = ends.source ?? .loopback(port: 0)
    guard let seat = seat(at: proxy, source, isVisitor: true) else {
      completion(.failure(.limited))
      return id
    }
    users[id] = .request(StreamRequest(seat: seat, ends: ends, completion: completion))
    decide { $0.userConnected(id, to: proxy, now: context.loop.now) }
    return id
  }

  /// Takes a request back that waits; its completion is not called any more.
  func cancelStreamRequest(_ id: UserConnectionID) {
    guard case .request? = users[id] else { return }
    userDidLeave(id)
  }

  // MARK: Leaving

  func removeUser(_ id: UserConnectionID) -> PendingUser? {
    guard let user = users.removeValue(forKey: id) else { return nil }
    release(user.seat)
    return user
  }

  /// A user left who still waited.
  func userDidLeave(_ id: UserConnectionID) {
    _ = removeUser(id)
    decide { $0.userClosed(id) }
  }

  /// Closes a user who cannot be served.
  func closeUser(_ id: UserConnectionID, _ reason: UserRefusal) {
    guard let user = removeUser(id), !isServedByAnother(user, reason) else { return }
    noteFailure(reason, of: user.seat)
    let ends: UserEnds
    switch user {
    case .connection(let connection): ends = connection.ends
    case .request(let request): ends = request.ends
    }
    if let logger = proxies[user.seat.proxy]?.logger {
      admission.complaints.write(
        .user, from: ends.source.map { PeerNetwork($0) }, to: logger, "\(reason)")
    }
    switch user {
    case .connection(let connection):
      connection.stream.write(connection.words.refused)
      connection.stream.close()
    case .request(let request): request.completion(.failure(.refused(reason)))
    }
  }

  /// Gives a user whose proxy was withdrawn to another one of its group.
  private func isServedByAnother(_ user: PendingUser, _ reason: UserRefusal) -> Bool {
    guard reason == .proxyGone, case .connection(let connection) = user,
      let source = connection.ends.source,
      let proxy = chooseProxy(of: user.seat.route, for: source),
      let seat = seat(at: proxy, source)
    else { return false }
    admit(
      connection.stream, early: connection.early, connection.ends, seat, words: connection.words)
    return true
  }

  private func noteFailure(_ reason: UserRefusal, of seat: UserSeat) {
    switch reason {
    case .timedOut, .tooManyWaiting: noteFailure(of: seat)
    case .proxyGone: break
    }
  }

  // MARK: Being served

  /// Tells the client about its user and joins the two.
  func join(_ userID: UserConnectionID, _ workID: WorkConnectionID, _ proxyID: ProxyID) {
    let work = works.removeValue(forKey: workID)
    guard let proxy = proxies[proxyID], let work else {
      work?.close()
      switch removeUser(userID) {
      case .connection(let user): user.stream.abort()
      case .request(let request): request.completion(.failure(.refused(.proxyGone)))
      case nil: break
      }
      return
    }
    guard let user = users.removeValue(forKey: userID) else { return work.close() }
    work.detach()
    switch user {
    case .connection(let user): join(user, userID, work, proxy)
    case .request(let request): answer(request, userID, work, proxy)
    }
  }

  private func join(
    _ user: UserConnection, _ id: UserConnectionID, _ work: IdleWorkConnection, _ proxy: BoundProxy
  ) {
    let seat = user.seat
    user.stream.write(user.words.granted)
    let pair = JoinedPair(
      context, near: user.stream, far: work.stream, greeting: greeting(proxy, user.ends),
      nearEarly: user.early, early: work.rest, creditedCount: work.creditedCount,
      codec: makeCodec(proxy), nearLimiter: proxy.limiter,
      isHalfCloseKept: proxy.session.isHalfCloseKept, onAnswer: onAnswer(of: seat)
    ) { [unowned self] summary in
      relays[id] = nil
      // Who closes before the service has said anything tells nothing about it.
      if summary.isFarFirst, summary.backwardByteCount == 0 { noteFailure(of: seat) }
      release(seat)
    }
    guard !pair.isOver else { return }
    relays[id] = RunningRelay(lane: .pair(pair), seat: seat, session: proxy.session.id)
  }

  private func answer(
    _ request: StreamRequest, _ id: UserConnectionID, _ work: IdleWorkConnection,
    _ proxy: BoundProxy
  ) {
    let seat = request.seat
    let base = WorkStream(
      over: work.stream, greeting: greeting(proxy, request.ends), early: work.rest,
      creditedCount: work.creditedCount, codec: makeCodec(proxy),
      onAnswer: onAnswer(of: seat)
    ) { [unowned self] isFailure in
      // Aborted in `conclude`, before the server goes away.
      relays[id] = nil
      if isFailure { noteFailure(of: seat) }
      release(seat)
    }
    let stream = base.limited(by: proxy.limiter, context)
    relays[id] = RunningRelay(lane: .stream(stream), seat: seat, session: proxy.session.id)
    request.completion(.success(stream))
    base.start()
  }

  private func greeting(_ proxy: BoundProxy, _ ends: UserEnds) -> [UInt8] {
    var start = StartWorkConnection()
    start.proxyName = proxy.request.proxyName
    if let source = ends.source {
      start.sourceAddress = source.host
      start.sourcePort = source.port
    }
    if let destination = ends.destination {
      start.destinationAddress = destination.host
      start.destinationPort = destination.port
    }
    return MessageChannel.frame(.startWorkConnection(start))
  }

  private func makeCodec(_ proxy: BoundProxy) -> PayloadCodec? {
    PayloadCodec(
      context, encryptionKey: proxy.request.useEncryption ? proxy.session.credential.key : nil,
      isCompressed: proxy.request.useCompression)
  }

  /// What notes that a member of a group serves; `nil` where nobody wants to know.
  private func onAnswer(of seat: UserSeat) -> (() -> Void)? {
    guard seat.isInGroup else { return nil }
    return { [unowned self] in
      // Pairs end before the server goes away.
      graph.connectionSucceeded(seat.proxy, now: context.loop.now)
    }
  }

  private func noteFailure(of seat: UserSeat) {
    if seat.isInGroup { graph.connectionFailed(seat.proxy, now: context.loop.now) }
  }
}
