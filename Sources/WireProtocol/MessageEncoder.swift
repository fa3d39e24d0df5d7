public import ByteBuffers

/// Writes messages as wire v1 frames:
///
/// | offset | size | field                                    |
/// |--------|------|------------------------------------------|
/// | 0      | 1    | type, `MessageType.rawValue`             |
/// | 1      | 8    | length of the body, signed, big-endian   |
/// | 9      | …    | body: a JSON object, byte for byte frp's |
public enum MessageEncoder {
  /// Appends `message` to `queue`.
  ///
  /// - Returns: the length of the body. As in frp nothing is checked here; a peer closes the
  ///   connection when it is above `WireProtocolLimits.frameLengthMax`, so who sends texts of
  ///   unbounded length (metadata, datagrams) looks first and takes the frame back with
  ///   `removeLast`.
  @discardableResult
  public static func encode(_ message: Message, into queue: inout ByteQueue) -> Int {
    let start = queue.count
    queue.append(message.type.rawValue)
    queue.append(bigEndian: Int64(0))
    var writer = JSONWriter(appendingTo: queue)
    message.write(to: &writer)
    queue = writer.finish()
    let length = queue.count - start - WireProtocolLimits.frameHeaderLength
    unsafe withUnsafeBytes(of: Int64(length).bigEndian) {
      // Nine bytes of header were appended above.
      unsafe queue.replace(at: start + 1, with: $0)
    }
    return length
  }
}
