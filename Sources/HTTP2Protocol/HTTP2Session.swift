public import ByteBuffers
internal import CNghttp2
internal import HTTPProtocol

/// One end of an HTTP/2 connection (RFC 9113) on nghttp2, as a machine without input and output.
///
/// Give `receive` what comes, look at `takeTouched`, write messages to the streams, and send what
/// `write` appends. Streams carry text of HTTP/1.1 in both directions, so that whoever serves them
/// need not know how it came.
public final class HTTP2Session {
  /// Which end it is.
  public enum Role: Sendable {
    /// Answers requests.
    case server
    /// Sends them.
    case client
  }

  /// Which end it is.
  public let role: Role
  /// Whether a block of fields has begun and not ended.
  public private(set) var isInsideFields = false
  /// How many of them have begun.
  public private(set) var fieldsNumber = 0
  /// Whether the peer takes no new requests, or sends none.
  public internal(set) var isPeerLeaving = false
  /// Streams that were refused, or reset before both messages were complete.
  public private(set) var brokenStreamCount = 0

  var block = HeaderBlock()
  private let native: OpaquePointer
  private var streams: [Int32: HTTP2Stream] = [:]
  private var touched: [HTTP2Stream] = []
  private var fields = NativeFields()
  /// The stream whose block of fields began last.
  private var fieldsID: Int32 = 0
  /// Bytes of bodies for which their streams have no credit yet.
  private(set) var heldByteCount = 0
  /// Bytes of text, for all streams, that came and are not done with.
  private(set) var openByteCount = 0
  /// Bytes that came and for which the connection's window was not opened again.
  private(set) var owedByteCount = 0
  private(set) var connectionWindowByteCount = HTTP2Limits.connectionWindowByteCount
  /// By how much the windows of streams are larger than at first.
  private(set) var grownByteCount = 0

  /// Makes an end, with its settings ready to be sent.
  public init(_ role: Role) {
    self.role = role
    native = NativeCallbacks.shared.makeSession(role)
    nghttp2_session_set_user_data(native, Unmanaged.passUnretained(self).toOpaque())
    submitSettings()
  }

  deinit {
    nghttp2_session_del(native)
  }

  private func submitSettings() {
    var settings = [
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue),
        value: UInt32(HTTP2Limits.streamWindowByteCount)),
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue),
        value: UInt32(HTTPProtocolLimits.headByteCountMax)),
    ]
    switch role {
    case .server:
      settings.append(
        nghttp2_settings_entry(
          settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue),
          value: UInt32(HTTP2Limits.streamCountMax)))
    case .client:
      settings.append(
        nghttp2_settings_entry(
          settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue), value: 0))
    }
    _ = nghttp2_submit_settings(
      native, UInt8(NGHTTP2_FLAG_NONE.rawValue), settings, settings.count)
    setWindow(connectionWindowByteCount, of: 0)
  }

  // MARK: State

  /// The streams that are not over.
  public var streamCount: Int { streams.count }

  /// Whether more may come; `false` also after a violation, once the word about it was written.
  public var wantsToRead: Bool { nghttp2_session_want_read(native) != 0 }

  /// Whether nothing is to be read or sent any more.
  public var isOver: Bool { !wantsToRead && nghttp2_session_want_write(native) == 0 }

  /// The streams that have something new, each once: text, an end, progress, or a first request.
  public func takeTouched() -> [HTTP2Stream] {
    guard !touched.isEmpty else { return [] }
    let all = touched
    touched.removeAll(keepingCapacity: true)
    for stream in all { stream.isTouched = false }
    return all
  }

  // MARK: Bytes

  /// Takes what came. Streams are changed; `takeTouched` has those.
  ///
  /// - Throws: why nothing more can be read; what the peer is to be told waits for `write`.
  public func receive(_ bytes: UnsafeRawBufferPointer) throws(HTTP2Fault) {
    guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
    let code = nghttp2_session_mem_recv(
      native, base.assumingMemoryBound(to: UInt8.self), bytes.count)
    if code < 0 { throw HTTP2Fault(code: code) }
  }

  /// Appends frames that can be sent now, until there are `byteCountMax` bytes or a frame more.
  public func write(into queue: inout ByteQueue, upTo byteCountMax: Int) throws(HTTP2Fault) {
    while queue.count < byteCountMax {
      var frame: UnsafePointer<UInt8>?
      let count = nghttp2_session_mem_send(native, &frame)
      if count < 0 { throw HTTP2Fault(code: count) }
      guard count > 0, let frame else { return }
      queue.append(UnsafeRawBufferPointer(start: frame, count: count))
    }
  }

  // MARK: Ends

  /// Takes no new requests. Those that have come go on.
  public func shutDown() {
    let last = nghttp2_session_get_last_proc_stream_id(native)
    _ = nghttp2_submit_goaway(
      native, UInt8(NGHTTP2_FLAG_NONE.rawValue), last, HTTP2ErrorCode.noError.rawValue, nil, 0)
  }

  /// Ends everything; only the reason is left to be sent.
  public func terminate(_ code: HTTP2ErrorCode) {
    _ = nghttp2_session_terminate_session(native, code.rawValue)
  }

  /// The connection is gone, and all streams with it.
  public func connectionDidEnd() {
    for id in Array(streams.keys) { close(id, HTTP2ErrorCode.internalError.rawValue) }
  }

  // MARK: Requests of ours

  /// A stream for a request, which begins when its head is written.
  public func makeStream() -> HTTP2Stream { HTTP2Stream(requestIn: self) }

  func submit(_ head: RequestHead, on stream: HTTP2Stream) {
    fields.removeAll()
    fields.append(":method", head.methodText)
    fields.append(":scheme", "http")
    fields.append(":authority", head.fields.first(.host) ?? head.authorityText)
    fields.append(":path", head.targetText)
    fields.append(head.fields)
    let hasBody = head.framing != .none
    let id = fields.withNatives { fields, count in
      withSource(of: stream, hasBody) {
        nghttp2_submit_request(native, nil, fields, count, $0, nil)
      }
    }
    guard id > 0 else {
      stream.didClose(HTTP2ErrorCode.internalError.rawValue)
      return touch(stream)
    }
    stream.id = id
    streams[id] = stream
  }

  // MARK: Answers of ours

  func submit(_ head: ResponseHead, on stream: HTTP2Stream) {
    fields.removeAll()
    fields.append(":status", String(head.status.code))
    fields.append(head.fields)
    let code: CInt
    if head.isInterim, !head.isTunnel {
      code = fields.withNatives { fields, count in
        nghttp2_submit_headers(
          native, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.id, nil, fields, count, nil)
      }
    } else {
      code = fields.withNatives { fields, count in
        withSource(of: stream, head.framing != .none || head.isTunnel) {
          nghttp2_submit_response(native, stream.id, fields, count, $0)
        }
      }
    }
    if code < 0 { stream.abort(.internalError) }
  }

  private func withSource<R>(
    of stream: HTTP2Stream, _ hasBody: Bool,
    _ body: (UnsafePointer<nghttp2_data_provider>?) -> R
  ) -> R {
    guard hasBody else { return body(nil) }
    var provider = nghttp2_data_provider()
    // The session keeps the stream as long as it can ask for its bytes.
    provider.source.ptr = Unmanaged.passUnretained(stream).toOpaque()
    provider.read_callback = NativeCallbacks.readBody
    return body(&provider)
  }

  func submitTrailers(_ trailers: FieldTable, on id: Int32) {
    fields.removeAll()
    fields.append(trailers)
    _ = fields.withNatives { nghttp2_submit_trailer(native, id, $0, $1) }
  }

  /// Has the stream's body looked at again.
  func resume(_ stream: HTTP2Stream) {
    if stream.id != 0 { _ = nghttp2_session_resume_data(native, stream.id) }
  }

  // MARK: Streams

  func reset(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
    guard stream.id != 0 else {
      stream.didClose(code.rawValue)
      return touch(stream)
    }
    // The library takes a second word about a request that has not gone yet for one about a request
    // that has, and the peer knows none.
    guard !stream.isReset else { return }
    stream.isReset = true
    _ = nghttp2_submit_rst_stream(
      native, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.id, code.rawValue)
  }

  /// Its owner has left, behind a whole message. If the peer's is not complete, nobody needs the
  /// rest of it (RFC 9113, section 8.1), nor the rest of a request that is answered.
  func streamWasLeft(_ stream: HTTP2Stream) {
    switch role {
    case .server: if !stream.hasPeerEnded, stream.hasSentEnd { reset(stream, .noError) }
    case .client: if !stream.hasPeerEnded || !stream.outgoing.isEmpty { reset(stream, .cancel) }
    }
  }

  /// Resets the streams whose owners have left, and of which nothing has gone out since the last
  /// call: the peer opens no window for the rest.
  public func resetStalled() {
    for stream in streams.values where stream.isLeft {
      if stream.isSuspect { reset(stream, .cancel) }
      stream.isSuspect = true
    }
  }

  /// Our direction of a stream has ended on the wire.
  func didSendEnd(of id: Int32) {
    guard let stream = streams[id] else { return }
    stream.hasSentEnd = true
    if stream.isLeft { streamWasLeft(stream) }
  }

  /// Bytes of the stream's body were taken, or are not wanted.
  func consume(_ byteCount: Int, on stream: HTTP2Stream) {
    guard byteCount > 0 else { return }
    heldByteCount -= byteCount
    _ = nghttp2_session_consume_stream(native, stream.id, byteCount)
    openWindow()
    let growth = stream.window.growth(byCredit: byteCount, held: stream.heldByteCount)
    guard growth > 0, grownByteCount + growth <= HTTP2Limits.grownByteCountMax else { return }
    grownByteCount += growth
    stream.window.grow(by: growth)
    setWindow(stream.window.byteCount, of: stream.id)
    if stream.window.byteCount > connectionWindowByteCount {
      connectionWindowByteCount = stream.window.byteCount
      setWindow(connectionWindowByteCount, of: 0)
    }
  }

  private func setWindow(_ byteCount: Int, of id: Int32) {
    _ = nghttp2_session_set_local_window_size(
      native, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, Int32(byteCount))
  }

  /// Text came.
  func open(_ byteCount: Int) { openByteCount += byteCount }

  /// Text is done with.
  func finish(_ byteCount: Int) {
    openByteCount -= byteCount
    openWindow()
  }

  /// The connection's window is opened as bytes come, so that one who does not read holds up
  /// nobody else, unless there are many of his kind.
  private func openWindow() {
    guard owedByteCount > 0,
      openByteCount <= HTTP2Limits.heldByteCountMax + grownByteCount
    else { return }
    _ = nghttp2_session_consume_connection(native, owedByteCount)
    owedByteCount = 0
  }

  // MARK: From the library

  func touch(_ stream: HTTP2Stream) {
    guard !stream.isTouched else { return }
    stream.isTouched = true
    touched.append(stream)
  }

  func didBeginFields(on id: Int32) {
    block.removeAll()
    fieldsID = id
    isInsideFields = true
    fieldsNumber &+= 1
  }

  func didReceiveFields(on id: Int32, isRequest: Bool, isLast: Bool) {
    isInsideFields = false
    if isRequest {
      let stream = HTTP2Stream(answering: block.requestMethod, id, self)
      streams[id] = stream
      stream.receiveRequest(&block, isLast: isLast)
      touch(stream)
    } else if let stream = streams[id] {
      stream.receiveFields(block, isLast: isLast)
      touch(stream)
    }
    block.removeAll()
  }

  /// The library resets the stream because of this frame; one without a request is not known here.
  func didRefuse(_ id: Int32) {
    endFields(on: id)
    if id != 0, streams[id] == nil { brokenStreamCount += 1 }
  }

  /// What is left of a block that nobody wants is skipped.
  private func endFields(on id: Int32) {
    if id == fieldsID { isInsideFields = false }
  }

  func didReceiveBody(_ bytes: UnsafeRawBufferPointer, on id: Int32) {
    heldByteCount += bytes.count
    owedByteCount += bytes.count
    if let stream = streams[id] {
      stream.receiveBody(bytes)
      touch(stream)
    } else {
      heldByteCount -= bytes.count
    }
    openWindow()
  }

  func didReceiveEnd(on id: Int32) {
    guard let stream = streams[id] else { return }
    stream.end()
    touch(stream)
  }

  func close(_ id: Int32, _ code: UInt32) {
    endFields(on: id)
    guard let stream = streams.removeValue(forKey: id) else { return }
    if !stream.isComplete { brokenStreamCount += 1 }
    stream.didClose(code)
    grownByteCount -= stream.window.grownByteCount
    touch(stream)
  }
}

@available(*, unavailable)
extension HTTP2Session: Sendable {}
