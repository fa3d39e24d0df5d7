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

/// A proxy whose public port is open.
struct BoundProxy {
  let session: ControlSession
  let listener: Listener
  let request: NewProxy
  /// What the users share, if keeping to it is our part.
  let limiter: BandwidthLimiter?
  let logger: Logger
}

/// A user who is served.
struct RunningRelay {
  let pair: JoinedPair
  let place: ConnectionCaps.Place
  /// Whose proxy it is.
  let session: SessionID
}

/// A user who waits for a work connection. Nothing of his is read meanwhile.
final class UserConnection: ByteStreamReceiver {
  let stream: SocketStream
  let proxy: ProxyID
  /// Given back when he is gone.
  let place: ConnectionCaps.Place
  private let id: UserConnectionID
  /// Holds this while it waits.
  private unowned let server: RelayServer

  init(
    _ server: RelayServer, _ id: UserConnectionID, _ stream: SocketStream, _ proxy: ProxyID,
    _ place: ConnectionCaps.Place
  ) {
    self.server = server
    self.id = id
    self.place = place
    self.stream = stream
    self.proxy = proxy
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

/// A work connection in the pool.
final class IdleWorkConnection: ByteStreamReceiver {
  let stream: any ByteStream
  /// What came behind `NewWorkConn`: the first `creditedCount` bytes were given back as credit.
  private(set) var rest: [UInt8]
  let creditedCount: Int
  private let id: WorkConnectionID
  /// Holds this while it is in the pool.
  private unowned let server: RelayServer
  private var isGone = false

  init(_ server: RelayServer, _ id: WorkConnectionID, _ stream: any ByteStream, rest: [UInt8]) {
    self.server = server
    self.id = id
    self.stream = stream
    self.rest = rest
    creditedCount = rest.count
    stream.receiver = self
  }

  /// Closes the connection without an event.
  func close() {
    isGone = true
    stream.close()
  }

  /// Gives the stream away.
  func detach() {
    isGone = true
    stream.receiver = nil
  }

  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    // No client speaks before it is told about its user; one that does may say a little.
    rest += bytes
    stream.pauseReading()
    if rest.count > RelayServerLimits.idleWorkByteCountMax { vanish() }
  }

  func streamDidEnd(_ stream: any ByteStream) { vanish() }

  func streamDidProgress(_ stream: any ByteStream) {}

  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) { vanish() }

  private func vanish() {
    stream.close()
    guard !isGone else { return }
    isGone = true
    server.workConnectionDidVanish(id)
  }
}

extension RelayServer {
  // MARK: Users

  /// Opens a proxy's public port; the graph learns how it went.
  func listen(for id: ProxyID, port: UInt16) {
    guard let owner = graph.session(of: id), let name = graph.name(of: id),
      let session = sessions[owner],
      let request = announcements[AnnouncementKey(session: owner, name: name)]
    else { return decide { $0.listenFailed(id, now: context.loop.now) } }
    let entryLogger = session.logger.prefixed(by: request.proxyName)
    guard let address = SocketAddress(host: configuration.proxyBindAddress, port: port) else {
      return decide { $0.listenFailed(id, now: context.loop.now) }
    }
    do throws(Errno) {
      let listener = try Listener(
        context.loop, address: address,
        keepalive: .user(configuration.transport.tcpKeepalive)
      ) { [unowned self] socket, peer in
        // The listener is closed before its server goes away.
        didAcceptUser(socket, peer, proxy: id)
      }
      proxies[id] = BoundProxy(
        session: session, listener: listener, request: request,
        limiter: makeLimiter(request, entryLogger), logger: entryLogger)
      entryLogger.info("tcp proxy listen port [\(request.remotePort)]")
      decide { $0.listenSucceeded(id) }
    } catch {
      entryLogger.debug("cannot listen on \(address): \(error)")
      decide { $0.listenFailed(id, now: context.loop.now) }
    }
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

  private func didAcceptUser(
    _ descriptor: consuming FileDescriptor, _ peer: SocketAddress, proxy: ProxyID
  ) {
    guard let bound = proxies[proxy] else { return }
    bound.logger.debug("get a user connection [\(peer)]")
    let network = PeerNetwork(peer)
    let place: ConnectionCaps.Place
    switch admission.admitUser(
      from: network, proxy: proxy.rawValue, session: bound.session.id.rawValue,
      account: bound.session.credential.connectionShare)
    {
    case .success(let found): place = found
    case .failure(let rejection):
      // A reset leaves nothing behind, here or in the kernel.
      Socket.resetOnClose(descriptor.rawValue)
      return admission.complaints.write(
        .user, from: network, to: bound.logger,
        "user connection refused: \(rejection), user [\(peer)]")
    }
    do throws(Errno) {
      let stream = try SocketStream(context, owning: descriptor, peer: peer)
      let id = UserConnectionID(rawValue: makeConnectionNumber())
      users[id] = UserConnection(self, id, stream, proxy, place)
      decide { $0.userConnected(id, to: proxy, now: context.loop.now) }
    } catch {
      admission.release(place)
      admission.complaints.write(
        .user, from: network, to: bound.logger,
        "cannot watch a user connection: \(error), user [\(peer)]")
    }
  }

  private func removeUser(_ id: UserConnectionID) -> UserConnection? {
    guard let user = users.removeValue(forKey: id) else { return nil }
    admission.release(user.place)
    return user
  }

  /// A user left who still waited.
  func userDidLeave(_ id: UserConnectionID) {
    _ = removeUser(id)
    decide { $0.userClosed(id) }
  }

  // MARK: Work connections

  /// Takes a work connection that the client opened.
  func addWorkConnection(
    _ stream: any ByteStream, rest: [UInt8], runID: String, from carrier: InboundCarrier
  ) {
    let isWelcome = mayServe(carrier, runID: runID)
    if !isWelcome {
      let peer = carrier.peer?.description ?? "?"
      admission.complaints.write(
        .workConnection, from: carrier.network,
        "work connection refused: its client is somewhere else, client [\(peer)]")
    }
    let id = WorkConnectionID(rawValue: makeConnectionNumber())
    works[id] = IdleWorkConnection(self, id, stream, rest: rest)
    decide { $0.workConnectionArrived(id, runID: runID, isWelcome: isWelcome) }
  }

  /// Whether work connections of a session may come over `carrier`: with mux over the one that
  /// logged in; without, from the same host, unless each of them shows a credential.
  private func mayServe(_ carrier: InboundCarrier, runID: String) -> Bool {
    guard let id = graph.session(ofRunID: runID), let owner = sessions[id]?.carrier else {
      // Refused by the graph, as nobody knows it.
      return true
    }
    if configuration.transport.isMultiplexed { return owner === carrier }
    if configuration.authentication.authenticatesNewWorkConnections { return true }
    return owner.peer?.host == carrier.peer?.host
  }

  /// A work connection of the pool died.
  func workConnectionDidVanish(_ id: WorkConnectionID) {
    works[id] = nil
    decide { $0.workConnectionLost(id) }
  }

  /// Tells the client about its user and joins the two.
  func join(_ userID: UserConnectionID, _ workID: WorkConnectionID, _ proxyID: ProxyID) {
    guard let proxy = proxies[proxyID], let user = users[userID], let work = works[workID] else {
      removeUser(userID)?.stream.abort()
      works.removeValue(forKey: workID)?.close()
      return
    }
    users[userID] = nil
    works[workID] = nil
    let place = user.place
    work.detach()
    var start = StartWorkConnection()
    start.proxyName = proxy.request.proxyName
    if let source = user.stream.peerAddress {
      start.sourceAddress = source.host
      start.sourcePort = source.port
    }
    if let destination = user.stream.localAddress {
      start.destinationAddress = destination.host
      start.destinationPort = destination.port
    }
    let codec = PayloadCodec(
      context, encryptionKey: proxy.request.useEncryption ? proxy.session.credential.key : nil,
      isCompressed: proxy.request.useCompression)
    let pair = JoinedPair(
      context, near: user.stream, far: work.stream,
      greeting: MessageChannel.frame(.startWorkConnection(start)), early: work.rest,
      creditedCount: work.creditedCount, codec: codec, nearLimiter: proxy.limiter,
      isHalfCloseKept: proxy.session.isHalfCloseKept
    ) { [unowned self] _ in
      relays[userID] = nil
      admission.release(place)
    }
    guard !pair.isOver else { return }
    relays[userID] = RunningRelay(pair: pair, place: place, session: proxy.session.id)
  }

  /// Closes a user who cannot be served.
  func closeUser(_ id: UserConnectionID, _ reason: UserRefusal) {
    guard let user = removeUser(id) else { return }
    if let logger = proxies[user.proxy]?.logger {
      admission.complaints.write(
        .user, from: user.stream.peerAddress.map { PeerNetwork($0) }, to: logger, "\(reason)")
    }
    user.stream.close()
  }

  /// Closes a pooled work connection.
  func closeWork(_ id: WorkConnectionID) {
    works.removeValue(forKey: id)?.close()
  }

  /// Refuses a work connection with a text.
  func refuseWork(_ id: WorkConnectionID, _ text: String) {
    guard let work = works.removeValue(forKey: id) else { return }
    admission.counters.refusedWorkConnections += 1
    var answer = StartWorkConnection()
    answer.error = text
    work.stream.write(MessageChannel.frame(.startWorkConnection(answer)))
    work.close()
  }
}
