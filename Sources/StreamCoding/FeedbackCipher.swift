import COpenSSL

/// One direction of AES-128 in full-block cipher feedback mode (CFB-128), as a continuous stream.
///
/// Both directions are `output = input XOR keystream`, where the first keystream block is E(IV) and
/// each later one is E(previous ciphertext block). To decrypt, those blocks are known beforehand
/// and go through ECB together. To encrypt, E(C_i) = E(P_i XOR keystream_i) is what CBC makes of
/// the plaintext. Both run in OpenSSL's bulk assembly, which its own CFB does not
/// (docs/decisions/0003-stream-cipher.md). At the level of this type the two directions differ in
/// the mode of the context and in nothing else.
struct FeedbackCipher: ~Copyable {
  enum Direction {
    case encrypting
    case decrypting
  }

  static let blockByteCount = 16

  private let context: OpaquePointer
  /// The keystream block in use; its first `position` bytes are spent.
  private var keystream: InlineArray<16, UInt8>
  /// The input bytes of the block in use, as many as `position`.
  private var partialBlock: InlineArray<16, UInt8>
  private var position: Int

  /// Makes a cipher of a 16-byte key and a 16-byte initialization vector.
  init(_ direction: Direction, key: [UInt8], initializationVector: InlineArray<16, UInt8>) {
    precondition(key.count == StreamKey.byteCount, "a key has 16 bytes")
    guard let context = EVP_CIPHER_CTX_new() else { preconditionFailure("out of memory") }
    let algorithm =
      switch direction {
      case .encrypting: OpenSSLAlgorithms.aes128CBC
      case .decrypting: OpenSSLAlgorithms.aes128ECB
      }
    // CBC's own vector: zero leaves E(IV) for the first block.
    let zeros: InlineArray<16, UInt8> = .init(repeating: 0)
    let status = zeros.span.withUnsafeBufferPointer {
      EVP_EncryptInit_ex2(context, algorithm, key, $0.baseAddress, nil)
    }
    precondition(status == 1, "OpenSSL refuses an AES-128 key")
    EVP_CIPHER_CTX_set_padding(context, 0)
    self.context = context
    keystream = .init(repeating: 0)
    partialBlock = initializationVector
    position = Self.blockByteCount
    finishBlock()
  }

  deinit {
    EVP_CIPHER_CTX_free(context)
  }

  /// Encrypts or decrypts `input` into the same number of bytes at `output`, which is where
  /// `input` lies or does not overlap it.
  mutating func apply(_ input: UnsafeRawBufferPointer, to output: UnsafeMutableRawPointer) {
    guard var source = input.baseAddress else { return }
    var target = output
    var remaining = input.count
    if position > 0 {
      let byteCount = min(Self.blockByteCount - position, remaining)
      applyPartial(source, to: target, byteCount: byteCount)
      source += byteCount
      target += byteCount
      remaining -= byteCount
    }
    let bulk = remaining & ~(Self.blockByteCount - 1)
    if bulk > 0 {
      applyBlocks(source, to: target, blockCount: bulk / Self.blockByteCount)
      source += bulk
      target += bulk
      remaining -= bulk
    }
    if remaining > 0 { applyPartial(source, to: target, byteCount: remaining) }
  }

  /// Handles bytes of one block, at most up to its end.
  private mutating func applyPartial(
    _ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, byteCount: Int
  ) {
    for offset in 0..<byteCount {
      let byte = source.load(fromByteOffset: offset, as: UInt8.self)
      target.storeBytes(of: byte ^ keystream[position], toByteOffset: offset, as: UInt8.self)
      partialBlock[position] = byte
      position += 1
    }
    if position == Self.blockByteCount { finishBlock() }
  }

  private mutating func applyBlocks(
    _ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, blockCount: Int
  ) {
    var first = keystream.mutableSpan
    let status = first.withUnsafeMutableBufferPointer {
      frp_feedback_blocks(
        context, $0.baseAddress, source.assumingMemoryBound(to: UInt8.self),
        target.assumingMemoryBound(to: UInt8.self), blockCount)
    }
    precondition(status == 1, "OpenSSL fails to run AES-128")
  }

  /// Makes the keystream block that follows a complete block.
  private mutating func finishBlock() {
    var written: Int32 = 0
    var next = keystream.mutableSpan
    let status = next.withUnsafeMutableBufferPointer { room in
      partialBlock.span.withUnsafeBufferPointer {
        EVP_EncryptUpdate(context, room.baseAddress, &written, $0.baseAddress, Int32($0.count))
      }
    }
    precondition(status == 1 && written == 16, "OpenSSL fails to run AES-128")
    position = 0
  }
}
