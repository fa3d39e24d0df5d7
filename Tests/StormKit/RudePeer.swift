internal import ByteBuffers
internal import LinuxSystem
internal import Reactor
internal import StreamCoding
internal import TestKit
internal import Timekeeping
internal import Transports
internal import WireProtocol

/// What a peer does that will never log in.
public enum RudeKind: String, CaseIterable, Sendable {
  /// Connects and says nothing.
  case silent
  /// Sends half of a TLS ClientHello.
  case halfHello
  /// Finishes the TLS handshake and says nothing.
  case idleTLS
  /// Sends yamux pings for ever.
  case pings
  /// Opens a stream and sends half of a login.
  case halfMessage
  /// Sends a login, a byte a second.
  case trickle
  /// Sends random bytes.
  case garbage
  /// Logs in with a wrong token, and stays.
  case wrongToken
  /// Opens as many streams as a stranger may, and says nothing on them.
  case openStreams
  /// Opens more streams than a stranger may.
  case manyStreams
}

/// The bytes that rude peers send.
enum RudeBytes {
  static let halfHello: [UInt8] =
    [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03] + [UInt8](1...40)

  static let wrongLogin = login(token: "not the token")

  static let halfMessage = Array(streamHead(byteCount: wrongLogin.count) + wrongLogin.prefix(20))

  static let loginOnStream = streamHead(byteCount: wrongLogin.count) + wrongLogin

  static func openings(_ count: Int) -> [UInt8] {
    (0..<count).flatMap { muxHeader(type: 1, flags: 1, stream: UInt32(1 + 2 * $0), length: 0) }
  }

  static func ping(_ number: UInt32) -> [UInt8] {
    muxHeader(type: 2, flags: 1, stream: 0, length: number)
  }

  static func login(token: String) -> [UInt8] {
    MessageChannel.frame(
      .login(
        Login(
          version: "0.70.0", privilegeKey: Credentials.privilegeKey(secret: token, timestamp: 1),
          timestamp: 1, runID: "", poolCount: 0)))
  }

  /// Opens stream 1 and announces so many bytes on it.
  private static func streamHead(byteCount: Int) -> [UInt8] {
    openings(1) + muxHeader(type: 0, flags: 0, stream: 1, length: UInt32(byteCount))
  }

  /// docs/protocol/mux.md: version, type, flags, stream, length.
  private static func muxHeader(
    type: UInt8, flags: UInt16, stream: UInt32, length: UInt32
  ) -> [UInt8] {
    [0, type, UInt8(flags >> 8), UInt8(flags & 0xff)]
      + withUnsafeBytes(of: stream.bigEndian) { Array($0) }
      + withUnsafeBytes(of: length.bigEndian) { Array($0) }
  }
}

/// Many rude peers of one kind on one loop. One that the relay ends is replaced by another while
/// `isRefilling`.
final class RudeCrowd {
  private let context: TransportContext
  private let target: SocketAddress
  private let kind: RudeKind
  private let count: Int
  private let isSpread: Bool
  private var peers: [ObjectIdentifier: RudePeer] = [:]
  private var random: RepeatableGenerator
  private var ticker: TimerID?
  private var tickCount = 0
  private let tls: TLSContext
  private var pendingCount = 0

  /// Connections begun, those that were established, those that could not be.
  private(set) var startCount = 0
  private(set) var connectedCount = 0
  private(set) var failedCount = 0
  /// When the last one was established.
  private(set) var lastConnectedAt: Instant
  var isRefilling = true

  /// - Parameter isSpread: whether the peers come from many addresses of 127.0.0.0/16, or from one.
  init(
    _ context: TransportContext, _ target: SocketAddress, _ kind: RudeKind, count: Int,
    isSpread: Bool, seed: UInt64
  ) throws {
    self.context = context
    self.target = target
    self.kind = kind
    self.count = count
    self.isSpread = isSpread
    random = RepeatableGenerator(seed: seed)
    tls = try TLSContext(.client, TLSSettings())
    lastConnectedAt = context.loop.now
  }

  /// Peers that are connected.
  var aliveCount: Int { peers.count }

  /// Whether as many as asked for have been there.
  var isComplete: Bool { connectedCount + failedCount >= count }

  func begin() {
    fill()
    tick()
  }

  /// Ends all that is left.
  func close() {
    isRefilling = false
    if let ticker { context.loop.cancel(ticker) }
    ticker = nil
    for peer in peers.values { peer.stream.abort() }
    peers = [:]
  }

  private func fill() {
    while pendingCount < 64, isRefilling || startCount < count,
      peers.count + pendingCount < count
    {
      startCount += 1
      pendingCount += 1
      connectOne(startCount)
    }
  }

  private func connectOne(_ number: Int) {
    let source =
      isSpread
      ? SocketAddress(host: "127.0.\(number / 200 % 200 + 1).\(number % 200 + 1)", port: 0) : nil
    Connector.connect(
      loop: context.loop, addresses: [target], localAddress: source, timeout: .seconds(20)
    ) { [self] outcome in
      pendingCount -= 1
      switch consume outcome {
      case .connected(let socket): add(SocketStream(context, owning: socket))
      case .failed: failedCount += 1
      }
      fill()
    }
  }

  private func add(_ stream: SocketStream) {
    connectedCount += 1
    lastConnectedAt = context.loop.now
    let peer = RudePeer(self, stream)
    peers[ObjectIdentifier(peer)] = peer
    stream.receiver = peer
    switch kind {
    case .silent, .trickle: break
    case .halfHello: stream.write(RudeBytes.halfHello)
    case .idleTLS:
      if let session = try? tls.makeSession() {
        stream.startTLS(session, received: UnsafeRawBufferPointer(start: nil, count: 0))
      }
    case .pings: stream.write(RudeBytes.ping(0))
    case .halfMessage: stream.write(RudeBytes.halfMessage)
    case .garbage: stream.write(random.bytes(100))
    case .wrongToken: stream.write(RudeBytes.loginOnStream)
    case .openStreams: stream.write(RudeBytes.openings(4))
    case .manyStreams: stream.write(RudeBytes.openings(64))
    }
  }

  fileprivate func didLose(_ peer: RudePeer) {
    peers[ObjectIdentifier(peer)] = nil
    peer.stream.abort()
    fill()
  }

  private func tick() {
    tickCount += 1
    for peer in peers.values {
      switch kind {
      case .pings: peer.stream.write(RudeBytes.ping(UInt32(tickCount)))
      case .trickle: peer.sendNextByte()
      case .silent, .halfHello, .idleTLS, .halfMessage, .garbage, .wrongToken, .openStreams,
        .manyStreams:
        break
      }
    }
    ticker = context.loop.schedule(after: .seconds(1)) { [weak self] in self?.tick() }
  }
}

/// One of them.
private final class RudePeer: ByteStreamReceiver {
  private unowned let crowd: RudeCrowd
  let stream: SocketStream
  private var sentCount = 0

  init(_ crowd: RudeCrowd, _ stream: SocketStream) {
    self.crowd = crowd
    self.stream = stream
  }

  func sendNextByte() {
    guard sentCount < RudeBytes.loginOnStream.count else { return }
    stream.write([RudeBytes.loginOnStream[sentCount]])
    sentCount += 1
  }

  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {}
  func streamDidEnd(_ stream: any ByteStream) { crowd.didLose(self) }
  func streamDidProgress(_ stream: any ByteStream) {}
  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) { crowd.didLose(self) }
}
