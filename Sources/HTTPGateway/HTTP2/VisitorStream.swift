internal import ByteBuffers
internal import HTTP2Protocol
internal import LinuxSystem
internal import Transports

/// One request of a visitor who speaks HTTP/2, as a connection of its own that carries HTTP/1.1.
///
/// What was written and waits for the visitor's window is seen by the writer as `unsentByteCount`;
/// the visitor is held back by credit alone.
final class VisitorStream: ByteStream {
  var receiver: (any ByteStreamReceiver)?

  private let session: VisitorSession
  private let stream: HTTP2Stream
  private var hasDelivered = false
  private var hasToldEnd = false

  init(_ session: VisitorSession, _ stream: HTTP2Stream) {
    self.session = session
    self.stream = stream
  }

  var localAddress: SocketAddress? { session.stream.localAddress }

  var peerAddress: SocketAddress? { session.stream.peerAddress }

  // MARK: Writing

  var unsentByteCount: Int { stream.unsentByteCount }

  func write(_ bytes: UnsafeRawBufferPointer) {
    stream.write(bytes)
    session.scheduleFlush()
  }

  func finish() {
    stream.finish()
    session.scheduleFlush()
  }

  func close() {
    receiver = nil
    stream.close()
    session.scheduleFlush()
  }

  func abort() {
    receiver = nil
    // A request of which nobody has read a byte may be sent again (RFC 9113, section 8.7).
    stream.abort(hasDelivered ? .internalError : .refusedStream)
    session.scheduleFlush()
  }

  // MARK: Reading

  /// Does nothing: the visitor is held back by credit alone.
  func pauseReading() {}

  /// Does nothing, as `pauseReading()`.
  func resumeReading() {}

  func consume(_ byteCount: Int) {
    stream.consume(byteCount)
    session.scheduleFlush()
  }

  /// Passes on what is new.
  func update() {
    if !stream.incoming.isEmpty, let receiver {
      hasDelivered = true
      let text = stream.takeIncoming()
      receiver.streamDidReceive(self, text.readableBytes)
    }
    if stream.closeCode != nil, !stream.isComplete {
      let receiver = self.receiver
      self.receiver = nil
      receiver?.streamDidFail(self, .reset)
      return
    }
    if stream.takeProgress() { receiver?.streamDidProgress(self) }
    // The end of a request is part of its text.
    if stream.hasPeerEnded, stream.isTunnel, !hasToldEnd {
      hasToldEnd = true
      receiver?.streamDidEnd(self)
    }
  }
}
