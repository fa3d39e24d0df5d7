public import ByteBuffers
internal import HTTPProtocol

/// One request with its answer. Both are read and written here as messages of HTTP/1.1; the session
/// makes frames of what is written, and text of the frames that come.
///
/// The session keeps it until both directions have ended or one end has reset it.
public final class HTTP2Stream {
  /// How far our message is.
  private enum Phase {
    case message
    /// What is written has no form.
    case tunnel
    case finished
  }

  /// What is written.
  private enum Reader {
    case request(RequestReader)
    case answer(ResponseReader)
  }

  /// Its number; 0 before its request has begun.
  public internal(set) var id: Int32 = 0
  /// Whoever reads and writes it; for the owner of the session.
  public weak var owner: AnyObject?
  /// Text of the peer's message that nobody has taken yet.
  public private(set) var incoming = ByteQueue()
  /// Whether the peer's message is complete.
  public private(set) var hasPeerEnded = false
  /// Why the stream is over (`HTTP2ErrorCode` has the usual ones); `nil` while it is not.
  public private(set) var closeCode: UInt32?

  /// Whether it is among those that the session has news of.
  var isTouched = false
  /// Bytes of a body that wait for frames.
  var outgoing = ByteQueue()
  /// Whether nothing comes behind `outgoing`.
  private(set) var isOutgoingComplete = false
  /// The fields behind the body.
  private(set) var trailers: FieldTable?
  /// Whether our end of it is on the wire.
  var hasSentEnd = false
  /// Whether nobody reads or writes it any more.
  private(set) var isLeft = false
  /// Bytes of the peer's body for which it has no credit yet; never more than `openByteCount`.
  private(set) var heldByteCount = 0
  /// How many there may be.
  var window = StreamWindow()
  /// Bytes of text that came and are not done with.
  private(set) var openByteCount = 0
  /// Whether the peer was told, or will be, that it is over.
  var isReset = false
  /// Whether nothing has gone out since somebody looked.
  var isSuspect = false

  /// Held by its owner, and by no stream: each is held by the session.
  private weak var session: HTTP2Session?
  private var method: HTTPMethod
  private var phase = Phase.message
  private var requestReader: RequestReader?
  private var answerReader: ResponseReader?
  private var unread = ByteQueue()
  private var isNew = true
  private var hasProgressed = false
  private var isIncomingChunked = false
  private var hasFinalHead = false

  /// The server's end of a request with that method.
  init(answering method: HTTPMethod, _ id: Int32, _ session: HTTP2Session) {
    self.id = id
    self.session = session
    self.method = method
    answerReader = ResponseReader(answering: method)
  }

  /// The client's end of a request that will be written.
  init(requestIn session: HTTP2Session) {
    self.session = session
    method = .other
    requestReader = RequestReader()
  }

  // MARK: State

  /// Whether all of our message was written.
  public var isWritten: Bool { phase == .finished }

  /// Whether both messages are complete, whatever has become of the stream behind them.
  public var isComplete: Bool { isWritten && hasPeerEnded }

  /// Whether what is carried has no form, so that its two directions end by themselves.
  public var isTunnel: Bool { phase == .tunnel || method == .connect && isWritten }

  /// Bytes that were written and wait for the peer's window, beyond a few that always may.
  public var unsentByteCount: Int {
    max(0, outgoing.count - HTTP2Limits.uncountedByteCountMax)
  }

  /// Whether this is the first call: nobody serves the request yet.
  public func takeNews() -> Bool {
    defer { isNew = false }
    return isNew
  }

  /// Whether bytes have gone out since the last call.
  public func takeProgress() -> Bool {
    defer { hasProgressed = false }
    return hasProgressed
  }

  // MARK: Writing

  /// Takes bytes of a message of HTTP/1.1.
  public func write(_ text: UnsafeRawBufferPointer) {
    guard session != nil, !isLeft, phase != .finished else { return }
    if unread.isEmpty {
      let consumed = read(text.bytes)
      if consumed < text.count {
        unread.append(UnsafeRawBufferPointer(rebasing: text[consumed...]))
      }
    } else {
      unread.append(text)
      // Nothing changes the queue while it is read.
      let consumed = read(unread.readableBytes.bytes)
      unread.removeFirst(consumed)
    }
    session?.resume(self)
  }

  private func read(_ text: RawSpan) -> Int {
    var consumed = 0
    do throws(HTTPFault) {
      while session != nil, phase != .finished {
        let rest = text.extracting(consumed..<text.byteCount)
        if phase == .tunnel {
          outgoing.append(rest)
          return text.byteCount
        }
        let count = try readStep(rest)
        guard let count else { return consumed }
        consumed += count
      }
    } catch {
      // What we write ourselves is a message.
      abort(.internalError)
    }
    return consumed
  }

  /// - Returns: how many bytes were read; `nil` when more are needed.
  private func readStep(_ rest: RawSpan) throws(HTTPFault) -> Int? {
    if let step = try requestReader?.next(rest) {
      switch step.event {
      case .head(let head):
        method = head.method
        session?.submit(head, on: self)
      case .body(let range): outgoing.append(rest.extracting(range))
      case .end(let trailers): finishMessage(trailers)
      case nil: return step.consumedByteCount > 0 ? step.consumedByteCount : nil
      }
      return step.consumedByteCount
    }
    guard let step = try answerReader?.next(rest) else { return nil }
    switch step.event {
    case .head(let head):
      session?.submit(head, on: self)
      if head.isTunnel { phase = .tunnel }
    case .body(let range): outgoing.append(rest.extracting(range))
    case .end(let trailers): finishMessage(trailers)
    case nil: return step.consumedByteCount > 0 ? step.consumedByteCount : nil
    }
    return step.consumedByteCount
  }

  private func finishMessage(_ trailers: FieldTable?) {
    phase = .finished
    self.trailers = trailers
    isOutgoingComplete = true
  }

  /// Ends our direction of a tunnel behind everything written.
  public func finish() {
    guard phase == .tunnel else { return }
    finishMessage(nil)
    session?.resume(self)
  }

  /// Nobody reads or writes any more: what was written goes out, if it is a whole message.
  public func close() {
    guard !isLeft else { return }
    if phase == .tunnel { finish() }
    guard isWritten else { return abort(.internalError) }
    isLeft = true
    incoming.release()
    takeAll()
    session?.streamWasLeft(self)
  }

  /// Ends both directions at once.
  public func abort(_ code: HTTP2ErrorCode) {
    guard session != nil else { return }
    isLeft = true
    outgoing.release()
    incoming.release()
    takeAll()
    session?.reset(self, code)
  }

  // MARK: Reading

  /// Gives `incoming` away.
  public func takeIncoming() -> ByteQueue {
    var text = ByteQueue()
    swap(&text, &incoming)
    return text
  }

  /// Gives the peer credit: so many bytes of `incoming` are done with.
  public func consume(_ byteCount: Int) {
    let done = min(byteCount, openByteCount)
    openByteCount -= done
    session?.finish(done)
    // Of text, some is no body: in chunks of one byte, five of six. If credit were given byte for
    // byte, such a body would come faster than it is read.
    giveCredit(heldByteCount - openByteCount)
  }

  private func takeAll() { consume(openByteCount) }

  private func giveCredit(_ byteCount: Int) {
    guard byteCount > 0 else { return }
    heldByteCount -= byteCount
    session?.consume(byteCount, on: self)
  }

  private func addText(_ write: (inout ByteQueue) -> Void) {
    let before = incoming.count
    write(&incoming)
    let added = incoming.count - before
    openByteCount += added
    session?.open(added)
  }

  // MARK: From the session

  /// A request's head.
  func receiveRequest(_ block: inout HeaderBlock, isLast: Bool) {
    isIncomingChunked = !isLast && !block.hasContentLength && method != .connect
    addText { block.writeRequest(isChunked: isIncomingChunked, into: &$0) }
    if isLast { end() }
  }

  /// An answer's head, an interim one, or trailers.
  func receiveFields(_ block: HeaderBlock, isLast: Bool) {
    if answerReader != nil || hasFinalHead {
      // Trailers have no place behind a body of known length, and are not needed there.
      if isIncomingChunked, !isLeft { addText { block.writeTrailers(into: &$0) } }
      isIncomingChunked = false
    } else {
      let code = block.statusCode
      hasFinalHead = code >= 200
      let mayHaveBody = hasFinalHead && method != .head && code != 204 && code != 304
      isIncomingChunked = mayHaveBody && !isLast && !block.hasContentLength
      let isEmpty = mayHaveBody && isLast && !block.hasContentLength
      if !isLeft {
        addText {
          block.writeAnswer(isChunked: isIncomingChunked, isEmpty: isEmpty, into: &$0)
        }
      }
    }
    if isLast { end() }
  }

  func receiveBody(_ bytes: UnsafeRawBufferPointer) {
    guard !isLeft else {
      session?.consume(bytes.count, on: self)
      return
    }
    heldByteCount += bytes.count
    addText { text in
      if isIncomingChunked {
        ChunkWriter.write(bytes.bytes, into: &text)
      } else {
        text.append(bytes)
      }
    }
  }

  /// The peer's direction ends.
  func end() {
    guard !hasPeerEnded else { return }
    hasPeerEnded = true
    if isIncomingChunked, !isLeft { addText { ChunkWriter.writeLast(into: &$0) } }
    isIncomingChunked = false
  }

  func didSend() {
    hasProgressed = true
    isSuspect = false
  }

  func didClose(_ code: UInt32) {
    takeAll()
    closeCode = code
    session = nil
    outgoing.release()
  }
}

/// How much of a body may come before somebody has taken it. It grows while all of a window is
/// taken, and little of it waits: then it is the path that makes it too small.
struct StreamWindow {
  private(set) var byteCount = HTTP2Limits.streamWindowByteCount
  private var takenByteCount = 0

  var grownByteCount: Int { byteCount - HTTP2Limits.streamWindowByteCount }

  /// Bytes were taken and `held` are left: by how much it should grow.
  mutating func growth(byCredit taken: Int, held: Int) -> Int {
    takenByteCount += taken
    guard takenByteCount >= byteCount else { return 0 }
    takenByteCount = 0
    return held < byteCount / 4
      ? min(byteCount, HTTP2Limits.streamWindowByteCountMax - byteCount) : 0
  }

  mutating func grow(by growth: Int) { byteCount += growth }
}
