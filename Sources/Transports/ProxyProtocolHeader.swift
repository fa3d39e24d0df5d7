public import LinuxSystem

/// The header that tells a local service who its user is (the PROXY protocol, versions 1 and 2;
/// wire-protocol.md 6.6).
public enum ProxyProtocolHeader {
  /// The two encodings.
  public enum Version: Equatable, Sendable {
    /// One line of text.
    case text
    /// Binary.
    case binary
  }

  static let binarySignature: [UInt8] = [
    0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
  ]

  /// The header for one TCP connection from `source` to `destination`.
  ///
  /// Addresses of different families become `UNKNOWN` in text, and LOCAL in binary, since neither
  /// encoding can say it.
  public static func make(
    _ version: Version, source: SocketAddress, destination: SocketAddress
  ) -> [UInt8] {
    switch version {
    case .text: Array(makeText(source, destination).utf8)
    case .binary: makeBinary(source, destination)
    }
  }

  private static func makeText(_ source: SocketAddress, _ destination: SocketAddress) -> String {
    guard source.family == destination.family else { return "PROXY UNKNOWN\r\n" }
    let family =
      switch source.family {
      case .ipv4: "TCP4"
      case .ipv6: "TCP6"
      }
    let hosts = "\(source.host) \(destination.host)"
    return "PROXY \(family) \(hosts) \(source.port) \(destination.port)\r\n"
  }

  private static func makeBinary(
    _ source: SocketAddress, _ destination: SocketAddress
  ) -> [UInt8] {
    // Version 2, command LOCAL, nothing follows.
    guard source.family == destination.family else {
      return binarySignature + [0x20, 0x00, 0x00, 0x00]
    }
    let kind: UInt8 =
      switch source.family {
      case .ipv4: 0x11
      case .ipv6: 0x21
      }
    let body =
      source.octetArray + destination.octetArray + bytes(source.port) + bytes(destination.port)
    return binarySignature + [0x21, kind] + bytes(UInt16(body.count)) + body
  }

  private static func bytes(_ number: UInt16) -> [UInt8] {
    [UInt8(number >> 8), UInt8(truncatingIfNeeded: number)]
  }
}
