internal import ByteBuffers

/// Reads the head of a request from bytes of which more come each time.
///
/// Give `parse` everything from the first byte of the head on, again and again with more behind it,
/// until it returns the head; drop `byteCount` bytes then. Lines are read as soon as they are
/// complete, and a fault is found at the same byte however the bytes were cut. The first fault is
/// final.
public struct RequestHeadParser: Sendable {
  private struct Line {
    var method: HTTPMethod
    var methodRange: Range<Int>
    var target: RequestTarget
    var version: HTTPVersion
  }

  private var section = FieldSection(
    byteCountMax: HTTPProtocolLimits.headByteCountMax, tooLarge: .headTooLarge, isResponse: false)
  private var line: Line?
  private var hasStarted = false
  private var failure: HTTPFault?

  /// Makes a parser at the start of a head.
  public init() {}

  /// The head, once all of it is there; the parser is ready for the next one then.
  public mutating func parse(_ bytes: RawSpan) throws(HTTPFault) -> RequestHead? {
    if let failure { throw failure }
    do throws(HTTPFault) {
      return try read(bytes)
    } catch {
      failure = error
      throw error
    }
  }

  private mutating func read(_ bytes: RawSpan) throws(HTTPFault) -> RequestHead? {
    guard try start(bytes) else { return nil }
    if line == nil {
      guard
        let range = try section.nextLine(
          bytes, byteCountMax: HTTPProtocolLimits.requestLineByteCountMax,
          tooLong: .requestLineTooLong)
      else { return nil }
      line = try Self.parseLine(bytes, range)
    }
    guard let line, let end = try section.readFields(bytes) else { return nil }
    let table = section.table(bytes.extracting(0..<end))
    let head = try RequestHead(
      fields: table, method: line.method, methodRange: line.methodRange, target: line.target,
      version: line.version, byteCount: end)
    self = RequestHeadParser()
    return head
  }

  /// Skips one empty line, which some clients send behind a body (RFC 9112, section 2.2), and
  /// looks at the first byte, so that what is no HTTP at all is known at once.
  private mutating func start(_ bytes: RawSpan) throws(HTTPFault) -> Bool {
    if hasStarted { return true }
    if bytes.byteCount == 0 { return false }
    if section.start == 0, bytes[0] == 0x0d {
      guard bytes.byteCount >= 2 else { return false }
      guard bytes[1] == 0x0a else { throw .bareCarriageReturn }
      section.skip(2)
    }
    guard bytes.byteCount > section.start else { return false }
    let first = bytes[section.start]
    if first == 0x0a { throw .bareLineFeed }
    guard ByteClass.isToken(first) else { throw .methodInvalid }
    hasStarted = true
    return true
  }

  private static func parseLine(
    _ bytes: RawSpan, _ range: Range<Int>
  ) throws(HTTPFault) -> Line {
    var end = range.lowerBound
    while end < range.upperBound, ByteClass.isToken(bytes[end]) { end += 1 }
    let method = range.lowerBound..<end
    guard method.count <= HTTPProtocolLimits.methodByteCountMax else { throw .methodTooLong }
    try checkSpace(bytes, at: end, range, otherwise: .methodInvalid)
    let start = end + 1
    end = start
    while end < range.upperBound, ByteClass.isTarget(bytes[end]) { end += 1 }
    try checkSpace(bytes, at: end, range, otherwise: .targetInvalid)
    guard end > start else { throw .requestLineMalformed }
    // The version first: what another one would mean by its target is not ours to judge.
    let version = try HTTPVersion(bytes, end + 1..<range.upperBound)
    let kind = HTTPMethod(bytes, method)
    return Line(
      method: kind, methodRange: method,
      target: try RequestTarget(bytes, start..<end, method: kind), version: version)
  }

  private static func checkSpace(
    _ bytes: RawSpan, at offset: Int, _ range: Range<Int>, otherwise fault: HTTPFault
  ) throws(HTTPFault) {
    guard offset < range.upperBound else { throw .requestLineMalformed }
    let byte = bytes[offset]
    if byte == 0x20 { return }
    throw ByteClass.isValue(byte) ? fault : FieldSection.controlFault(byte)
  }
}
