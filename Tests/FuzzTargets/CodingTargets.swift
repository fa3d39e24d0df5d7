import ByteBuffers
import StreamCoding

extension FuzzTarget {
  static let coding = [
    FuzzTarget("compression", byteCountMax: 4096, dictionary: ["\u{ff}\u{6}\0\0sNaPpY"]) {
      (input) throws(FuzzFinding) in
      let plan = input.byte()
      return try checkDecompression(input.rest(), plan: plan)
    },
    FuzzTarget("payload", byteCountMax: 4096) { (input) throws(FuzzFinding) in
      let mode = input.byte()
      let plan = input.byte()
      return try checkPayload(input.rest(), mode: mode, plan: plan)
    },
    FuzzTarget("decryption", byteCountMax: 1024) { (input) throws(FuzzFinding) in
      let plan = input.byte()
      return try checkDecryption(input.rest(), plan: plan)
    },
  ]

  private static let key = StreamKey.derive(from: "fuzz")
  private static let vector = [UInt8](repeating: 0x55, count: 16)

  private struct Outcome: Equatable {
    var bytes: [UInt8] = []
    var error: StreamCodingError?
    var ending: StreamCodingError?
  }

  private static func decompress(_ pieces: [[UInt8]]) throws(FuzzFinding) -> Outcome {
    var decoder = CompressionDecoder()
    var output = ByteQueue()
    var outcome = Outcome()
    for piece in pieces {
      let before = output.count
      let room = (piece.count + decoder.bufferedByteCount) * StreamCodingLimits.expansionMax
      do throws(StreamCodingError) {
        try decoder.decode(piece.span.bytes, into: &output)
      } catch {
        try require(outcome.error == nil || outcome.error == error, "another error")
        outcome.error = error
      }
      try require(output.count - before <= room, "\(output.count - before) bytes came out")
      try require(
        decoder.bufferedByteCount <= StreamCodingLimits.chunkBodyBytesMax,
        "\(decoder.bufferedByteCount) bytes are held")
    }
    do throws(StreamCodingError) { try decoder.finish() } catch { outcome.ending = error }
    outcome.bytes = Array(output.readableBytes)
    return outcome
  }

  private static func checkDecompression(
    _ bytes: [UInt8], plan: UInt8
  ) throws(FuzzFinding) -> Int {
    let whole = try decompress([bytes])
    if plan > 0 {
      let cut = try decompress(pieces(of: bytes, plan: plan))
      try require(cut == whole, "another outcome in pieces")
    }
    var encoder = CompressionEncoder()
    var encoded = ByteQueue()
    for piece in pieces(of: bytes, plan: plan) { encoder.encode(piece.span.bytes, into: &encoded) }
    let again = try decompress([Array(encoded.readableBytes)])
    try require(again == Outcome(bytes: bytes), "compressed, it is something else")
    return whole.bytes.count
  }

  private static func decode(
    _ pieces: [[UInt8]], isEncrypted: Bool, isCompressed: Bool
  ) -> Outcome {
    var decoder = PayloadDecoder(encryptionKey: isEncrypted ? key : nil, isCompressed: isCompressed)
    var output = ByteQueue()
    var outcome = Outcome()
    for piece in pieces {
      do throws(StreamCodingError) {
        try decoder.decode(piece.span.bytes, into: &output)
      } catch {
        outcome.error = error
      }
    }
    do throws(StreamCodingError) { try decoder.finish() } catch { outcome.ending = error }
    outcome.bytes = Array(output.readableBytes)
    return outcome
  }

  /// Bits of `mode`: 1 encrypted, 2 compressed, 4: the input is encrypted first, so that what lies
  /// behind the cipher is reached.
  private static func checkPayload(
    _ bytes: [UInt8], mode: UInt8, plan: UInt8
  ) throws(FuzzFinding) -> Int {
    let isEncrypted = mode & 1 != 0
    let isCompressed = mode & 2 != 0
    var wire = bytes
    if isEncrypted, mode & 4 != 0 {
      var encryptor = StreamEncryptor(key: key, initializationVector: vector)
      var queue = ByteQueue()
      encryptor.encrypt(bytes.span.bytes, into: &queue)
      wire = Array(queue.readableBytes)
    }
    let whole = decode([wire], isEncrypted: isEncrypted, isCompressed: isCompressed)
    let cut = decode(
      pieces(of: wire, plan: plan), isEncrypted: isEncrypted, isCompressed: isCompressed)
    try require(cut == whole, "another outcome in pieces")
    var encoder = PayloadEncoder(
      encryptionKey: isEncrypted ? key : nil, isCompressed: isCompressed,
      makeInitializationVector: { vector })
    var encoded = ByteQueue()
    for piece in pieces(of: bytes, plan: plan) { encoder.encode(piece.span.bytes, into: &encoded) }
    let again = decode(
      pieces(of: Array(encoded.readableBytes), plan: plan), isEncrypted: isEncrypted,
      isCompressed: isCompressed)
    try require(again == Outcome(bytes: bytes), "encoded, it is something else")
    return whole.bytes.count
  }

  private static func decrypt(_ pieces: [[UInt8]], inPlace: Bool) -> Outcome {
    var decryptor = StreamDecryptor(key: key)
    var output = ByteQueue()
    for piece in pieces {
      guard inPlace else {
        decryptor.decrypt(piece.span.bytes, into: &output)
        continue
      }
      var piece = piece
      piece.withUnsafeMutableBytes {
        output.append(UnsafeRawBufferPointer(decryptor.decrypt(inPlace: $0)))
      }
    }
    var outcome = Outcome(bytes: Array(output.readableBytes))
    do throws(StreamCodingError) { try decryptor.finish() } catch { outcome.ending = error }
    return outcome
  }

  private static func checkDecryption(_ bytes: [UInt8], plan: UInt8) throws(FuzzFinding) -> Int {
    let whole = decrypt([bytes], inPlace: false)
    try require(whole.bytes.count == max(0, bytes.count - 16), "bytes are lost")
    let cut = pieces(of: bytes, plan: plan)
    try require(decrypt(cut, inPlace: false) == whole, "another outcome in pieces")
    try require(decrypt(cut, inPlace: true) == whole, "another outcome in place")
    return whole.bytes.count
  }
}
