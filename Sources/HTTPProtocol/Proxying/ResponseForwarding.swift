internal import ByteBuffers

/// What has to be known of a request when its response goes back to the visitor.
public struct VisitorExchange: Sendable {
  /// The method of the request.
  public let method: HTTPMethod
  /// The visitor's version.
  public let version: HTTPVersion
  /// Whether the visitor wants his connection to go on.
  public private(set) var isKeepAlive: Bool

  /// The connection ends behind the answer, whatever the visitor wants.
  public mutating func endConnection() { isKeepAlive = false }

  /// Whether interim responses may be passed on; HTTP/1.0 knows none.
  public var takesInterimResponses: Bool { version == .http11 }

  /// Remembers it of `head`, as it came from the visitor.
  public init(_ head: RequestHead) {
    method = head.method
    version = head.version
    isKeepAlive = head.isKeepAlive
  }

  /// For an answer to something that is no request: HTTP/1.1, and the connection ends.
  public init() {
    method = .get
    version = .http11
    isKeepAlive = false
  }
}

/// How a response is passed on.
public struct ForwardedResponse: Equatable, Sendable {
  /// How its body is written to the visitor; its trailers can only follow chunks.
  public let framing: BodyFraming
  /// Whether the visitor's connection goes on behind it.
  public let isKeepAlive: Bool
  /// Whether it is a final response without `Date`, to which a proxy with a clock adds it (RFC
  /// 9110, section 6.6.1).
  public var lacksDate = false
}

extension ResponseHead {
  /// Makes a local service's response one for the visitor; `write` appends it then.
  ///
  /// - Parameter fieldsToSet: the proxy's own fields; those that only we write are left out.
  /// - Returns: how its body is to be written, whose end may have to be told in another way than
  ///   the local service did.
  public mutating func prepareForVisitor(
    _ exchange: VisitorExchange, fieldsToSet: [(name: String, value: String)] = []
  ) -> ForwardedResponse {
    let upgradeTo = status == .switchingProtocols ? fields.first(.upgrade) : nil
    ConnectionFields.remove(from: &fields)
    if isInterim || status.code == 204 { fields.removeAll(.contentLength) }
    for field in fieldsToSet where !ConnectionFields.areOurs(KnownField(field.name)) {
      fields.set(field.name, field.value)
    }
    if isTunnel {
      if status == .switchingProtocols { fields.append("Connection", "Upgrade") }
      if let upgradeTo { fields.append("Upgrade", upgradeTo) }
      return ForwardedResponse(framing: .none, isKeepAlive: false)
    }
    if isInterim { return ForwardedResponse(framing: .none, isKeepAlive: exchange.isKeepAlive) }
    let framing = framingForVisitor(exchange.version)
    let isKeepAlive = exchange.isKeepAlive && framing != .untilClose
    if framing == .chunked { fields.append("Transfer-Encoding", "chunked") }
    switch exchange.version {
    case .http10: if isKeepAlive { fields.append("Connection", "keep-alive") }
    case .http11: if !isKeepAlive { fields.append("Connection", "close") }
    }
    return ForwardedResponse(
      framing: framing, isKeepAlive: isKeepAlive, lacksDate: fields.firstIndex(of: .date) == nil)
  }

  /// HTTP/1.0 has no chunks; HTTP/1.1 need not close to end a body.
  private func framingForVisitor(_ version: HTTPVersion) -> BodyFraming {
    switch (framing, version) {
    case (.none, _), (.length, _): framing
    case (.chunked, .http11), (.untilClose, .http11): .chunked
    case (.chunked, .http10), (.untilClose, .http10): .untilClose
    }
  }
}
