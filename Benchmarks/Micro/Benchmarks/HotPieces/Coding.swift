internal import Benchmark
internal import ByteBuffers
internal import StreamCoding

/// What encrypted and compressed work connections do to their bytes.
private final class CodingBench {
  private static let key = StreamKey.derive(from: "benchmark")

  private let block: [UInt8]
  private var encryptor = StreamEncryptor(
    key: CodingBench.key, initializationVector: Array(repeating: 7, count: 16))
  private var decryptor = StreamDecryptor(key: CodingBench.key)
  private var compressor = CompressionEncoder()
  private var decompressor = CompressionDecoder()
  private var compressed: [UInt8] = []
  private var output = ByteQueue()

  init(blockByteCount: Int) throws {
    // Words that repeat now and then, so that snappy finds some of what it looks for.
    var state: UInt32 = 1
    block = (0..<blockByteCount).map { index in
      if index % 8 == 0 { state = state &* 1_664_525 &+ 1_013_904_223 }
      return UInt8(truncatingIfNeeded: (state >> 20) & 0x3f &+ UInt32(index % 8))
    }
    // Both ends get past the start of the stream, which comes once.
    block.withUnsafeBytes { compressor.encode($0, into: &output) }
    compressed = Array(output.readableBytes)
    output.removeAll(keepingCapacity: true)
    try compressed.withUnsafeBytes { try decompressor.decode($0, into: &output) }
    output.removeAll(keepingCapacity: true)
    block.withUnsafeBytes { compressor.encode($0, into: &output) }
    compressed = Array(output.readableBytes)
    output.removeAll(keepingCapacity: true)
    block.withUnsafeBytes { decryptor.decrypt($0, into: &output) }
    block.withUnsafeBytes { encryptor.encrypt($0, into: &output) }
    output.removeAll(keepingCapacity: true)
  }

  func encrypt() {
    block.withUnsafeBytes { encryptor.encrypt($0, into: &output) }
    output.removeAll(keepingCapacity: true)
  }

  func decrypt() {
    block.withUnsafeBytes { decryptor.decrypt($0, into: &output) }
    output.removeAll(keepingCapacity: true)
  }

  func compress() {
    block.withUnsafeBytes { compressor.encode($0, into: &output) }
    output.removeAll(keepingCapacity: true)
  }

  func decompress() throws {
    try compressed.withUnsafeBytes { try decompressor.decode($0, into: &output) }
    output.removeAll(keepingCapacity: true)
  }
}

func measureCoding() {
  for (name, byteCount) in [("1 KiB", 1024), ("32 KiB", 32_768)] {
    let prepare = { try CodingBench(blockByteCount: byteCount) }
    measure("cipher, encrypt \(name)", prepare) { $0.encrypt() }
    measure("cipher, decrypt \(name)", prepare) { $0.decrypt() }
    measure("snappy framing, compress \(name)", prepare) { $0.compress() }
    measure("snappy framing, decompress \(name)", prepare) { try $0.decompress() }
  }
}
