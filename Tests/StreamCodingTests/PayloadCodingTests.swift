import ByteBuffers
import StreamCoding
import TestKit
import Testing

struct PayloadCodingTests {
  private let key = StreamKey.derive(from: "wire-vector-token")

  struct Layers: Sendable, CustomStringConvertible {
    let isEncrypted: Bool
    let isCompressed: Bool
    var description: String { "encrypted \(isEncrypted), compressed \(isCompressed)" }

    static let all = [false, true].flatMap { isEncrypted in
      [false, true].map { Layers(isEncrypted: isEncrypted, isCompressed: $0) }
    }
  }

  @Test(arguments: ["client_to_server", "server_to_client"])
  func recordedWorkConnectionDecodes(direction: String) throws {
    let (wire, recording) = try recordedStream(direction)
    let payload = recording["payload_hex"].hexBytes
    #expect(payload.count == 640)
    let layers = Layers(isEncrypted: true, isCompressed: true)
    for parts in feedings(of: wire) { #expect(try decoded(parts, layers) == payload) }

    let framed = recording["decrypted_snappy_stream_hex"].hexBytes
    #expect(decrypted([wire], key: key) == framed)
    for parts in feedings(of: framed) { #expect(try decompressed(parts) == payload) }
    #expect(encrypted([framed], key: key, vector: recording["iv_hex"].hexBytes) == wire)
  }

  /// Compressors may choose different copies, so the structure is compared and not the bytes.
  @Test func ownEncodingOfTheRecordedPayloadHasItsStructure() throws {
    let (wire, recording) = try recordedStream("client_to_server")
    let payload = recording["payload_hex"].hexBytes
    let own = encoded(
      [payload], Layers(isEncrypted: true, isCompressed: true),
      vector: recording["iv_hex"].hexBytes)
    #expect(own.prefix(16) == wire.prefix(16))
    let chunks = try Chunk.parse(decrypted([own], key: key))
    let reference = try Chunk.parse(recording["decrypted_snappy_stream_hex"].hexBytes)
    #expect(chunks.map(\.type) == [0xff, 0])
    #expect(chunks.map(\.type) == reference.map(\.type))
    #expect(chunks[0].body == reference[0].body)
    #expect(chunks[1].body.prefix(4) == reference[1].body.prefix(4))
  }

  @Test(arguments: Layers.all, [UInt64(1), 2, 3])
  func roundTripsInAnyPieces(layers: Layers, seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let lengths = [1, 0, 16, 100, 4096, 65_536, 65_537, 150_000, 7]
    let parts = lengths.shuffled(using: &generator).map { length in
      Bool.random(using: &generator) ? generator.text(length) : generator.bytes(length)
    }
    let wire = encoded(parts, layers, vector: generator.bytes(16))
    let cuts = (0..<40).map { _ in Int.random(in: 0...wire.count, using: &generator) }.sorted()
    #expect(try decoded(pieces(of: wire, cutAt: cuts), layers) == Array(parts.joined()))
    #expect(try decoded([wire], layers) == Array(parts.joined()))
  }

  @Test(arguments: Layers.all)
  func shortStreamsRoundTripAtEverySplit(layers: Layers) throws {
    let parts = ["GET / HTTP/1.1\r\n", "", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "z"]
      .map { Array($0.utf8) }
    let wire = encoded(parts, layers, vector: Array(0..<16))
    for feeding in feedings(of: wire) {
      #expect(try decoded(feeding, layers) == Array(parts.joined()))
    }
    #expect(encoded([[], []], layers, vector: Array(0..<16)).isEmpty)
    #expect(try decoded([[]], layers) == [])
  }

  /// Every write is complete: what was encoded so far decodes without what follows.
  @Test(arguments: Layers.all)
  func nothingWaitsForAFlush(layers: Layers) throws {
    var encoder = makeEncoder(layers, vector: Array(0..<16))
    var decoder = PayloadDecoder(
      encryptionKey: layers.isEncrypted ? key : nil, isCompressed: layers.isCompressed)
    #expect(encoder.isIdentity == (!layers.isEncrypted && !layers.isCompressed))
    #expect(decoder.isIdentity == encoder.isIdentity)
    var wire = ByteQueue()
    var output = ByteQueue()
    for round in 1...50 {
      let message = Array("message \(round)".utf8)
      encoder.encode(message.span.bytes, into: &wire)
      try wire.withReadableSpan { span throws(StreamCodingError) in
        try decoder.decode(span, into: &output)
      }
      wire.removeAll()
      #expect(output.copiedBytes == message)
      output.removeAll()
      try decoder.finish()
    }
  }

  @Test func initializationVectorIsMadeOnceAndOnlyForEncryption() {
    var asked = 0
    func vector() -> [UInt8] {
      asked += 1
      return Array(repeating: UInt8(asked), count: 16)
    }
    _ = PayloadEncoder(
      encryptionKey: nil, isCompressed: true, makeInitializationVector: vector)
    #expect(asked == 0)
    var encoder = PayloadEncoder(
      encryptionKey: key, isCompressed: true, makeInitializationVector: vector)
    var output = ByteQueue()
    for _ in 0..<3 { encoder.encode([UInt8(1)].span.bytes, into: &output) }
    #expect(asked == 1)
    #expect(output.copiedBytes.prefix(16) == Array(repeating: 1, count: 16)[...])
  }

  @Test func defaultInitializationVectorsDiffer() {
    var vectors: Set<[UInt8]> = []
    for _ in 0..<10 {
      var encoder = PayloadEncoder(encryptionKey: key, isCompressed: false)
      var output = ByteQueue()
      encoder.encode([UInt8(1)].span.bytes, into: &output)
      vectors.insert(Array(output.copiedBytes.prefix(16)))
    }
    #expect(vectors.count == 10)
  }

  @Test func wrongKeyIsNoticedWithCompression() {
    let layers = Layers(isEncrypted: true, isCompressed: true)
    let wire = encoded([Array("hello".utf8)], layers, vector: Array(0..<16))
    var decoder = PayloadDecoder(encryptionKey: StreamKey.derive(from: "other"), isCompressed: true)
    var output = ByteQueue()
    let first = #expect(throws: StreamCodingError.self) {
      try decoder.decode(wire.span.bytes, into: &output)
    }
    let second = #expect(throws: StreamCodingError.self) {
      try decoder.decode(wire.span.bytes, into: &output)
    }
    #expect(first == second && output.isEmpty)
  }

  @Test func truncationIsNoticed() throws {
    let layers = Layers(isEncrypted: true, isCompressed: true)
    let wire = encoded([Array("hello".utf8)], layers, vector: Array(0..<16))
    for count in 0...wire.count where ![0, 16, 26, wire.count].contains(count) {
      let error = #expect(throws: StreamCodingError.self) {
        try decoded([Array(wire.prefix(count))], layers)
      }
      if count < 16 { #expect(error == .initializationVectorTruncated(missing: 16 - count)) }
    }
    for count in [0, 16, 26] { #expect(try decoded([Array(wire.prefix(count))], layers) == []) }
  }

  private func recordedStream(_ direction: String) throws -> ([UInt8], JSONValue) {
    let recording = try Vectors.load("v1-workconn-encrypted-compressed")[direction]
    let raw = recording["raw_hex"].hexBytes
    // One plain message precedes: type, 8 bytes of length, body.
    let messageByteCount = 9 + raw[1..<9].reduce(0) { $0 << 8 | Int($1) }
    return (Array(raw.dropFirst(messageByteCount)), recording)
  }

  private func makeEncoder(_ layers: Layers, vector: [UInt8]) -> PayloadEncoder {
    PayloadEncoder(
      encryptionKey: layers.isEncrypted ? key : nil, isCompressed: layers.isCompressed,
      makeInitializationVector: { vector })
  }

  private func encoded(_ parts: [[UInt8]], _ layers: Layers, vector: [UInt8]) -> [UInt8] {
    var encoder = makeEncoder(layers, vector: vector)
    var output = ByteQueue()
    for part in parts { encoder.encode(part.span.bytes, into: &output) }
    return output.copiedBytes
  }

  private func decoded(
    _ parts: [[UInt8]], _ layers: Layers
  ) throws(StreamCodingError) -> [UInt8] {
    var decoder = PayloadDecoder(
      encryptionKey: layers.isEncrypted ? key : nil, isCompressed: layers.isCompressed)
    var output = ByteQueue()
    for part in parts { try decoder.decode(part.span.bytes, into: &output) }
    try decoder.finish()
    return output.copiedBytes
  }
}
