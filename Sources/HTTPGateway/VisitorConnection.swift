internal import ByteBuffers
internal import HTTP2Protocol
internal import HTTPProtocol
internal import LinuxSystem
internal import Reactor
internal import Timekeeping
internal import Transports

/// One visitor's connection: his requests, one after the other, each with its answer.
///
/// States: idle (no byte of a request); head (some bytes of one); waiting (for a stream to the
/// local service); exchanging (the request goes there and the answer comes back, both as they are
/// read; or the answer is ours, and the rest of the request is dropped); tunnel (both streams
/// belong to a pair); closed.
///
/// Whatever happens in a turn is collected in `toService` and `toVisitor`, and `settle` ends every
/// turn: it writes each of them once, and reads on or stops on both sides. A request with a fault
/// that is known in its first turn has therefore sent nothing.
final class VisitorConnection: ByteStreamReceiver, RingMember {
  enum Phase {
    case idle, head, waiting, exchanging, tunnel, closed
  }

  unowned let gateway: Gateway
  let stream: any ByteStream
  let origin: VisitorOrigin
  let addressText: String
  var phase = Phase.idle
  /// The request that is being served.
  var exchange: Exchange?
  /// The stream that carries it.
  var service: ServiceStream?
  /// What the host looks for.
  var streamRequest: UInt64?
  var tunnel: JoinedPair?

  var reader = RequestReader()
  /// What came of the visitor and was not read yet.
  var input = ByteQueue()
  /// What this turn has for the local service, and for the visitor.
  var toService = ByteQueue()
  var toVisitor = ByteQueue()
  /// Whether the connection ends behind what was written.
  var isEnding = false
  /// Whether the visitor has ended his direction.
  var hasVisitorEnded = false

  /// When a byte was last moved.
  var lastActiveAt: Instant
  var headBeganAt: Instant
  var timer: TimerID?
  var timerDeadline = Instant(nanoseconds: 0)
  /// Called once at the end.
  var onEnd: (() -> Void)?
  var ringPosition = 0
  /// Whether there has been a request.
  var hasAsked = false

  /// Whether it is not known yet that he speaks HTTP/1.
  private var isFresh: Bool
  private var isReading = false
  private var isPaused = false
  /// Whether the last reading stopped because more bytes are needed.
  private var isHungry = false
  /// Bytes that came and for which the visitor has no credit yet.
  private var owed = 0

  init(
    _ gateway: Gateway, _ stream: any ByteStream, _ origin: VisitorOrigin,
    onEnd: @escaping () -> Void
  ) {
    self.gateway = gateway
    self.stream = stream
    self.origin = origin
    self.onEnd = onEnd
    isFresh = !origin.isHTTP2
    addressText = origin.address?.host ?? ""
    lastActiveAt = gateway.context.loop.now
    headBeganAt = lastActiveAt
  }

  var now: Instant { gateway.context.loop.now }

  /// Whether a request or a tunnel is not over.
  var isActive: Bool {
    switch phase {
    case .idle, .closed: false
    case .head, .waiting, .exchanging, .tunnel: true
    }
  }

  /// Reads requests from here on; `early` are bytes that came before.
  func begin(_ early: [UInt8]) {
    stream.receiver = self
    stream.resumeReading()
    if early.isEmpty {
      armDeadline()
    } else {
      early.withUnsafeBytes { streamDidReceive(stream, $0) }
    }
  }

  // MARK: From the visitor

  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    guard phase != .closed, !isEnding, !bytes.isEmpty else { return }
    owed += bytes.count
    lastActiveAt = now
    guard input.isEmpty else {
      input.append(bytes)
      return isFresh ? readFirst() : readQueued()
    }
    if isFresh, bytes.first == HTTP2Preface.firstByte {
      input.append(bytes)
      return readFirst()
    }
    isFresh = false
    let consumed = readRequests(bytes.bytes)
    if consumed < bytes.count {
      input.append(UnsafeRawBufferPointer(rebasing: bytes[consumed...]))
    }
    settle()
  }

  func streamDidEnd(_ stream: any ByteStream) {
    hasVisitorEnded = true
    readQueued()
  }

  func streamDidProgress(_ stream: any ByteStream) {
    lastActiveAt = now
    readQueued()
  }

  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) { abort() }

  // MARK: Reading

  /// The first bytes may be those of HTTP/2.
  private func readFirst() {
    switch HTTP2Preface.isFound(in: input.readableBytes) {
    case true?: leaveToSession()
    case false?:
      isFresh = false
      readQueued()
    case nil:
      isHungry = true
      noteHead(input.count)
      settle()
    }
  }

  /// Reads on in what waits, and ends the turn.
  func readQueued() {
    guard phase != .closed, !isReading else { return }
    // Nothing changes the queue while it is read.
    let consumed = readRequests(input.readableBytes.bytes)
    input.removeFirst(consumed)
    settle()
  }

  private func readRequests(_ bytes: RawSpan) -> Int {
    isReading = true
    isHungry = false
    defer { isReading = false }
    var consumed = 0
    while mayRead {
      let rest = bytes.extracting(consumed..<bytes.byteCount)
      let step: RequestReader.Step
      do throws(HTTPFault) {
        step = try reader.next(rest)
      } catch {
        refuse(error)
        return consumed
      }
      consumed += step.consumedByteCount
      switch step.event {
      case .head(let head): beginRequest(head)
      case .body(let range): passBody(rest.extracting(range))
      case .end(let trailers): endRequest(trailers)
      case nil:
        guard step.consumedByteCount == 0 else { continue }
        isHungry = true
        noteHead(rest.byteCount)
        return consumed
      }
    }
    return consumed
  }

  /// Whether a next piece of a request can be taken.
  private var mayRead: Bool {
    if isEnding { return false }
    switch phase {
    case .idle, .head:
      return stream.unsentByteCount + toVisitor.count <= GatewayLimits.unsentAnswerByteCountMax
    case .exchanging:
      guard let exchange, exchange.endedAt == nil else { return false }
      return service.map { $0.stream.unsentByteCount == 0 } ?? true
    case .waiting, .tunnel, .closed: return false
    }
  }

  private func noteHead(_ waitingByteCount: Int) {
    switch phase {
    case .idle:
      guard waitingByteCount > 0 else { return }
      phase = .head
      headBeganAt = now
    case .head, .waiting, .exchanging, .tunnel, .closed: break
    }
  }

  // MARK: The end of a turn

  /// Writes what this turn has collected, and reads on or stops on both sides.
  func settle() {
    guard phase != .closed, phase != .tunnel else { return }
    if hasVisitorEnded, isHungry { visitorDidEnd() }
    flush()
    if isEnding { return close() }
    if let service {
      service.settle(unsentByteCount: stream.unsentByteCount)
    }
    settleVisitor()
    armDeadline()
  }

  func flush() {
    if !toService.isEmpty {
      if let service {
        exchange?.isSent = true
        service.stream.write(toService.readableBytes)
      }
      toService.removeAll()
    }
    if !toVisitor.isEmpty {
      stream.write(toVisitor.readableBytes)
      toVisitor.removeAll()
    }
  }

  private func settleVisitor() {
    let unsent = isUploading ? service?.stream.unsentByteCount ?? 0 : 0
    let held = input.count + unsent
    if owed > held {
      stream.consume(owed - held)
      owed = held
    }
    let shallPause =
      unsent > 0 || !isHungry && input.count > GatewayLimits.waitingByteCountMax
    guard shallPause != isPaused else { return }
    isPaused = shallPause
    if shallPause { stream.pauseReading() } else { stream.resumeReading() }
  }

  var isUploading: Bool { exchange.map { $0.endedAt == nil } ?? false }

  /// The visitor gets credit for all that came of him, as somebody else reads on.
  func settleAll() {
    if owed > 0 { stream.consume(owed) }
    owed = 0
  }
}
