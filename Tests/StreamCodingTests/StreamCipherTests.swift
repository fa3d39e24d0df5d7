import ByteBuffers
import COpenSSL
import StreamCoding
import TestKit
import Testing

struct StreamCipherTests {
  private let key = StreamKey.derive(from: "wire-vector-token")

  @Test func exampleMatchesTheVector() throws {
    let example = try Vectors.load("pbkdf2-cfb")["cfb_example"]
    let plaintext = example["plaintext_hex"].hexBytes
    let wire = example["wire_hex"].hexBytes
    #expect(example["key_hex"].hexBytes == key)
    #expect(plaintext.count > 48 && wire.count == plaintext.count + 16)
    for parts in feedings(of: plaintext) {
      #expect(encrypted(parts, key: key, vector: example["iv_hex"].hexBytes) == wire)
    }
    for parts in feedings(of: wire) { #expect(decrypted(parts, key: key) == plaintext) }
  }

  @Test(arguments: ["client_to_server", "server_to_client"])
  func recordedControlConnectionDecryptsAndEncryptsAgain(direction: String) throws {
    let recording = try Vectors.load("v1-control-plain")[direction]
    let prefix = try #require(recording["plain_prefix_length"].int)
    let wire = Array(recording["raw_hex"].hexBytes.dropFirst(prefix))
    let plaintext = recording["decrypted_hex"].hexBytes
    let vector = recording["iv_hex"].hexBytes
    #expect(!plaintext.isEmpty && wire.count == plaintext.count + 16)
    for parts in feedings(of: wire) { #expect(decrypted(parts, key: key) == plaintext) }
    for parts in feedings(of: plaintext) {
      #expect(encrypted(parts, key: key, vector: vector) == wire)
    }
  }

  /// Long streams in uneven pieces against OpenSSL's own CFB, which this module does not use.
  @Test(arguments: [UInt64(1), 2, 3, 4])
  func longStreamsAgreeWithTheLibrarysOwnMode(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let streamKey = generator.bytes(16)
    let vector = generator.bytes(16)
    // Lengths around the slice of 4096 bytes that the bulk code works in.
    let lengths = [1, 15, 16, 17, 4095, 4096, 4097, 4112, 8192, 9001, 65_536, 100_003, 0, 3]
    let parts = lengths.shuffled(using: &generator).map { generator.bytes($0) }
    let plaintext = Array(parts.joined())
    let reference = try libraryCipher(plaintext, key: streamKey, vector: vector)
    let wire = encrypted(parts, key: streamKey, vector: vector)
    #expect(wire == vector + reference)
    let cuts = (0..<20).map { _ in Int.random(in: 0...wire.count, using: &generator) }.sorted()
    #expect(decrypted(pieces(of: wire, cutAt: cuts), key: streamKey) == plaintext)
  }

  @Test func vectorPrecedesTheFirstByteAndNothingElse() {
    var encryptor = StreamEncryptor(key: key, initializationVector: Array(repeating: 7, count: 16))
    var output = ByteQueue()
    let nothing: [UInt8] = []
    nothing.withUnsafeBytes { encryptor.encrypt($0, into: &output) }
    #expect(output.isEmpty && encryptor.isInitializationVectorPending)
    [UInt8](repeating: 0, count: 5).withUnsafeBytes { encryptor.encrypt($0, into: &output) }
    #expect(output.count == 21 && !encryptor.isInitializationVectorPending)
    #expect(output.copiedBytes.prefix(16) == Array(repeating: 7, count: 16)[...])
    encryptor.appendInitializationVector(to: &output)
    [UInt8](repeating: 0, count: 5).withUnsafeBytes { encryptor.encrypt($0, into: &output) }
    #expect(output.count == 26)
  }

  @Test func inPlaceVariantsDoTheSame() {
    var generator = SeededGenerator(seed: 11)
    let plaintext = generator.bytes(10_007)
    let vector = generator.bytes(16)
    let wire = encrypted([plaintext], key: key, vector: vector)

    var encryptor = StreamEncryptor(key: key, initializationVector: vector)
    var front = ByteQueue()
    encryptor.appendInitializationVector(to: &front)
    var bytes = plaintext
    for range in [0..<5, 5..<21, 21..<5000, 5000..<10_007] {
      bytes.withUnsafeMutableBytes {
        encryptor.encrypt(inPlace: UnsafeMutableRawBufferPointer(rebasing: $0[range]))
      }
    }
    #expect(front.copiedBytes + bytes == wire)

    for cut in [0, 1, 15, 16, 17, 33, 4999, wire.count] {
      var decryptor = StreamDecryptor(key: key)
      var collected: [UInt8] = []
      for var piece in pieces(of: wire, cutAt: [cut]) {
        piece.withUnsafeMutableBytes { collected += Array(decryptor.decrypt(inPlace: $0)) }
      }
      #expect(collected == plaintext)
    }
  }

  @Test func streamMayNotEndInsideTheVector() throws {
    for count in 0...20 {
      var decryptor = StreamDecryptor(key: key)
      var output = ByteQueue()
      [UInt8](repeating: 1, count: count).withUnsafeBytes { decryptor.decrypt($0, into: &output) }
      #expect(output.count == max(0, count - 16))
      #expect(decryptor.missingInitializationVectorBytes == max(0, 16 - count))
      if count == 0 || count >= 16 {
        try decryptor.finish()
      } else {
        let error = #expect(throws: StreamCodingError.self) { try decryptor.finish() }
        #expect(error == .initializationVectorTruncated(missing: 16 - count))
      }
    }
  }

  @Test func spansAreTakenToo() {
    let plaintext = Array("span".utf8)
    let vector = [UInt8](repeating: 3, count: 16)
    var encryptor = StreamEncryptor(key: key, initializationVector: vector)
    var decryptor = StreamDecryptor(key: key)
    var wire = ByteQueue()
    var output = ByteQueue()
    encryptor.encrypt(plaintext.span.bytes, into: &wire)
    wire.withReadableSpan { decryptor.decrypt($0, into: &output) }
    #expect(output.copiedBytes == plaintext)
  }

  @Test func keysOfAnotherLengthAreProgrammingErrors() async {
    await #expect(processExitsWith: .failure) {
      _ = StreamDecryptor(key: Array(repeating: 0, count: 15))
    }
    await #expect(processExitsWith: .failure) {
      _ = StreamEncryptor(key: Array(repeating: 0, count: 16), initializationVector: [1])
    }
  }

  private func libraryCipher(
    _ plaintext: [UInt8], key: [UInt8], vector: [UInt8]
  ) throws -> [UInt8] {
    let context = try #require(EVP_CIPHER_CTX_new())
    defer { EVP_CIPHER_CTX_free(context) }
    #expect(EVP_EncryptInit_ex(context, EVP_aes_128_cfb128(), nil, key, vector) == 1)
    var output = [UInt8](repeating: 0, count: plaintext.count)
    var written: Int32 = 0
    #expect(
      EVP_EncryptUpdate(context, &output, &written, plaintext, Int32(plaintext.count)) == 1)
    #expect(Int(written) == plaintext.count)
    return output
  }
}
