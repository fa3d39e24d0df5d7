internal import ByteBuffers

/// Finds the ClientHello at the start of a connection, without decrypting anything.
///
/// Give `read` all bytes that came so far, again and again, until it returns the message. Nothing
/// is consumed: whoever the connection is for gets it from its first byte. The message may lie in
/// any number of records and packets. The first fault is final.
///
///     record:      type (22), version (3, x), length (2), payload (RFC 8446, section 5.1)
///     message:     type (1), length (3), version (2), random (32), session <1>, suites <2>,
///                  compressions <1>, extensions <2> (RFC 8446, section 4.1.2)
///     extension:   type (2), content <2>
public struct ClientHelloReader: Sendable {
  private static let recordHeaderByteCount = 5
  private static let recordByteCountMax = 1 << 14

  private var offset = 0
  private var message: [UInt8] = []
  private var failure: ClientHelloFault?

  /// Makes a reader at the start of a connection.
  public init() {}

  /// The message; `nil` until all of it is there.
  public mutating func read(_ bytes: RawSpan) throws(ClientHelloFault) -> ClientHello? {
    if let failure { throw failure }
    do throws(ClientHelloFault) {
      while let end = try recordEnd(bytes) {
        let payload = offset + Self.recordHeaderByteCount..<end
        message += Array(bytes.extracting(payload))
        offset = end
        if let end = try messageEnd() {
          return try Self.parse(message[4..<end])
        }
      }
      return nil
    } catch {
      failure = error
      message = []
      throw error
    }
  }

  /// The end of the next record, once all of it is there; its header is checked as it comes.
  private func recordEnd(_ bytes: RawSpan) throws(ClientHelloFault) -> Int? {
    let available = bytes.byteCount - offset
    if available >= 1, bytes[offset] != 22 { throw offset == 0 ? .notTLS : .recordUnexpected }
    if available >= 2, bytes[offset + 1] != 3 { throw offset == 0 ? .notTLS : .recordUnexpected }
    guard available >= Self.recordHeaderByteCount else { return nil }
    let length = Int(bytes[offset + 3]) << 8 | Int(bytes[offset + 4])
    guard length > 0, length <= Self.recordByteCountMax else { throw .recordLengthInvalid }
    let end = offset + Self.recordHeaderByteCount + length
    guard end <= HTTPProtocolLimits.clientHelloByteCountMax else { throw .tooLarge }
    return end <= bytes.byteCount ? end : nil
  }

  private func messageEnd() throws(ClientHelloFault) -> Int? {
    guard message[0] == 1 else { throw .messageUnexpected }
    guard message.count >= 4 else { return nil }
    let end = 4 + (Int(message[1]) << 16 | Int(message[2]) << 8 | Int(message[3]))
    guard end <= HTTPProtocolLimits.clientHelloByteCountMax else { throw .tooLarge }
    return end <= message.count ? end : nil
  }

  // MARK: Fields

  private static func parse(_ bytes: ArraySlice<UInt8>) throws(ClientHelloFault) -> ClientHello {
    var fields = HelloFields(bytes)
    _ = try fields.take(34)
    let session = try fields.takeVector(lengthByteCount: 1)
    let suites = try fields.takeVector(lengthByteCount: 2)
    let compressions = try fields.takeVector(lengthByteCount: 1)
    guard session.count <= 32, !suites.isEmpty, suites.count % 2 == 0, !compressions.isEmpty else {
      throw .malformed
    }
    var serverName: String?
    var protocols: [String]?
    // Clients before TLS 1.2 may have no extensions at all.
    var extensions = HelloFields(
      fields.isEmpty ? [] : try fields.takeVector(lengthByteCount: 2))
    guard fields.isEmpty else { throw .malformed }
    while !extensions.isEmpty {
      let type = try extensions.takeNumber(2)
      let content = try extensions.takeVector(lengthByteCount: 2)
      switch type {
      case 0:
        guard serverName == nil else { throw .extensionRepeated }
        serverName = try parseServerName(content)
      case 16:
        guard protocols == nil else { throw .extensionRepeated }
        protocols = try parseProtocols(content)
      default: break
      }
    }
    return ClientHello(serverName: serverName, applicationProtocols: protocols ?? [])
  }

  /// A list of names, of which there may be one of each kind; 0 is the only kind there is (RFC
  /// 6066, section 3).
  private static func parseServerName(
    _ content: ArraySlice<UInt8>
  ) throws(ClientHelloFault) -> String {
    var fields = HelloFields(content)
    var list = HelloFields(try fields.takeVector(lengthByteCount: 2))
    guard fields.isEmpty, try list.takeNumber(1) == 0 else { throw .malformed }
    let name = try list.takeVector(lengthByteCount: 2)
    guard list.isEmpty else { throw .malformed }
    let isName = name.allSatisfy { byte in
      ByteClass.isDigit(byte) || ByteClass.lowercased(byte) &- 0x61 < 26
        || byte == 0x2d || byte == 0x2e || byte == 0x5f
    }
    guard isName, !name.isEmpty, name.count <= HTTPProtocolLimits.hostByteCountMax else {
      throw .serverNameInvalid
    }
    let trimmed = name.count > 1 && name.last == 0x2e ? name.dropLast() : name
    return String(decoding: trimmed.map(ByteClass.lowercased), as: UTF8.self)
  }

  /// A list of names, none of them empty (RFC 7301, section 3.1).
  private static func parseProtocols(
    _ content: ArraySlice<UInt8>
  ) throws(ClientHelloFault) -> [String] {
    var fields = HelloFields(content)
    var list = HelloFields(try fields.takeVector(lengthByteCount: 2))
    guard fields.isEmpty, !list.isEmpty else { throw .malformed }
    var names: [String] = []
    while !list.isEmpty {
      let name = try list.takeVector(lengthByteCount: 1)
      guard !name.isEmpty else { throw .malformed }
      // Long lists are there to fill the message; what a client prefers stands in front.
      if names.count < HTTPProtocolLimits.applicationProtocolCountMax {
        names.append(String(decoding: name, as: UTF8.self))
      }
    }
    return names
  }
}

/// Takes fields off the front of a message.
private struct HelloFields {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  var isEmpty: Bool { rest.isEmpty }

  mutating func take(_ byteCount: Int) throws(ClientHelloFault) -> ArraySlice<UInt8> {
    guard rest.count >= byteCount else { throw .malformed }
    let taken = rest.prefix(byteCount)
    rest = rest.dropFirst(byteCount)
    return taken
  }

  mutating func takeNumber(_ byteCount: Int) throws(ClientHelloFault) -> Int {
    try take(byteCount).reduce(0) { $0 << 8 | Int($1) }
  }

  mutating func takeVector(lengthByteCount: Int) throws(ClientHelloFault) -> ArraySlice<UInt8> {
    try take(try takeNumber(lengthByteCount))
  }
}
