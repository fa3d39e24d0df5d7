internal import ByteBuffers
internal import COpenSSL
internal import LinuxSystem

/// The TLS state of one connection: raw bytes in, raw bytes out.
///
/// OpenSSL reads from and writes to a BIO of ours. It gives the caller's bytes, and then lets the
/// socket write many records at once into OpenSSL's own buffer, where they are decrypted; and it
/// collects what OpenSSL produces, for one write.
public final class TLSSession {
  /// What a read gave.
  struct ReadOutcome {
    /// Why no more plaintext will come.
    enum End {
      /// The peer said that nothing follows (close_notify).
      case closeNotify
      /// The connection is of no use any more; why.
      case failed(String)
    }

    /// Bytes of plaintext. When they fill the buffer there may be more.
    var byteCount = 0
    var end: End?
    /// What the socket gave meanwhile.
    var raw = RawInput()
  }

  /// What the socket gave while records were decrypted.
  struct RawInput {
    enum End {
      case orderly
      case failed(Errno)
    }

    var byteCount = 0
    /// Whether the socket has nothing more before its next edge.
    var isDry = false
    var end: End?
  }

  /// The socket that a read may take bytes from.
  struct RawSource {
    var calls: SocketCalls
    var socket: CInt
    var byteCountMax: Int
    var isShortReadFinal: Bool
  }

  /// Lent input and collected output, reached by the BIO callbacks.
  struct Pipes: ~Copyable {
    var input = UnsafeRawBufferPointer(start: nil, count: 0)
    var source: RawSource?
    var raw = RawInput()
    var output = ByteQueue()
    /// What `write` was given before the handshake was done.
    var early = ByteQueue()
  }

  /// Plaintext of one record (RFC 8446, 5.1).
  private static let recordByteCountMax = 16_384
  /// Header, content type and tag, rounded up.
  private static let recordOverheadMax = 64

  // Outlives its sessions: its BIO method and its ticket slot are used to the end.
  private let context: TLSContext
  private let ssl: OpaquePointer
  private let pipes: UnsafeMutablePointer<Pipes>
  private var hasFinished = false

  /// Whether the handshake is done.
  private(set) var isEstablished = false

  /// Makes the session of one connection.
  ///
  /// - Parameter serverName: what a client sends and checks; `nil` on a server.
  init?(_ context: TLSContext, serverName: String?) {
    guard let ssl = SSL_new(context.native), let bio = BIO_new(context.bioMethod) else {
      return nil
    }
    self.context = context
    self.ssl = ssl
    pipes = .allocate(capacity: 1)
    pipes.initialize(to: Pipes())
    BIO_set_data(bio, pipes)
    BIO_set_init(bio, 1)
    // One reference serves both directions; SSL_free gives it back.
    SSL_set_bio(ssl, bio, bio)
    switch context.role {
    case .server: SSL_set_accept_state(ssl)
    case .client:
      SSL_set_connect_state(ssl)
      context.configure(ssl, serverName: serverName)
    }
  }

  deinit {
    SSL_free(ssl)
    pipes.deinitialize(count: 1)
    pipes.deallocate()
  }

  /// Whether the peer's certificate holds only from a later time on than our clock's.
  var showsFutureCertificate: Bool {
    guard let certificate = SSL_get0_peer_certificate(ssl) else { return false }
    var now = Int(HostSystem.unixSeconds)
    return X509_cmp_time(X509_get0_notBefore(certificate), &now) > 0
  }

  /// Produces the first flight, if it is ours to send.
  func begin() {
    _ = shakeHands()
  }

  /// Lends received bytes until `withdrawInput()`.
  func provide(_ bytes: UnsafeRawBufferPointer) {
    pipes.pointee.input = bytes
  }

  /// Ends the loan; `read` has taken everything by then.
  func withdrawInput() {
    pipes.pointee.input = UnsafeRawBufferPointer(start: nil, count: 0)
  }

  /// Bytes that wait to be sent, those behind the handshake included.
  var unsentByteCount: Int { pipes.pointee.output.count + pipes.pointee.early.count }

  /// Lends the queue of bytes for the socket.
  func withOutput<R>(_ body: (inout ByteQueue) -> R) -> R {
    body(&pipes.pointee.output)
  }

  /// Decrypts as many records as are there and fit.
  ///
  /// - Parameters:
  ///   - socket: where to read on when the lent input is used up.
  ///   - rawByteCount: how many bytes to read from it, about.
  ///   - isShortReadFinal: whether a read that gives less than it could has emptied the socket.
  func read(
    into buffer: UnsafeMutableRawBufferPointer, from socket: CInt, by calls: SocketCalls,
    upTo rawByteCount: Int, isShortReadFinal: Bool
  ) -> ReadOutcome {
    pipes.pointee.source = RawSource(
      calls: calls, socket: socket, byteCountMax: rawByteCount, isShortReadFinal: isShortReadFinal)
    pipes.pointee.raw = RawInput()
    var outcome = ReadOutcome()
    if !isEstablished, let failure = shakeHands() { outcome.end = .failed(failure) }
    if isEstablished, outcome.end == nil { decrypt(into: buffer, &outcome) }
    outcome.raw = pipes.pointee.raw
    pipes.pointee.source = nil
    return outcome
  }

  private func decrypt(into buffer: UnsafeMutableRawBufferPointer, _ outcome: inout ReadOutcome) {
    while outcome.byteCount < buffer.count {
      var count = 0
      ERR_clear_error()
      let result = SSL_read_ex(
        ssl, buffer.baseAddress! + outcome.byteCount, buffer.count - outcome.byteCount, &count)
      if result == 1 {
        outcome.byteCount += count
        continue
      }
      switch SSL_get_error(ssl, result) {
      case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: break
      case SSL_ERROR_ZERO_RETURN: outcome.end = .closeNotify
      default: outcome.end = .failed(TLSContext.lastErrorText())
      }
      return
    }
  }

  /// Encrypts all of `bytes` into the output queue, or keeps them until the handshake is done.
  ///
  /// - Returns: what went wrong, if something did.
  func write(_ bytes: UnsafeRawBufferPointer, _ pool: BufferPool) -> String? {
    guard isEstablished else {
      pipes.pointee.early.append(bytes)
      return nil
    }
    let recordCount = bytes.count / Self.recordByteCountMax + 1
    pipes.pointee.output.reserve(
      bytes.count + recordCount * Self.recordOverheadMax, from: pool)
    return encrypt(bytes)
  }

  /// Reads up to `TransportLimits.recordReadByteCountMax` at once when OpenSSL next needs a buffer.
  func readManyRecordsAtOnce() {
    SSL_set_default_read_buffer_len(ssl, TransportLimits.recordReadByteCountMax)
  }

  /// Keeps OpenSSL's buffers from one record to the next: for a connection that is seldom idle.
  func keepBuffers() {
    frp_SSL_clear_mode(ssl, Int(SSL_MODE_RELEASE_BUFFERS))
  }

  /// Gives OpenSSL's buffers back when nothing is in them; the next record makes new ones.
  func releaseBuffers() {
    SSL_free_buffers(ssl)
  }

  /// Says that nothing follows from us (close_notify).
  func finish() {
    guard !hasFinished else { return }
    hasFinished = true
    if isEstablished {
      ERR_clear_error()
      SSL_shutdown(ssl)
    }
  }

  private func encrypt(_ bytes: UnsafeRawBufferPointer) -> String? {
    var sent = 0
    while sent < bytes.count {
      var count = 0
      ERR_clear_error()
      let result = SSL_write_ex(ssl, bytes.baseAddress! + sent, bytes.count - sent, &count)
      guard result == 1 else { return TLSContext.lastErrorText() }
      sent += count
    }
    return nil
  }

  private func shakeHands() -> String? {
    ERR_clear_error()
    let result = SSL_do_handshake(ssl)
    if result == 1 {
      isEstablished = true
      return sendEarlyBytes()
    }
    switch SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return nil
    default:
      let verification = SSL_get_verify_result(ssl)
      if verification != Int(X509_V_OK), let text = X509_verify_cert_error_string(verification) {
        return "certificate: \(String(cString: text))"
      }
      return TLSContext.lastErrorText()
    }
  }

  private func sendEarlyBytes() -> String? {
    // `encrypt` writes into the other queue, so the loan of this one holds.
    let failure = pipes.pointee.early.isEmpty ? nil : encrypt(pipes.pointee.early.readableBytes)
    pipes.pointee.early.release()
    if hasFinished { SSL_shutdown(ssl) }
    return failure
  }
}

private let bioRetryFlags =
  BIO_FLAGS_READ | BIO_FLAGS_WRITE | BIO_FLAGS_IO_SPECIAL | BIO_FLAGS_SHOULD_RETRY

/// Gives lent input to OpenSSL, and then what the socket has.
private func readFromPipes(
  _ bio: OpaquePointer?, _ destination: UnsafeMutablePointer<CChar>?, _ capacity: Int,
  _ count: UnsafeMutablePointer<Int>?
) -> CInt {
  // The data pointer was set by `TLSSession.init` and lives as long as the BIO.
  let pipes = BIO_get_data(bio).assumingMemoryBound(to: TLSSession.Pipes.self)
  BIO_clear_flags(bio, bioRetryFlags)
  let room = UnsafeMutableRawBufferPointer(start: destination, count: capacity)
  let moved = pipes.pointee.takeInput(room)
  guard moved > 0 else {
    BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
    return 0
  }
  count?.pointee = moved
  return 1
}

extension TLSSession.Pipes {
  /// - Returns: 0 when there is nothing now.
  fileprivate mutating func takeInput(_ room: UnsafeMutableRawBufferPointer) -> Int {
    guard let start = room.baseAddress, room.count > 0 else { return 0 }
    guard let lent = input.baseAddress, input.count > 0 else { return receive(room) }
    let moved = min(input.count, room.count)
    start.copyMemory(from: lent, byteCount: moved)
    input = UnsafeRawBufferPointer(rebasing: input[moved...])
    return moved
  }

  private mutating func receive(_ room: UnsafeMutableRawBufferPointer) -> Int {
    guard let source, !raw.isDry, raw.end == nil, raw.byteCount < source.byteCountMax else {
      return 0
    }
    switch source.calls.receive(source.socket, into: room) {
    case .bytes(0):
      raw.isDry = true
      raw.end = .orderly
    case .bytes(let count):
      raw.byteCount += count
      if count < room.count, source.isShortReadFinal { raw.isDry = true }
      return count
    case .wouldBlock: raw.isDry = true
    case .failed(let error): raw.end = .failed(error)
    }
    return 0
  }
}

/// Collects what OpenSSL wants to send.
private func writeToPipes(
  _ bio: OpaquePointer?, _ source: UnsafePointer<CChar>?, _ byteCount: Int,
  _ count: UnsafeMutablePointer<Int>?
) -> CInt {
  let pipes = BIO_get_data(bio).assumingMemoryBound(to: TLSSession.Pipes.self)
  BIO_clear_flags(bio, bioRetryFlags)
  pipes.pointee.output.append(UnsafeRawBufferPointer(start: source, count: byteCount))
  count?.pointee = byteCount
  return 1
}

private func controlPipes(
  _ bio: OpaquePointer?, _ command: CInt, _ number: Int, _ pointer: UnsafeMutableRawPointer?
) -> Int {
  command == BIO_CTRL_FLUSH ? 1 : 0
}

// Unchecked: made once, and from then on only read, by OpenSSL.
/// What all BIOs of ours have in common. OpenSSL numbers such methods, and has few numbers.
final class PipesMethod: @unchecked Sendable {
  static let shared = PipesMethod()

  let native: OpaquePointer?

  private init() {
    let type = BIO_get_new_index() | BIO_TYPE_SOURCE_SINK
    native = BIO_meth_new(type, "pipes")
    guard let native else { return }
    BIO_meth_set_read_ex(native, readFromPipes)
    BIO_meth_set_write_ex(native, writeToPipes)
    BIO_meth_set_ctrl(native, controlPipes)
  }
}
