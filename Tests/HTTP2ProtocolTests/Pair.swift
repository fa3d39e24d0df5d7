import ByteBuffers
import HTTP2Protocol

/// A client and a server whose bytes go from one to the other in pieces of a test's choice.
final class Pair {
  let client = HTTP2Session(.client)
  let server = HTTP2Session(.server)
  /// The requests that came, in their order.
  var requests: [HTTP2Stream] = []
  /// The text that came on each stream, and was credited.
  private var texts: [ObjectIdentifier: [UInt8]] = [:]
  private let pieceByteCountMax: Int
  /// Streams whose text is left where it is.
  var unreadStreams: Set<ObjectIdentifier> = []

  init(pieceByteCountMax: Int = .max) { self.pieceByteCountMax = pieceByteCountMax }

  /// Lets bytes go to and fro until there are no more.
  func run() throws {
    var isMoving = true
    while isMoving {
      let there = try move(client, server)
      let back = try move(server, client)
      isMoving = there || back
    }
  }

  private func move(_ from: HTTP2Session, _ to: HTTP2Session) throws -> Bool {
    var queue = ByteQueue()
    try from.write(into: &queue, upTo: 1 << 16)
    take(from)
    var bytes = Array(queue.readableBytes)[...]
    guard !bytes.isEmpty else { return false }
    while !bytes.isEmpty {
      try Array(bytes.prefix(pieceByteCountMax)).withUnsafeBytes { try to.receive($0) }
      bytes = bytes.dropFirst(pieceByteCountMax)
      take(to)
    }
    return true
  }

  private func take(_ session: HTTP2Session) {
    for stream in session.takeTouched() {
      if session.role == .server, stream.takeNews() { requests.append(stream) }
      guard !unreadStreams.contains(ObjectIdentifier(stream)) else { continue }
      let text = stream.takeIncoming()
      texts[ObjectIdentifier(stream), default: []] += Array(text.readableBytes)
      stream.consume(text.count)
    }
  }

  /// What came on a stream so far.
  func bytes(_ stream: HTTP2Stream) -> [UInt8] { texts[ObjectIdentifier(stream)] ?? [] }

  /// The same as text.
  func text(_ stream: HTTP2Stream) -> String { String(decoding: bytes(stream), as: UTF8.self) }

  /// Begins a request.
  func ask(_ text: String) -> HTTP2Stream {
    let stream = client.makeStream()
    stream.write(text)
    return stream
  }
}

extension HTTP2Stream {
  func write(_ text: String) { write(Array(text.utf8)) }

  func write(_ bytes: [UInt8]) { bytes.withUnsafeBytes { write($0) } }
}
