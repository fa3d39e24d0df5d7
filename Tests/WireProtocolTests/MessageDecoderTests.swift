import ByteBuffers
import TestKit
import Testing
import WireProtocol

/// Framing: limits, early refusal, what stays buffered, hostile bytes.
@Suite struct MessageDecoderTests {
  static let headerLength = WireProtocolLimits.frameHeaderLength

  /// A ping of exactly so many bytes of JSON.
  private func paddedPing(_ count: Int) -> [UInt8] {
    frame(.ping, "{" + String(repeating: " ", count: count - 2) + "}")
  }

  @Test func lengthsAtTheLimit() throws {
    #expect(WireProtocolLimits.frameLengthMax == 10_240)
    let longest = paddedPing(10_240)
    for pieces in [[longest[...]], longest.indices.map { longest[$0...$0] }] {
      #expect(decodeAll(pieces) == Decoding(messages: [.ping(Ping())]))
    }
    #expect(decodeAll([paddedPing(10_241)[...]]).error == .lengthOutOfRange(10_241))
    #expect(fault(.ping, "")?.kind == .unexpectedEnd)
  }

  /// A length is refused with its last byte, before any of the body.
  @Test(arguments: [10_241, -1, Int64.min, Int64.max, 1 << 32, 0x7b22_7665_7273_696f])
  func lengthsOutsideTheLimit(length: Int64) throws {
    let header = frame(MessageType.login.rawValue, length: length, [])
    var decoder = MessageDecoder()
    decoder.feed(header[..<8])
    #expect(try decoder.next() == nil)
    decoder.feed(header[8...])
    #expect(throws: WireError.lengthOutOfRange(length)) { try decoder.next() }
  }

  /// All but the 18 known type bytes are refused as soon as they are seen.
  @Test func unknownTypes() throws {
    for byte in UInt8.min...UInt8.max {
      var decoder = MessageDecoder()
      decoder.feed([byte])
      if MessageType(rawValue: byte) != nil {
        #expect(try decoder.next() == nil)
      } else {
        #expect(throws: WireError.unknownType(byte)) { try decoder.next() }
      }
    }
  }

  @Test func firstErrorIsFinal() throws {
    var decoder = MessageDecoder()
    decoder.feed((encoded(.pong(Pong())) + [0]))
    #expect(try decoder.next() == .pong(Pong()))
    #expect(throws: WireError.unknownType(0)) { try decoder.next() }
    #expect(decoder.bufferedByteCount == 0)
    decoder.feed(encoded(.ping(Ping())))
    #expect(decoder.bufferedByteCount == 0)
    #expect(throws: WireError.unknownType(0)) { try decoder.next() }
    #expect(throws: WireError.unknownType(0)) { try decoder.nextLoginResponse() }
    #expect(decoder.takeRemainder() == [])
  }

  @Test func malformedBodyIsFinalToo() throws {
    var decoder = MessageDecoder()
    decoder.feed((frame(.ping, "[]") + encoded(.ping(Ping()))))
    let error = WireError.malformed(
      .ping, JSONFault(.typeMismatch(expected: .object, found: .array), offset: 0))
    for _ in 0..<2 { #expect(throws: error) { try decoder.next() } }
    #expect(decoder.bufferedByteCount == 0)
  }

  @Test func emptyDecoderWaits() throws {
    var decoder = MessageDecoder()
    #expect(try decoder.next() == nil)
    decoder.feed([UInt8]())
    [UInt8]().withUnsafeBytes { decoder.append($0) }
    #expect(try decoder.next() == nil)
    #expect(decoder.takeRemainder() == [])
  }

  @Test func remainderIsWhatFollows() throws {
    var decoder = MessageDecoder()
    let bytes = encoded(.ping(Ping())) + [1, 2, 3]
    bytes.withUnsafeBytes { decoder.append($0) }
    #expect(try decoder.next() == .ping(Ping()))
    #expect(decoder.bufferedByteCount == 3)
    #expect(decoder.takeRemainder() == [1, 2, 3])
    #expect(decoder.bufferedByteCount == 0)
  }

  /// After draining, less than one frame is held, whatever the peer sends.
  @Test func bufferStaysBelowOneFrame() throws {
    let longest = paddedPing(10_240)
    var stream: [UInt8] = []
    for _ in 0..<20 { stream += longest }
    for pieceSize in [1000, 9973, 16_384, 65_536] {
      var decoder = MessageDecoder()
      var count = 0
      for start in stride(from: 0, to: stream.count, by: pieceSize) {
        decoder.feed(stream[start..<min(start + pieceSize, stream.count)])
        while try decoder.next() != nil { count += 1 }
        #expect(decoder.bufferedByteCount < longest.count)
      }
      #expect(count == 20)
    }
  }

  /// A reader that waits for one message takes any known type byte for it, as frp's do.
  @Test func expectedShapes() throws {
    let text = #"{"run_id":"r","proxy_name":"n","error":"e"}"#
    for type in MessageType.allCases {
      var decoder = MessageDecoder()
      for _ in 0..<4 { decoder.feed(frame(type, text)) }
      #expect(try decoder.nextLoginResponse() == LoginResponse(runID: "r", error: "e"))
      #expect(
        try decoder.nextStartWorkConnection() == StartWorkConnection(proxyName: "n", error: "e"))
      #expect(
        try decoder.nextNewVisitorConnectionResponse()
          == NewVisitorConnectionResponse(proxyName: "n", error: "e"))
      #expect(try decoder.next(expecting: .pong) == .pong(Pong(error: "e")))
      #expect(try decoder.nextStartWorkConnection() == nil)
    }
    var decoder = MessageDecoder()
    decoder.feed(frame(.ping, #"{"src_port":65536}"#))
    let fault = JSONFault(.integerOutOfRange, offset: 12, member: "src_port")
    #expect(throws: WireError.malformed(.startWorkConnection, fault)) {
      try decoder.nextStartWorkConnection()
    }
    var strict = MessageDecoder()
    strict.feed([0x7a])
    #expect(throws: WireError.unknownType(0x7a)) { try strict.next(expecting: .pong) }
  }

  /// Bytes that a peer damaged: no trap, and the same outcome in pieces as in one.
  @Test func damagedStreams() throws {
    var generator = RepeatableGenerator(seed: 20_260_101)
    let frames = MessageRoundTripTests.samples.map { frame($0.message.type, $0.json) }
    var outcomes = (read: 0, refused: 0)
    for _ in 0..<4000 {
      var bytes =
        frames.randomElement(using: &generator)! + frames.randomElement(using: &generator)!
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let index = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
        case 1: bytes.remove(at: index)
        default: bytes.insert(UInt8.random(in: 0x20...0x7e, using: &generator), at: index)
        }
      }
      let whole = decodeAll([bytes[...]])
      let cut = Int.random(in: 0...bytes.count, using: &generator)
      #expect(decodeAll([bytes[..<cut], bytes[cut...]]) == whole, "seed \(generator.seed)")
      #expect(decodeAll(bytes.indices.map { bytes[$0...$0] }) == whole, "seed \(generator.seed)")
      if whole.error == nil { outcomes.read += 1 } else { outcomes.refused += 1 }
    }
    #expect(outcomes.read > 100 && outcomes.refused > 100)
  }

  /// Texts made of what JSON is made of: no trap, and what is read can be written and read again.
  @Test func randomTexts() throws {
    var generator = RepeatableGenerator(seed: 20_260_102)
    let tokens = [
      "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "d83d", "de00", "0", "-", "1", ".", "e", " ",
      "null", "true", "\"c\"", "\"r\"", "\"IP\"", "\"\"", "\u{1}", "é",
    ]
    for _ in 0..<20_000 {
      let count = Int.random(in: 0...12, using: &generator)
      var text = "{"
      for _ in 0..<count { text += tokens.randomElement(using: &generator)! }
      for type in [MessageType.udpPacket, .login] {
        guard let message = decodeAll([frame(type, text + "}")[...]]).messages.first else {
          continue
        }
        #expect(try decoded(encoded(message)) == message, "seed \(generator.seed): \(text)")
      }
    }
  }

  @Test func noise() {
    var generator = RepeatableGenerator(seed: 20_260_103)
    for _ in 0..<2000 {
      var bytes = generator.bytes(Int.random(in: 0...64, using: &generator))
      if let first = MessageType.allCases.randomElement(using: &generator), !bytes.isEmpty {
        bytes[0] = first.rawValue
      }
      let decoding = decodeAll([bytes[...]])
      #expect(decoding.messages.isEmpty, "seed \(generator.seed)")
      #expect(decoding.error != nil || decoding.remainder == bytes, "seed \(generator.seed)")
    }
  }

  @Test func encoderAppendsAndReportsTheLength() {
    var queue = ByteQueue()
    queue.append([1, 2, 3])
    #expect(MessageEncoder.encode(.ping(Ping()), into: &queue) == 2)
    #expect(MessageEncoder.encode(.pong(Pong(error: "e")), into: &queue) == 13)
    #expect(
      Array(queue.readableBytes)
        == [1, 2, 3] + frame(.ping, "{}") + frame(.pong, #"{"error":"e"}"#))
    let long = Message.pong(Pong(error: String(repeating: "e", count: 20_000)))
    #expect(MessageEncoder.encode(long, into: &queue) == 20_012)
  }
}
