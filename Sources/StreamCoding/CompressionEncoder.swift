public import ByteBuffers
import CSnappy

/// Compresses a stream of bytes in snappy's framing format. What one call is given is complete in
/// what it appends, so nothing ever waits for a flush.
///
/// libsnappy takes working memory of a few times the chunk for the length of each call; nothing
/// else is allocated.
public struct CompressionEncoder: ~Copyable {
  private var isIdentifierPending = true

  /// Makes an encoder at the start of a stream.
  public init() {}

  /// Appends the chunks of `bytes`, after the stream identifier if these are the first; nothing
  /// for no bytes.
  public mutating func encode(_ bytes: UnsafeRawBufferPointer, into output: inout ByteQueue) {
    var offset = 0
    while offset < bytes.count {
      let end = min(offset + StreamCodingLimits.chunkPayloadBytesMax, bytes.count)
      let chunk = UnsafeRawBufferPointer(rebasing: bytes[offset..<end])
      output.appendUninitialized(byteCount: Self.encodedByteCountMax(chunk.count)) { room in
        encodeChunk(chunk, into: room)
      }
      offset = end
    }
  }

  /// Appends the chunks of the bytes of `span`.
  public mutating func encode(_ span: RawSpan, into output: inout ByteQueue) {
    span.withUnsafeBytes { encode($0, into: &output) }
  }

  /// The most bytes that `encodeChunk` writes for so many.
  static func encodedByteCountMax(_ byteCount: Int) -> Int {
    SnappyFraming.identifierChunkByteCount + SnappyFraming.headerByteCount
      + SnappyFraming.checksumByteCount + snappy_max_compressed_length(byteCount)
  }

  /// Writes one chunk, after the stream identifier if it is the first, to the front of `room`.
  ///
  /// - Parameters:
  ///   - bytes: 1 to `StreamCodingLimits.chunkPayloadBytesMax` bytes.
  ///   - room: at least `encodedByteCountMax(bytes.count)` bytes.
  /// - Returns: the number of bytes written.
  mutating func encodeChunk(
    _ bytes: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer
  ) -> Int {
    precondition(bytes.count <= StreamCodingLimits.chunkPayloadBytesMax, "chunk too long")
    precondition(room.count >= Self.encodedByteCountMax(bytes.count), "too little room")
    guard let source = bytes.baseAddress, var target = room.baseAddress else { return 0 }
    var identifierByteCount = 0
    if isIdentifierPending {
      isIdentifierPending = false
      identifierByteCount = Self.writeIdentifier(to: target)
      target += identifierByteCount
    }
    let body = target + SnappyFraming.headerByteCount + SnappyFraming.checksumByteCount
    var blockByteCount = snappy_max_compressed_length(bytes.count)
    let status = snappy_compress(
      source.assumingMemoryBound(to: CChar.self), bytes.count,
      body.assumingMemoryBound(to: CChar.self), &blockByteCount)
    // Stored when compression saves less than one eighth (wire-protocol 6.4).
    let isWorthIt = status == SNAPPY_OK && blockByteCount < bytes.count - bytes.count / 8
    if !isWorthIt {
      body.copyMemory(from: source, byteCount: bytes.count)
      blockByteCount = bytes.count
    }
    let length = UInt32(SnappyFraming.checksumByteCount + blockByteCount)
    let type = isWorthIt ? SnappyFraming.compressedType : SnappyFraming.storedType
    let header = UInt32(type) | length << 8
    target.storeBytes(of: header.littleEndian, as: UInt32.self)
    target.storeBytes(
      of: CRC32C.masked(CRC32C.checksum(bytes)).littleEndian,
      toByteOffset: SnappyFraming.headerByteCount, as: UInt32.self)
    return identifierByteCount + SnappyFraming.headerByteCount + Int(length)
  }

  private static func writeIdentifier(to target: UnsafeMutableRawPointer) -> Int {
    let body = SnappyFraming.identifier
    let header = UInt32(SnappyFraming.identifierType) | UInt32(body.count) << 8
    target.storeBytes(of: header.littleEndian, as: UInt32.self)
    for offset in body.indices {
      target.storeBytes(
        of: body[offset], toByteOffset: SnappyFraming.headerByteCount + offset, as: UInt8.self)
    }
    return SnappyFraming.identifierChunkByteCount
  }
}
