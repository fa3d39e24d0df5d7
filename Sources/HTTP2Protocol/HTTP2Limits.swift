/// The maxima of this module.
public enum HTTP2Limits {
  /// Requests that one connection may have at a time; one more is refused.
  public static let streamCountMax = 100
  /// Bytes of one body that may come before somebody has taken them, at first.
  public static let streamWindowByteCount = 256 * 1024
  /// What that is doubled up to while a body is taken as fast as it comes: a long path needs more
  /// on its way.
  public static let streamWindowByteCountMax = 4 * 1024 * 1024
  /// By how much the windows of one connection may be larger than at first, taken together.
  public static let grownByteCountMax = 8 * 1024 * 1024
  /// Bytes of all bodies of a connection, as text, that may come before somebody has taken them,
  /// beyond which streams that nobody reads hold up their neighbours; more where windows have
  /// grown.
  public static let heldByteCountMax = 1024 * 1024
  /// The window of a connection, unless one of its streams has a larger one.
  public static let connectionWindowByteCount = 1024 * 1024
  /// Bytes of a body that wait for frames and count as sent.
  public static let uncountedByteCountMax = 16 * 1024
}
