internal import Admission
internal import ByteBuffers
internal import Configuration
internal import HTTPProtocol
internal import LinuxSystem
internal import Logging
internal import ProxyGraph
internal import Reactor
internal import Timekeeping
internal import Transports
internal import WireProtocol

/// A user's connection of which the first bytes have to be read before it is known whose it is.
///
/// States: header (a front proxy has to say who is there), opening (the first message is awaited),
/// secure (TLS ends here, and the first request is awaited), over (given to a user, to the HTTP
/// driver, or closed). One deadline runs over all, and what it may send is bounded by the readers.
final class Arrival: ByteStreamReceiver {
  /// What it came for, as far as its port tells.
  enum Purpose {
    /// The users of a public port.
    case port(RouteID)
    /// A virtual host of that kind.
    case host(VirtualHostKind)
    /// A virtual host of HTTPS if it speaks TLS, of HTTP otherwise.
    case web
  }

  /// Where it comes from, as far as the caps on arrivals go.
  private(set) var network: PeerNetwork
  /// Its name in the book of arrivals.
  var entryID: StrangerBook<Arrival>.EntryID?
  /// Its name among those with TLS that ends here.
  var secureID: StrangerBook<Arrival>.EntryID?

  /// Closed with it, as `RelayServer.conclude` closes all arrivals.
  private unowned let server: RelayServer
  private let stream: SocketStream
  private var purpose: Purpose
  private var ends: UserEnds
  private var received: [UInt8] = []
  private var header: ProxyProtocolReader?
  private var hello = ClientHelloReader()
  private var request = ConnectReader()
  private var isSecure = false
  private var deadline: TimerID?
  private var isOver = false

  /// - Parameter isFronted: whether a front proxy has to say first who is there.
  init(
    _ server: RelayServer, _ stream: SocketStream, for purpose: Purpose, _ ends: UserEnds,
    from network: PeerNetwork, isFronted: Bool, until end: Instant
  ) {
    self.server = server
    self.stream = stream
    self.purpose = purpose
    self.ends = ends
    self.network = network
    header = isFronted ? ProxyProtocolReader() : nil
    stream.receiver = self
    deadline = server.context.loop.schedule(at: end) { [unowned self] in
      // Cancelled in `leave`.
      deadline = nil
      server.admission.counters.latePeers += 1
      reject("it did not say in time where it wants to go")
    }
  }

  /// Takes bytes that were read already.
  func begin(with early: [UInt8]) {
    received = early
    if !early.isEmpty || isWordless { advance() }
  }

  /// Whether nothing has to be read.
  private var isWordless: Bool {
    guard header == nil else { return false }
    switch purpose {
    case .port, .host(.http): return true
    case .web, .host(.https), .host(.tcpmux): return false
    }
  }

  /// Ends the connection and says why in the log.
  func reject(_ reason: String) {
    let peer = ends.source?.description ?? "?"
    server.admission.complaints.write(
      .user, from: network, at: .info, "user connection closed: \(reason), user [\(peer)]")
    if leave() { stream.abort() }
  }

  /// Ends the connection.
  func close() {
    guard leave() else { return }
    stream.close()
  }

  private func answer(_ bytes: [UInt8]) {
    guard leave() else { return }
    stream.write(bytes)
    stream.close()
  }

  /// The stream belongs to somebody else from here on, or is to be closed.
  private func leave() -> Bool {
    guard !isOver else { return false }
    isOver = true
    if let deadline { server.context.loop.cancel(deadline) }
    deadline = nil
    stream.receiver = nil
    server.admission.release(self)
    return true
  }

  // MARK: Stream

  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    guard !isOver else { return }
    server.admission.noteSpeech(of: self)
    received += bytes
    advance()
  }

  func streamDidEnd(_ stream: any ByteStream) { close() }

  func streamDidProgress(_ stream: any ByteStream) {}

  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) { _ = leave() }

  // MARK: Deciding

  private func advance() {
    if isSecure { return handToHTTP() }
    if header != nil, !readHeader() { return }
    switch purpose {
    case .port(let route): serve(route, early: received)
    case .web:
      guard let first = received.first else { return }
      purpose = .host(first == SharedPort.tlsRecordByte ? .https : .http)
      advance()
    case .host(.http): handToHTTP()
    case .host(.https): readHello()
    case .host(.tcpmux): readConnect()
    }
  }

  /// - Returns: whether the header is complete and off.
  private func readHeader() -> Bool {
    do throws(ProxyProtocolFault) {
      guard let found = try header?.read(received.span.bytes) else { return false }
      received.removeFirst(found.byteCount)
      header = nil
      if let source = found.source {
        ends = UserEnds(source: source, destination: found.destination)
        network = PeerNetwork(source)
        server.admission.moveArrival(self)
        // It may have had to go for others of its network.
        if isOver { return false }
      }
      return true
    } catch {
      reject("a front proxy sent no valid PROXY header (\(error))")
      return false
    }
  }

  private func handToHTTP() {
    guard leave() else { return }
    stream.trustPeer()
    server.serveHTTP(
      HTTPVisitor(stream: stream, early: received, ends: ends, isSecure: isSecure))
  }

  private func readHello() {
    do throws(ClientHelloFault) {
      guard let found = try hello.read(received.span.bytes) else { return }
      let name = found.serverName ?? ""
      guard let route = server.graph.route(.https, host: name) else {
        if let tls = server.hostCertificates.context(for: name) { return endTLS(tls) }
        server.logger.debug("no https proxy for server name [\(name)]")
        return answer(TLSAlert.unrecognizedName.record)
      }
      serve(route, early: received)
    } catch {
      answer(error.alert?.record ?? [])
    }
  }

  /// Speaks TLS for the host; the request inside leads on. Handshakes of strangers share the time
  /// that they have in a turn.
  private func endTLS(_ tls: TLSContext) {
    do throws(TLSError) {
      let session = try tls.makeSession()
      for other in server.admission.admitTLS(self) {
        other.reject("it had to go for a newer one")
      }
      isSecure = true
      let opening = received
      received = []
      stream.distrustPeer(
        upTo: RelayServerLimits.secureArrivalByteCountMax,
        server.admission.pace(from: network))
      opening.withUnsafeBytes { stream.startTLS(session, received: $0) }
    } catch {
      reject("\(error)")
    }
  }

  private func readConnect() {
    let finding: ConnectReader.Finding
    do throws(HTTPFault) {
      finding = try request.read(received.span.bytes)
    } catch {
      return refuse(HTTPAnswer(error), VisitorExchange())
    }
    switch finding {
    case .moreBytesNeeded: break
    case .otherRequest: close()
    case .connect(let request): connect(request)
    }
  }

  private func connect(_ request: ConnectRequest) {
    guard
      let route = server.graph.route(
        .tcpmux, host: request.routingHost, user: request.routingUser),
      let lead = server.graph.lead(of: route)
    else {
      server.logger.debug("no tcpmux proxy for host [\(request.routingHost)]")
      let page = HTTPAnswer.notFoundPage(custom: server.notFoundPage.content)
      return refuse(page, request.exchange)
    }
    guard request.isAuthorized(user: lead.httpUser, password: lead.httpPassword) else {
      return refuse(.unauthorized(isProxyForm: true), request.exchange)
    }
    if server.configuration.passesConnectRequests { return serve(route, early: received) }
    serve(
      route, early: Array(received.dropFirst(request.byteCount)),
      words: UserWords(
        granted: HTTPAnswer.tunnelGranted.bytes(for: request.exchange, isKeepAlive: true),
        refused: HTTPAnswer.gatewayTimeout.bytes(for: request.exchange)))
  }

  private func refuse(_ refusal: HTTPAnswer, _ exchange: VisitorExchange) {
    let date = server.answerDate.text(at: Int(HostSystem.unixSeconds))
    answer(refusal.bytes(for: exchange, date: date))
  }

  private func serve(_ route: RouteID, early: [UInt8], words: UserWords = UserWords()) {
    guard leave() else { return }
    server.admit(stream, to: route, early: early, ends, words: words)
  }
}

extension HTTPAnswer {
  /// The answer to a request, behind which the connection ends unless it is kept.
  fileprivate func bytes(
    for exchange: VisitorExchange, isKeepAlive: Bool = false, date: String? = nil
  ) -> [UInt8] {
    var queue = ByteQueue()
    write(to: exchange, isKeepAlive: isKeepAlive, date: date, into: &queue)
    return Array(queue.readableBytes)
  }
}
