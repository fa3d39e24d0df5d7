public import Configuration
internal import LinuxSystem

/// The conversation that makes a proxy connect us to our server. Bytes in, bytes out.
public struct UpstreamProxyHandshake {
  /// What to do next.
  public enum Step: Equatable, Sendable {
    /// Send these bytes, then wait for more.
    case send([UInt8])
    /// Wait for more.
    case wait
    /// The proxy is out of the way; these bytes came behind its answer.
    case done(rest: [UInt8])
    /// The proxy refused; why.
    case failed(String)
  }

  /// Bytes of an answer at which a proxy is given up.
  public static let answerByteCountMax = 16 * 1024

  private enum State {
    case httpAnswer
    case socksMethod
    case socksAuthentication
    case socksAnswer
    case over
  }

  private let proxy: UpstreamProxy
  private let targetHost: String
  private let targetPort: UInt16
  private var state: State
  private var received: [UInt8] = []
  /// How many bytes of an HTTP answer were searched for its end.
  private var searchedByteCount = 0

  /// Prepares a conversation that leads to `targetHost`:`targetPort`.
  public init(_ proxy: UpstreamProxy, targetHost: String, targetPort: UInt16) {
    self.proxy = proxy
    self.targetHost = targetHost
    self.targetPort = targetPort
    switch proxy.kind {
    case .http: state = .httpAnswer
    case .socks5: state = .socksMethod
    }
  }

  private var user: String { proxy.user ?? "" }

  private var password: String { proxy.password?.value ?? "" }

  /// The bytes that open the conversation.
  public var greeting: [UInt8] {
    switch proxy.kind {
    case .http: Array(connectRequest.utf8)
    // Version 5; no authentication, and user and password when there are some.
    case .socks5: proxy.user == nil ? [5, 1, 0] : [5, 2, 0, 2]
    }
  }

  /// Takes what the proxy sent.
  public mutating func handle(_ bytes: some Sequence<UInt8>) -> Step {
    received += bytes
    if received.count > Self.answerByteCountMax { return fail("the proxy's answer is too long") }
    switch state {
    case .httpAnswer: return handleHTTPAnswer()
    case .socksMethod: return handleSOCKSMethod()
    case .socksAuthentication: return handleSOCKSAuthentication()
    case .socksAnswer: return handleSOCKSAnswer()
    case .over: return .failed("the conversation is over")
    }
  }

  private mutating func fail(_ text: String) -> Step {
    state = .over
    return .failed(text)
  }

  // MARK: HTTP

  private var connectRequest: String {
    let host = targetHost.utf8.contains(UInt8(ascii: ":")) ? "[\(targetHost)]" : targetHost
    let authority = "\(host):\(targetPort)"
    var request = "CONNECT \(authority) HTTP/1.1\r\nHost: \(authority)\r\n"
    request += "User-Agent: Mozilla/5.0\r\n"
    if proxy.user != nil {
      let credential = Self.base64(Array("\(user):\(password)".utf8))
      request += "Proxy-Authorization: Basic \(credential)\r\n"
    }
    return request + "\r\n"
  }

  private mutating func handleHTTPAnswer() -> Step {
    let terminator = Array("\r\n\r\n".utf8)
    let start = max(0, searchedByteCount - terminator.count + 1)
    searchedByteCount = received.count
    guard let end = Self.firstIndex(of: terminator, in: received, from: start) else { return .wait }
    let head = String(decoding: received[..<end], as: UTF8.self)
    let statusLine = head.prefix { $0 != "\r" && $0 != "\n" && $0 != "\r\n" }
    let words = statusLine.split(separator: " ", maxSplits: 2)
    guard words.count >= 2, words[0].hasPrefix("HTTP/1.") else {
      return fail("the proxy does not speak HTTP")
    }
    guard words[1] == "200" else { return fail("the proxy answered \(statusLine.prefix(80))") }
    state = .over
    return .done(rest: Array(received[(end + terminator.count)...]))
  }

  private static func firstIndex(
    of pattern: [UInt8], in bytes: [UInt8], from first: Int
  ) -> Int? {
    guard bytes.count >= first + pattern.count else { return nil }
    return (first...(bytes.count - pattern.count)).first { start in
      bytes[start..<(start + pattern.count)].elementsEqual(pattern)
    }
  }

  private static func base64(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      var bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      bits <<= UInt32(8 * (3 - group.count))
      for position in 0..<4 {
        let digit = alphabet[Int(bits >> UInt32(18 - 6 * position) & 63)]
        text.append(position <= group.count ? digit : UInt8(ascii: "="))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  // MARK: SOCKS

  private mutating func handleSOCKSMethod() -> Step {
    guard received.count >= 2 else { return .wait }
    guard received[0] == 5 else { return fail("the proxy does not speak SOCKS 5") }
    let method = received[1]
    received.removeFirst(2)
    switch method {
    case 0:
      return requestConnection()
    case 2 where proxy.user != nil:
      // RFC 1929: version 1, then both texts with their lengths.
      let user = Array(user.utf8.prefix(255))
      let password = Array(password.utf8.prefix(255))
      state = .socksAuthentication
      return .send([1, UInt8(user.count)] + user + [UInt8(password.count)] + password)
    default:
      return fail("the proxy wants an authentication that we do not have")
    }
  }

  private mutating func handleSOCKSAuthentication() -> Step {
    guard received.count >= 2 else { return .wait }
    guard received[1] == 0 else { return fail("the proxy refused the user or the password") }
    received.removeFirst(2)
    return requestConnection()
  }

  private mutating func requestConnection() -> Step {
    state = .socksAnswer
    // RFC 1928, 4: CONNECT to an address, or to a name that the proxy resolves.
    let port = [UInt8(targetPort >> 8), UInt8(truncatingIfNeeded: targetPort)]
    if let literal = SocketAddress(host: targetHost, port: targetPort) {
      switch literal.family {
      case .ipv4: return .send([5, 1, 0, 1] + literal.octetArray + port)
      case .ipv6: return .send([5, 1, 0, 4] + literal.octetArray + port)
      }
    }
    let host = Array(targetHost.utf8.prefix(255))
    return .send([5, 1, 0, 3, UInt8(host.count)] + host + port)
  }

  private mutating func handleSOCKSAnswer() -> Step {
    guard received.count >= 5 else { return .wait }
    guard received[1] == 0 else { return fail("the proxy cannot connect: code \(received[1])") }
    let addressLength: Int
    switch received[3] {
    case 1: addressLength = 4
    case 4: addressLength = 16
    case 3: addressLength = 1 + Int(received[4])
    default: return fail("the proxy answered with an unknown address type")
    }
    let length = 4 + addressLength + 2
    guard received.count >= length else { return .wait }
    state = .over
    return .done(rest: Array(received[length...]))
  }
}
