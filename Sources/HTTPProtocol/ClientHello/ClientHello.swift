/// What the first message of a TLS client says about where it wants to go.
public struct ClientHello: Equatable, Sendable {
  /// The name of the server in small letters, without a trailing dot; `nil` when there is none.
  public let serverName: String?
  /// The protocols that the client would speak inside (ALPN), in its order.
  public let applicationProtocols: [String]
}

/// Why the first bytes of a connection are no ClientHello.
public enum ClientHelloFault: Error, Equatable, Sendable {
  /// No TLS at all.
  case notTLS
  /// A record that is not of the handshake.
  case recordUnexpected
  /// A record that is empty, or longer than one may be.
  case recordLengthInvalid
  /// A message that is no ClientHello.
  case messageUnexpected
  /// The message is longer than we keep.
  case tooLarge
  /// The message ends inside a field, or has bytes behind its last one.
  case malformed
  /// An extension that comes twice.
  case extensionRepeated
  /// The server's name is none.
  case serverNameInvalid

  /// What the client is told before its connection is closed; nothing if it does not speak TLS.
  public var alert: TLSAlert? {
    switch self {
    case .notTLS: nil
    case .recordUnexpected, .messageUnexpected: .unexpectedMessage
    case .recordLengthInvalid: .recordOverflow
    case .tooLarge, .malformed: .decodeError
    case .extensionRepeated, .serverNameInvalid: .illegalParameter
    }
  }
}

/// An alert that ends a handshake (RFC 8446, section 6; RFC 6066, section 3).
public enum TLSAlert: UInt8, Sendable {
  /// A message that has no place here.
  case unexpectedMessage = 10
  /// A record that is too long.
  case recordOverflow = 22
  /// A field with a value that it must not have.
  case illegalParameter = 47
  /// A message that cannot be taken apart.
  case decodeError = 50
  /// No server has that name.
  case unrecognizedName = 112

  /// The alert as one record, fatal, of TLS 1.2, which clients of all versions read.
  public var record: [UInt8] { [21, 3, 3, 0, 2, 2, rawValue] }
}
