public import ByteBuffers

/// The sending half of the version 1 stream cipher: AES-128-CFB-128, whose 16-byte initialization
/// vector goes out in clear immediately before the first ciphertext byte.
public struct StreamEncryptor: ~Copyable {
  private var cipher: FeedbackCipher
  private let initializationVector: InlineArray<16, UInt8>

  /// Whether the initialization vector still has to precede the next byte.
  public private(set) var isInitializationVectorPending: Bool

  /// Makes an encryptor.
  ///
  /// - Parameters:
  ///   - key: 16 bytes, from `StreamKey.derive(from:)`.
  ///   - initializationVector: 16 bytes that no other stream with this key has used, i.e. random.
  public init(key: [UInt8], initializationVector: [UInt8]) {
    precondition(initializationVector.count == 16, "an initialization vector has 16 bytes")
    let vector = InlineArray<16, UInt8> { initializationVector[$0] }
    cipher = FeedbackCipher(.encrypting, key: key, initializationVector: vector)
    self.initializationVector = vector
    isInitializationVectorPending = true
  }

  /// Appends the ciphertext of `bytes`; none of no bytes.
  public mutating func encrypt(_ bytes: UnsafeRawBufferPointer, into output: inout ByteQueue) {
    guard bytes.count > 0 else { return }
    appendInitializationVector(to: &output)
    output.appendUninitialized(byteCount: bytes.count) { room in
      guard let target = room.baseAddress else { return 0 }
      cipher.apply(bytes, to: target)
      return bytes.count
    }
  }

  /// Appends the ciphertext of the bytes of `span`.
  public mutating func encrypt(_ span: RawSpan, into output: inout ByteQueue) {
    span.withUnsafeBytes { encrypt($0, into: &output) }
  }

  /// Replaces `bytes` by their ciphertext. The initialization vector must have gone out before,
  /// with `appendInitializationVector(to:)`.
  public mutating func encrypt(inPlace bytes: UnsafeMutableRawBufferPointer) {
    precondition(!isInitializationVectorPending, "ciphertext without initialization vector")
    guard let target = bytes.baseAddress else { return }
    cipher.apply(UnsafeRawBufferPointer(bytes), to: target)
  }

  /// Appends the initialization vector unless that was done before.
  public mutating func appendInitializationVector(to output: inout ByteQueue) {
    guard isInitializationVectorPending else { return }
    isInitializationVectorPending = false
    initializationVector.span.withUnsafeBytes { output.append($0) }
  }
}
