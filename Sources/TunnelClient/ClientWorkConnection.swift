internal import Configuration
internal import Diagnostics
internal import LinuxSystem
internal import Logging
internal import Reactor
internal import StreamCoding
internal import Timekeeping
internal import Transports
internal import WireProtocol

/// One work connection: asks for a user, dials the local service, and relays
/// (wire-protocol.md 6.1).
///
/// States: opening (no stream yet); idle (waits for `StartWorkConn`, without limit); dialling the
/// local service; relaying; over.
final class ClientWorkConnection: ByteStreamReceiver {
  /// What all work connections need to know of their session, and tell it.
  struct Terms {
    let payloadKey: [UInt8]
    let isHalfCloseKept: Bool
    let makeGreeting: () -> NewWorkConnection
    let findProxy: (_ wireName: String) -> ProxyConfiguration?
    let findLimiter: (_ name: String) -> BandwidthLimiter?
    /// Called once for each.
    /// Called when the server has named a user.
    let onStart: () -> Void
    let onEnd: (ClientWorkConnection) -> Void
  }

  private let context: TransportContext
  private let resolver: Resolver
  private let terms: Terms
  private let logger: Logger
  private var channel: MessageChannel?
  private var stream: (any ByteStream)?
  private var connector: Connector?
  private var early: [UInt8] = []
  private var earlyCredited = 0
  private var hasFarEnded = false
  private var pair: JoinedPair?
  private var isOver = false
  /// Whether the server has named a user.
  private(set) var hasStarted = false

  init(_ context: TransportContext, resolver: Resolver, terms: Terms, logger: Logger) {
    self.context = context
    self.resolver = resolver
    self.terms = terms
    self.logger = logger
  }

  /// Whether a user's bytes travel through it.
  var isBusy: Bool { pair != nil || connector != nil }

  /// Asks the server for a user over a fresh logical connection.
  func begin(over stream: any ByteStream) {
    self.stream = stream
    let channel = MessageChannel(context, over: stream)
    self.channel = channel
    channel.onMessage = { [unowned self] message in
      // The channel is detached or closed before `self` goes away.
      handle(message)
    }
    channel.onEnd = { [unowned self] _ in conclude() }
    channel.send(.newWorkConnection(terms.makeGreeting()))
  }

  /// Closes whatever there is; a relayed user is cut off.
  func abort() {
    connector?.cancel()
    connector = nil
    if let pair {
      pair.abort()
    } else {
      stream?.abort()
    }
    conclude()
  }

  private func handle(_ message: Message) {
    guard case .startWorkConnection(let start) = message else { return refuse() }
    if !start.error.isEmpty {
      logger.error("StartWorkConn contains error: \(start.error)")
      return refuse()
    }
    guard let proxy = terms.findProxy(start.proxyName) else {
      logger.warning("work connection for unknown or stopped proxy [\(start.proxyName)]")
      return refuse()
    }
    early = channel?.detach() ?? []
    earlyCredited = early.count
    channel = nil
    stream?.receiver = self
    hasStarted = true
    terms.onStart()
    dialLocal(proxy, start)
  }

  private func refuse() {
    channel?.close()
    conclude()
  }

  private func dialLocal(_ proxy: ProxyConfiguration, _ start: StartWorkConnection) {
    connector = Connector.connect(
      loop: context.loop, resolver: resolver, host: proxy.localHost, port: proxy.localPort,
      timeout: TunnelClientLimits.localDialTimeout
    ) { [self] outcome in
      connector = nil
      switch consume outcome {
      case .connected(let socket): join(proxy, start, SocketStream(context, owning: socket))
      case .failed(let error): localDialDidFail(proxy, error)
      }
    }
  }

  private func localDialDidFail(_ proxy: ProxyConfiguration, _ error: ConnectError) {
    let target = "\(proxy.localHost):\(proxy.localPort)"
    logger.prefixed(by: proxy.name).error("connect to local service [\(target)] error: \(error)")
    stream?.abort()
    conclude()
  }

  private func join(
    _ proxy: ProxyConfiguration, _ start: StartWorkConnection,
    _ local: SocketStream
  ) {
    guard let stream else {
      local.close()
      return conclude()
    }
    if let header = proxyProtocolHeader(proxy, start) { local.write(header) }
    let codec = PayloadCodec(
      context, encryptionKey: proxy.usesEncryption ? terms.payloadKey : nil,
      isCompressed: proxy.usesCompression)
    let pair = JoinedPair(
      context, near: local, far: stream, early: early, creditedCount: earlyCredited, codec: codec,
      farLimiter: terms.findLimiter(proxy.name),
      isHalfCloseKept: terms.isHalfCloseKept
    ) { [self] _ in conclude() }
    early = []
    guard !pair.isOver else { return }
    self.pair = pair
    if hasFarEnded { pair.farDidEnd(stream) }
  }

  private func proxyProtocolHeader(
    _ proxy: ProxyConfiguration, _ start: StartWorkConnection
  ) -> [UInt8]? {
    guard let version = proxy.proxyProtocolVersion,
      let source = SocketAddress(host: start.sourceAddress, port: start.sourcePort),
      start.sourcePort != 0
    else { return nil }
    let destination =
      SocketAddress(host: start.destinationAddress, port: start.destinationPort)
      ?? .loopback(port: 0)
    let encoding: ProxyProtocolHeader.Version =
      switch version {
      case .v1: .text
      case .v2: .binary
      }
    return ProxyProtocolHeader.make(encoding, source: source, destination: destination)
  }

  private func conclude() {
    channel = nil
    pair = nil
    stream = nil
    guard !isOver else { return }
    isOver = true
    terms.onEnd(self)
  }

  // MARK: From the work connection while the local service is being dialled

  /// Keeps bytes until the local service is there.
  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    early += bytes
    stream.pauseReading()
    if early.count > TunnelClientLimits.earlyByteCountMax { abort() }
  }

  /// The user ended before the local service was there.
  func streamDidEnd(_ stream: any ByteStream) {
    hasFarEnded = true
  }

  /// Nothing waits for room.
  func streamDidProgress(_ stream: any ByteStream) {}

  /// The user or the server is gone.
  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) {
    connector?.cancel()
    connector = nil
    conclude()
  }
}
