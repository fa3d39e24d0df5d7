internal import ByteBuffers

/// Reads lines that end in CRLF, and the fields among them up to the empty line, from bytes of
/// which more come each time. Only what is new is searched for the end of a line.
struct FieldSection: Sendable {
  /// Where the section begins, in the bytes that it is given.
  var start = 0
  /// The most bytes from `start` on, and what a section with more is.
  let byteCountMax: Int
  let tooLarge: HTTPFault
  /// Whether white space before a colon is removed; in a request it is a fault (RFC 9112, section
  /// 5.1).
  let isResponse: Bool
  var fields: [FieldTable.Field] = []
  private static let usualFieldCount = 24
  private var lineStart = 0
  private var searched = 0
  private var hasSpaceBeforeColon = false

  init(byteCountMax: Int, tooLarge: HTTPFault, isResponse: Bool) {
    self.byteCountMax = byteCountMax
    self.tooLarge = tooLarge
    self.isResponse = isResponse
  }

  /// Drops bytes in front of the first line.
  mutating func skip(_ byteCount: Int) {
    start += byteCount
    lineStart = start
    searched = start
  }

  /// The next line without its CRLF; `nil` until it is complete.
  mutating func nextLine(
    _ bytes: RawSpan, byteCountMax lineMax: Int, tooLong: HTTPFault
  ) throws(HTTPFault) -> Range<Int>? {
    guard let end = bytes.firstLineFeed(from: searched) else {
      searched = bytes.byteCount
      // One more byte would be needed at least.
      if searched - lineStart >= lineMax { throw tooLong }
      if searched - start >= byteCountMax { throw tooLarge }
      return nil
    }
    if end + 1 - lineStart > lineMax { throw tooLong }
    if end + 1 - start > byteCountMax { throw tooLarge }
    guard end > lineStart, bytes[end - 1] == 0x0d else { throw .bareLineFeed }
    let line = lineStart..<end - 1
    lineStart = end + 1
    searched = lineStart
    return line
  }

  /// Reads fields; returns where the section ends, behind its empty line, once it is there.
  mutating func readFields(_ bytes: RawSpan) throws(HTTPFault) -> Int? {
    while let line = try nextLine(bytes, byteCountMax: byteCountMax, tooLong: tooLarge) {
      if line.isEmpty { return lineStart }
      guard fields.count < HTTPProtocolLimits.fieldCountMax else { throw .tooManyFields }
      if fields.isEmpty { fields.reserveCapacity(Self.usualFieldCount) }
      let field = try parseField(bytes, line)
      fields.append(field)
    }
    return nil
  }

  /// The fields, once all of them are there; `bytes` are those that they were read from.
  func table(_ bytes: RawSpan) -> FieldTable {
    var table = FieldTable(bytes, fields: fields)
    if hasSpaceBeforeColon { table.closeUpNames() }
    return table
  }

  private mutating func parseField(
    _ bytes: RawSpan, _ line: Range<Int>
  ) throws(HTTPFault) -> FieldTable.Field {
    var nameEnd = line.lowerBound
    while nameEnd < line.upperBound, ByteClass.isToken(bytes[nameEnd]) { nameEnd += 1 }
    var colon = nameEnd
    if isResponse, nameEnd > line.lowerBound {
      while colon < line.upperBound, ByteClass.isSpace(bytes[colon]) { colon += 1 }
      hasSpaceBeforeColon = hasSpaceBeforeColon || colon > nameEnd
    }
    guard colon < line.upperBound else { throw .colonMissing }
    guard bytes[colon] == 0x3a else { throw Self.nameFault(bytes, line, stoppedAt: colon) }
    guard nameEnd > line.lowerBound else { throw .fieldNameInvalid }
    let content = colon + 1..<line.upperBound
    if let control = bytes.firstControl(in: content) { throw Self.controlFault(bytes[control]) }
    let value = bytes.trimmingSpace(content)
    return FieldTable.Field(
      nameStart: UInt32(line.lowerBound), nameEnd: UInt32(nameEnd),
      valueStart: UInt32(value.lowerBound), valueEnd: UInt32(value.upperBound),
      lineEnd: UInt32(line.upperBound + 2), known: KnownField(bytes, line.lowerBound..<nameEnd))
  }

  private static func nameFault(
    _ bytes: RawSpan, _ line: Range<Int>, stoppedAt offset: Int
  ) -> HTTPFault {
    let byte = bytes[offset]
    if ByteClass.isSpace(byte) {
      return offset == line.lowerBound ? .obsoleteLineFolding : .spaceBeforeColon
    }
    return ByteClass.isValue(byte) ? .fieldNameInvalid : controlFault(byte)
  }

  /// What a byte is that stands where no control character may.
  static func controlFault(_ byte: UInt8) -> HTTPFault {
    byte == 0x0d ? .bareCarriageReturn : .controlCharacter
  }
}
