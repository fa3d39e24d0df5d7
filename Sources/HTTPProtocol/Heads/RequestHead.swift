internal import ByteBuffers

/// The head of a request that keeps all rules of RFC 9110 and RFC 9112.
public struct RequestHead: Sendable {
  /// The fields in their order.
  public var fields: FieldTable
  /// What is asked for.
  public let method: HTTPMethod
  /// The version of the sender.
  public let version: HTTPVersion
  /// How the end of the body is found.
  public let framing: BodyFraming
  /// Whether the sender wants the connection to go on after this request.
  public let isKeepAlive: Bool
  /// Whether the sender waits for a 100 before it sends the body.
  public let expectsContinue: Bool
  /// Whether the sender would speak another protocol from here on (`Upgrade`): any but HTTP/2 and
  /// TLS, in which requests would be hidden from us.
  public let wantsUpgrade: Bool
  /// The bytes that the head took, from an empty line before it to the one behind it.
  public let byteCount: Int

  var methodRange: Range<Int>
  var target: RequestTarget
  /// What names the host: the target's authority, or the value of `Host`.
  var authority: Range<Int>?
  /// The parts of `authority`.
  var hostParts: HostText.Parts?

  /// Whether it is a call of gRPC, which is carried by HTTP/2 alone: a POST with the content type
  /// `application/grpc`, which may have `+` and more behind it. gRPC-Web is HTTP like any other.
  public var isGRPC: Bool {
    guard method == .post, let index = fields.firstIndex(of: .contentType) else { return false }
    let type: StaticString = "application/grpc"
    return fields.withValue(at: index) { value in
      let count = type.utf8CodeUnitCount
      guard value.byteCount >= count, value.equalsIgnoringCase(0..<count, type) else {
        return false
      }
      return value.byteCount == count || [0x2b, 0x3b, 0x20, 0x09].contains(value[count])
    }
  }

  /// The method as it was written.
  public var methodText: String { fields.text(in: methodRange) }

  /// The target as it was written.
  public var targetText: String { fields.text(in: target.whole) }

  /// Whether this is a request to a proxy: its target has the host in it (behaviour.md 4.1).
  public var isProxyForm: Bool {
    switch target.form {
    case .absolute, .authority: true
    case .origin, .asterisk: false
    }
  }

  /// The host with its port, as it was written; empty when the request names none.
  public var authorityText: String { authority.map { fields.text(in: $0) } ?? "" }

  /// The host to look routes up by: small letters, without port, brackets and one trailing dot;
  /// empty when the request names none.
  public var routingHost: String {
    guard let hostParts else { return "" }
    return unsafe HostText.routingName(fields.storage.span.bytes, hostParts.host)
  }

  /// The port that the request names.
  public var port: UInt16? { hostParts?.port }

  /// The path as it was written; `/` for an absolute target without one, empty for a CONNECT.
  public var pathText: String {
    target.form == .absolute && target.path.isEmpty ? "/" : fields.text(in: target.path)
  }

  /// What stands behind the question mark; `nil` when there is none.
  public var queryText: String? { target.query.map { fields.text(in: $0) } }

  /// Lends the path with its escapes replaced, as locations are compared with.
  public func withDecodedPath<R>(_ body: (RawSpan) -> R) -> R {
    if target.form == .absolute, target.path.isEmpty {
      let root: [UInt8] = [0x2f]
      return unsafe body(root.span.bytes)
    }
    let bytes = unsafe fields.storage.span.bytes.extracting(target.path)
    guard target.isEscaped else { return body(bytes) }
    let decoded = PercentCoding.decode(bytes)
    return unsafe body(decoded.span.bytes)
  }
}

/// Escapes of RFC 3986, section 2.1.
enum PercentCoding {
  /// `bytes` with its escapes replaced; what is no escape stays.
  static func decode(_ bytes: RawSpan) -> [UInt8] {
    var decoded: [UInt8] = []
    decoded.reserveCapacity(bytes.byteCount)
    var offset = 0
    while offset < bytes.byteCount {
      if bytes[offset] == 0x25, RequestTarget.isEscape(bytes, offset, bytes.byteCount),
        let high = ByteClass.hexadecimalValue(bytes[offset + 1]),
        let low = ByteClass.hexadecimalValue(bytes[offset + 2])
      {
        decoded.append(high << 4 | low)
        offset += 3
      } else {
        decoded.append(bytes[offset])
        offset += 1
      }
    }
    return decoded
  }
}
