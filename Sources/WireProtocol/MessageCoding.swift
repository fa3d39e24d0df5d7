public import ByteBuffers

/// Encodes messages in wire v1 frames (wire-protocol.md 2.1).
///
/// | offset | size | field | encoding |
/// | --- | --- | --- | --- |
/// | 0 | 1 | type | `MessageType` |
/// | 1 | 8 | length | int64, big-endian |
/// | 9 | length | body | JSON |
public enum MessageEncoder {
  /// Appends the frame of one message.
  public static func encode(_ message: Message, into queue: inout ByteQueue) {
    let body = message.body
    queue.append(message.type.rawValue)
    queue.append(bigEndian: Int64(body.count))
    queue.append(body)
  }
}

/// Decodes wire v1 frames from bytes that arrive in any pieces.
///
/// A type or a length that cannot be is told as soon as it is there. A failed decoder is of no
/// further use.
public struct MessageDecoder: ~Copyable {
  private var queue = ByteQueue()

  /// Starts in front of a frame.
  public init() {}

  /// Bytes that wait for the rest of their frame, and those behind the last decoded one.
  public var bufferedByteCount: Int { queue.count }

  /// Adds received bytes.
  public mutating func append(_ bytes: UnsafeRawBufferPointer) {
    unsafe queue.append(bytes)
  }

  /// Adds received bytes.
  public mutating func append(_ bytes: [UInt8]) {
    queue.append(bytes)
  }

  /// Takes the next message; `nil` when more bytes are needed.
  public mutating func next() throws(WireError) -> Message? {
    guard let (type, length) = try head() else { return nil }
    let frameLength = WireProtocolLimits.frameHeadLength + length
    guard queue.count >= frameLength else { return nil }
    let body = queue.withReadableSpan { span in
      Array(span.extracting(WireProtocolLimits.frameHeadLength..<frameLength))
    }
    queue.removeFirst(frameLength)
    return try Message(type, body)
  }

  /// Takes all bytes behind the last decoded message.
  public mutating func takeRemainder() -> [UInt8] {
    let rest = queue.withReadableSpan { Array($0) }
    queue.removeAll()
    return rest
  }

  private func head() throws(WireError) -> (MessageType, Int)? {
    try queue.withReadableSpan { span throws(WireError) in
      guard span.byteCount > 0 else { return nil }
      guard let type = MessageType(rawValue: span.byte(at: 0)) else {
        throw .unknownType(span.byte(at: 0))
      }
      guard span.byteCount >= WireProtocolLimits.frameHeadLength else { return nil }
      let length = span.loadBigEndian(at: 1, as: Int64.self)
      guard length >= 0, length <= WireProtocolLimits.frameLengthMax else {
        throw .lengthOutOfRange(length)
      }
      return (type, Int(length))
    }
  }
}
