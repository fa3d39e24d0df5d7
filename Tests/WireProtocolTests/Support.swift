import ByteBuffers
import TestKit
import WireProtocol

/// A wire v1 frame with any type byte, length and body.
func frame(_ type: UInt8, length: Int64? = nil, _ body: [UInt8]) -> [UInt8] {
  var queue = ByteQueue()
  queue.append(type)
  queue.append(bigEndian: length ?? Int64(body.count))
  queue.append(body)
  return Array(queue.readableBytes)
}

/// A wire v1 frame around a JSON text.
func frame(_ type: MessageType, _ json: String) -> [UInt8] {
  frame(type.rawValue, Array(json.utf8))
}

/// The frame of `message`.
func encoded(_ message: Message) -> [UInt8] {
  var queue = ByteQueue()
  MessageEncoder.encode(message, into: &queue)
  return Array(queue.readableBytes)
}

/// The JSON text of `message`.
func json(_ message: Message) -> String {
  String(decoding: encoded(message).dropFirst(9), as: UTF8.self)
}

/// The message with that body; `nil` when bytes are missing.
func decoded(_ type: MessageType, _ json: String) throws(WireError) -> Message? {
  try decoded(frame(type, json))
}

/// The first message in `bytes`.
func decoded(_ bytes: [UInt8]) throws(WireError) -> Message? {
  var decoder = MessageDecoder()
  decoder.feed(bytes)
  return try decoder.next()
}

/// What is wrong with a message; `nil` when nothing is.
func fault(_ type: MessageType, _ json: String) -> JSONFault? {
  do throws(WireError) {
    _ = try decoded(type, json)
    return nil
  } catch {
    if case .malformed(type, let fault) = error { return fault }
    return nil
  }
}

/// Everything that a decoder makes of a stream.
struct Decoding: Equatable {
  var messages: [Message] = []
  var error: WireError?
  var remainder: [UInt8] = []
}

/// Feeds `pieces` one after the other, draining the decoder after each.
func decodeAll(_ pieces: [ArraySlice<UInt8>]) -> Decoding {
  var decoding = Decoding()
  var decoder = MessageDecoder()
  for piece in pieces {
    decoder.feed(piece)
    do throws(WireError) {
      while let message = try decoder.next() { decoding.messages.append(message) }
    } catch {
      decoding.error = error
    }
  }
  decoding.remainder = decoder.takeRemainder()
  return decoding
}

/// Every way to feed `bytes` that decoders are tested with: whole, byte by byte, and in two at
/// every point.
func feedings(of bytes: [UInt8]) -> [[ArraySlice<UInt8>]] {
  [[bytes[...]], bytes.indices.map { bytes[$0...$0] }]
    + bytes.indices.map { [bytes[..<$0], bytes[$0...]] }
}

/// The wire v1 type that a vector writes as a character.
func messageType(_ character: JSONValue) -> MessageType? {
  character.string?.utf8.first.flatMap { MessageType(rawValue: $0) }
}

extension MessageDecoder {
  /// Takes in bytes that arrived.
  mutating func feed(_ bytes: some Sequence<UInt8>) {
    let bytes = Array(bytes)
    append(bytes.span.bytes)
  }
}
