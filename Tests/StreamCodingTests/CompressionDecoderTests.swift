import ByteBuffers
import StreamCoding
import Testing

struct CompressionDecoderTests {
  private let sample = Array("the quick brown fox the quick brown fox".utf8)

  @Test func everySplitGivesTheSameBytes() throws {
    let stream =
      Chunk.identifier + Chunk.compressed(sample) + Chunk.stored([1, 2, 3])
      + Chunk.raw(type: 0xfe, body: [0, 0, 0]) + Chunk.identifier + Chunk.raw(type: 0x80, body: [])
      + Chunk.stored([]) + Chunk.compressed([]) + Chunk.compressed([4])
    for parts in feedings(of: stream) {
      #expect(try decompressed(parts) == sample + [1, 2, 3, 4])
    }
  }

  @Test(arguments: 1...12 as ClosedRange<UInt64>)
  func randomRoundTrips(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let parts = (0..<8).map { _ in
      let byteCount = Int.random(in: 0...90_000, using: &generator) >> Int.random(in: 0...12)
      return Bool.random(using: &generator)
        ? generator.text(byteCount) : generator.bytes(byteCount)
    }
    let stream = compressed(parts)
    let cuts = (0..<30).map { _ in Int.random(in: 0...stream.count, using: &generator) }.sorted()
    #expect(try decompressed(pieces(of: stream, cutAt: cuts)) == Array(parts.joined()))
  }

  @Test func emptyBlockIntoAnEmptyQueueIsNothing() throws {
    #expect(try decompressed([Chunk.identifier + Chunk.compressed([])]) == [])
  }

  @Test func reservedTypesAreSkippedOrRefused() throws {
    for type in UInt8(0x80)...0xfe {
      let stream = Chunk.identifier + Chunk.raw(type: type, body: sample) + Chunk.stored([9])
      #expect(try decompressed([stream]) == [9])
    }
    for type in UInt8(0x02)...0x7f {
      expectFailure(.chunkTypeUnsupported(type), of: Chunk.raw(type: type, body: sample))
    }
  }

  @Test func longSkippedChunksAreNotHeld() throws {
    var decoder = CompressionDecoder()
    var output = ByteQueue()
    let limit = 0xff_ffff
    try decoder.decode(
      (Chunk.identifier + Chunk.header(type: 0x99, byteCount: limit)).span.bytes, into: &output)
    let part = [UInt8](repeating: 0, count: 1000)
    for _ in 0..<(limit / 1000) {
      try decoder.decode(part.span.bytes, into: &output)
      #expect(decoder.bufferedByteCount <= StreamCodingLimits.retainedBytesMax)
    }
    let error = #expect(throws: StreamCodingError.self) { try decoder.finish() }
    #expect(error == .chunkTruncated(missing: limit % 1000))
    try decoder.decode(Array(part.prefix(limit % 1000)).span.bytes, into: &output)
    try decoder.finish()
    try decoder.decode(Chunk.stored(sample).span.bytes, into: &output)
    #expect(output.copiedBytes == sample)
  }

  @Test func streamsStartWithTheIdentifier() {
    for type in [UInt8(0), 1, 2, 0x80, 0xfe] {
      expectFailure(
        .streamIdentifierMissing(chunkType: type), of: Chunk.raw(type: type, body: sample),
        withIdentifier: false)
    }
    for byteCount in [0, 5, 7] {
      expectFailure(
        .streamIdentifierInvalid, of: Chunk.raw(type: 0xff, body: Array(sample.prefix(byteCount))),
        withIdentifier: false)
    }
    expectFailure(
      .streamIdentifierInvalid, of: Chunk.raw(type: 0xff, body: Array("sNaPpy".utf8)))
  }

  @Test func everyCorruptedByteOfAChunkIsNoticed() throws {
    for chunk in [Chunk.compressed(sample), Chunk.stored(sample)] {
      for offset in 4..<chunk.count {
        var corrupted = Chunk.identifier + chunk
        corrupted[Chunk.identifier.count + offset] ^= 0x10
        #expect(throws: StreamCodingError.self) { try decompressed([corrupted]) }
      }
    }
    var corrupted = Chunk.stored([])
    corrupted[4] ^= 1
    let right = checksumValue(Chunk.checksum([]))
    expectFailure(.checksumMismatch(expected: right ^ 1, actual: right), of: corrupted)
  }

  @Test func lengthsOutsideTheFormatAreRefusedAtTheHeader() {
    for type in [UInt8(0), 1] {
      for byteCount in 0..<4 {
        expectFailure(
          .chunkTooShort(byteCount: byteCount, needed: 4),
          of: Chunk.header(type: type, byteCount: byteCount))
      }
    }
    expectFailure(
      .chunkTooLong(byteCount: 65_541, limit: 65_540),
      of: Chunk.header(type: 1, byteCount: 65_541))
    let limit = StreamCodingLimits.chunkBodyBytesMax
    expectFailure(
      .chunkTooLong(byteCount: limit + 1, limit: limit),
      of: Chunk.header(type: 0, byteCount: limit + 1))
    expectFailure(
      .chunkTooLong(byteCount: 0xff_ffff, limit: limit),
      of: Chunk.header(type: 0, byteCount: 0xff_ffff))
  }

  @Test func longestChunkIsHeldAndNoMore() throws {
    let limit = StreamCodingLimits.chunkBodyBytesMax
    var decoder = CompressionDecoder()
    var output = ByteQueue()
    let stream = Chunk.identifier + Chunk.header(type: 0, byteCount: limit)
    try decoder.decode(stream.span.bytes, into: &output)
    // A literal that claims more than it has.
    let body = [UInt8](repeating: 0xff, count: limit)
    for byte in body.dropLast() { try decoder.decode([byte].span.bytes, into: &output) }
    #expect(decoder.bufferedByteCount == limit - 1)
    #expect(throws: StreamCodingError.self) {
      try decoder.decode([0xff].span.bytes, into: &output)
    }
    #expect(decoder.bufferedByteCount == 0 && output.isEmpty)
  }

  /// The length that a block claims is checked before memory is asked for.
  @Test func claimedLengthsAreChecked() {
    let limit = StreamCodingLimits.chunkPayloadBytesMax
    let claims: [(bytes: [UInt8], claimed: Int)] = [
      ([0xff, 0xff, 0xff, 0xff, 0x0f], 0xffff_ffff), ([0x81, 0x80, 0x04], 65_537),
    ]
    for claim in claims {
      expectFailure(
        .blockTooLong(claimedByteCount: claim.claimed, limit: limit),
        of: Chunk.raw(type: 0, body: [0, 0, 0, 0] + claim.bytes + [0, 1]))
    }
    let malformed: [[UInt8]] = [
      [], [0x80], [0xff, 0xff, 0xff, 0xff, 0xff, 0x01],  // No length, unfinished, over 32 bits.
      [5, 0, 65], [1, 4, 65, 66], [0x80, 0x80, 0x04], [4, 0, 65, 0x0d, 9],
    ]
    for block in malformed {
      expectFailure(
        .blockMalformed(byteCount: block.count),
        of: Chunk.raw(type: 0, body: [0, 0, 0, 0] + block))
    }
  }

  @Test func truncationIsNoticedAtEveryPoint() throws {
    let stream = Chunk.identifier + Chunk.compressed(sample) + Chunk.stored([1])
    let ends = [0, 10, 10 + Chunk.compressed(sample).count, stream.count]
    for count in 0...stream.count {
      if ends.contains(count) {
        _ = try decompressed([Array(stream.prefix(count))])
      } else {
        let error = #expect(throws: StreamCodingError.self) {
          try decompressed([Array(stream.prefix(count))])
        }
        guard case .chunkTruncated(let missing) = error else {
          Issue.record("wrong error at \(count)")
          continue
        }
        #expect(missing > 0)
      }
    }
  }

  @Test func chunksBeforeAFaultAreDeliveredAndTheFaultStays() throws {
    var decoder = CompressionDecoder()
    var output = ByteQueue()
    let stream = Chunk.identifier + Chunk.stored([1, 2]) + Chunk.raw(type: 2, body: [])
    let first = #expect(throws: StreamCodingError.self) {
      try decoder.decode(stream.span.bytes, into: &output)
    }
    #expect(first == .chunkTypeUnsupported(2))
    let second = #expect(throws: StreamCodingError.self) {
      try decoder.decode(Chunk.stored([3]).span.bytes, into: &output)
    }
    #expect(second == first)
    #expect(throws: StreamCodingError.self) { try decoder.finish() }
    #expect(output.copiedBytes == [1, 2])
  }

  /// Random mutations of a good stream must end in bytes or in an error, never in a trap.
  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func mutatedStreamsNeverTrap(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let stream = compressed([generator.text(3000), generator.bytes(500), generator.text(70)])
    var failures = 0
    for _ in 0..<50 {
      var mutated = stream
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        mutated[Int.random(in: 0..<mutated.count, using: &generator)] =
          UInt8.random(in: 0...255, using: &generator)
      }
      let cut = Int.random(in: 0...mutated.count, using: &generator)
      do {
        _ = try decompressed(pieces(of: mutated, cutAt: [cut]))
      } catch {
        failures += 1
      }
    }
    #expect(failures > 0)
  }

  private func checksumValue(_ bytes: [UInt8]) -> UInt32 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// Expects that error however the stream is cut; long ones are fed whole and in two only.
  private func expectFailure(
    _ expected: StreamCodingError, of chunk: [UInt8], withIdentifier: Bool = true,
    location: SourceLocation = #_sourceLocation
  ) {
    let stream = (withIdentifier ? Chunk.identifier : []) + chunk
    for parts in [[stream], stream.map { [$0] }, pieces(of: stream, cutAt: [stream.count - 1])] {
      let error = #expect(throws: StreamCodingError.self, sourceLocation: location) {
        try decompressed(parts)
      }
      #expect(error == expected, sourceLocation: location)
    }
  }
}
