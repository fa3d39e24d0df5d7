import ByteBuffers
import Configuration
import LinuxSystem
import RelayServer
import StreamCoding
import TestKit
import Testing
import Timekeeping
import WireProtocol

/// A client made by hand: no TLS, no mux, one TCP connection, every byte under the test's control.
final class RawPeer {
  let socket: TestSocket
  private var decoder = MessageDecoder()
  private var encryptor: StreamEncryptor?
  private var decryptor: StreamDecryptor?

  /// Connects, from the address `source` if one is given.
  init(_ port: UInt16, from source: String? = nil) throws {
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
  func logIn(_ login: Login = RawPeer.login()) throws -> LoginResponse {
    try send(.login(login))
    guard case .loginResponse(let answer) = try receive() else { throw RawPeerError.unexpected }
    guard answer.error.isEmpty else { return answer }
    let key = StreamKey.derive(from: Rig.token)
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
    try socket.send(Array(wire.readableBytes))
  }

  func receive(within limit: Interval = TestSocket.patience) throws -> Message {
    while true {
      if let message = try decoder.next() { return message }
      let bytes = try socket.receiveSome(within: limit)
      guard !bytes.isEmpty else { throw RawPeerError.closed }
      feed(bytes)
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

  func publicPort(_ name: String) throws -> UInt16? {
    let server = self.server
    return try thread.run { server.on($0).publicAddress(ofProxy: name)?.port }
  }

  func sessionCount() throws -> Int {
    let server = self.server
    return try thread.run { server.on($0).sessionCount }
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
