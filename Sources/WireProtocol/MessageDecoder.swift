internal import ByteBuffers

/// Reads wire v1 frames from bytes in pieces of any size.
///
/// Append what arrived, then call `next` until it returns `nil`: after that the decoder holds less
/// than one frame of the maximal length. Bytes behind a frame stay where they are until the next
/// call, so that a connection that switches to payload or to a cipher can take them out with
/// `takeRemainder`.
///
/// The first error is final: it is thrown again by every later call, and nothing more is kept.
public struct MessageDecoder: ~Copyable {
  private var buffer = ByteQueue()
  private var failure: WireError?

  /// Makes a decoder at the start of a frame.
  public init() {}

  /// The number of bytes that are not part of a message returned so far.
  public var bufferedByteCount: Int { buffer.count }

  /// Takes in bytes that arrived.
  public mutating func append(_ bytes: RawSpan) {
    if failure == nil { buffer.append(bytes) }
  }

  /// Takes in bytes that arrived.
  public mutating func append(_ bytes: UnsafeRawBufferPointer) {
    if failure == nil { unsafe buffer.append(bytes) }
  }

  /// The next message; `nil` until all its bytes are there.
  ///
  /// - Throws: `.unknownType` as soon as the first byte of a frame is there, `.lengthOutOfRange`
  ///   as soon as the header is.
  public mutating func next() throws(WireError) -> Message? {
    guard let frame = try nextFrame() else { return nil }
    return try parse(frame.body, as: frame.type)
  }

  /// The next message, read as `type` whatever type its frame claims.
  ///
  /// A peer that waits for one particular message accepts every known type byte (frp's readers of
  /// wire v1 do so), and takes the members that it expects.
  public mutating func next(expecting type: MessageType) throws(WireError) -> Message? {
    guard let frame = try nextFrame() else { return nil }
    return try parse(frame.body, as: type)
  }

  /// The answer to a login, whatever type its frame claims; `nil` until all its bytes are there.
  public mutating func nextLoginResponse() throws(WireError) -> LoginResponse? {
    try nextBody()
  }

  /// The start of a work connection, whatever type its frame claims; `nil` until all its bytes are
  /// there.
  public mutating func nextStartWorkConnection() throws(WireError) -> StartWorkConnection? {
    try nextBody()
  }

  /// The answer to a visitor connection, whatever type its frame claims; `nil` until all its bytes
  /// are there.
  public mutating func nextNewVisitorConnectionResponse() throws(WireError)
    -> NewVisitorConnectionResponse?
  {
    try nextBody()
  }

  /// Takes out the bytes behind the last message returned, and frees the memory.
  public mutating func takeRemainder() -> [UInt8] {
    let bytes = buffer.withReadableSpan { Array($0) }
    buffer.release()
    return bytes
  }

  private mutating func nextBody<Body: MessageBody>() throws(WireError) -> Body? {
    guard let frame = try nextFrame() else { return nil }
    do throws(JSONFault) {
      return try JSONReader.parse(frame.body)
    } catch {
      throw fail(.malformed(Body.messageType, error))
    }
  }

  private mutating func parse(
    _ body: [UInt8], as type: MessageType
  ) throws(WireError) -> Message {
    do throws(JSONFault) {
      return try Message(type, json: body)
    } catch {
      throw fail(.malformed(type, error))
    }
  }

  private mutating func nextFrame() throws(WireError) -> (type: MessageType, body: [UInt8])? {
    if let failure { throw failure }
    guard let header = try header() else { return nil }
    guard let length = header.length else { return nil }
    let end = WireProtocolLimits.frameHeaderLength + length
    guard buffer.count >= end else { return nil }
    let body = buffer.withReadableSpan {
      Array($0.extracting(WireProtocolLimits.frameHeaderLength..<end))
    }
    buffer.removeFirst(end)
    return (header.type, body)
  }

  /// Checks as much of the header as is there.
  private mutating func header() throws(WireError) -> (type: MessageType, length: Int?)? {
    if buffer.isEmpty { return nil }
    let typeByte = buffer.withReadableSpan { $0.byte(at: 0) }
    guard let type = MessageType(rawValue: typeByte) else { throw fail(.unknownType(typeByte)) }
    guard buffer.count >= WireProtocolLimits.frameHeaderLength else { return (type, nil) }
    let length = buffer.withReadableSpan { $0.loadBigEndian(at: 1, as: Int64.self) }
    guard (0...Int64(WireProtocolLimits.frameLengthMax)).contains(length) else {
      throw fail(.lengthOutOfRange(length))
    }
    return (type, Int(length))
  }

  private mutating func fail(_ error: WireError) -> WireError {
    failure = error
    buffer.release()
    return error
  }
}
