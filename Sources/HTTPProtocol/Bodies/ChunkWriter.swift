public import ByteBuffers

/// Writes bodies in chunks (RFC 9112, section 7.1).
public enum ChunkWriter {
  /// Appends what stands before the data of a chunk with `byteCount` bytes, of which there must be
  /// one at least: an empty chunk would end the body.
  public static func writeStart(byteCount: Int, into queue: inout ByteQueue) {
    precondition(byteCount > 0, "an empty chunk ends the body")
    queue.append(utf8: String(byteCount, radix: 16))
    writeEnd(into: &queue)
  }

  /// Appends what stands behind the data of a chunk.
  public static func writeEnd(into queue: inout ByteQueue) {
    queue.append(0x0d)
    queue.append(0x0a)
  }

  /// Appends a whole chunk; nothing for no data.
  public static func write(_ data: RawSpan, into queue: inout ByteQueue) {
    guard data.byteCount > 0 else { return }
    writeStart(byteCount: data.byteCount, into: &queue)
    queue.append(data)
    writeEnd(into: &queue)
  }

  /// Appends the end of the body.
  public static func writeLast(trailers: FieldTable? = nil, into queue: inout ByteQueue) {
    queue.append(0x30)
    writeEnd(into: &queue)
    trailers?.write(into: &queue)
    writeEnd(into: &queue)
  }
}
