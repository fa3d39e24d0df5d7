import ByteBuffers
import COpenSSL
import Foundation
import StreamCoding
import Testing

/// Measures megabytes a second, in release builds and only when asked for:
///
///     STREAM_CODING_THROUGHPUT=1 swift test -c release -Xswiftc -enable-testing \
///       --filter ThroughputTests
///
/// Each figure is the best of five rounds. The expectations are about the bytes.
@Suite(
  .serialized,
  .enabled(if: ProcessInfo.processInfo.environment["STREAM_CODING_THROUGHPUT"] != nil))
struct ThroughputTests {
  private let key = StreamKey.derive(from: "throughput")
  private let vector = [UInt8](repeating: 9, count: 16)
  private let roundBytes = 64 << 20

  @Test(arguments: [64, 1024, 16_384, 65_536, 1 << 20])
  func cipher(byteCount: Int) throws {
    var generator = SeededGenerator(seed: 1)
    let plaintext = generator.bytes(byteCount)
    var wire = ByteQueue()
    var output = ByteQueue()
    var encryptor = StreamEncryptor(key: key, initializationVector: vector)
    encryptor.appendInitializationVector(to: &wire)
    measure("encrypt, \(byteCount) bytes a call", bytesPerCall: byteCount) {
      wire.removeAll()
      encryptor.encrypt(plaintext.span.bytes, into: &wire)
    }
    var decryptor = StreamDecryptor(key: key)
    vector.withUnsafeBytes { decryptor.decrypt($0, into: &output) }
    let ciphertext = wire.copiedBytes
    measure("decrypt, \(byteCount) bytes a call", bytesPerCall: byteCount) {
      output.removeAll()
      decryptor.decrypt(ciphertext.span.bytes, into: &output)
    }
    #expect(output.count == byteCount)
    #expect(decrypted([encrypted([plaintext], key: key, vector: vector)], key: key) == plaintext)
    try measureLibraryMode(plaintext)
  }

  @Test(arguments: [1024, 65_536], [false, true])
  func payload(byteCount: Int, isEncrypted: Bool) throws {
    var generator = SeededGenerator(seed: 2)
    for (name, plaintext) in [
      ("text", generator.text(byteCount)), ("random", generator.bytes(byteCount)),
    ] {
      let label = "\(name), \(isEncrypted ? "compressed and encrypted" : "compressed")"
      var encoder = PayloadEncoder(encryptionKey: isEncrypted ? key : nil, isCompressed: true)
      var wire = ByteQueue()
      measure("encode \(label), \(byteCount) bytes a call", bytesPerCall: byteCount) {
        wire.removeAll()
        encoder.encode(plaintext.span.bytes, into: &wire)
      }
      var stream = ByteQueue()
      var streamEncoder = PayloadEncoder(
        encryptionKey: isEncrypted ? key : nil, isCompressed: true)
      let repeats = roundBytes / byteCount
      for _ in 0..<repeats { streamEncoder.encode(plaintext.span.bytes, into: &stream) }
      let bytes = stream.copiedBytes
      var best = Duration.seconds(3600)
      for _ in 0..<5 {
        var decoder = PayloadDecoder(encryptionKey: isEncrypted ? key : nil, isCompressed: true)
        var output = ByteQueue()
        var decodedBytes = 0
        let elapsed = try ContinuousClock().measure {
          for start in stride(from: 0, to: bytes.count, by: 60_000) {
            let part = bytes.span.extracting(start..<min(start + 60_000, bytes.count))
            try decoder.decode(part.bytes, into: &output)
            decodedBytes += output.count
            output.removeAll()
          }
        }
        #expect(decodedBytes == repeats * byteCount)
        best = min(best, elapsed)
      }
      report("decode \(label), chunks of \(byteCount)", repeats * byteCount, best)
    }
  }

  @Test func keyDerivationAndSetUp() {
    measure("derive a key", bytesPerCall: roundBytes / 10_000) {
      _ = StreamKey.derive(from: "throughput")
    }
    measure("set up both directions", bytesPerCall: roundBytes / 100_000) {
      var encryptor = StreamEncryptor(key: key, initializationVector: vector)
      var decryptor = StreamDecryptor(key: key)
      var output = ByteQueue()
      encryptor.appendInitializationVector(to: &output)
      vector.withUnsafeBytes { decryptor.decrypt($0, into: &output) }
    }
  }

  /// OpenSSL's own CFB, for comparison.
  private func measureLibraryMode(_ plaintext: [UInt8]) throws {
    let context = try #require(EVP_CIPHER_CTX_new())
    defer { EVP_CIPHER_CTX_free(context) }
    var output = [UInt8](repeating: 0, count: plaintext.count)
    for (name, direction) in [("encrypt", Int32(1)), ("decrypt", 0)] {
      let status = EVP_CipherInit_ex(
        context, EVP_aes_128_cfb128(), nil, key, vector, direction)
      #expect(status == 1)
      measure("library's \(name), \(plaintext.count) bytes a call", bytesPerCall: plaintext.count) {
        var written: Int32 = 0
        EVP_CipherUpdate(context, &output, &written, plaintext, Int32(plaintext.count))
      }
    }
  }

  private func measure(_ label: String, bytesPerCall: Int, _ call: () -> Void) {
    var best = Duration.seconds(3600)
    for _ in 0..<5 {
      let elapsed = ContinuousClock().measure {
        for _ in 0..<(roundBytes / bytesPerCall) { call() }
      }
      best = min(best, elapsed)
    }
    report(label, roundBytes / bytesPerCall * bytesPerCall, best, calls: roundBytes / bytesPerCall)
  }

  private func report(_ label: String, _ byteCount: Int, _ time: Duration, calls: Int? = nil) {
    let seconds = time / .seconds(1)
    var line = "\(label): \(Int(Double(byteCount) / seconds / 1e6)) MB/s"
    if let calls { line += ", \(Int(seconds / Double(calls) * 1e9)) ns a call" }
    FileHandle.standardError.write(Data((line + "\n").utf8))
  }
}
