import ByteBuffers
import Configuration
import LinuxSystem
import RelayServer
import StreamCoding
import TestKit
import Testing
import Timekeeping
import WireProtocol

/// A client made by hand: no TLS, one TCP connection, every byte under the test's control; without
/// mux, or over the first stream of one.
final class RawPeer {
  let socket: TestSocket
  private var mux: HandMadeMux?
  private var decoder = MessageDecoder()
  private var encryptor: StreamEncryptor?
  private var decryptor: StreamDecryptor?

  /// Connects, from the address `source` if one is given.
  init(_ port: UInt16, from source: String? = nil, isMux: Bool = false) throws {
    mux = isMux ? HandMadeMux() : nil
    guard let source else {
      socket = try TestSocket.connect(port)
      return
    }
    let descriptor = try Socket.makeTCP(.ipv4)
    let address = try #require(SocketAddress(host: source, port: 0))
    try Socket.bindLocal(descriptor.rawValue, to: address)
    try Socket.connect(descriptor.rawValue, to: .loopback(port: port))
    socket = TestSocket(descriptor)
  }

  static func login(token: String = Rig.token, runID: String = "", user: String = "") -> Login {
    Login(
      version: "0.70.0", user: user,
      privilegeKey: Credentials.privilegeKey(secret: token, timestamp: 1_700_000_000),
      timestamp: 1_700_000_000, runID: runID, poolCount: 1)
  }

  /// Logs in, and encrypts from there on.
  @discardableResult
  func logIn(_ login: Login = RawPeer.login(), token: String = Rig.token) throws -> LoginResponse {
    try send(.login(login))
    guard case .loginResponse(let answer) = try receive() else { throw RawPeerError.unexpected }
    guard answer.error.isEmpty else { return answer }
    let key = StreamKey.derive(from: token)
    encryptor = StreamEncryptor(
      key: key, initializationVector: [UInt8](repeating: 7, count: 16))
    decryptor = StreamDecryptor(key: key)
    let rest = decoder.takeRemainder()
    feed(rest)
    return answer
  }

  func send(_ message: Message) throws {
    var frame = ByteQueue()
    _ = MessageEncoder.encode(message, into: &frame)
    try send(Array(frame.readableBytes))
  }

  /// Sends raw bytes, encrypted when the connection is.
  func send(_ bytes: [UInt8]) throws {
    var wire = ByteQueue()
    if encryptor == nil {
      wire.append(bytes)
    } else {
      bytes.withUnsafeBytes { encryptor?.encrypt($0, into: &wire) }
    }
    let bytes = Array(wire.readableBytes)
    try socket.send(mux?.frame(bytes) ?? bytes)
  }

  /// Whether pings of the mux are answered.
  var answersPings: Bool {
    get { mux?.answersPings ?? false }
    set { mux?.answersPings = newValue }
  }

  func receive(within limit: Interval = TestSocket.patience) throws -> Message {
    while true {
      if let message = try decoder.next() { return message }
      let bytes = try socket.receiveSome(within: limit)
      guard !bytes.isEmpty else { throw RawPeerError.closed }
      guard mux != nil else {
        feed(bytes)
        continue
      }
      feed(mux?.unframe(bytes) ?? [])
      let answers = mux?.takeAnswers() ?? []
      if !answers.isEmpty { try socket.send(answers) }
    }
  }

  /// The next message that is no request for a work connection.
  func receiveAnswer() throws -> Message {
    while true {
      let message = try receive()
      if message.type != .requestWorkConnection { return message }
    }
  }

  private func feed(_ bytes: [UInt8]) {
    var plain = ByteQueue()
    if decryptor == nil {
      plain.append(bytes)
    } else {
      bytes.withUnsafeBytes { decryptor?.decrypt($0, into: &plain) }
    }
    decoder.append(plain.readableBytes)
  }
}

/// The frames of one yamux stream, the first that a client opens.
struct HandMadeMux {
  var answersPings = true
  private var isOpen = false
  private var input: [UInt8] = []
  private var answers: [UInt8] = []

  /// Data frames for `bytes`, behind the frame that opens the stream.
  mutating func frame(_ bytes: [UInt8]) -> [UInt8] {
    let opening: [UInt8] = isOpen ? [] : [0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0]
    isOpen = true
    let length = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: bytes.count >> $0) }
    return opening + [0, 0, 0, 0, 0, 0, 0, 1] + length + bytes
  }

  /// What data frames hold; pings are noted.
  mutating func unframe(_ bytes: [UInt8]) -> [UInt8] {
    input += bytes
    var data: [UInt8] = []
    while input.count >= 12 {
      let isData = input[1] == 0
      let length = input[8..<12].reduce(0) { $0 << 8 | Int($1) }
      let frameByteCount = 12 + (isData ? length : 0)
      guard input.count >= frameByteCount else { break }
      if isData { data += input[12..<frameByteCount] }
      // A ping with SYN is answered with ACK and the same value.
      if input[1] == 2, input[3] & 1 != 0, answersPings {
        answers += [0, 2, 0, 2] + input[4..<12]
      }
      input.removeFirst(frameByteCount)
    }
    return data
  }

  mutating func takeAnswers() -> [UInt8] {
    defer { answers = [] }
    return answers
  }
}

enum RawPeerError: Error {
  case closed
  case unexpected
}

/// A relay alone.
final class LoneServer: Sendable {
  let thread: LoopThread
  let server: LoopConfined<RelayServer>
  let port: UInt16

  init(_ stack: Stack, _ change: @Sendable (inout ServerConfiguration) -> Void = { _ in }) throws {
    var configuration = Rig.serverConfiguration(stack)
    change(&configuration)
    let settings = configuration
    thread = try LoopThread()
    server = try thread.make { loop in
      let server = try RelayServer(loop, configuration: settings, logger: Rig.logger)
      try server.start()
      return server
    }
    let confined = server
    port = try thread.run { confined.on($0).boundAddress?.port ?? 0 }
  }

  /// Goes on with the configuration that `change` makes of the usual one.
  @discardableResult
  func reload(
    _ stack: Stack = Stack(), _ change: @Sendable (inout ServerConfiguration) -> Void = { _ in }
  ) throws -> ReloadOutcome {
    var configuration = Rig.serverConfiguration(stack)
    change(&configuration)
    let settings = configuration
    let server = self.server
    return try thread.run { server.on($0).reload(settings) }
  }

  func publicPort(_ name: String) throws -> UInt16? {
    let server = self.server
    return try thread.run { server.on($0).publicAddress(ofProxy: name)?.port }
  }

  func sessionCount() throws -> Int {
    let server = self.server
    return try thread.run { server.on($0).sessionCount }
  }

  func strangerCount() throws -> Int {
    let server = self.server
    return try thread.run { server.on($0).strangerCount }
  }

  func counters() throws -> RelayCounters {
    let server = self.server
    return try thread.run { server.on($0).counters }
  }

  func stop() throws {
    let server = self.server
    try thread.run { loop in
      server.on(loop).stop()
      server.on(loop).stop()
    }
    thread.stop()
  }
}
