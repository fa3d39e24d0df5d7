internal import ByteBuffers

/// What may share the port for clients, and which of it a connection is for, by its first bytes
/// (wire-protocol.md 1.2). Nothing is consumed.
public struct SharedPort: Equatable, Sendable {
  /// What a connection is for.
  public enum Destination: Equatable, Sendable {
    /// frp's link inside of WebSocket.
    case webSocket
    /// The virtual hosts of HTTPS.
    case https
    /// The virtual hosts of HTTP.
    case http
    /// The link of a client, with TLS.
    case secureLink
    /// The link of a client, without.
    case plainLink
  }

  /// The first byte of a TLS connection.
  public static let tlsRecordByte: UInt8 = 0x16

  /// Bytes that are looked at; a connection that never sends as many is closed.
  public static let byteCount = 10

  /// Whether virtual hosts of HTTP share the port.
  public var sharesHTTP: Bool
  /// Whether virtual hosts of HTTPS share the port.
  public var sharesHTTPS: Bool

  /// Whether anything shares the port.
  public var isShared: Bool { sharesHTTP || sharesHTTPS }

  /// Puts the rules together.
  public init(sharesHTTP: Bool, sharesHTTPS: Bool) {
    self.sharesHTTP = sharesHTTP
    self.sharesHTTPS = sharesHTTPS
  }

  private static let webSocketStart = Array("GET /~!frp".utf8)
  private static let methodStarts = [
    "GET", "HEA", "POS", "PUT", "DEL", "CON", "OPT", "TRA", "PAT", "PRI",
  ].map { Array($0.utf8) }

  /// The destination; `nil` until there are enough bytes.
  public func destination(of bytes: RawSpan) -> Destination? {
    guard bytes.byteCount >= Self.byteCount else { return nil }
    let start = Array(bytes.extracting(0..<Self.byteCount))
    if start == Self.webSocketStart { return .webSocket }
    if sharesHTTPS, start[0] == Self.tlsRecordByte { return .https }
    if sharesHTTP, Self.methodStarts.contains(where: { start.starts(with: $0) }) { return .http }
    return start[0] == Self.tlsRecordByte || start[0] == 0x17 ? .secureLink : .plainLink
  }
}
