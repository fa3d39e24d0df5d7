internal import ByteBuffers
internal import CNghttp2

// Unchecked: made once, and from then on only read, by nghttp2, whose sessions copy what they need.
/// What nghttp2 calls while it reads and writes. The user data of a session is its `HTTP2Session`.
final class NativeCallbacks: @unchecked Sendable {
  static let shared = NativeCallbacks()

  private let callbacks: OpaquePointer
  private let options: OpaquePointer

  private init() {
    var callbacks: OpaquePointer?
    var options: OpaquePointer?
    _ = nghttp2_session_callbacks_new(&callbacks)
    _ = nghttp2_option_new(&options)
    self.callbacks = Self.allocated(callbacks)
    self.options = Self.allocated(options)
    // Windows are opened by us, as bytes are taken.
    nghttp2_option_set_no_auto_window_update(options, 1)
    installReading()
    installWriting()
  }

  func makeSession(_ role: HTTP2Session.Role) -> OpaquePointer {
    var session: OpaquePointer?
    _ =
      switch role {
      case .server: nghttp2_session_server_new2(&session, callbacks, nil, options)
      case .client: nghttp2_session_client_new2(&session, callbacks, nil, options)
      }
    return Self.allocated(session)
  }

  /// Without memory we go as all of Swift does.
  private static func allocated(_ object: OpaquePointer?) -> OpaquePointer {
    guard let object else { preconditionFailure("no memory for nghttp2") }
    return object
  }

  private static func session(_ userData: UnsafeMutableRawPointer?) -> HTTP2Session? {
    // A session deletes its library's half before it goes away.
    userData.map { Unmanaged<HTTP2Session>.fromOpaque($0).takeUnretainedValue() }
  }

  private func installReading() {
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, userData in
      guard let frame else { return 0 }
      NativeCallbacks.session(userData)?.didBeginFields(on: frame.pointee.hd.stream_id)
      return 0
    }
    nghttp2_session_callbacks_set_on_header_callback(callbacks) {
      _, _, name, nameCount, value, valueCount, _, userData in
      NativeCallbacks.session(userData)?.block.add(
        UnsafeBufferPointer(start: name, count: nameCount),
        UnsafeBufferPointer(start: value, count: valueCount))
      return 0
    }
    // Left alone, the library would drop such a field and go on.
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks) {
      _, _, _, _, _, _, _, _ in frp_nghttp2_stream_failure
    }
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks) {
      _, frame, _, userData in
      guard let frame else { return 0 }
      NativeCallbacks.session(userData)?.didRefuse(frame.pointee.hd.stream_id)
      return 0
    }
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, userData in
      guard let frame, let session = NativeCallbacks.session(userData) else { return 0 }
      NativeCallbacks.didReceive(frame, session)
      return 0
    }
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
      _, _, id, bytes, count, userData in
      NativeCallbacks.session(userData)?.didReceiveBody(
        UnsafeRawBufferPointer(start: bytes, count: count), on: id)
      return 0
    }
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, id, code, userData in
      NativeCallbacks.session(userData)?.close(id, code)
      return 0
    }
  }

  private static func didReceive(_ frame: UnsafePointer<nghttp2_frame>, _ session: HTTP2Session) {
    let header = frame.pointee.hd
    let isLast = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
    switch UInt32(header.type) {
    case NGHTTP2_HEADERS.rawValue:
      session.didReceiveFields(
        on: header.stream_id, isRequest: frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST,
        isLast: isLast)
    case NGHTTP2_DATA.rawValue: if isLast { session.didReceiveEnd(on: header.stream_id) }
    case NGHTTP2_GOAWAY.rawValue: session.isPeerLeaving = true
    default: break
    }
  }

  private func installWriting() {
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, userData in
      guard let header = frame?.pointee.hd,
        header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
      else { return 0 }
      let type = UInt32(header.type)
      if type == NGHTTP2_DATA.rawValue || type == NGHTTP2_HEADERS.rawValue {
        NativeCallbacks.session(userData)?.didSendEnd(of: header.stream_id)
      }
      return 0
    }
  }

  /// Takes bytes of a stream's body for a frame.
  static let readBody: nghttp2_data_source_read_callback = {
    _, id, room, byteCountMax, flags, source, userData in
    guard let pointer = source?.pointee.ptr, let room, let flags else { return 0 }
    // Kept by the session until the stream is closed.
    let stream = Unmanaged<HTTP2Stream>.fromOpaque(pointer).takeUnretainedValue()
    let count = min(byteCountMax, stream.outgoing.count)
    if count > 0 {
      UnsafeMutableRawBufferPointer(start: room, count: count).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: stream.outgoing.readableBytes[..<count]))
      stream.outgoing.removeFirst(count)
      stream.didSend()
      NativeCallbacks.session(userData)?.touch(stream)
    }
    if stream.outgoing.isEmpty, stream.isOutgoingComplete {
      flags.pointee |= UInt32(NGHTTP2_DATA_FLAG_EOF.rawValue)
      if let trailers = stream.trailers {
        flags.pointee |= UInt32(NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue)
        NativeCallbacks.session(userData)?.submitTrailers(trailers, on: id)
      }
      return count
    }
    return count > 0 ? count : frp_nghttp2_deferred
  }
}
