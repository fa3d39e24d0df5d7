internal import ByteBuffers

/// The head of a response that keeps all rules of RFC 9110 and RFC 9112.
public struct ResponseHead: Sendable {
  /// The fields in their order.
  public var fields: FieldTable
  /// The code.
  public let status: HTTPStatus
  /// The version of the sender.
  public let version: HTTPVersion
  /// How the end of the body is found, for the request that it answers.
  public let framing: BodyFraming
  /// Whether the connection can carry another request afterwards, as far as the sender says.
  public let isKeepAlive: Bool
  /// Whether the connection belongs to another protocol from here on: 101, and a CONNECT that was
  /// granted.
  public let isTunnel: Bool
  /// The bytes that the head took.
  public let byteCount: Int
  let reason: Range<Int>

  /// Whether another response to the same request follows (1xx but 101).
  public var isInterim: Bool { (100..<200).contains(status.code) && !isTunnel }

  /// The phrase behind the code.
  public var reasonText: String { fields.text(in: reason) }

  init(
    fields: FieldTable, status: HTTPStatus, reason: Range<Int>, version: HTTPVersion,
    byteCount: Int, answering method: HTTPMethod
  ) throws(HTTPFault) {
    let rules = try MessageRules(fields, version: version)
    self.fields = fields
    self.status = status
    self.reason = reason
    self.version = version
    self.byteCount = byteCount
    let code = status.code
    isTunnel = code == 101 || (method == .connect && (200..<300).contains(code))
    framing =
      if isTunnel || method == .head || code < 200 || code == 204 || code == 304 {
        .none
      } else if rules.isChunked {
        .chunked
      } else if let length = rules.contentLength {
        length > 0 ? .length(length) : .none
      } else {
        .untilClose
      }
    isKeepAlive = rules.isKeepAlive && framing != .untilClose && !isTunnel
  }
}

/// Reads the head of a response; used as `RequestHeadParser` is.
public struct ResponseHeadParser: Sendable {
  private struct Line {
    var status: HTTPStatus
    var reason: Range<Int>
    var version: HTTPVersion
  }

  private let method: HTTPMethod
  private var section = FieldSection(
    byteCountMax: HTTPProtocolLimits.headByteCountMax, tooLarge: .headTooLarge, isResponse: true)
  private var line: Line?
  private var failure: HTTPFault?

  /// Makes a parser for the answer to a request with that method.
  public init(answering method: HTTPMethod) { self.method = method }

  /// The head, once all of it is there; the parser is ready for the next answer to the same request
  /// then.
  public mutating func parse(_ bytes: RawSpan) throws(HTTPFault) -> ResponseHead? {
    if let failure { throw failure }
    do throws(HTTPFault) {
      return try read(bytes)
    } catch {
      failure = error
      throw error
    }
  }

  private mutating func read(_ bytes: RawSpan) throws(HTTPFault) -> ResponseHead? {
    if line == nil {
      guard
        let range = try section.nextLine(
          bytes, byteCountMax: HTTPProtocolLimits.requestLineByteCountMax, tooLong: .headTooLarge)
      else { return nil }
      line = try Self.parseLine(bytes, range)
    }
    guard let line, let end = try section.readFields(bytes) else { return nil }
    let table = section.table(bytes.extracting(0..<end))
    let head = try ResponseHead(
      fields: table, status: line.status, reason: line.reason, version: line.version,
      byteCount: end, answering: method)
    self = ResponseHeadParser(answering: method)
    return head
  }

  /// `HTTP/1.1 200 OK`; the phrase and the space before it may be missing. Codes without a class,
  /// from 600 on, are passed on for those who agreed on them.
  private static func parseLine(
    _ bytes: RawSpan, _ range: Range<Int>
  ) throws(HTTPFault) -> Line {
    if let control = bytes.firstControl(in: range) {
      throw FieldSection.controlFault(bytes[control])
    }
    guard range.count >= 12 else { throw .statusLineMalformed }
    let start = range.lowerBound
    let version = try HTTPVersion(bytes, range.prefix(8))
    var code = 0
    for index in start + 9..<start + 12 {
      guard ByteClass.isDigit(bytes[index]) else { throw .statusLineMalformed }
      code = code * 10 + Int(bytes[index] - 0x30)
    }
    guard bytes[start + 8] == 0x20, (100...999).contains(code),
      range.count == 12 || bytes[start + 12] == 0x20
    else { throw .statusLineMalformed }
    let reason = min(start + 13, range.upperBound)..<range.upperBound
    return Line(status: HTTPStatus(code: code), reason: reason, version: version)
  }
}
