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

/// A user who waits for a work connection. Nothing of his is read meanwhile.
final class UserConnection: ByteStreamReceiver {
  let stream: SocketStream
  let proxy: ProxyID
  private let id: UserConnectionID
  /// Holds this while it waits.
  private unowned let server: RelayServer

  init(_ server: RelayServer, _ id: UserConnectionID, _ stream: SocketStream, _ proxy: ProxyID) {
    self.server = server
    self.id = id
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
    do throws(Errno) {
      let stream = try SocketStream(context, owning: descriptor, peer: peer)
      let id = UserConnectionID(rawValue: makeConnectionNumber())
      users[id] = UserConnection(self, id, stream, proxy)
      decide { $0.userConnected(id, to: proxy, now: context.loop.now) }
    } catch {
      bound.logger.warning("cannot watch a user connection from \(peer): \(error)")
    }
  }

  /// A user left who still waited.
  func userDidLeave(_ id: UserConnectionID) {
    users[id] = nil
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
      logger.warning("work connection from [\(peer)] refused: its client is somewhere else")
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
    guard let user = users.removeValue(forKey: userID) else {
      works.removeValue(forKey: workID)?.close()
      return
    }
    guard let work = works.removeValue(forKey: workID) else {
      user.stream.abort()
      return
    }
    guard let proxy = proxies[proxyID] else {
      user.stream.abort()
      work.close()
      return
    }
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
      context, encryptionKey: proxy.request.useEncryption ? payloadKey : nil,
      isCompressed: proxy.request.useCompression)
    let pair = JoinedPair(
      context, near: user.stream, far: work.stream,
      greeting: MessageChannel.frame(.startWorkConnection(start)), early: work.rest,
      creditedCount: work.creditedCount, codec: codec, nearLimiter: proxy.limiter,
      isHalfCloseKept: proxy.session.isHalfCloseKept
    ) { [unowned self] _ in
      relays[userID] = nil
    }
    if !pair.isOver { relays[userID] = pair }
  }

  /// Closes a user who cannot be served.
  func closeUser(_ id: UserConnectionID, _ reason: UserRefusal) {
    guard let user = users.removeValue(forKey: id) else { return }
    proxies[user.proxy]?.logger.warning("\(reason)")
    user.stream.close()
  }

  /// Closes a pooled work connection.
  func closeWork(_ id: WorkConnectionID) {
    works.removeValue(forKey: id)?.close()
  }

  /// Refuses a work connection with a text.
  func refuseWork(_ id: WorkConnectionID, _ text: String) {
    guard let work = works.removeValue(forKey: id) else { return }
    var answer = StartWorkConnection()
    answer.error = text
    work.stream.write(MessageChannel.frame(.startWorkConnection(answer)))
    work.close()
  }
}
