internal import ByteBuffers
internal import HTTP2Protocol
internal import LinuxSystem
internal import Reactor
internal import Transports

/// A stream to a local service that speaks HTTP/2 without having been asked ("prior knowledge"). It
/// takes requests of HTTP/1.1, one after the other, and gives answers of HTTP/1.1.
final class ServiceSession: ByteStream, ByteStreamReceiver, FlushHandler {
  var receiver: (any ByteStreamReceiver)?

  private let context: TransportContext
  private let base: any ByteStream
  private let session = HTTP2Session(.client)
  /// The request that was begun last, until it and its answer are complete.
  private var current: HTTP2Stream?
  private var output = ByteQueue()
  private var isClosed = false
  private var hasServiceEnded = false
  private var isFlushScheduled = false

  /// Takes `base` over.
  init(_ context: TransportContext, over base: any ByteStream) {
    self.context = context
    self.base = base
    base.receiver = self
    base.resumeReading()
  }

  var localAddress: SocketAddress? { base.localAddress }

  var peerAddress: SocketAddress? { base.peerAddress }

  // MARK: Writing

  var unsentByteCount: Int { current?.unsentByteCount ?? 0 }

  func write(_ bytes: UnsafeRawBufferPointer) {
    guard !isClosed, bytes.count > 0 else { return }
    let stream = current ?? session.makeStream()
    current = stream
    stream.write(bytes)
    // The answer may have been there before the end of the request.
    if stream.isComplete { leave(stream) }
    scheduleFlush()
  }

  /// Does nothing: requests say themselves where they end, and tunnels do not come here.
  func finish() {}

  private func scheduleFlush() {
    guard !isClosed, !isFlushScheduled else { return }
    isFlushScheduled = true
    context.loop.scheduleFlush(self)
  }

  func flush() {
    isFlushScheduled = false
    guard !isClosed else { return }
    send()
    update()
    // The library has told the service what it did wrong.
    if current != nil, !session.wantsToRead {
      fail(.codingFailed("the local service does not speak HTTP/2"))
    }
  }

  private func send() {
    do throws(HTTP2Fault) {
      while base.unsentByteCount < GatewayLimits.unsentFrameByteCountMax {
        try session.write(into: &output, upTo: GatewayLimits.sessionWriteByteCountMax)
        if output.isEmpty { break }
        base.write(output.readableBytes)
        output.removeAll()
      }
    } catch {
      fail(.codingFailed(error.description))
    }
  }

  // MARK: Reading

  /// Does nothing: the local service is held back by credit alone.
  func pauseReading() {}

  /// Does nothing, as `pauseReading()`.
  func resumeReading() {}

  func consume(_ byteCount: Int) {
    current?.consume(byteCount)
    scheduleFlush()
  }

  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    guard !isClosed else { return }
    stream.consume(bytes.count)
    do throws(HTTP2Fault) {
      try session.receive(bytes)
    } catch {
      return fail(.codingFailed(error.description))
    }
    update()
    // At once: what the library thinks of it must be known before the service has gone.
    flush()
  }

  func streamDidEnd(_ stream: any ByteStream) {
    hasServiceEnded = true
    session.connectionDidEnd()
    update()
  }

  func streamDidProgress(_ stream: any ByteStream) { flush() }

  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) { fail(reason) }

  /// Passes on what is new.
  private func update() {
    for touched in session.takeTouched() where touched === current { pass(touched) }
    guard !isClosed, current == nil else { return }
    if session.isPeerLeaving || hasServiceEnded || !session.wantsToRead {
      receiver?.streamDidEnd(self)
    }
  }

  private func pass(_ stream: HTTP2Stream) {
    // With the last byte of the answer, the next request may come.
    let isComplete = stream.isComplete
    if isComplete { current = nil }
    if !stream.incoming.isEmpty {
      let text = stream.takeIncoming()
      receiver?.streamDidReceive(self, text.readableBytes)
    }
    if isComplete { leave(stream) }
    guard !isClosed, stream === current else { return }
    if stream.takeProgress() { receiver?.streamDidProgress(self) }
    if stream === current, stream.closeCode != nil { fail(.reset) }
  }

  /// Both messages are complete. A service that has answered need not take the rest of the request.
  private func leave(_ stream: HTTP2Stream) {
    if stream === current { current = nil }
    stream.close()
  }

  // MARK: Ends

  func close() { end { $0.close() } }

  func abort() { end { $0.abort() } }

  private func end(_ body: (any ByteStream) -> Void) {
    guard !isClosed else { return }
    receiver = nil
    current?.abort(.cancel)
    session.shutDown()
    send()
    isClosed = true
    body(base)
  }

  private func fail(_ reason: CloseReason) {
    guard !isClosed else { return }
    isClosed = true
    base.abort()
    let receiver = self.receiver
    self.receiver = nil
    receiver?.streamDidFail(self, reason)
  }
}
