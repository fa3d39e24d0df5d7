internal import ByteBuffers
internal import HTTPProtocol
internal import Reactor
internal import Timekeeping
internal import Transports

/// One connection to a server of ours: reads requests, writes answers, one at a time.
///
/// States: reading; answering (the request is with its handler); closed.
final class APIConnection: ByteStreamReceiver {
  private unowned let server: APIServer
  private let stream: SocketStream
  private var reader = APIRequestReader(bodyByteCountMax: DashboardLimits.bodyByteCountMax)
  private var input = ByteQueue()
  private var isAnswering = false
  private var isClosed = false
  private var isSteppingThrough = false
  private var idleTimer: TimerID?
  private(set) var lastActiveAt: Instant

  init(_ server: APIServer, _ stream: SocketStream) {
    self.server = server
    self.stream = stream
    lastActiveAt = server.context.loop.now
  }

  func begin() {
    stream.receiver = self
    armIdleTimer()
    guard let tls = server.settings.tls else { return }
    do throws(TLSError) {
      stream.startTLS(
        try tls.makeSession(), received: UnsafeRawBufferPointer(start: nil, count: 0))
    } catch {
      close()
    }
  }

  /// Ends the connection behind what was written.
  func close() {
    guard !isClosed else { return }
    isClosed = true
    if let idleTimer { server.context.loop.cancel(idleTimer) }
    idleTimer = nil
    stream.close()
    server.connectionDidEnd(self)
  }

  // MARK: From the stream

  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    guard !isClosed else { return }
    input.append(bytes)
    readRequests()
  }

  func streamDidEnd(_ stream: any ByteStream) {
    // Who has sent his last request still gets his answer.
    if !isAnswering { close() }
  }

  func streamDidProgress(_ stream: any ByteStream) {
    lastActiveAt = server.context.loop.now
    readRequests()
  }

  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) { close() }

  // MARK: Requests

  private func readRequests() {
    // A handler that answers at once leads back here; the outer call goes on then.
    guard !isSteppingThrough else { return }
    isSteppingThrough = true
    defer { isSteppingThrough = false }
    while !isClosed, !isAnswering,
      stream.unsentByteCount <= DashboardLimits.unsentByteCountMax, step()
    {}
    if isClosed { return }
    // One head's worth of bytes may wait while the request before is answered, or its answer taken.
    let isWaiting =
      isAnswering || stream.unsentByteCount > DashboardLimits.unsentByteCountMax
    if isWaiting, input.count > HTTPProtocolLimits.headByteCountMax {
      stream.pauseReading()
    } else {
      stream.resumeReading()
    }
  }

  /// - Returns: whether there may be more to do.
  private func step() -> Bool {
    var consumedByteCount = 0
    let event = input.withReadableSpan { reader.next($0, consumedByteCount: &consumedByteCount) }
    input.removeFirst(consumedByteCount)
    switch event {
    case .moreBytesNeeded: return false
    case .continueExpected:
      var interim = ByteQueue()
      HTTPAnswer.writeContinue(into: &interim)
      stream.write(interim.readableBytes)
    case .refused(let answer):
      write(answer, to: VisitorExchange())
    case .request(let request):
      lastActiveAt = server.context.loop.now
      isAnswering = true
      server.handle(request) { [weak self] answer in
        self?.write(answer, to: request.exchange)
      }
    }
    return true
  }

  private func write(_ answer: HTTPAnswer, to exchange: VisitorExchange) {
    guard !isClosed else { return }
    isAnswering = false
    var output = ByteQueue()
    let goesOn = answer.write(
      to: exchange, isKeepAlive: !reader.isClosed, date: server.dateText, into: &output)
    stream.write(output.readableBytes)
    lastActiveAt = server.context.loop.now
    guard goesOn else { return close() }
    readRequests()
  }

  // MARK: Time

  private func armIdleTimer() {
    let deadline = lastActiveAt + DashboardLimits.idleTimeout
    idleTimer = server.context.loop.schedule(at: deadline) { [unowned self] in
      // Cancelled in `close`.
      idleTimer = nil
      let isIdle = server.context.loop.now - lastActiveAt >= DashboardLimits.idleTimeout
      if isIdle, !isAnswering { close() } else { armIdleTimer(from: server.context.loop.now) }
    }
  }

  private func armIdleTimer(from now: Instant) {
    if lastActiveAt + DashboardLimits.idleTimeout <= now { lastActiveAt = now }
    armIdleTimer()
  }
}
