internal import ByteBuffers
internal import Glibc
internal import LinuxSystem
internal import Reactor
internal import StreamCoding
internal import StreamMux
internal import TestKit
internal import Timekeeping
internal import Transports
internal import WireProtocol

/// A client made by hand that can die in ways in which a good one does not: it logs in over TLS and
/// yamux, announces one proxy, and from then on does what it is told.
final class ManualClient: ByteStreamReceiver {
  /// What the test is told.
  enum Event {
    /// The proxy is open.
    case ready
    /// The relay refused the login or the proxy, or the connection was lost.
    case failed(String)
  }

  private let context: TransportContext
  private let number: CInt
  private let carrier: MuxCarrier
  private let runID: String
  private let remotePort: UInt16
  private var channel: MessageChannel?
  private var works: [MuxStream] = []
  private var onEvent: ((Event) -> Void)?
  private(set) var isReady = false
  /// Whether the first byte of a user makes it stop reading.
  var stallsAtFirstByte = false
  private(set) var isStalled = false
  /// The run ID that the relay gave.
  private(set) var givenRunID = ""

  /// Connects. With `isSlow` little fits into the connection.
  init(
    _ context: TransportContext, _ tls: TLSContext, bindPort: UInt16, runID: String,
    remotePort: UInt16, isSlow: Bool, onEvent: @escaping (Event) -> Void
  ) throws {
    self.context = context
    self.runID = runID
    self.remotePort = remotePort
    self.onEvent = onEvent
    let descriptor = try Socket.makeTCP(.ipv4)
    number = descriptor.rawValue
    if isSlow { try Socket.setOption(number, SOL_SOCKET, SO_RCVBUF, 4096) }
    let address = SocketAddress.loopback(port: bindPort)
    try Socket.connect(number, to: address)
    let socket = try SocketStream(context, owning: descriptor, peer: address)
    var settings = MuxSettings()
    settings.keepaliveInterval = nil
    carrier = MuxCarrier(context, over: socket, role: .client, settings: settings)
    let session = try tls.makeSession()
    socket.startTLS(session, received: UnsafeRawBufferPointer(start: nil, count: 0))
    carrier.onClose = { [weak self] reason in self?.report(.failed("\(reason)")) }
    carrier.openStream { [weak self] stream in
      guard let self, let stream else { return }
      logIn(over: stream)
    }
  }

  // MARK: Deaths

  /// Lets the kernel drop, unanswered, whatever comes for the connection.
  func goDeaf() {
    // A classic BPF program of one instruction, “return 0” (socket(7), SO_ATTACH_FILTER).
    var instruction: [UInt16] = [0x06, 0, 0, 0]
    instruction.withUnsafeMutableBytes { code in
      var program = [UInt](repeating: 0, count: 2)
      program[0] = 1
      program[1] = UInt(bitPattern: code.baseAddress)
      _ = setsockopt(number, SOL_SOCKET, 26, &program, 16)
    }
    carrier.stream.pauseReading()
  }

  /// Ends the connection with a reset.
  func abort() {
    onEvent = nil
    carrier.onClose = nil
    channel?.abort()
    carrier.abort()
  }

  // MARK: The control connection

  private func logIn(over stream: MuxStream) {
    let channel = MessageChannel(context, over: stream)
    self.channel = channel
    channel.onMessage = { [unowned self] message in
      // `abort` aborts the channel, which drops its closures.
      handle(message)
    }
    channel.onEnd = { [unowned self] reason in report(.failed("\(reason)")) }
    let now = HostSystem.unixSeconds
    channel.send(
      .login(
        Login(
          version: "0.70.0",
          privilegeKey: Credentials.privilegeKey(secret: stormToken, timestamp: now),
          timestamp: now, runID: runID, poolCount: 0)))
  }

  private func handle(_ message: Message) {
    // foreign enum: only a few of the messages concern a test's client.
    switch message {
    case .loginResponse(let answer):
      guard answer.error.isEmpty else { return report(.failed(answer.error)) }
      givenRunID = answer.runID
      channel?.startEncryption(key: StreamKey.derive(from: stormToken))
      var proxy = NewProxy()
      proxy.proxyName = "storm"
      proxy.proxyType = "tcp"
      proxy.remotePort = Int(remotePort)
      channel?.send(.newProxy(proxy))
    case .newProxyResponse(let answer):
      guard answer.error.isEmpty else { return report(.failed(answer.error)) }
      isReady = true
      report(.ready)
    case .requestWorkConnection: openWorkConnection()
    default: break  // foreign enum
    }
  }

  private func openWorkConnection() {
    carrier.openStream { [weak self] stream in
      guard let self, let stream else { return }
      works.append(stream)
      stream.receiver = self
      var greeting = NewWorkConnection()
      greeting.runID = givenRunID
      stream.write(MessageChannel.frame(.newWorkConnection(greeting)))
    }
  }

  private func report(_ event: Event) {
    let onEvent = onEvent
    self.onEvent = nil
    onEvent?(event)
  }

  // Bytes on work connections are neither used nor given back as credit.
  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    guard stallsAtFirstByte, !isStalled else { return }
    isStalled = true
    carrier.stream.pauseReading()
  }

  func streamDidEnd(_ stream: any ByteStream) {}
  func streamDidProgress(_ stream: any ByteStream) {}
  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) {}
}
