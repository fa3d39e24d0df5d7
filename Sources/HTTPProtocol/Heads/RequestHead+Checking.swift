internal import ByteBuffers

/// What the fields of a head say about the message and the connection.
struct MessageRules {
  var contentLength: Int?
  var isChunked = false
  var isKeepAlive = true
  var namesUpgrade = false

  init(_ fields: FieldTable, version: HTTPVersion) throws(HTTPFault) {
    var lengthIndex: Int?
    var hasTransferEncoding = false
    var hasConnection = false
    for (index, field) in fields.fields.enumerated() {
      if field.known == .contentLength {
        guard lengthIndex == nil else { throw .contentLengthRepeated }
        lengthIndex = index
      } else if field.known == .transferEncoding {
        hasTransferEncoding = true
      } else if field.known == .connection {
        hasConnection = true
      }
    }
    if let lengthIndex {
      contentLength = try Self.number(fields, fields.fields[lengthIndex].value)
    }
    if hasTransferEncoding {
      guard version == .http11 else { throw .transferEncodingInOldVersion }
      try Self.checkTransferEncoding(fields)
      guard contentLength == nil else { throw .contentLengthWithTransferEncoding }
      isChunked = true
    }
    isKeepAlive = version == .http11
    if hasConnection { try readConnection(fields) }
  }

  /// `1*DIGIT` (RFC 9110, section 8.6).
  private static func number(
    _ fields: FieldTable, _ range: Range<Int>
  ) throws(HTTPFault) -> Int {
    let bytes = unsafe fields.storage.span.bytes
    var number = 0
    for index in range {
      let byte = bytes[index]
      if byte == 0x2c { throw .contentLengthRepeated }
      guard ByteClass.isDigit(byte) else { throw .contentLengthInvalid }
      let (product, isOverflown) = number.multipliedReportingOverflow(by: 10)
      let (sum, isOverflownToo) = product.addingReportingOverflow(Int(byte - 0x30))
      guard !isOverflown, !isOverflownToo else { throw .contentLengthInvalid }
      number = sum
    }
    guard !range.isEmpty else { throw .contentLengthInvalid }
    return number
  }

  /// Exactly `chunked`: another coding before it is one that we do not know, all else says nothing
  /// about where the body ends (RFC 9112, section 6.3).
  private static func checkTransferEncoding(_ fields: FieldTable) throws(HTTPFault) {
    var chunkedCount = 0
    var otherCount = 0
    var isLast = false
    fields.forEachElement(of: .transferEncoding) { bytes, range in
      isLast = bytes.equalsIgnoringCase(range, "chunked")
      chunkedCount += isLast ? 1 : 0
      otherCount += isLast ? 0 : 1
    }
    guard isLast, chunkedCount == 1 else { throw .transferEncodingInvalid }
    guard otherCount == 0 else { throw .transferEncodingUnknown }
    // An empty element beside it is no list that a sender may write.
    for field in fields.fields where field.known == .transferEncoding {
      let bytes = unsafe fields.storage.span.bytes
      guard bytes.equalsIgnoringCase(field.value, "chunked") else { throw .transferEncodingInvalid }
    }
  }

  private mutating func readConnection(_ fields: FieldTable) throws(HTTPFault) {
    var namesClose = false
    var namesKeepAlive = false
    var namesFraming = false
    fields.forEachElement(of: .connection) { bytes, range in
      let known = KnownField(bytes, range)
      if known == .contentLength || known == .transferEncoding || known == .host {
        namesFraming = true
      } else if known == .upgrade {
        namesUpgrade = true
      } else if known == .keepAlive {
        namesKeepAlive = true
      } else if bytes.equalsIgnoringCase(range, "close") {
        namesClose = true
      }
    }
    if namesFraming { throw .connectionNamesFraming }
    isKeepAlive = !namesClose && (isKeepAlive || namesKeepAlive)
  }
}

extension RequestHead {
  init(
    fields: FieldTable, method: HTTPMethod, methodRange: Range<Int>, target: RequestTarget,
    version: HTTPVersion, byteCount: Int
  ) throws(HTTPFault) {
    let rules = try MessageRules(fields, version: version)
    if method == .connect, rules.isChunked || rules.contentLength ?? 0 != 0 {
      throw .bodyNotAllowed
    }
    self.fields = fields
    self.method = method
    self.methodRange = methodRange
    self.target = target
    self.version = version
    self.byteCount = byteCount
    framing =
      if rules.isChunked {
        .chunked
      } else if let length = rules.contentLength, length > 0 {
        .length(length)
      } else {
        .none
      }
    isKeepAlive = rules.isKeepAlive
    // A body on the way to another protocol would have to be read by both.
    wantsUpgrade =
      rules.namesUpgrade && version == .http11 && framing == .none && method != .connect
      && Self.asksForOtherProtocol(fields)
    expectsContinue = try Self.expectation(fields, version, framing)
    (authority, hostParts) = try Self.host(fields, method, target, version)
  }

  /// HTTP/2 and TLS are no other protocols in this sense: requests inside of them would pass us
  /// unread, with whatever they say of routes, users and addresses. Who asks for them is answered
  /// as if he had not (RFC 9110, section 7.8).
  private static func asksForOtherProtocol(_ fields: FieldTable) -> Bool {
    var count = 0
    var isOther = true
    fields.forEachElement(of: .upgrade) { bytes, range in
      count += 1
      let isHTTP =
        bytes.equalsIgnoringCase(range, "h2c")
        || range.count >= 5 && bytes.equalsIgnoringCase(range.prefix(5), "http/")
        || range.count >= 4 && bytes.equalsIgnoringCase(range.prefix(4), "tls/")
      isOther = isOther && !isHTTP
    }
    return count > 0 && isOther
  }

  private static func expectation(
    _ fields: FieldTable, _ version: HTTPVersion, _ framing: BodyFraming
  ) throws(HTTPFault) -> Bool {
    // Expectations of HTTP/1.0 are ignored (RFC 9110, section 10.1.1).
    guard version == .http11, fields.firstIndex(of: .expect) != nil else { return false }
    let bytes = unsafe fields.storage.span.bytes
    for field in fields.fields where field.known == .expect {
      guard bytes.equalsIgnoringCase(field.value, "100-continue") else { throw .expectationUnknown }
    }
    return framing != .none
  }

  private static func host(
    _ fields: FieldTable, _ method: HTTPMethod, _ target: RequestTarget, _ version: HTTPVersion
  ) throws(HTTPFault) -> (Range<Int>?, HostText.Parts?) {
    let bytes = unsafe fields.storage.span.bytes
    var host: (range: Range<Int>, parts: HostText.Parts)?
    for field in fields.fields where field.known == .host {
      guard host == nil else { throw .hostRepeated }
      guard let parts = HostText.parse(bytes, field.value) else { throw .hostInvalid }
      host = (field.value, parts)
    }
    // A CONNECT names its host in the target, and there are clients that say no more.
    if host == nil, version == .http11, method != .connect { throw .hostMissing }
    guard let authority = target.authority else { return (host?.range, host?.parts) }
    guard let parts = HostText.parse(bytes, authority), !parts.host.isEmpty else {
      throw .targetInvalid
    }
    if method == .connect, parts.port ?? 0 == 0 { throw .targetInvalid }
    if let host {
      let isSame =
        HostText.routingName(bytes, parts.host) == HostText.routingName(bytes, host.parts.host)
      let usual: UInt16 = target.isSecure ? 443 : 80
      // Clients leave the port of a CONNECT out of `Host`.
      let isSamePort = method == .connect || parts.port ?? usual == host.parts.port ?? usual
      guard isSame, isSamePort else { throw .hostContradictsTarget }
    }
    return (authority, parts)
  }
}
