/// The maxima of this module.
public enum HTTP2Limits {
  /// Requests that one connection may have at a time; one more is refused.
  public static let streamCountMax = 100
  /// Bytes of one body that may come before somebody has taken them.
  public static let streamWindowByteCount = 256 * 1024
  /// Bytes of all bodies of a connection that may come before somebody has taken them, beyond
  /// which a stream that nobody reads holds up its neighbours.
  public static let heldByteCountMax = 1024 * 1024
  /// The window of a connection.
  public static let connectionWindowByteCount = 1024 * 1024
  /// Bytes of a body that wait for frames and count as sent.
  public static let uncountedByteCountMax = 16 * 1024
}
