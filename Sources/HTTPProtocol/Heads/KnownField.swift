internal import ByteBuffers

/// Fields that mean something to us, found without comparing text again.
public enum KnownField: UInt8, CaseIterable, Sendable {
  /// Any other name.
  case other
  /// The names of RFC 9110, RFC 9112 and of what proxies add, in lower case as `name` has them.
  case host, connection, upgrade, expect, te, trailer, forwarded, authorization
  /// Where a message ends.
  case contentLength, transferEncoding
  /// Of one connection only.
  case keepAlive, proxyConnection, proxyAuthenticate, proxyAuthorization
  /// What proxies add.
  case forwardedFor, forwardedHost, forwardedProto
  /// What no trailer may be (RFC 9110, section 6.5.1), beside the ones above.
  case contentType, contentEncoding, contentRange, cacheControl, maxForwards, setCookie, cookie
  /// The same.
  case range, authenticate, age, date, expires, location, retryAfter, vary, warning, ifMatch
  /// The same.
  case ifNoneMatch, ifModifiedSince, ifUnmodifiedSince, ifRange
  /// For lines of the access log.
  case userAgent, referer
  /// Of WebSocket's handshake.
  case webSocketKey, webSocketVersion

  /// The name in lower case; empty for `other`.
  public var name: String {
    switch self {
    case .other: ""
    case .host: "host"
    case .connection: "connection"
    case .upgrade: "upgrade"
    case .expect: "expect"
    case .te: "te"
    case .trailer: "trailer"
    case .forwarded: "forwarded"
    case .authorization: "authorization"
    case .contentLength: "content-length"
    case .transferEncoding: "transfer-encoding"
    case .keepAlive: "keep-alive"
    case .proxyConnection: "proxy-connection"
    case .proxyAuthenticate: "proxy-authenticate"
    case .proxyAuthorization: "proxy-authorization"
    case .forwardedFor: "x-forwarded-for"
    case .forwardedHost: "x-forwarded-host"
    case .forwardedProto: "x-forwarded-proto"
    case .contentType: "content-type"
    case .contentEncoding: "content-encoding"
    case .contentRange: "content-range"
    case .cacheControl: "cache-control"
    case .maxForwards: "max-forwards"
    case .setCookie: "set-cookie"
    case .cookie: "cookie"
    case .range: "range"
    case .authenticate: "www-authenticate"
    case .age: "age"
    case .date: "date"
    case .expires: "expires"
    case .location: "location"
    case .retryAfter: "retry-after"
    case .vary: "vary"
    case .warning: "warning"
    case .ifMatch: "if-match"
    case .ifNoneMatch: "if-none-match"
    case .ifModifiedSince: "if-modified-since"
    case .ifUnmodifiedSince: "if-unmodified-since"
    case .ifRange: "if-range"
    case .userAgent: "user-agent"
    case .referer: "referer"
    case .webSocketKey: "sec-websocket-key"
    case .webSocketVersion: "sec-websocket-version"
    }
  }

  /// Whether a message may not have it as a trailer (RFC 9110, section 6.5.1): it says where the
  /// message ends or goes, who sends it, or how its content is read.
  var isForbiddenTrailer: Bool {
    switch self {
    case .other, .userAgent, .referer, .date, .warning, .webSocketKey, .webSocketVersion: false
    case .host, .connection, .upgrade, .expect, .te, .trailer, .forwarded, .authorization,
      .contentLength, .transferEncoding, .keepAlive, .proxyConnection, .proxyAuthenticate,
      .proxyAuthorization, .forwardedFor, .forwardedHost, .forwardedProto, .contentType,
      .contentEncoding, .contentRange, .cacheControl, .maxForwards, .setCookie, .cookie, .range,
      .authenticate, .age, .expires, .location, .retryAfter, .vary, .ifMatch, .ifNoneMatch,
      .ifModifiedSince, .ifUnmodifiedSince, .ifRange:
      true
    }
  }

  // MARK: Finding

  /// Up to 24 bytes of a name in lower case, and how many they are.
  private struct Packed: Equatable {
    var length = 0
    var words: (UInt64, UInt64, UInt64) = (0, 0, 0)

    static func == (left: Packed, right: Packed) -> Bool {
      left.words == right.words && left.length == right.length
    }

    /// Letters become small by their bit 5, which digits and `-` have already; no other token
    /// character becomes one of those.
    init(_ bytes: RawSpan, _ range: Range<Int>) {
      length = range.count
      words.0 = Self.word(bytes, range, 0)
      words.1 = Self.word(bytes, range, 8)
      words.2 = Self.word(bytes, range, 16)
    }

    private static func word(_ bytes: RawSpan, _ range: Range<Int>, _ offset: Int) -> UInt64 {
      let start = range.lowerBound + offset
      let count = min(8, range.upperBound - start)
      if count <= 0 { return 0 }
      let mask = UInt64.max >> UInt64(64 - 8 * count)
      if start + 8 <= bytes.byteCount {
        return (bytes.word(at: start) | 0x2020_2020_2020_2020) & mask
      }
      var word: UInt64 = 0
      for index in (0..<count).reversed() { word = word << 8 | UInt64(bytes[start + index]) }
      return (word | 0x2020_2020_2020_2020) & mask
    }
  }

  private static let lengthMax = 24

  /// All names by length: those of one length lie in `starts[length]..<starts[length + 1]`.
  private static let table: (names: [(packed: Packed, field: KnownField)], starts: [Int]) = {
    let fields = allCases.filter { $0 != .other }.sorted { $0.name.utf8.count < $1.name.utf8.count }
    let names = fields.map { field in
      let bytes = Array(field.name.utf8)
      return unsafe (Packed(bytes.span.bytes, 0..<bytes.count), field)
    }
    let starts = (0...lengthMax + 1).map { length in
      names.firstIndex { $0.0.length >= length } ?? names.count
    }
    return (names, starts)
  }()

  /// The field with the name in `range`, in any case.
  init(_ bytes: RawSpan, _ range: Range<Int>) {
    self = .other
    guard range.count <= Self.lengthMax else { return }
    let packed = Packed(bytes, range)
    for index in Self.table.starts[range.count]..<Self.table.starts[range.count + 1]
    where Self.table.names[index].packed == packed {
      self = Self.table.names[index].field
      return
    }
  }

  /// The field with that name, in any case.
  public init(_ name: String) {
    let bytes = Array(name.utf8)
    unsafe self.init(bytes.span.bytes, 0..<bytes.count)
  }
}
