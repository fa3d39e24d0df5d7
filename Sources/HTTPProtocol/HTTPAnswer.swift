public import ByteBuffers

/// A response of our own, body and all.
public struct HTTPAnswer: Sendable {
  /// The code.
  public var status: HTTPStatus
  /// The fields but those that say where the body ends and whether the connection goes on.
  public var fields: FieldTable
  /// The body.
  public var body: [UInt8]

  /// An answer with a body; an empty one has no type.
  public init(_ status: HTTPStatus, contentType: String = "", body: [UInt8] = []) {
    self.status = status
    self.body = body
    fields = FieldTable()
    if !contentType.isEmpty { fields.append("Content-Type", contentType) }
  }

  /// A line of plain text.
  public init(_ status: HTTPStatus, text: String) {
    self.init(
      status, contentType: "text/plain; charset=utf-8", body: Array("\(text)\n".utf8))
    fields.append("X-Content-Type-Options", "nosniff")
  }

  /// What a request with that fault gets; the connection has to be closed behind it.
  public init(_ fault: HTTPFault) {
    self.init(fault.status, text: "\(fault.status.code) \(fault.status.reason)")
  }

  /// Appends the answer as one to that request.
  ///
  /// - Parameters:
  ///   - isKeepAlive: whether we would let the connection go on.
  ///   - date: the value of `Date`; `nil` for none.
  /// - Returns: whether it goes on.
  @discardableResult
  public func write(
    to exchange: VisitorExchange, isKeepAlive: Bool = true, date: String?,
    into queue: inout ByteQueue
  ) -> Bool {
    let goesOn = isKeepAlive && exchange.isKeepAlive
    queue.append(utf8: "HTTP/1.1 \(status.code) \(status.reason)\r\n")
    fields.write(into: &queue)
    if let date { AnswerDate.write(date, into: &queue) }
    queue.append(utf8: "Content-Length: \(body.count)\r\n")
    switch exchange.version {
    case .http10: if goesOn { queue.append(utf8: "Connection: keep-alive\r\n") }
    case .http11: if !goesOn { queue.append(utf8: "Connection: close\r\n") }
    }
    queue.append(utf8: "\r\n")
    if exchange.method != .head { queue.append(body) }
    return goesOn
  }
}

/// The answers that a proxy gives itself (behaviour.md 4.2, 4.3, 6).
extension HTTPAnswer {
  /// No route, or nobody behind it: the operator's page, or a small one of ours.
  public static func notFoundPage(custom page: [UInt8]? = nil) -> HTTPAnswer {
    let page = page ?? Array(notFoundText.utf8)
    return HTTPAnswer(.notFound, contentType: contentType(of: page), body: page)
  }

  private static let notFoundText = """
    <!DOCTYPE html>
    <html lang="en">
    <head><meta charset="utf-8"><title>Not Found</title></head>
    <body>
    <h1>Not Found</h1>
    <p>Nothing answers at this address right now. If it is yours, see whether your frp client runs \
    and what its log says.</p>
    </body>
    </html>

    """

  /// HTML by its first tag, plain text otherwise.
  private static func contentType(of page: [UInt8]) -> String {
    let start = page.drop { ByteClass.isSpace($0) || $0 == 0x0a || $0 == 0x0d }
    let lowercased = start.prefix(14).map(ByteClass.lowercased)
    let marks = [
      "<!doctype html", "<html", "<head", "<body", "<!--", "<h1", "<div", "<p", "<title",
    ]
    let isHTML = marks.contains { lowercased.starts(with: $0.utf8) }
    return isHTML ? "text/html; charset=utf-8" : "text/plain; charset=utf-8"
  }

  /// The proxy wants a user and a password. A request to a proxy gets 407, others 401.
  public static func unauthorized(isProxyForm: Bool = false) -> HTTPAnswer {
    var answer = HTTPAnswer(
      isProxyForm ? .proxyAuthenticationRequired : .unauthorized,
      text: isProxyForm ? "Proxy Authentication Required" : "Unauthorized")
    answer.fields.append(
      isProxyForm ? "Proxy-Authenticate" : "WWW-Authenticate", "Basic realm=\"Restricted\"")
    return answer
  }

  /// The host's TLS does not end here: the visitor has to connect for it anew.
  public static var misdirected: HTTPAnswer { HTTPAnswer(.misdirectedRequest) }

  /// The local service did not answer in time.
  public static var gatewayTimeout: HTTPAnswer { HTTPAnswer(.gatewayTimeout) }

  /// Nobody is there now who could answer.
  public static var serviceUnavailable: HTTPAnswer { HTTPAnswer(.serviceUnavailable) }

  /// The local service's answer is none.
  public static var badGateway: HTTPAnswer { HTTPAnswer(.badGateway) }

  /// A tunnel begins behind this answer.
  public static var tunnelGranted: HTTPAnswer { HTTPAnswer(.ok) }

  /// The interim answer to a visitor who waits with his body.
  public static func writeContinue(into queue: inout ByteQueue) {
    queue.append(utf8: "HTTP/1.1 100 Continue\r\n\r\n")
  }
}
