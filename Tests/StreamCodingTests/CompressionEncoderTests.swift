import ByteBuffers
import Testing

@testable import StreamCoding

struct CompressionEncoderTests {
  @Test func streamIdentifierComesOnceBeforeTheFirstChunk() throws {
    var encoder = CompressionEncoder()
    var output = ByteQueue()
    encoder.encode([UInt8]().span.bytes, into: &output)
    #expect(output.count == 0)
    for _ in 0..<3 { encoder.encode(Array("hello hello hello".utf8).span.bytes, into: &output) }
    let chunks = try Chunk.parse(output.copiedBytes)
    #expect(chunks.map { $0.type == 0xff } == [true, false, false, false])
    #expect(output.copiedBytes.prefix(10) == Chunk.identifier[...])
  }

  @Test(arguments: [1, 65_535, 65_536, 65_537, 131_072, 200_000])
  func chunksHoldAtMost64KiB(byteCount: Int) throws {
    var generator = SeededGenerator(seed: UInt64(byteCount))
    for payload in [generator.bytes(byteCount), generator.text(byteCount)] {
      let chunks = try Chunk.parse(compressed([payload]))
      #expect(chunks.count == 1 + (byteCount + 65_535) / 65_536)
      var rest = payload[...]
      for chunk in chunks.dropFirst() {
        let part = Array(rest.prefix(65_536))
        rest = rest.dropFirst(65_536)
        #expect(Array(chunk.body.prefix(4)) == Chunk.checksum(part))
        #expect(chunk.body.count <= StreamCodingLimits.chunkBodyBytesMax)
        if chunk.type == 1 { #expect(Array(chunk.body.dropFirst(4)) == part) }
      }
    }
  }

  /// Payloads from incompressible to fully compressible, so that the threshold is passed.
  @Test func blocksAreStoredWhenLessThanAnEighthIsSaved() throws {
    var generator = SeededGenerator(seed: 5)
    var types: Set<UInt8> = []
    for percent in stride(from: 0, through: 100, by: 2) {
      let zeros = 4000 * percent / 100
      let payload = generator.bytes(4000 - zeros) + [UInt8](repeating: 0, count: zeros)
      let chunk = try #require(try Chunk.parse(compressed([payload])).last)
      let block = Chunk.block(payload)
      #expect(chunk.type == (block.count < 4000 - 500 ? 0 : 1))
      #expect(chunk.body == Chunk.checksum(payload) + (chunk.type == 0 ? block : payload))
      types.insert(chunk.type)
    }
    #expect(types == [0, 1])
  }

  @Test func expansionStaysUnderItsLimit() throws {
    let payload = [UInt8](repeating: 0, count: 65_536)
    let stream = compressed([payload])
    #expect(stream.count * StreamCodingLimits.expansionMax > payload.count)
    #expect(try decompressed([stream]) == payload)
  }

  @Test func checksumsOfProcessorAndTableAgree() {
    let check = Array("123456789".utf8)
    #expect(check.withUnsafeBytes { CRC32C.checksum($0) } == 0xe306_9283)
    #expect(check.withUnsafeBytes { CRC32C.tableChecksum($0) } == 0xe306_9283)
    #expect(CRC32C.checksum(UnsafeRawBufferPointer(start: nil, count: 0)) == 0)
    var generator = SeededGenerator(seed: 9)
    let bytes = generator.bytes(300)
    bytes.withUnsafeBytes { bytes in
      for start in 0..<9 {
        for end in start...bytes.count {
          let part = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
          if CRC32C.checksum(part) != CRC32C.tableChecksum(part) {
            Issue.record("checksums of \(start)..<\(end) differ")
          }
        }
      }
    }
  }
}
