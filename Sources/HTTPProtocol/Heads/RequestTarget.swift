internal import ByteBuffers

/// The target of a request, as ranges of the bytes that its head lies in (RFC 9112, section 3.2).
struct RequestTarget: Sendable {
  enum Form: Sendable {
    /// `/path?query`
    case origin
    /// `http://host/path?query`, as one sends to a proxy
    case absolute
    /// `host:port`, of CONNECT only
    case authority
    /// `*`, of OPTIONS only
    case asterisk
  }

  var form: Form
  /// All of it.
  var whole: Range<Int>
  /// The host and port of the forms that have them.
  var authority: Range<Int>?
  var isSecure = false
  /// Empty for a CONNECT, and for an absolute target without one.
  var path: Range<Int>
  /// Without the question mark.
  var query: Range<Int>?
  /// Whether the path has escapes, all of them well-formed.
  var isEscaped = false

  init(_ bytes: RawSpan, _ range: Range<Int>, method: HTTPMethod) throws(HTTPFault) {
    whole = range
    path = range.upperBound..<range.upperBound
    if method == .connect {
      form = .authority
      authority = range
      return
    }
    switch bytes[range.lowerBound] {
    case 0x2f:
      form = .origin
      try splitPath(bytes, range)
    case 0x2a:
      guard method == .options, range.count == 1 else { throw .targetInvalid }
      form = .asterisk
      path = range
    default:
      form = .absolute
      try splitAbsolute(bytes, range)
    }
  }

  private mutating func splitAbsolute(_ bytes: RawSpan, _ range: Range<Int>) throws(HTTPFault) {
    let start: Int
    if range.count > 7, bytes.equalsIgnoringCase(range.prefix(7), "http://") {
      start = range.lowerBound + 7
    } else if range.count > 8, bytes.equalsIgnoringCase(range.prefix(8), "https://") {
      start = range.lowerBound + 8
      isSecure = true
    } else {
      throw .targetInvalid
    }
    var end = start
    while end < range.upperBound, bytes[end] != 0x2f, bytes[end] != 0x3f { end += 1 }
    guard end > start else { throw .targetInvalid }
    authority = start..<end
    try splitPath(bytes, end..<range.upperBound)
  }

  private mutating func splitPath(_ bytes: RawSpan, _ range: Range<Int>) throws(HTTPFault) {
    var end = range.lowerBound
    while end < range.upperBound, bytes[end] != 0x3f {
      if bytes[end] == 0x25 {
        guard Self.isEscape(bytes, end, range.upperBound) else { throw .targetInvalid }
        isEscaped = true
      }
      end += 1
    }
    path = range.lowerBound..<end
    query = end < range.upperBound ? end + 1..<range.upperBound : nil
  }

  static func isEscape(_ bytes: RawSpan, _ offset: Int, _ end: Int) -> Bool {
    offset + 2 < end && ByteClass.hexadecimalValue(bytes[offset + 1]) != nil
      && ByteClass.hexadecimalValue(bytes[offset + 2]) != nil
  }
}

extension Range<Int> {
  /// The first `count` of a range that has as many.
  func prefix(_ count: Int) -> Range<Int> { lowerBound..<lowerBound + count }
}
