internal import ByteBuffers
public import LinuxSystem

/// Why the first bytes of a connection are no PROXY header; the connection has to be closed.
public enum ProxyProtocolFault: Error, Equatable, Sendable {
  /// Neither signature.
  case signatureMissing
  /// More bytes than a header may have.
  case tooLong
  /// A line of text that is not written as it must be.
  case lineMalformed
  /// A version or a command of the binary form that does not exist.
  case versionUnsupported
  /// A family or a protocol of the binary form that does not exist.
  case familyUnknown
  /// Fewer bytes than the addresses have, or additional fields that do not fill the rest.
  case lengthInvalid
}

/// Reads the header that a front proxy puts before a visitor's bytes (the PROXY protocol, versions
/// 1 and 2).
///
/// Give `read` all bytes that came so far, again and again, until it returns the header; drop
/// `byteCount` bytes then. The first fault is final, and is found as soon as its byte is there.
public struct ProxyProtocolReader: Sendable {
  /// What a header says.
  public struct Header: Equatable, Sendable {
    /// The visitor's address; `nil` when the front proxy speaks for itself or does not know.
    public let source: SocketAddress?
    /// The address that the visitor connected to.
    public let destination: SocketAddress?
    /// The bytes of the header.
    public let byteCount: Int
  }

  /// The longest line of text that the protocol allows, with its end.
  private static let lineByteCountMax = 107
  private static let textSignature = Array("PROXY ".utf8)
  private static let fixedByteCount = 16

  private var failure: ProxyProtocolFault?

  /// Makes a reader at the start of a connection.
  public init() {}

  /// The header; `nil` until all of it is there.
  public mutating func read(_ bytes: RawSpan) throws(ProxyProtocolFault) -> Header? {
    if let failure { throw failure }
    do throws(ProxyProtocolFault) {
      guard bytes.byteCount > 0 else { return nil }
      return bytes.byte(at: 0) == Self.textSignature[0]
        ? try Self.readText(bytes) : try Self.readBinary(bytes)
    } catch {
      failure = error
      throw error
    }
  }

  /// Whether all of the signature is there; a fault when something else is.
  private static func hasSignature(
    _ signature: [UInt8], _ bytes: RawSpan
  ) throws(ProxyProtocolFault) -> Bool {
    for index in 0..<min(signature.count, bytes.byteCount)
    where bytes.byte(at: index) != signature[index] {
      throw .signatureMissing
    }
    return bytes.byteCount >= signature.count
  }

  // MARK: Version 1

  private static func readText(_ bytes: RawSpan) throws(ProxyProtocolFault) -> Header? {
    guard try hasSignature(textSignature, bytes) else { return nil }
    let available = min(bytes.byteCount, lineByteCountMax)
    guard let end = (0..<available).first(where: { bytes.byte(at: $0) == 0x0a }) else {
      if available == lineByteCountMax { throw .tooLong }
      return nil
    }
    let line = Array(bytes.extracting(textSignature.count..<end))
    guard line.last == 0x0d, line.dropLast().allSatisfy({ (0x20..<0x7f).contains($0) }) else {
      throw .lineMalformed
    }
    let text = String(decoding: line.dropLast(), as: UTF8.self)
    let words = text.split(separator: " ", omittingEmptySubsequences: false)
    // What stands behind it is to be ignored.
    if words[0] == "UNKNOWN" {
      return Header(source: nil, destination: nil, byteCount: end + 1)
    }
    guard words.count == 5, words[0] == "TCP4" || words[0] == "TCP6" else { throw .lineMalformed }
    let family: SocketAddress.Family = words[0] == "TCP4" ? .ipv4 : .ipv6
    return Header(
      source: try address(words[1], words[3], family),
      destination: try address(words[2], words[4], family), byteCount: end + 1)
  }

  private static func address(
    _ host: Substring, _ port: Substring, _ family: SocketAddress.Family
  ) throws(ProxyProtocolFault) -> SocketAddress {
    let isLiteral = host.utf8.allSatisfy { byte in
      (0x30...0x3a).contains(byte) || byte == 0x2e || (0x61...0x66).contains(byte | 0x20)
    }
    // Decimal without leading zeros: what the number is written as again.
    guard isLiteral, let number = UInt16(port), String(number) == port,
      let address = SocketAddress(host: String(host), port: number), address.family == family
    else { throw .lineMalformed }
    return address
  }

  // MARK: Version 2

  private static func readBinary(_ bytes: RawSpan) throws(ProxyProtocolFault) -> Header? {
    guard try hasSignature(ProxyProtocolHeader.binarySignature, bytes) else { return nil }
    let signatureCount = ProxyProtocolHeader.binarySignature.count
    guard bytes.byteCount > signatureCount else { return nil }
    let command = bytes.byte(at: signatureCount)
    guard command == 0x20 || command == 0x21 else { throw .versionUnsupported }
    guard bytes.byteCount > signatureCount + 1 else { return nil }
    let addressByteCount = try Self.addressByteCount(family: bytes.byte(at: signatureCount + 1))
    guard bytes.byteCount >= fixedByteCount else { return nil }
    let length = Int(bytes.loadBigEndian(at: signatureCount + 2, as: UInt16.self))
    let end = fixedByteCount + length
    guard end <= TransportLimits.proxyHeaderByteCountMax else { throw .tooLong }
    // LOCAL: the front proxy itself, for example with a health check.
    let isLocal = command == 0x20
    guard isLocal || length >= addressByteCount else { throw .lengthInvalid }
    guard bytes.byteCount >= end else { return nil }
    if isLocal { return Header(source: nil, destination: nil, byteCount: end) }
    try checkFields(bytes, fixedByteCount + addressByteCount..<end)
    let family = bytes.byte(at: signatureCount + 1)
    // Other protocols than TCP count as unknown here (section 2.2).
    guard family == 0x11 || family == 0x21 else {
      return Header(source: nil, destination: nil, byteCount: end)
    }
    let octetCount = family == 0x11 ? 4 : 16
    return Header(
      source: address(bytes, octets: 0, port: 2 * octetCount, count: octetCount),
      destination: address(bytes, octets: octetCount, port: 2 * octetCount + 2, count: octetCount),
      byteCount: end)
  }

  /// What the two addresses take in front of the additional fields.
  private static func addressByteCount(family: UInt8) throws(ProxyProtocolFault) -> Int {
    switch family {
    case 0x00: 0
    case 0x11, 0x12: 12
    case 0x21, 0x22: 36
    case 0x31, 0x32: 216
    default: throw .familyUnknown
    }
  }

  /// Additional fields say nothing to us, but they must fill the header: type, length <2>, value.
  private static func checkFields(
    _ bytes: RawSpan, _ range: Range<Int>
  ) throws(ProxyProtocolFault) {
    var offset = range.lowerBound
    while offset < range.upperBound {
      guard offset + 3 <= range.upperBound else { throw .lengthInvalid }
      offset += 3 + Int(bytes.loadBigEndian(at: offset + 1, as: UInt16.self))
      guard offset <= range.upperBound else { throw .lengthInvalid }
    }
  }

  private static func address(
    _ bytes: RawSpan, octets start: Int, port: Int, count: Int
  ) -> SocketAddress {
    var octets = [16 of UInt8](repeating: 0)
    for index in 0..<count { octets[index] = bytes.byte(at: fixedByteCount + start + index) }
    return SocketAddress(
      family: count == 4 ? .ipv4 : .ipv6, octets: octets,
      port: bytes.loadBigEndian(at: fixedByteCount + port, as: UInt16.self))
  }
}
