internal import CNghttp2

/// The peer does not speak HTTP/2, or the library gave up.
public struct HTTP2Fault: Error, Equatable, Sendable, CustomStringConvertible {
  /// What went wrong.
  public let description: String

  init(code: Int) {
    description = String(cString: nghttp2_strerror(CInt(clamping: code)))
  }
}

/// Why a stream is reset (RFC 9113, section 7).
public enum HTTP2ErrorCode: UInt32, Sendable {
  /// Nothing went wrong.
  case noError = 0
  /// Something is missing.
  case internalError = 2
  /// Nothing was done, and the request may be sent again.
  case refusedStream = 7
  /// The answer is not needed any more.
  case cancel = 8
  /// The other end asks for too much.
  case enhanceYourCalm = 11
}
