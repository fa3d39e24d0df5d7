/// What snappy's framing format fixes.
///
/// | offset | size | field | encoding |
/// |---|---|---|---|
/// | 0 | 1 | chunk type | |
/// | 1 | 3 | length of what follows | little-endian |
/// | 4 | 4 | masked CRC-32C of the uncompressed bytes (types 0 and 1) | little-endian |
/// | 8 | | block (type 0) or the bytes themselves (type 1) | |
enum SnappyFraming {
  static let headerByteCount = 4
  static let checksumByteCount = 4
  static let compressedType: UInt8 = 0x00
  static let storedType: UInt8 = 0x01
  static let identifierType: UInt8 = 0xff

  /// The body of a stream identifier chunk: "sNaPpY".
  static let identifier: InlineArray<6, UInt8> = [0x73, 0x4e, 0x61, 0x50, 0x70, 0x59]

  /// The chunk that starts a stream, with its header.
  static let identifierChunkByteCount = 10
}
