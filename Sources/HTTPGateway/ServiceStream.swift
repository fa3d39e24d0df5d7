internal import ByteBuffers
internal import HTTPProtocol
internal import LinuxSystem
internal import Timekeeping
internal import Transports

/// One stream to a local service, which serves one request after the other.
///
/// States: in use (`user` is the visitor whose request it carries); idle (the service keeps it, and
/// whatever it says ends it); over.
final class ServiceStream: ByteStreamReceiver {
  let service: GatewayService
  let stream: any ByteStream
  let isHalfCloseKept: Bool
  /// Whether the local service speaks HTTP/2 on it.
  let isHTTP2: Bool
  /// The visitor whose request it carries.
  var user: VisitorConnection?
  /// Reads the answer to that request.
  var reader = ResponseReader(answering: .get)
  /// What has come and cannot be read before there is more.
  var input = ByteQueue()
  /// Whether it has answered a request before the one that it carries.
  private(set) var hasServed = false
  /// When it became idle.
  var idleSince = Instant(nanoseconds: 0)
  /// Bytes that came and for which the local service has no credit yet.
  private var owed = 0
  private var isPaused = false

  /// - Parameter context: with one, the local service is spoken to in HTTP/2.
  init(
    _ service: GatewayService, _ connection: ServiceConnection,
    overHTTP2 context: TransportContext? = nil
  ) {
    self.service = service
    stream =
      context.map { ServiceSession($0, over: connection.stream) } ?? connection.stream
    isHTTP2 = context != nil
    isHalfCloseKept = connection.isHalfCloseKept
    stream.receiver = self
  }

  /// Carries a request of `user` from here on.
  func begin(for user: VisitorConnection, _ method: HTTPMethod) {
    self.user = user
    reader = ResponseReader(answering: method)
    stream.resumeReading()
  }

  // MARK: Pace

  /// Reads on or stops: the visitor has not taken `unsentByteCount` bytes.
  func settle(unsentByteCount unsent: Int) {
    if owed > unsent {
      stream.consume(owed - unsent)
      owed = unsent
    }
    if unsent > 0, !isPaused {
      isPaused = true
      stream.pauseReading()
    } else if unsent == 0, isPaused {
      isPaused = false
      stream.resumeReading()
    }
  }

  /// The number of bytes at the end of what came for which there is no credit yet.
  var owedByteCount: Int { owed }

  // MARK: Ends

  /// Gives it back after a request that is over.
  func release() {
    user = nil
    hasServed = true
    settle(unsentByteCount: 0)
    service.keep(self)
  }

  /// Ends it in order.
  func end() {
    user = nil
    stream.close()
  }

  /// Ends it so that the local service knows that something is missing.
  func abort() {
    user = nil
    stream.abort()
  }

  /// Gives the stream away.
  func surrender() -> any ByteStream {
    user = nil
    stream.receiver = nil
    return stream
  }

  // MARK: From the stream

  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    owed += bytes.count
    guard let user else { return leave(isAborted: true) }
    user.serviceDidReceive(self, bytes)
  }

  func streamDidEnd(_ stream: any ByteStream) {
    guard let user else { return leave(isAborted: false) }
    user.serviceDidEnd(self)
  }

  func streamDidProgress(_ stream: any ByteStream) {
    user?.serviceDidProgress(self)
  }

  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) {
    guard let user else { return service.forget(self) }
    user.serviceDidFail(self, reason)
  }

  private func leave(isAborted: Bool) {
    service.forget(self)
    if isAborted { abort() } else { end() }
  }
}
