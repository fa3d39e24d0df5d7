/// A status code (RFC 9110, section 15).
public struct HTTPStatus: Hashable, Sendable {
  /// Three digits.
  public let code: Int

  /// Wraps a code of three digits.
  public init(code: Int) { self.code = code }

  /// 100
  public static let continuing = HTTPStatus(code: 100)
  /// 101
  public static let switchingProtocols = HTTPStatus(code: 101)
  /// 200
  public static let ok = HTTPStatus(code: 200)
  /// 301
  public static let movedPermanently = HTTPStatus(code: 301)
  /// 400
  public static let badRequest = HTTPStatus(code: 400)
  /// 401
  public static let unauthorized = HTTPStatus(code: 401)
  /// 403
  public static let forbidden = HTTPStatus(code: 403)
  /// 404
  public static let notFound = HTTPStatus(code: 404)
  /// 405
  public static let methodNotAllowed = HTTPStatus(code: 405)
  /// 407
  public static let proxyAuthenticationRequired = HTTPStatus(code: 407)
  /// 408
  public static let requestTimeout = HTTPStatus(code: 408)
  /// 409
  public static let conflict = HTTPStatus(code: 409)
  /// 413
  public static let contentTooLarge = HTTPStatus(code: 413)
  /// 414
  public static let targetTooLong = HTTPStatus(code: 414)
  /// 417
  public static let expectationFailed = HTTPStatus(code: 417)
  /// 421
  public static let misdirectedRequest = HTTPStatus(code: 421)
  /// 431
  public static let headTooLarge = HTTPStatus(code: 431)
  /// 500
  public static let internalServerError = HTTPStatus(code: 500)
  /// 501
  public static let notImplemented = HTTPStatus(code: 501)
  /// 502
  public static let badGateway = HTTPStatus(code: 502)
  /// 503
  public static let serviceUnavailable = HTTPStatus(code: 503)
  /// 504
  public static let gatewayTimeout = HTTPStatus(code: 504)
  /// 505
  public static let versionNotSupported = HTTPStatus(code: 505)

  /// The phrase behind the code in a status line; empty for a code that we never send.
  public var reason: String {
    switch code {
    case 100: "Continue"
    case 101: "Switching Protocols"
    case 200: "OK"
    case 301: "Moved Permanently"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 407: "Proxy Authentication Required"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 413: "Content Too Large"
    case 414: "URI Too Long"
    case 417: "Expectation Failed"
    case 421: "Misdirected Request"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 505: "HTTP Version Not Supported"
    default: ""
    }
  }
}
