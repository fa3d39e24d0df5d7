internal import Admission
internal import Configuration
internal import HTTPProtocol
internal import LinuxSystem
internal import Logging
internal import ProxyGraph
internal import Reactor
internal import Timekeeping
internal import Transports

extension RelayServer {
  // MARK: Listening

  /// Listens on the ports of virtual hosts, but for those that share the bind port.
  func listenForHosts() throws(RelayServerError) {
    let http = configuration.httpPort
    let https = configuration.httpsPort
    shareBindPort(http: http, https: https)
    if let http, http == https, http != 0, !sharedPort.sharesHTTP {
      let address = try listen(on: http, "http and https", for: .web)
      hostPorts[.http] = address.port
      hostPorts[.https] = address.port
      logger.info("http and https service listen on \(address)")
    } else {
      if let http, !sharedPort.sharesHTTP {
        let address = try listen(on: http, "http", for: .host(.http))
        hostPorts[.http] = address.port
        logger.info("http service listen on \(address)")
      }
      if let https, !sharedPort.sharesHTTPS {
        let address = try listen(on: https, "https", for: .host(.https))
        hostPorts[.https] = address.port
        logger.info("https service listen on \(address)")
      }
    }
    if let port = configuration.httpConnectPort {
      let address = try listen(on: port, "tcpmux httpconnect", for: .host(.tcpmux))
      hostPorts[.tcpmux] = address.port
      logger.info(
        """
        tcpmux httpconnect multiplexer listen on \(address), \
        passthrough: \(configuration.passesConnectRequests)
        """)
    }
    decide { $0.setPolicy(makePolicy(configuration), now: context.loop.now) }
  }

  /// Finds out which virtual hosts are reached on the bind port (wire-protocol.md 1.2).
  private func shareBindPort(http: UInt16?, https: UInt16?) {
    guard let bound = boundAddress,
      configuration.bindAddress == configuration.proxyBindAddress
    else { return }
    // Port 0 stands for one that nobody else has.
    sharedPort = SharedPort(
      sharesHTTP: http == bound.port && http == configuration.bindPort,
      sharesHTTPS: https == bound.port && https == configuration.bindPort)
    if sharedPort.sharesHTTP { hostPorts[.http] = bound.port }
    if sharedPort.sharesHTTPS { hostPorts[.https] = bound.port }
  }

  private func listen(
    on port: UInt16, _ name: String, for purpose: Arrival.Purpose
  ) throws(RelayServerError) -> SocketAddress {
    guard let address = SocketAddress(host: configuration.proxyBindAddress, port: port) else {
      throw RelayServerError(
        description: "proxy_bind_addr: [\(configuration.proxyBindAddress)] is not an IP address")
    }
    do throws(Errno) {
      let listener = try Listener(
        context.loop, address: address,
        keepalive: .user(configuration.transport.tcpKeepalive)
      ) { [unowned self] socket, peer in
        // The listener is closed before its server goes away.
        didAcceptArrival(socket, peer, for: purpose)
      }
      hostListeners.append(listener)
      return listener.address
    } catch {
      throw RelayServerError(
        description: "create \(name) listener error, listen \(address): \(error)")
    }
  }

  /// The rules of a configuration for the graph, with the ports that there are.
  func makePolicy(_ configuration: ServerConfiguration) -> RelayPolicy {
    var policy = Self.makePolicy(configuration)
    policy.hostPorts = hostPorts
    return policy
  }

  // MARK: Arrivals

  /// A user came whose first bytes tell where he wants to go, or who he is.
  func didAcceptArrival(
    _ descriptor: consuming FileDescriptor, _ peer: SocketAddress, for purpose: Arrival.Purpose
  ) {
    do throws(Errno) {
      let stream = try SocketStream(context, owning: descriptor, peer: peer)
      let ends = UserEnds(source: peer, destination: stream.localAddress)
      let deadline = context.loop.now + RelayServerLimits.arrivalTimeout
      arrive(
        stream, for: purpose, ends, isFronted: trustedProxies.contain(peer), until: deadline)
    } catch {
      admission.complaints.write(
        .user, from: PeerNetwork(peer), "cannot watch a user connection: \(error), user [\(peer)]")
    }
  }

  /// Reads the first bytes of a connection, of which `early` are there already.
  func arrive(
    _ stream: SocketStream, for purpose: Arrival.Purpose, _ ends: UserEnds, early: [UInt8] = [],
    isFronted: Bool = false, until deadline: Instant
  ) {
    let network = PeerNetwork(ends.source ?? .loopback(port: 0))
    let arrival = Arrival(
      self, stream, for: purpose, ends, from: network, isFronted: isFronted, until: deadline)
    guard let evicted = admission.admit(arrival) else {
      return arrival.reject("the memory limit is reached")
    }
    for other in evicted { other.reject("it had to go for a newer one") }
    arrival.begin(with: early)
  }

  /// Gives a user to one of the proxies of a route.
  func admit(
    _ stream: SocketStream, to route: RouteID, early: [UInt8], _ ends: UserEnds, words: UserWords
  ) {
    let source = ends.source ?? .loopback(port: 0)
    guard let proxy = chooseProxy(of: route, for: source), let bound = proxies[proxy] else {
      return stream.abort()
    }
    bound.logger.debug("get a user connection [\(source)]")
    guard let seat = seat(at: proxy, source) else { return stream.abort() }
    admit(stream, early: early, ends, seat, words: words)
  }
}
