internal import ByteBuffers

/// What a request asks for; methods beyond those of RFC 9110 and RFC 5789 are `other`.
public enum HTTPMethod: String, CaseIterable, Sendable {
  /// Those that we know.
  case get = "GET"
  /// A GET whose answer has no body.
  case head = "HEAD"
  /// The other ones with nothing special about them.
  case post = "POST"
  /// The same.
  case put = "PUT"
  /// The same.
  case delete = "DELETE"
  /// The same.
  case patch = "PATCH"
  /// The same.
  case trace = "TRACE"
  /// The only one whose target may be `*`.
  case options = "OPTIONS"
  /// Asks for a tunnel; its target is a host and a port.
  case connect = "CONNECT"
  /// Any other token.
  case other = ""

  init(_ bytes: RawSpan, _ range: Range<Int>) {
    var packed: UInt64 = 0
    guard range.count <= 8 else {
      self = .other
      return
    }
    for index in range { packed = packed << 8 | UInt64(bytes[index]) }
    self =
      switch packed {
      case 0x474554: .get
      case 0x48454144: .head
      case 0x504f5354: .post
      case 0x505554: .put
      case 0x44454c455445: .delete
      case 0x5041544348: .patch
      case 0x5452414345: .trace
      case 0x4f5054494f4e53: .options
      case 0x434f4e4e454354: .connect
      default: .other
      }
  }
}

extension HTTPMethod {
  /// Whether asking twice is the same as asking once (RFC 9110, section 9.2.2); of `other` nobody
  /// knows.
  public var isIdempotent: Bool {
    switch self {
    case .get, .head, .put, .delete, .trace, .options: true
    case .post, .patch, .connect, .other: false
    }
  }
}

/// The versions of the protocol that this codec speaks.
public enum HTTPVersion: Sendable {
  /// HTTP/1.0: no chunks, and connections end after a message unless both ends say otherwise.
  case http10
  /// HTTP/1.1.
  case http11

  /// Eight characters.
  public var text: String {
    switch self {
    case .http10: "HTTP/1.0"
    case .http11: "HTTP/1.1"
    }
  }

  /// Reads exactly `HTTP/d.d`.
  init(_ bytes: RawSpan, _ range: Range<Int>) throws(HTTPFault) {
    // "HTTP/" from the lowest byte on, a digit, ".", a digit.
    guard range.count == 8 else { throw .versionMalformed }
    let start = range.lowerBound
    guard bytes.word(at: start) & 0x00ff_00ff_ffff_ffff == 0x002e_002f_5054_5448,
      ByteClass.isDigit(bytes[start + 5]), ByteClass.isDigit(bytes[start + 7])
    else { throw .versionMalformed }
    switch (bytes[start + 5], bytes[start + 7]) {
    case (0x31, 0x30): self = .http10
    case (0x31, 0x31): self = .http11
    default: throw .versionUnsupported
    }
  }
}

/// How the end of a body is found.
public enum BodyFraming: Equatable, Sendable {
  /// There is none.
  case none
  /// That many bytes.
  case length(Int)
  /// Chunks (RFC 9112, section 7.1).
  case chunked
  /// Everything until the connection ends; of responses only.
  case untilClose
}
