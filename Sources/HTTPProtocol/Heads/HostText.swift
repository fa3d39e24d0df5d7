internal import ByteBuffers

/// A host with an optional port, as `Host`, targets and configuration files have it.
public enum HostText {
  /// Where the parts lie.
  struct Parts {
    /// Without the brackets of an IPv6 literal.
    var host: Range<Int>
    var port: UInt16?
  }

  /// Splits `range`; `nil` when it is no host with an optional port. An empty host is one.
  static func parse(_ bytes: RawSpan, _ range: Range<Int>) -> Parts? {
    let (host, rest) = splitHost(bytes, range)
    guard let host, host.count <= HTTPProtocolLimits.hostByteCountMax else { return nil }
    if rest.isEmpty { return Parts(host: host, port: nil) }
    guard bytes[rest.lowerBound] == 0x3a, rest.count <= 6 else { return nil }
    if rest.count == 1 { return Parts(host: host, port: nil) }
    var port = 0
    for index in rest.dropFirst() {
      guard ByteClass.isDigit(bytes[index]) else { return nil }
      port = port * 10 + Int(bytes[index] - 0x30)
    }
    return UInt16(exactly: port).map { Parts(host: host, port: $0) }
  }

  private static func splitHost(
    _ bytes: RawSpan, _ range: Range<Int>
  ) -> (host: Range<Int>?, rest: Range<Int>) {
    var end = range.lowerBound
    guard !range.isEmpty, bytes[end] == 0x5b else {
      while end < range.upperBound, ByteClass.isRegisteredName(bytes[end]) { end += 1 }
      return (range.lowerBound..<end, end..<range.upperBound)
    }
    end += 1
    let start = end
    while end < range.upperBound, isAddress(bytes[end]) { end += 1 }
    guard end < range.upperBound, bytes[end] == 0x5d, end > start else { return (nil, range) }
    return (start..<end, end + 1..<range.upperBound)
  }

  private static func isAddress(_ byte: UInt8) -> Bool {
    ByteClass.hexadecimalValue(byte) != nil || byte == 0x3a || byte == 0x2e
  }

  /// The host as routes are looked up by: small letters, without one trailing dot (behaviour.md
  /// 4.1).
  static func routingName(_ bytes: RawSpan, _ host: Range<Int>) -> String {
    var host = host
    if host.count > 1, bytes[host.upperBound - 1] == 0x2e { host = host.dropLast() }
    return unsafe String(unsafeUninitializedCapacity: host.count) { room in
      for index in 0..<host.count {
        unsafe room[index] = ByteClass.lowercased(bytes[host.lowerBound + index])
      }
      return host.count
    }
  }

  /// The same for a text: the host of `text`, which may have a port; `nil` when it is no host.
  public static func routingName(of text: String) -> String? {
    let bytes = Array(text.utf8)
    guard let parts = unsafe parse(bytes.span.bytes, 0..<bytes.count) else { return nil }
    return unsafe routingName(bytes.span.bytes, parts.host)
  }
}
