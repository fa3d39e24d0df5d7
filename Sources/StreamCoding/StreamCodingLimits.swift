/// The sizes that bound what this module holds and makes for one peer.
public enum StreamCodingLimits {
  /// The most uncompressed bytes in one chunk, in both directions (snappy framing, 4.2).
  public static let chunkPayloadBytesMax = 65_536

  /// The most bytes behind the header of a data chunk: its checksum and the largest block that a
  /// compressor can make of `chunkPayloadBytesMax` (32 + n + n / 6). Also the most that a
  /// decoder holds back.
  public static let chunkBodyBytesMax = 4 + 32 + chunkPayloadBytesMax + chunkPayloadBytesMax / 6

  /// Memory up to this many bytes is kept by a decoder that holds no part of a chunk.
  public static let retainedBytesMax = 4096

  /// The most decompressed bytes that one byte of input can become, rounded up: a snappy copy
  /// makes at most 64 bytes of 3.
  public static let expansionMax = 22

  /// The most random bytes asked for at once.
  public static let randomBytesMax = 1 << 20
}
