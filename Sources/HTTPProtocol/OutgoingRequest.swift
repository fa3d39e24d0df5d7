public import ByteBuffers

/// A request of our own, body and all: a health check, a call of an interface.
public struct OutgoingRequest: Sendable {
  /// What is asked for.
  public var method: HTTPMethod
  /// A path that begins with a slash, with its query, as it is to be written.
  public var target: String
  /// The host, with its port if that is not the usual one.
  public var host: String
  /// The fields but `Host`, `Connection` and those that say where the body ends.
  public var fields = FieldTable()
  /// The body.
  public var body: [UInt8] = []

  /// A request without fields and body.
  public init(_ method: HTTPMethod, target: String, host: String) {
    self.method = method
    self.target = target
    self.host = host
  }

  /// Appends the request.
  ///
  /// - Parameter isKeepAlive: whether another one may follow on the connection.
  /// - Returns: whether it is one; nothing is appended when method, target or host are none, which
  ///   can come from a configuration file.
  @discardableResult
  public func write(isKeepAlive: Bool = false, into queue: inout ByteQueue) -> Bool {
    var text = "\(method.rawValue) \(target) HTTP/1.1\r\nHost: \(host)\r\n"
    if !isKeepAlive { text += "Connection: close\r\n" }
    if !body.isEmpty || method == .post || method == .put || method == .patch {
      text += "Content-Length: \(body.count)\r\n"
    }
    // What a server of ours would refuse is not sent.
    var parser = RequestHeadParser()
    let bytes = Array((text + "\r\n").utf8)
    guard method != .other, let head = try? unsafe parser.parse(bytes.span.bytes),
      head.byteCount == bytes.count, head.targetText == target, head.authorityText == host
    else { return false }
    queue.append(utf8: text)
    fields.write(into: &queue)
    queue.append(utf8: "\r\n")
    queue.append(body)
    return true
  }
}
