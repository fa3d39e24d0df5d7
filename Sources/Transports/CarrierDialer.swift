public import Configuration
public import LinuxSystem
public import Reactor
public import Timekeeping

/// How to reach a server: everything that comes before mux and messages.
public struct CarrierSettings {
  /// The server's name or address.
  public var host: String
  /// The server's port.
  public var port: UInt16
  /// The proxy on the way, if any.
  public var proxy: UpstreamProxy?
  /// The local address to dial from; its port is 0.
  public var localAddress: SocketAddress?
  /// Keys and authorities; `nil` for no TLS.
  public var tls: TLSContext?
  /// The name that TLS sends and checks.
  public var serverName: String
  /// Whether frp's marker byte `0x17` goes before TLS (wire-protocol.md 1.3).
  public var isMarkerSent: Bool
  /// For each connection attempt, proxy included.
  public var dialTimeout: Interval
  /// When the kernel probes the connection; `nil` for never.
  public var keepalive: KeepaliveTiming?
  /// Whether to dial again beside an attempt that is not answered: the first packets on a path that
  /// has just come back may be lost, and the kernel repeats them late.
  public var isUrgent = false

  /// Says how to reach a server.
  public init(
    host: String, port: UInt16, proxy: UpstreamProxy? = nil, localAddress: SocketAddress? = nil,
    tls: TLSContext? = nil, serverName: String = "", isMarkerSent: Bool = false,
    dialTimeout: Interval = .seconds(10), keepalive: KeepaliveTiming? = nil
  ) {
    self.host = host
    self.port = port
    self.proxy = proxy
    self.localAddress = localAddress
    self.tls = tls
    self.serverName = serverName
    self.isMarkerSent = isMarkerSent
    self.dialTimeout = dialTimeout
    self.keepalive = keepalive
  }
}

/// Dials one carrier: name resolution, TCP, the proxy's handshake, the marker byte, TLS.
///
/// TLS is started, not finished: what is written meanwhile follows the handshake, and its failure
/// reaches the stream's receiver.
public final class CarrierDialer: ByteStreamReceiver {
  private static let marker: [UInt8] = [0x17]

  private let context: TransportContext
  private let settings: CarrierSettings
  private var connector: Connector?
  private var socket: SocketStream?
  private var handshake: UpstreamProxyHandshake?
  private var deadline: TimerID?
  private var completion: ((Result<SocketStream, DialError>) -> Void)?

  /// Starts to dial. `completion` comes once, later, unless `cancel()` comes before.
  public init(
    _ context: TransportContext, resolver: Resolver, settings: CarrierSettings,
    completion: @escaping (Result<SocketStream, DialError>) -> Void
  ) {
    self.context = context
    self.settings = settings
    self.completion = completion
    connector = Connector.connect(
      loop: context.loop, resolver: resolver, host: settings.proxy?.address.host ?? settings.host,
      port: settings.proxy?.address.port ?? settings.port, localAddress: settings.localAddress,
      timeout: settings.dialTimeout, isUrgent: settings.isUrgent
    ) { [self] outcome in
      connector = nil
      switch consume outcome {
      case .connected(let socket): didConnect(socket)
      case .failed(let error):
        conclude(.failure(DialError(description: "\(error)", isReset: error.isReset)))
      }
    }
  }

  /// Gives up without a completion.
  public func cancel() {
    completion = nil
    release()
    socket?.abort()
    socket = nil
  }

  private var target: String {
    settings.proxy.map { "proxy \($0.address)" } ?? "\(settings.host):\(settings.port)"
  }

  private func didConnect(_ connected: consuming ConnectedSocket) {
    if let timing = settings.keepalive { Socket.setKeepalive(connected.number, timing) }
    let socket = SocketStream(context, owning: connected)
    self.socket = socket
    guard let proxy = settings.proxy else { return finish(socket, rest: []) }
    deadline = context.loop.schedule(after: settings.dialTimeout) { [unowned self] in
      // Cancelled when the dialer concludes or is cancelled, so `self` is alive.
      deadline = nil
      conclude(.failure(DialError(description: "\(target): timed out")))
    }
    let handshake = UpstreamProxyHandshake(
      proxy, targetHost: settings.host, targetPort: settings.port)
    self.handshake = handshake
    socket.receiver = self
    socket.write(handshake.greeting)
  }

  private func finish(_ socket: SocketStream, rest: [UInt8]) {
    socket.receiver = nil
    if let tls = settings.tls {
      if settings.isMarkerSent { socket.write(Self.marker) }
      do throws(TLSError) {
        let session = try tls.makeSession(serverName: settings.serverName)
        rest.withUnsafeBytes { socket.startTLS(session, received: $0) }
      } catch {
        conclude(.failure(DialError(description: error.description)))
        return
      }
    } else if !rest.isEmpty {
      // The server never speaks first.
      conclude(.failure(DialError(description: "\(target): sent bytes before we did")))
      return
    }
    conclude(.success(socket))
  }

  private func conclude(_ result: Result<SocketStream, DialError>) {
    if case .failure = result { socket?.abort() }
    socket = nil
    release()
    let completion = self.completion
    self.completion = nil
    completion?(result)
  }

  private func release() {
    if let deadline { context.loop.cancel(deadline) }
    deadline = nil
    connector?.cancel()
    connector = nil
  }

  // MARK: The proxy's answers

  /// Goes on with the proxy's handshake.
  public func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    guard let socket, let step = handshake?.handle(bytes) else { return }
    switch step {
    case .wait: break
    case .send(let answer): socket.write(answer)
    case .done(let rest): finish(socket, rest: rest)
    case .failed(let text):
      conclude(.failure(DialError(description: "\(target): \(text)")))
    }
  }

  /// The proxy hung up.
  public func streamDidEnd(_ stream: any ByteStream) {
    conclude(.failure(DialError(description: "\(target): closed the connection")))
  }

  /// Nothing waits for room.
  public func streamDidProgress(_ stream: any ByteStream) {}

  /// The connection to the proxy failed.
  public func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) {
    conclude(.failure(DialError(description: "\(target): \(reason)")))
  }
}

/// A server could not be reached.
public struct DialError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Where and why.
  public let description: String

  /// Whether somebody took the connection, and dropped it at once.
  public let isReset: Bool

  /// Says where and why.
  public init(description: String, isReset: Bool = false) {
    self.description = description
    self.isReset = isReset
  }
}
