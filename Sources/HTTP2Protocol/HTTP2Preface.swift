/// How a client that knows that the server speaks HTTP/2 begins (RFC 9113, section 3.4).
public enum HTTP2Preface {
  private static let start: [UInt8] = Array("PRI ".utf8)

  /// Its first byte, which some methods of HTTP/1 have too.
  public static let firstByte = UInt8(ascii: "P")

  /// Whether a connection that begins with `bytes` speaks HTTP/2; `nil` when there are too few. No
  /// request of HTTP/1 has that method, and the rest is for the session to check.
  public static func isFound(in bytes: UnsafeRawBufferPointer) -> Bool? {
    for index in start.indices {
      guard index < bytes.count else { return nil }
      guard bytes[index] == start[index] else { return false }
    }
    return true
  }
}
