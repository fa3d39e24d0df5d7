public import ByteBuffers

/// What a connection does to the payload that it receives: decryption, then decompression,
/// either, or neither (wire-protocol 6.4).
public struct PayloadDecoder: ~Copyable {
  private var decryption: StreamDecryptor?
  private var decompression: CompressionDecoder?

  /// Makes a decoder at the start of a stream.
  ///
  /// - Parameters:
  ///   - encryptionKey: 16 bytes, or `nil` for no encryption.
  ///   - isCompressed: whether the payload is compressed.
  public init(encryptionKey: [UInt8]?, isCompressed: Bool) {
    if let encryptionKey {
      decryption = StreamDecryptor(key: encryptionKey)
    } else {
      decryption = nil
    }
    decompression = isCompressed ? CompressionDecoder() : nil
  }

  /// Whether the payload is what arrives.
  public var isIdentity: Bool { decryption == nil && decompression == nil }

  /// Appends the payload that `bytes` completes. Compressed payload is at most
  /// `StreamCodingLimits.expansionMax` times as long as `bytes` and what is buffered.
  ///
  /// - Throws: what is wrong with the stream; what is in `output` is good, and every later call
  ///   throws the same error. Without compression nothing is ever wrong.
  public mutating func decode(
    _ bytes: UnsafeRawBufferPointer, into output: inout ByteQueue
  ) throws(StreamCodingError) {
    if decompression == nil {
      if decryption == nil {
        output.append(bytes)
      } else {
        decryption?.decrypt(bytes, into: &output)
      }
    } else if decryption == nil {
      try decompression?.decode(bytes, into: &output)
    } else {
      try decryptAndDecompress(bytes, into: &output)
    }
  }

  /// Appends the payload that the bytes of `span` complete.
  public mutating func decode(
    _ span: RawSpan, into output: inout ByteQueue
  ) throws(StreamCodingError) {
    try span.withUnsafeBytes { bytes throws(StreamCodingError) in
      try decode(bytes, into: &output)
    }
  }

  /// Checks that the stream may end here: not inside an initialization vector or a chunk.
  public func finish() throws(StreamCodingError) {
    // Switches, because optional chaining on a borrowed noncopyable value would consume it.
    switch decryption {
    case .some(let decryption): try decryption.finish()
    case .none: break
    }
    switch decompression {
    case .some(let decompression): try decompression.finish()
    case .none: break
    }
  }

  /// Decrypts straight into the memory in which the decompressor collects its next unit.
  private mutating func decryptAndDecompress(
    _ bytes: UnsafeRawBufferPointer, into output: inout ByteQueue
  ) throws(StreamCodingError) {
    if let failure = decompression?.storedFailure { throw failure }
    var rest = decryption?.takeInitializationVector(from: bytes) ?? bytes
    while rest.count > 0 {
      let byteCount = min(decompression?.missingByteCount ?? 0, rest.count)
      let part = UnsafeRawBufferPointer(rebasing: rest[..<byteCount])
      rest = UnsafeRawBufferPointer(rebasing: rest[byteCount...])
      try decompression?.fill(byteCount, into: &output) { room in
        guard let target = room.baseAddress else { return }
        decryption?.apply(part, to: target)
      }
    }
    decompression?.trim()
  }
}
