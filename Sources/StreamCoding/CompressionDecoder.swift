public import ByteBuffers
import CSnappy

/// Reads snappy's framing format from a stream that is cut anywhere.
///
/// A stream is a sequence of *units*: a header of 4 bytes, then the body that it announces (in
/// pieces, when it is only skipped). The machine knows how long the next unit is; a unit that lies
/// whole in the input is handled there, one that is cut is collected first, so that no more than
/// one chunk is ever held.
///
/// | waiting for | complete unit | next |
/// |---|---|---|
/// | header | type 0, 1 or 0xff | body |
/// | header | type 0x80 to 0xfe | skipped body, or header when that is empty |
/// | header | type 0x02 to 0x7f, bad length, no stream identifier first | failed |
/// | body | decompresses and its checksum fits; repeated stream identifier | header |
/// | body | anything else | failed |
/// | skipped body | | skipped body, or header when none is left |
///
/// A failed decoder stays failed.
public struct CompressionDecoder: ~Copyable {
  private enum Expectation {
    case header
    case body(type: UInt8, byteCount: Int)
    case skippedBody(remaining: Int)
  }

  private var expectation = Expectation.header
  private var hasIdentifier = false
  private var failure: StreamCodingError?
  private var collected = UnitBuffer()

  /// Makes a decoder at the start of a stream.
  public init() {}

  /// Whether the stream may end here: everything that has arrived was complete.
  public var isAtBoundary: Bool {
    switch expectation {
    case .header: collected.count == 0
    case .body, .skippedBody: false
    }
  }

  /// The bytes of an incomplete chunk that are held.
  public var bufferedByteCount: Int { collected.count }

  /// Appends the decompressed bytes of every chunk that `bytes` completes, at most
  /// `StreamCodingLimits.expansionMax` times as many as `bytes` and what is buffered.
  ///
  /// - Throws: what is wrong with the stream; chunks before the faulty one are in `output`.
  public mutating func decode(
    _ bytes: UnsafeRawBufferPointer, into output: inout ByteQueue
  ) throws(StreamCodingError) {
    if let failure { throw failure }
    var offset = 0
    while offset < bytes.count {
      let wanted = unitByteCount
      if collected.count == 0 && bytes.count - offset >= wanted {
        let unit = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + wanted])
        offset += wanted
        try handle(unit, into: &output)
      } else {
        let byteCount = min(missingByteCount, bytes.count - offset)
        let part = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + byteCount])
        offset += byteCount
        try fill(byteCount, into: &output) { room in room.copyMemory(from: part) }
      }
    }
    trim()
  }

  /// Appends the decompressed bytes of every chunk that the bytes of `span` complete.
  public mutating func decode(
    _ span: RawSpan, into output: inout ByteQueue
  ) throws(StreamCodingError) {
    try span.withUnsafeBytes { bytes throws(StreamCodingError) in
      try decode(bytes, into: &output)
    }
  }

  /// Checks that the stream may end here.
  public func finish() throws(StreamCodingError) {
    if let failure { throw failure }
    guard !isAtBoundary else { return }
    if case .skippedBody(let remaining) = expectation {
      throw .chunkTruncated(missing: remaining - collected.count)
    }
    throw .chunkTruncated(missing: missingByteCount)
  }

  /// How many bytes complete the unit that is being collected; at least 1.
  var missingByteCount: Int { unitByteCount - collected.count }

  /// What made the stream unusable.
  var storedFailure: StreamCodingError? { failure }

  /// Collects `byteCount` bytes, at most `missingByteCount`, that `write` puts into the room that
  /// it is lent, and handles the unit if that completes it.
  mutating func fill(
    _ byteCount: Int, into output: inout ByteQueue,
    _ write: (UnsafeMutableRawBufferPointer) -> Void
  ) throws(StreamCodingError) {
    let wanted = unitByteCount
    precondition(byteCount <= wanted - collected.count, "more bytes than one unit needs")
    collected.append(byteCount, write)
    guard collected.count == wanted else { return }
    let unit = collected.bytes
    // Emptied before the unit is handled, which does not touch the memory that it lies in.
    collected.removeAll()
    try handle(unit, into: &output)
  }

  /// Gives back memory that nothing is held in.
  mutating func trim() {
    collected.trim()
  }

  private var unitByteCount: Int {
    switch expectation {
    case .header: SnappyFraming.headerByteCount
    case .body(_, let byteCount): byteCount
    case .skippedBody(let remaining): min(remaining, StreamCodingLimits.retainedBytesMax)
    }
  }

  private mutating func handle(
    _ unit: UnsafeRawBufferPointer, into output: inout ByteQueue
  ) throws(StreamCodingError) {
    do throws(StreamCodingError) {
      switch expectation {
      case .header:
        expectation = try Self.expectation(afterHeader: unit, hasIdentifier: hasIdentifier)
      case .body(let type, _):
        try handleBody(unit, type: type, into: &output)
        expectation = .header
      case .skippedBody(let remaining):
        let left = remaining - unit.count
        expectation = left > 0 ? .skippedBody(remaining: left) : .header
      }
    } catch {
      failure = error
      collected.removeAll()
      collected.trim()
      throw error
    }
  }

  private static func expectation(
    afterHeader unit: UnsafeRawBufferPointer, hasIdentifier: Bool
  ) throws(StreamCodingError) -> Expectation {
    let header = unit.bytes.loadLittleEndian(at: 0, as: UInt32.self)
    let type = UInt8(truncatingIfNeeded: header)
    let byteCount = Int(header >> 8)
    guard hasIdentifier || type == SnappyFraming.identifierType else {
      throw .streamIdentifierMissing(chunkType: type)
    }
    switch type {
    case SnappyFraming.identifierType:
      guard byteCount == SnappyFraming.identifier.count else { throw .streamIdentifierInvalid }
    case SnappyFraming.compressedType:
      try check(byteCount, atMost: StreamCodingLimits.chunkBodyBytesMax)
    case SnappyFraming.storedType:
      try check(
        byteCount,
        atMost: SnappyFraming.checksumByteCount + StreamCodingLimits.chunkPayloadBytesMax)
    case 0x80...0xfe:
      return byteCount > 0 ? .skippedBody(remaining: byteCount) : .header
    default:
      throw .chunkTypeUnsupported(type)
    }
    return .body(type: type, byteCount: byteCount)
  }

  private static func check(
    _ byteCount: Int, atMost limit: Int
  ) throws(StreamCodingError) {
    guard byteCount >= SnappyFraming.checksumByteCount else {
      throw .chunkTooShort(byteCount: byteCount, needed: SnappyFraming.checksumByteCount)
    }
    guard byteCount <= limit else { throw .chunkTooLong(byteCount: byteCount, limit: limit) }
  }

  private mutating func handleBody(
    _ unit: UnsafeRawBufferPointer, type: UInt8, into output: inout ByteQueue
  ) throws(StreamCodingError) {
    if type == SnappyFraming.identifierType {
      for (offset, byte) in unit.enumerated() where byte != SnappyFraming.identifier[offset] {
        throw .streamIdentifierInvalid
      }
      hasIdentifier = true
      return
    }
    let expected = unit.bytes.loadLittleEndian(at: 0, as: UInt32.self)
    let block = UnsafeRawBufferPointer(rebasing: unit[SnappyFraming.checksumByteCount...])
    if type == SnappyFraming.storedType {
      try Self.verify(block, against: expected)
      output.append(block)
      return
    }
    let byteCount = try Self.uncompressedByteCount(of: block)
    // At least one byte, so that there is memory to point to even for an empty block.
    try output.appendUninitialized(byteCount: max(byteCount, 1)) {
      room throws(StreamCodingError) in
      try Self.decompress(block, into: room, byteCount: byteCount)
      try Self.verify(UnsafeRawBufferPointer(rebasing: room[..<byteCount]), against: expected)
      return byteCount
    }
  }

  /// What the block claims, checked against the limit before anything is allocated for it.
  private static func uncompressedByteCount(
    of block: UnsafeRawBufferPointer
  ) throws(StreamCodingError) -> Int {
    var byteCount = 0
    let status = snappy_uncompressed_length(
      block.baseAddress?.assumingMemoryBound(to: CChar.self), block.count, &byteCount)
    guard status == SNAPPY_OK else { throw .blockMalformed(byteCount: block.count) }
    guard byteCount <= StreamCodingLimits.chunkPayloadBytesMax else {
      throw .blockTooLong(
        claimedByteCount: byteCount, limit: StreamCodingLimits.chunkPayloadBytesMax)
    }
    return byteCount
  }

  private static func decompress(
    _ block: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer, byteCount: Int
  ) throws(StreamCodingError) {
    var written = byteCount
    let status = snappy_uncompress(
      block.baseAddress?.assumingMemoryBound(to: CChar.self), block.count,
      room.baseAddress?.assumingMemoryBound(to: CChar.self), &written)
    guard status == SNAPPY_OK && written == byteCount else {
      throw .blockMalformed(byteCount: block.count)
    }
  }

  private static func verify(
    _ bytes: UnsafeRawBufferPointer, against expected: UInt32
  ) throws(StreamCodingError) {
    let actual = CRC32C.masked(CRC32C.checksum(bytes))
    guard actual == expected else {
      throw .checksumMismatch(expected: expected, actual: actual)
    }
  }
}
