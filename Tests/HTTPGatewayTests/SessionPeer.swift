import ByteBuffers
import HTTP2Protocol
import LinuxSystem
import TestKit
import Timekeeping

/// One end of an HTTP/2 connection on a test's socket, with calls that block.
final class SessionPeer {
  let socket: TestSocket
  let session: HTTP2Session
  /// The requests that came, of a server's end.
  private(set) var requests: [HTTP2Stream] = []
  private var texts: [ObjectIdentifier: [UInt8]] = [:]
  private var streams: [HTTP2Stream] = []
  private(set) var hasEnded = false
  /// Whether what comes is credited.
  var isReading = true

  init(_ socket: TestSocket, _ role: HTTP2Session.Role = .client) {
    self.socket = socket
    session = HTTP2Session(role)
  }

  convenience init(_ rig: GatewayRig) throws { self.init(try TestSocket.connect(rig.port)) }

  /// Begins a request.
  func ask(_ text: String) throws -> HTTP2Stream {
    let stream = session.makeStream()
    streams.append(stream)
    stream.write(Array(text.utf8))
    try send()
    return stream
  }

  /// Sends what can go.
  func send() throws {
    while true {
      var queue = ByteQueue()
      try session.write(into: &queue, upTo: 1 << 16)
      take()
      if queue.isEmpty { return }
      try socket.send(Array(queue.readableBytes))
    }
  }

  /// Takes what comes, until `isDone`.
  func run(
    within limit: Interval = TestSocket.patience, until isDone: () throws -> Bool
  ) throws {
    try send()
    let end = HostSystem.monotonicNanoseconds + limit.nanoseconds
    while try !isDone() {
      let rest = Interval(nanoseconds: end - HostSystem.monotonicNanoseconds)
      let bytes = try socket.receiveSome(within: rest)
      if bytes.isEmpty {
        hasEnded = true
        session.connectionDidEnd()
        take()
        if try isDone() { return }
        throw TestSocketError.endOfStream(byteCount: 0)
      }
      try bytes.withUnsafeBytes { try session.receive($0) }
      take()
      try send()
    }
  }

  /// The whole answer to a request, head and body.
  func answer(_ text: String) throws -> String {
    let stream = try ask(text)
    try run { stream.hasPeerEnded || stream.closeCode != nil }
    return self.text(stream)
  }

  func text(_ stream: HTTP2Stream) -> String { String(decoding: bytes(stream), as: UTF8.self) }

  func bytes(_ stream: HTTP2Stream) -> [UInt8] { texts[ObjectIdentifier(stream)] ?? [] }

  private func take() {
    for stream in session.takeTouched() {
      if session.role == .server, stream.takeNews() { requests.append(stream) }
      let text = stream.takeIncoming()
      texts[ObjectIdentifier(stream), default: []] += Array(text.readableBytes)
      if isReading { stream.consume(text.count) }
    }
  }
}

extension HTTP2Stream {
  func write(_ bytes: [UInt8]) { bytes.withUnsafeBytes { write($0) } }
}

/// A visitor who sends frames that no library would.
final class FrameVisitor {
  let socket: TestSocket
  private var rest: [UInt8] = []

  init(_ rig: GatewayRig) throws {
    socket = try TestSocket.connect(rig.port)
    try socket.send(HTTP2Frame.preface + HTTP2Frame(.settings).bytes)
  }

  func send(_ frames: [HTTP2Frame]) throws { try socket.send(frames.flatMap(\.bytes)) }

  /// What comes until a frame fits; `nil` when the connection ends before.
  func receive(
    within limit: Interval = TestSocket.patience, until fits: (HTTP2Frame) -> Bool
  ) throws -> HTTP2Frame? {
    while true {
      if let found = HTTP2Frame.read(&rest).first(where: fits) { return found }
      let bytes = try socket.receiveSome(within: limit)
      if bytes.isEmpty { return nil }
      rest += bytes
    }
  }

  /// The code that the connection ends with.
  func goAwayCode() throws -> UInt32? {
    try receive { $0.kind == HTTP2Frame.Kind.goAway.rawValue }?.errorCode
  }
}
