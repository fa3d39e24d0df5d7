public import ByteBuffers

/// The receiving half of the version 1 stream cipher: takes the 16 bytes of the initialization
/// vector first, then AES-128-CFB-128 ciphertext, both cut anywhere.
public struct StreamDecryptor: ~Copyable {
  private let key: [UInt8]
  private var vector: InlineArray<16, UInt8>
  private var vectorByteCount: Int
  private var cipher: FeedbackCipher?

  /// Makes a decryptor of a 16-byte key.
  public init(key: [UInt8]) {
    precondition(key.count == StreamKey.byteCount, "a key has 16 bytes")
    self.key = key
    vector = .init(repeating: 0)
    vectorByteCount = 0
    cipher = nil
  }

  /// How many bytes of the initialization vector are missing; 0 when it is complete.
  public var missingInitializationVectorBytes: Int { 16 - vectorByteCount }

  /// Checks that the stream may end here: before or behind the initialization vector.
  public func finish() throws(StreamCodingError) {
    guard vectorByteCount == 0 || vectorByteCount == 16 else {
      throw .initializationVectorTruncated(missing: missingInitializationVectorBytes)
    }
  }

  /// Appends the plaintext of `bytes`.
  public mutating func decrypt(_ bytes: UnsafeRawBufferPointer, into output: inout ByteQueue) {
    let ciphertext = takeInitializationVector(from: bytes)
    guard ciphertext.count > 0 else { return }
    output.appendUninitialized(byteCount: ciphertext.count) { room in
      guard let target = room.baseAddress else { return 0 }
      cipher?.apply(ciphertext, to: target)
      return ciphertext.count
    }
  }

  /// Appends the plaintext of the bytes of `span`.
  public mutating func decrypt(_ span: RawSpan, into output: inout ByteQueue) {
    span.withUnsafeBytes { decrypt($0, into: &output) }
  }

  /// Decrypts where the bytes lie.
  ///
  /// - Returns: the part of `bytes` that is plaintext now: all but those at the front that belong
  ///   to the initialization vector.
  public mutating func decrypt(
    inPlace bytes: UnsafeMutableRawBufferPointer
  ) -> UnsafeMutableRawBufferPointer {
    let ciphertext = takeInitializationVector(from: UnsafeRawBufferPointer(bytes))
    let plaintext = UnsafeMutableRawBufferPointer(
      rebasing: bytes[(bytes.count - ciphertext.count)...])
    if let target = plaintext.baseAddress { cipher?.apply(ciphertext, to: target) }
    return plaintext
  }

  /// Decrypts `ciphertext`, which has no part of the initialization vector, to `output`.
  mutating func apply(_ ciphertext: UnsafeRawBufferPointer, to output: UnsafeMutableRawPointer) {
    precondition(missingInitializationVectorBytes == 0, "no initialization vector yet")
    cipher?.apply(ciphertext, to: output)
  }

  /// Consumes what `bytes` has of the initialization vector and returns the rest.
  mutating func takeInitializationVector(
    from bytes: UnsafeRawBufferPointer
  ) -> UnsafeRawBufferPointer {
    guard vectorByteCount < 16 else { return bytes }
    let byteCount = min(16 - vectorByteCount, bytes.count)
    for offset in 0..<byteCount {
      vector[vectorByteCount] = bytes[offset]
      vectorByteCount += 1
    }
    if vectorByteCount == 16 {
      cipher = FeedbackCipher(.decrypting, key: key, initializationVector: vector)
    }
    return UnsafeRawBufferPointer(rebasing: bytes[byteCount...])
  }
}
