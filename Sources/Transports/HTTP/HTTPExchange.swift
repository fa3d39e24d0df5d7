internal import ByteBuffers
public import HTTPProtocol
public import Reactor
public import Timekeeping

/// What came back for a request of our own.
public struct HTTPReply: Equatable, Sendable {
  /// The code.
  public let status: HTTPStatus
  /// Where `Location` leads.
  public let location: String?
  /// The body; empty if it was not asked for.
  public let body: [UInt8]
}

/// Why nothing came back.
public enum HTTPExchangeError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Method, target or host are none.
  case requestInvalid
  /// There is no connection; where and why.
  case unreachable(DialError)
  /// The connection ended before the answer did.
  case cut(String)
  /// The answer is no HTTP.
  case malformed(HTTPFault)
  /// The body has more bytes than are read.
  case bodyTooLong(byteCountMax: Int)
  /// The time was over.
  case timedOut(after: Interval)

  /// One line.
  public var description: String {
    switch self {
    case .requestInvalid: "the request cannot be written"
    case .unreachable(let error): "\(error)"
    case .cut(let text): "the connection ended before the answer: \(text)"
    case .malformed(let fault): "the answer is no HTTP: \(fault)"
    case .bodyTooLong(let byteCountMax): "the answer has more than \(byteCountMax) bytes"
    case .timedOut(let limit): "no answer within \(limit.inSeconds) s"
    }
  }
}

/// One request of our own on a connection of its own, until its answer, its failure or its
/// deadline: a call of an interface, a health check.
public final class HTTPExchange: ByteStreamReceiver {
  private let context: TransportContext
  private let request: OutgoingRequest
  private let bodyByteCountMax: Int?
  private let timeout: Interval
  private var dialer: CarrierDialer?
  private var stream: SocketStream?
  private var deadline: TimerID?
  private var reader: ResponseReader
  private var input = ByteQueue()
  private var head: ResponseHead?
  private var body: [UInt8] = []
  private var completion: ((Result<HTTPReply, HTTPExchangeError>) -> Void)?

  /// Begins. `completion` comes once, later, unless `cancel()` comes before.
  ///
  /// - Parameters:
  ///   - settings: how the server is reached; its own timeout does not count.
  ///   - bodyByteCountMax: the most bytes of a body; `nil` when the code alone is wanted.
  ///   - timeout: for all of it.
  public init(
    _ context: TransportContext, resolver: Resolver, settings: CarrierSettings,
    request: OutgoingRequest, bodyByteCountMax: Int?, timeout: Interval,
    completion: @escaping (Result<HTTPReply, HTTPExchangeError>) -> Void
  ) {
    self.context = context
    self.request = request
    self.bodyByteCountMax = bodyByteCountMax
    self.timeout = timeout
    self.completion = completion
    reader = ResponseReader(answering: request.method)
    deadline = context.loop.schedule(after: timeout) { [unowned self] in
      // Cancelled in `release`.
      deadline = nil
      conclude(.failure(.timedOut(after: timeout)))
    }
    var settings = settings
    settings.dialTimeout = timeout
    dialer = CarrierDialer(context, resolver: resolver, settings: settings) { [self] result in
      dialer = nil
      switch result {
      case .success(let stream): send(over: stream)
      case .failure(let error): conclude(.failure(.unreachable(error)))
      }
    }
  }

  /// Gives up without a completion.
  public func cancel() {
    completion = nil
    release()
  }

  private func send(over stream: SocketStream) {
    self.stream = stream
    stream.receiver = self
    var output = ByteQueue()
    guard request.write(into: &output) else { return conclude(.failure(.requestInvalid)) }
    stream.write(output.readableBytes)
  }

  private func conclude(_ result: Result<HTTPReply, HTTPExchangeError>) {
    release()
    let completion = self.completion
    self.completion = nil
    completion?(result)
  }

  private func release() {
    if let deadline { context.loop.cancel(deadline) }
    deadline = nil
    dialer?.cancel()
    dialer = nil
    // Nothing more is wanted of the server, and nothing is kept for it.
    stream?.abort()
    stream = nil
  }

  private func concludeWithReply() {
    guard let head else { return }
    let location = head.fields.first(.location)
    conclude(.success(HTTPReply(status: head.status, location: location, body: body)))
  }

  // MARK: The answer

  /// Reads on.
  public func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    input.append(bytes)
    do throws(HTTPFault) {
      while completion != nil, try step() {}
    } catch {
      conclude(.failure(.malformed(error)))
    }
  }

  /// - Returns: whether there may be more to read.
  private func step() throws(HTTPFault) -> Bool {
    let step = try input.withReadableSpan { (span: RawSpan) throws(HTTPFault) in
      let step = try reader.next(span)
      if case .body(let range) = step.event { keep(span, range) }
      return step
    }
    input.removeFirst(step.consumedByteCount)
    switch step.event {
    case .head(let head):
      guard !head.isInterim else { return true }
      self.head = head
      if bodyByteCountMax == nil || head.isTunnel { concludeWithReply() }
      return true
    case .body:
      if let bodyByteCountMax, body.count > bodyByteCountMax {
        conclude(.failure(.bodyTooLong(byteCountMax: bodyByteCountMax)))
      }
      return true
    case .end:
      concludeWithReply()
      return false
    case nil: return step.consumedByteCount > 0
    }
  }

  private func keep(_ span: RawSpan, _ range: Range<Int>) {
    // One byte too many says that there are too many.
    let room = (bodyByteCountMax ?? 0) + 1 - body.count
    for index in range.prefix(max(0, room)) {
      body.append(span.unsafeLoad(fromByteOffset: index, as: UInt8.self))
    }
  }

  /// The end of the connection may be the end of the body.
  public func streamDidEnd(_ stream: any ByteStream) {
    do throws(HTTPFault) {
      if try reader.handleEndOfInput() { return concludeWithReply() }
      conclude(.failure(.cut("closed")))
    } catch {
      conclude(.failure(error == .truncated ? .cut("closed") : .malformed(error)))
    }
  }

  /// Nothing waits for room.
  public func streamDidProgress(_ stream: any ByteStream) {}

  /// The connection failed.
  public func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) {
    conclude(.failure(.cut("\(reason)")))
  }
}

@available(*, unavailable)
extension HTTPExchange: Sendable {}
