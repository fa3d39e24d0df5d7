/// What the kernel knows of a carrier's peer and its session does not: whether its host takes what
/// we send. On a slow path a ping stands behind bytes that the kernel holds, and its answer takes
/// as long as they do.
struct CarrierLiveness {
  private var acknowledgedByteCount: UInt64 = 0

  /// Whether the peer's host has acknowledged bytes since the last call.
  mutating func hasProgressed(_ stream: any ByteStream) -> Bool {
    guard let count = (stream as? SocketStream)?.acknowledgedByteCount else { return false }
    defer { acknowledgedByteCount = count }
    return count > acknowledgedByteCount
  }
}
