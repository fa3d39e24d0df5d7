public import ByteBuffers

/// What a connection does to the payload that it sends: compression, then encryption, either,
/// or neither (wire-protocol 6.4).
public struct PayloadEncoder: ~Copyable {
  private var compression: CompressionEncoder?
  private var encryption: StreamEncryptor?

  /// Makes an encoder at the start of a stream.
  ///
  /// - Parameters:
  ///   - encryptionKey: 16 bytes, or `nil` for no encryption.
  ///   - isCompressed: whether the payload is compressed.
  ///   - makeInitializationVector: makes 16 random bytes; asked once, and only for encryption.
  public init(
    encryptionKey: [UInt8]?, isCompressed: Bool,
    makeInitializationVector: () -> [UInt8] = { SecureRandom.bytes(16) }
  ) {
    compression = isCompressed ? CompressionEncoder() : nil
    if let encryptionKey {
      encryption = StreamEncryptor(
        key: encryptionKey, initializationVector: makeInitializationVector())
    } else {
      encryption = nil
    }
  }

  /// Whether the payload goes out as it is.
  public var isIdentity: Bool { compression == nil && encryption == nil }

  /// Appends what goes over the wire for `bytes`; nothing for no bytes.
  public mutating func encode(_ bytes: UnsafeRawBufferPointer, into output: inout ByteQueue) {
    guard bytes.count > 0 else { return }
    if compression == nil {
      if encryption == nil {
        output.append(bytes)
      } else {
        encryption?.encrypt(bytes, into: &output)
      }
      return
    }
    encryption?.appendInitializationVector(to: &output)
    var offset = 0
    while offset < bytes.count {
      let end = min(offset + StreamCodingLimits.chunkPayloadBytesMax, bytes.count)
      encodeChunk(UnsafeRawBufferPointer(rebasing: bytes[offset..<end]), into: &output)
      offset = end
    }
  }

  /// Appends what goes over the wire for the bytes of `span`.
  public mutating func encode(_ span: RawSpan, into output: inout ByteQueue) {
    span.withUnsafeBytes { encode($0, into: &output) }
  }

  /// Compresses one chunk into the queue and encrypts it where it lies.
  private mutating func encodeChunk(
    _ chunk: UnsafeRawBufferPointer, into output: inout ByteQueue
  ) {
    let roomNeeded = CompressionEncoder.encodedByteCountMax(chunk.count)
    output.appendUninitialized(byteCount: roomNeeded) { room in
      let byteCount = compression?.encodeChunk(chunk, into: room) ?? 0
      encryption?.encrypt(inPlace: UnsafeMutableRawBufferPointer(rebasing: room[..<byteCount]))
      return byteCount
    }
  }
}
