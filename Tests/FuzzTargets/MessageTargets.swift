import ByteBuffers
import WireProtocol

extension FuzzTarget {
  static let messages = [
    FuzzTarget("frames", byteCountMax: 12_000, dictionary: jsonWords) {
      (input) throws(FuzzFinding) in
      let plan = input.byte()
      return try checkFrames(input.rest(), plan: plan)
    },
    FuzzTarget("messages", byteCountMax: 4096, dictionary: jsonWords) {
      (input) throws(FuzzFinding) in
      let choice = Int(input.byte())
      let type = MessageType.allCases[choice % MessageType.allCases.count]
      let body = input.rest()
      var frame = ByteQueue()
      frame.append(type.rawValue)
      frame.append(bigEndian: Int64(body.count))
      frame.append(body)
      return try checkFrames(Array(frame.readableBytes), plan: 0)
    },
    FuzzTarget("expected-messages", byteCountMax: 4096, dictionary: jsonWords) {
      (input) throws(FuzzFinding) in
      let choice = input.byte()
      return try checkExpectations(input.rest(), choice)
    },
  ]

  private static let jsonWords =
    MessageType.allCases.map { String(Character(Unicode.Scalar($0.rawValue))) }
    + [
      "run_id", "privilege_key", "timestamp", "pool_count", "metas", "client_spec", "proxy_name",
      "remote_port", "custom_domains", "locations", "detect_behavior", "candidate_ports",
      "IP", "Port", "Zone", "src_port", "null", "true", "false", "9223372036854775807",
      "-9223372036854775808", "1e309", "-0", "\\u0000", "\\ud83d", "\\ude00", "\u{17f}",
      "\u{212a}", "\":", "\",\"", "{\"", "[{",
    ]

  private struct Outcome: Equatable {
    var messages: [Message] = []
    var error: WireError?
    var remainder: [UInt8] = []
  }

  private static func decode(_ pieces: [[UInt8]]) throws(FuzzFinding) -> Outcome {
    var outcome = Outcome()
    var decoder = MessageDecoder()
    for piece in pieces {
      decoder.append(piece.span.bytes)
      do throws(WireError) {
        while let message = try decoder.next() { outcome.messages.append(message) }
      } catch {
        outcome.error = error
      }
      let frameMax = WireProtocolLimits.frameHeaderLength + WireProtocolLimits.frameLengthMax
      try require(decoder.bufferedByteCount < frameMax, "more than one frame is held")
    }
    outcome.remainder = decoder.takeRemainder()
    return outcome
  }

  /// The same in pieces as in one; what is read is written, and read again to the same.
  private static func checkFrames(_ bytes: [UInt8], plan: UInt8) throws(FuzzFinding) -> Int {
    let whole = try decode([bytes])
    if plan > 0 {
      let cut = try decode(pieces(of: bytes, plan: plan))
      try require(cut == whole, "another outcome in pieces")
    }
    for message in whole.messages {
      try checkDescription("\(message)")
      let frame = encoded(message)
      let length = frame.count - WireProtocolLimits.frameHeaderLength
      // Escapes may make it longer than what was read.
      guard length <= WireProtocolLimits.frameLengthMax else { continue }
      let again = try decode([frame])
      try require(again == Outcome(messages: [message]), "written, it reads otherwise")
      try require(again.messages.map(encoded) == [frame], "written twice, it differs")
    }
    if let error = whole.error { try checkDescription("\(error)") }
    return whole.messages.count
  }

  private static func encoded(_ message: Message) -> [UInt8] {
    var queue = ByteQueue()
    MessageEncoder.encode(message, into: &queue)
    return Array(queue.readableBytes)
  }

  /// A line of the log stays one, and short.
  private static func checkDescription(_ text: String) throws(FuzzFinding) {
    try require(!text.unicodeScalars.contains { $0.value < 0x20 }, "a control character is shown")
    try require(text.utf8.count < 65_536, "the description has \(text.utf8.count) bytes")
  }

  /// Readers that expect one message whatever its frame claims.
  private static func checkExpectations(
    _ bytes: [UInt8], _ choice: UInt8
  ) throws(FuzzFinding) -> Int {
    var decoder = MessageDecoder()
    decoder.append(bytes.span.bytes)
    var count = 0
    var failure: WireError?
    do throws(WireError) {
      var isReading = true
      while isReading {
        switch choice % 4 {
        case 0: isReading = try decoder.nextLoginResponse() != nil
        case 1: isReading = try decoder.nextStartWorkConnection() != nil
        case 2: isReading = try decoder.nextNewVisitorConnectionResponse() != nil
        default:
          let type = MessageType.allCases[Int(choice / 4) % MessageType.allCases.count]
          let message = try decoder.next(expecting: type)
          isReading = message != nil
        }
        if isReading { count += 1 }
      }
    } catch {
      failure = error
    }
    guard let failure else { return count }
    var later: WireError?
    decoder.append([0x6f].span.bytes)
    do throws(WireError) { _ = try decoder.next() } catch { later = error }
    try require(later == failure, "the first error is not final")
    try require(decoder.bufferedByteCount == 0, "a failed decoder holds bytes")
    return count
  }
}
