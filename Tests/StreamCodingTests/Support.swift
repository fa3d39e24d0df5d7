import ByteBuffers
import StreamCoding

/// A small seeded generator, so that a failing round can be repeated.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
  }

  /// Bytes that compress more or less well: runs of random length from a small alphabet.
  mutating func text(_ count: Int) -> [UInt8] {
    var text: [UInt8] = []
    while text.count < count {
      let run = Int.random(in: 1...40, using: &self)
      text += Array(repeating: UInt8.random(in: 97...104, using: &self), count: run)
    }
    return Array(text.prefix(count))
  }
}

/// Cuts `bytes` into pieces that end at `cuts`.
func pieces(of bytes: [UInt8], cutAt cuts: [Int]) -> [[UInt8]] {
  var start = 0
  var pieces: [[UInt8]] = []
  for end in cuts + [bytes.count] {
    pieces.append(Array(bytes[start..<end]))
    start = end
  }
  return pieces
}

/// Every way to feed `bytes` that decoders are tested with: whole, in two at every point, and
/// byte by byte.
func feedings(of bytes: [UInt8]) -> [[[UInt8]]] {
  [[bytes], bytes.map { [$0] }] + (1..<max(bytes.count, 1)).map { pieces(of: bytes, cutAt: [$0]) }
}

extension ByteQueue {
  /// A copy of what is queued.
  var copiedBytes: [UInt8] { Array(readableBytes) }
}

func encrypted(_ parts: [[UInt8]], key: [UInt8], vector: [UInt8]) -> [UInt8] {
  var encryptor = StreamEncryptor(key: key, initializationVector: vector)
  var output = ByteQueue()
  for part in parts { part.withUnsafeBytes { encryptor.encrypt($0, into: &output) } }
  return output.copiedBytes
}

func decrypted(_ parts: [[UInt8]], key: [UInt8]) -> [UInt8] {
  var decryptor = StreamDecryptor(key: key)
  var output = ByteQueue()
  for part in parts { part.withUnsafeBytes { decryptor.decrypt($0, into: &output) } }
  return output.copiedBytes
}

func compressed(_ parts: [[UInt8]]) -> [UInt8] {
  var encoder = CompressionEncoder()
  var output = ByteQueue()
  for part in parts { part.withUnsafeBytes { encoder.encode($0, into: &output) } }
  return output.copiedBytes
}

func decompressed(_ parts: [[UInt8]]) throws(StreamCodingError) -> [UInt8] {
  var decoder = CompressionDecoder()
  var output = ByteQueue()
  for part in parts { try decoder.decode(part.span.bytes, into: &output) }
  try decoder.finish()
  return output.copiedBytes
}
