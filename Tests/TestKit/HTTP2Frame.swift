/// A frame of HTTP/2 as bytes (RFC 9113, section 4), for tests that send what no library would.
public struct HTTP2Frame: Equatable, Sendable {
  /// The kinds of frames.
  public enum Kind: UInt8, Sendable {
    /// Those of RFC 9113, section 6, in their order.
    case data, headers, priority, reset, settings, pushPromise, ping, goAway, windowUpdate
    /// The last one.
    case continuation
  }

  /// Ends a stream, or confirms.
  public static let end: UInt8 = 1
  /// Ends a block of fields.
  public static let endFields: UInt8 = 4
  /// How a client begins.
  public static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  /// What it is.
  public var kind: UInt8
  /// The kind's own bits.
  public var flags: UInt8
  /// The stream's number.
  public var stream: UInt32
  /// What is behind the nine bytes.
  public var payload: [UInt8]

  /// Puts a frame together.
  public init(_ kind: Kind, flags: UInt8 = 0, _ stream: UInt32 = 0, _ payload: [UInt8] = []) {
    self.kind = kind.rawValue
    self.flags = flags
    self.stream = stream
    self.payload = payload
  }

  /// All of it.
  public var bytes: [UInt8] {
    let count = payload.count
    return [
      UInt8(truncatingIfNeeded: count >> 16), UInt8(truncatingIfNeeded: count >> 8),
      UInt8(truncatingIfNeeded: count), kind, flags,
    ] + Self.word(stream) + payload
  }

  /// A number of four bytes.
  public static func word(_ number: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * UInt32($0))) }
  }

  /// Fields as HPACK writes them without tables (RFC 7541, section 6.2.2).
  public static func block(_ fields: [(String, String)]) -> [UInt8] {
    fields.flatMap { name, value in
      [0] + text(name) + text(value)
    }
  }

  private static func text(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    if bytes.count < 127 { return [UInt8(bytes.count)] + bytes }
    var rest = bytes.count - 127
    var prefix: [UInt8] = [127]
    while rest >= 128 {
      prefix.append(UInt8(rest & 127) | 128)
      rest >>= 7
    }
    return prefix + [UInt8(rest)] + bytes
  }

  /// A request's head.
  public static func request(
    _ stream: UInt32, _ fields: [(String, String)] = [], method: String = "GET",
    path: String = "/", host: String = "a.test", flags: UInt8 = end | endFields
  ) -> HTTP2Frame {
    let pseudo = [
      (":method", method), (":scheme", "http"), (":path", path), (":authority", host),
    ]
    return HTTP2Frame(.headers, flags: flags, stream, block(pseudo + fields))
  }

  /// Reads whole frames from the front of `bytes`, and drops them there.
  public static func read(_ bytes: inout [UInt8]) -> [HTTP2Frame] {
    var frames: [HTTP2Frame] = []
    while bytes.count >= 9 {
      let count = Int(bytes[0]) << 16 | Int(bytes[1]) << 8 | Int(bytes[2])
      guard bytes.count >= 9 + count else { break }
      var frame = HTTP2Frame(.data, flags: bytes[4])
      frame.kind = bytes[3]
      frame.stream = bytes[5..<9].reduce(0) { $0 << 8 | UInt32($1) } & 0x7fff_ffff
      frame.payload = Array(bytes[9..<9 + count])
      frames.append(frame)
      bytes.removeFirst(9 + count)
    }
    return frames
  }

  /// The code of a frame that ends a stream or the connection; `nil` for others.
  public var errorCode: UInt32? {
    switch Kind(rawValue: kind) {
    case .reset: payload.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    case .goAway: payload.dropFirst(4).prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    case .data, .headers, .priority, .settings, .pushPromise, .ping, .windowUpdate, .continuation,
      nil:
      nil
    }
  }
}
