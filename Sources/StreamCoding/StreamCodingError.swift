/// What is wrong with an encoded stream; the connection that carried it has to be closed.
public enum StreamCodingError: Error, Equatable, Sendable {
  /// The first chunk was not the stream identifier.
  case streamIdentifierMissing(chunkType: UInt8)

  /// A stream identifier chunk that does not say "sNaPpY".
  case streamIdentifierInvalid

  /// A chunk of a reserved type (0x02 to 0x7f) that a reader may not skip.
  case chunkTypeUnsupported(UInt8)

  /// A chunk too short for what its type needs.
  case chunkTooShort(byteCount: Int, needed: Int)

  /// A chunk longer than its type allows.
  case chunkTooLong(byteCount: Int, limit: Int)

  /// A compressed block that claims to become more bytes than a chunk may hold.
  case blockTooLong(claimedByteCount: Int, limit: Int)

  /// A compressed block that cannot be decompressed.
  case blockMalformed(byteCount: Int)

  /// The decompressed bytes are not those that the sender had.
  case checksumMismatch(expected: UInt32, actual: UInt32)

  /// The stream ended inside the initialization vector.
  case initializationVectorTruncated(missing: Int)

  /// The stream ended inside a chunk.
  case chunkTruncated(missing: Int)
}
