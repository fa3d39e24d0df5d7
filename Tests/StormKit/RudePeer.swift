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

/// What one peer of a crowd does.
struct RudeManners {
  /// As soon as it is connected.
  var greet: (SocketStream) -> Void = { _ in }
  /// Every second from then on; `age` are the seconds so far.
  var speak: ((SocketStream, _ age: Int) -> Void)?
}

extension RudeKind {
  /// - Parameter seed: what decides about random bytes.
  func makeManners(seed: UInt64) throws -> RudeManners {
    switch self {
    case .silent: return RudeManners()
    case .halfHello: return RudeManners { $0.write(RudeBytes.halfHello) }
    case .idleTLS:
      let tls = try TLSContext(.client, TLSSettings())
      return RudeManners { stream in
        guard let session = try? tls.makeSession() else { return }
        stream.startTLS(session, received: UnsafeRawBufferPointer(start: nil, count: 0))
      }
    case .pings:
      return RudeManners {
        $0.write(RudeBytes.ping(0))
      } speak: {
        $0.write(RudeBytes.ping(UInt32($1)))
      }
    case .halfMessage: return RudeManners { $0.write(RudeBytes.halfMessage) }
    case .trickle: return .trickling(RudeBytes.loginOnStream)
    case .garbage:
      var random = RepeatableGenerator(seed: seed)
      return RudeManners { $0.write(random.bytes(100)) }
    case .wrongToken: return RudeManners { $0.write(RudeBytes.loginOnStream) }
    case .openStreams: return RudeManners { $0.write(RudeBytes.openings(4)) }
    case .manyStreams: return RudeManners { $0.write(RudeBytes.openings(64)) }
    }
  }
}

extension RudeManners {
  /// A byte a second.
  static func trickling(_ bytes: [UInt8]) -> RudeManners {
    RudeManners(speak: { stream, age in
      if age <= bytes.count { stream.write([bytes[age - 1]]) }
    })
  }
}

/// Many rude peers with the same manners on one loop. One that the relay ends is replaced by
/// another while `isRefilling`.
final class RudeCrowd {
  private let context: TransportContext
  private let target: SocketAddress
  private let manners: RudeManners
  private let count: Int
  private let isSpread: Bool
  private var peers: [ObjectIdentifier: RudePeer] = [:]
  private var ticker: TimerID?
  private var pendingCount = 0

  /// Connections begun, those that were established, those that could not be.
  private(set) var startCount = 0
  private(set) var connectedCount = 0
  private(set) var failedCount = 0
  /// When the last one was established.
  private(set) var lastConnectedAt: Instant
  var isRefilling = true
  private var isClosed = false

  /// - Parameter isSpread: whether the peers come from many addresses of 127.0.0.0/16, or from one.
  init(
    _ context: TransportContext, _ target: SocketAddress, _ manners: RudeManners, count: Int,
    isSpread: Bool
  ) {
    self.context = context
    self.target = target
    self.manners = manners
    self.count = count
    self.isSpread = isSpread
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
    isClosed = true
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
    // Whoever is late would outlive this.
    guard !isClosed else { return stream.abort() }
    connectedCount += 1
    lastConnectedAt = context.loop.now
    let peer = RudePeer(self, stream)
    peers[ObjectIdentifier(peer)] = peer
    stream.receiver = peer
    manners.greet(stream)
  }

  fileprivate func didLose(_ peer: RudePeer) {
    peers[ObjectIdentifier(peer)] = nil
    peer.stream.abort()
    fill()
  }

  private func tick() {
    guard let speak = manners.speak else { return }
    for peer in peers.values {
      peer.age += 1
      speak(peer.stream, peer.age)
    }
    ticker = context.loop.schedule(after: .seconds(1)) { [weak self] in self?.tick() }
  }
}

/// One of them.
private final class RudePeer: ByteStreamReceiver {
  private unowned let crowd: RudeCrowd
  let stream: SocketStream
  var age = 0

  init(_ crowd: RudeCrowd, _ stream: SocketStream) {
    self.crowd = crowd
    self.stream = stream
  }

  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {}
  func streamDidEnd(_ stream: any ByteStream) { crowd.didLose(self) }
  func streamDidProgress(_ stream: any ByteStream) {}
  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) { crowd.didLose(self) }
}
