internal import LinuxSystem
internal import Reactor
internal import StreamMux
internal import Timekeeping
internal import Transports

/// The path to the server: gives logical connections, over one mux carrier or one carrier each
/// (wire-protocol.md 1.1).
final class ServerLink {
  /// Called once when the shared carrier is lost; never without mux.
  var onLost: ((CloseReason) -> Void)?

  /// Called with the addresses of each new connection to the server.
  var onConnect: ((_ local: SocketAddress, _ peer: SocketAddress) -> Void)?

  /// Whether a server was there: it took a connection, whatever it did with it.
  private(set) var wasReached = false

  private let context: TransportContext
  private let resolver: Resolver
  private let settings: CarrierSettings
  private let mux: MuxSettings?
  private var carrier: MuxCarrier?
  private var dialers: [ObjectIdentifier: CarrierDialer] = [:]
  private var isClosed = false

  /// Describes a path; nothing is dialled yet.
  ///
  /// - Parameter mux: `nil` when each logical connection has a carrier of its own.
  init(
    _ context: TransportContext, resolver: Resolver, settings: CarrierSettings, mux: MuxSettings?
  ) {
    self.context = context
    self.resolver = resolver
    self.settings = settings
    self.mux = mux
  }

  /// Opens a logical connection; dials when it must. `completion` may come at once.
  func open(_ completion: @escaping (Result<any ByteStream, DialError>) -> Void) {
    if isClosed {
      return completion(.failure(DialError(description: "the link is closed")))
    }
    guard mux != nil, let carrier else { return dial(completion) }
    openStream(on: carrier, completion)
  }

  private func openStream(
    on carrier: MuxCarrier, _ completion: @escaping (Result<any ByteStream, DialError>) -> Void
  ) {
    carrier.openStream { stream in
      if let stream {
        completion(.success(stream))
      } else {
        completion(.failure(DialError(description: "the mux session has no room for a stream")))
      }
    }
  }

  /// Closes the shared carrier and gives up what is being dialled. With `isAborting` nothing that
  /// waits is sent any more.
  func close(isAborting: Bool = false) {
    guard !isClosed else { return }
    isClosed = true
    onLost = nil
    onConnect = nil
    for dialer in dialers.values { dialer.cancel() }
    dialers = [:]
    carrier?.onClose = nil
    if isAborting { carrier?.abort() } else { carrier?.close() }
    carrier = nil
  }

  private func dial(_ completion: @escaping (Result<any ByteStream, DialError>) -> Void) {
    var key: ObjectIdentifier?
    let dialer = CarrierDialer(context, resolver: resolver, settings: settings) {
      [unowned self] result in
      // `close()` cancels every dialer, so `self` is alive.
      if let key { dialers[key] = nil }
      switch result {
      case .success(let socket): use(socket, completion)
      case .failure(let error):
        if error.isReset { wasReached = true }
        completion(.failure(error))
      }
    }
    key = ObjectIdentifier(dialer)
    dialers[ObjectIdentifier(dialer)] = dialer
  }

  private func use(
    _ socket: SocketStream, _ completion: @escaping (Result<any ByteStream, DialError>) -> Void
  ) {
    wasReached = true
    if let local = socket.localAddress, let peer = socket.peerAddress { onConnect?(local, peer) }
    let carrier = mux.map { MuxCarrier(context, over: socket, role: .client, settings: $0) }
    // The server is the one that the user has chosen.
    socket.trustPeer()
    guard let carrier else { return completion(.success(socket)) }
    self.carrier = carrier
    carrier.onClose = { [unowned self] reason in
      // `close()` clears this closure before the link goes away.
      self.carrier = nil
      onLost?(reason)
    }
    openStream(on: carrier, completion)
  }
}
