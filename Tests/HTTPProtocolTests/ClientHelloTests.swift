import ByteBuffers
import COpenSSL
import HTTPProtocol
import TestKit
import Testing

/// The server's name in what OpenSSL sends first, however it is cut, and everything that is none.
@Suite struct ClientHelloTests {
  /// What a client of OpenSSL sends first.
  private static func make(
    serverName: String?, protocols: [String] = [], versionMax: CInt = TLS1_3_VERSION
  ) throws -> [UInt8] {
    let context = try #require(SSL_CTX_new(TLS_client_method()))
    defer { SSL_CTX_free(context) }
    let session = try #require(SSL_new(context))
    defer { SSL_free(session) }
    #expect(SSL_ctrl(session, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(versionMax), nil) == 1)
    SSL_set_bio(session, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()))
    SSL_set_connect_state(session)
    if let serverName { #expect(frp_SSL_set_tlsext_host_name(session, serverName) == 1) }
    if !protocols.isEmpty {
      let list = protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
      #expect(SSL_set_alpn_protos(session, list, UInt32(list.count)) == 0)
    }
    #expect(SSL_do_handshake(session) == -1)
    var bytes = [UInt8](repeating: 0, count: 128 * 1024)
    let count = BIO_read(SSL_get_wbio(session), &bytes, CInt(bytes.count))
    #expect(count > 0)
    return Array(bytes.prefix(Int(max(count, 0))))
  }

  /// The result, or the fault, of bytes that come in these pieces.
  private func read(
    _ bytes: [UInt8], cutAt cuts: [Int] = []
  ) -> Result<ClientHello?, ClientHelloFault> {
    var reader = ClientHelloReader()
    do throws(ClientHelloFault) {
      for end in cuts + [bytes.count] {
        if let hello = try reader.read(bytes.span.bytes.extracting(0..<end)) {
          return .success(hello)
        }
      }
      return .success(nil)
    } catch {
      return .failure(error)
    }
  }

  /// The handshake message inside of records.
  private func message(_ bytes: [UInt8]) -> [UInt8] {
    var message: [UInt8] = []
    var offset = 0
    while offset + 5 <= bytes.count {
      let length = Int(bytes[offset + 3]) << 8 | Int(bytes[offset + 4])
      message += bytes[(offset + 5)..<min(offset + 5 + length, bytes.count)]
      offset += 5 + length
    }
    return message
  }

  /// The message in records of at most that many bytes.
  private func records(_ message: [UInt8], of byteCount: Int) -> [UInt8] {
    stride(from: 0, to: message.count, by: byteCount).flatMap { start -> [UInt8] in
      let part = message[start..<min(start + byteCount, message.count)]
      return [22, 3, 1, UInt8(part.count >> 8), UInt8(part.count & 255)] + part
    }
  }

  @Test func namesAreFoundAtEveryCut() throws {
    for version in [TLS1_2_VERSION, TLS1_3_VERSION] {
      let bytes = try Self.make(
        serverName: "Web.Example.com", protocols: ["h2", "http/1.1"], versionMax: version)
      for cut in 0...bytes.count {
        let hello = try read(bytes, cutAt: [cut]).get()
        #expect(hello?.serverName == "web.example.com")
        #expect(hello?.applicationProtocols == ["h2", "http/1.1"])
      }
      #expect(try read(bytes, cutAt: Array(0..<bytes.count)).get()?.serverName != nil)
      // No answer before the last byte.
      #expect(try read(Array(bytes.dropLast())).get() == nil)
    }
  }

  @Test func noNameIsNoFault() throws {
    let hello = try read(try Self.make(serverName: nil)).get()
    let found = try #require(hello)
    #expect(found.serverName == nil)
    #expect(found.applicationProtocols == [])
  }

  /// Goal: a message larger than a packet, and one larger than a record, as post-quantum keys and
  /// long lists make them; OpenSSL itself divides the second one into records.
  @Test(arguments: [1_800, 20_000])
  func largeMessagesAreReadFromManyRecords(_ byteCount: Int) throws {
    let padding = (0..<byteCount / 200).map { _ in String(repeating: "p", count: 199) }
    let bytes = try Self.make(serverName: "big.test", protocols: ["h2"] + padding)
    #expect(bytes.count > byteCount)
    let hello = try #require(try read(bytes).get())
    #expect(
      hello.applicationProtocols.count
        == min(padding.count + 1, HTTPProtocolLimits.applicationProtocolCountMax))
    for cut in stride(from: 0, to: bytes.count, by: byteCount / 100) {
      #expect(try read(bytes, cutAt: [cut]).get()?.serverName == "big.test")
    }
    let message = message(bytes)
    for recordByteCount in [1, 2, 3, 4, 5, 100, 1_000] where recordByteCount * 10_000 > byteCount {
      let divided = records(message, of: recordByteCount)
      #expect(try read(divided).get()?.serverName == "big.test")
      #expect(try read(divided, cutAt: [7, divided.count / 2]).get()?.serverName == "big.test")
    }
  }

  @Test func messagesAreBounded() throws {
    let padding = (0..<320).map { _ in String(repeating: "p", count: 199) }
    let bytes = try Self.make(serverName: "big.test", protocols: padding)
    #expect(bytes.count < HTTPProtocolLimits.clientHelloByteCountMax)
    #expect(try read(bytes).get()?.serverName == "big.test")
    // The same with more records, which count as well.
    #expect(read(records(message(bytes), of: 100)) == .failure(.tooLarge))
    // A length that could never come.
    #expect(read([22, 3, 1, 0, 4, 1, 255, 255, 255]) == .failure(.tooLarge))
  }

  @Test(
    arguments: [
      (Array("GET / HTTP/1.1\r\n".utf8), ClientHelloFault.notTLS), ([0x80, 0x2e, 1], .notTLS),
      ([22, 2], .notTLS), ([22, 3, 1, 0, 0], .recordLengthInvalid),
      ([22, 3, 1, 0x40, 1], .recordLengthInvalid), ([22, 3, 1, 0, 1, 2], .messageUnexpected),
      ([22, 3, 1, 0, 1, 1, 21], .recordUnexpected),
      ([22, 3, 1, 0, 1, 1, 22, 4], .recordUnexpected),
      ([22, 3, 1, 0, 4, 1, 0, 0, 0], .malformed),
    ] as [([UInt8], ClientHelloFault)])
  func otherBytesAreToldApart(_ bytes: [UInt8], _ fault: ClientHelloFault) {
    for cut in 0...bytes.count { #expect(read(bytes, cutAt: [cut]) == .failure(fault)) }
    #expect((fault.alert == nil) == (fault == .notTLS))
  }

  /// A message with these extensions and nothing else of interest.
  private func hello(extensions: [UInt8], trailing: [UInt8] = []) -> [UInt8] {
    let body: [UInt8] =
      [3, 3] + [UInt8](repeating: 7, count: 32) + [0, 0, 2, 0x13, 1, 1, 0]
      + [UInt8(extensions.count >> 8), UInt8(extensions.count & 255)] + extensions + trailing
    return records([1, 0, UInt8(body.count >> 8), UInt8(body.count & 255)] + body, of: 1 << 14)
  }

  private func nameExtension(_ name: [UInt8]) -> [UInt8] {
    let count = UInt8(name.count)
    return [0, 0, 0, count + 5, 0, count + 3, 0, 0, count] + name
  }

  @Test func brokenExtensionsAreFaults() {
    let name = nameExtension(Array("a.test".utf8))
    #expect((try? read(hello(extensions: name)).get())?.serverName == "a.test")
    for (extensions, fault) in [
      (name + name, ClientHelloFault.extensionRepeated),
      (nameExtension(Array("a\0.test".utf8)), .serverNameInvalid),
      (nameExtension(Array("a test".utf8)), .serverNameInvalid),
      (nameExtension([]), .serverNameInvalid),
      ([0, 0, 0, 0], .malformed), ([0, 0, 0, 9], .malformed), ([0], .malformed),
      ([0, 0, 0, 5, 0, 3, 1, 0, 0], .malformed), ([0, 0, 0, 6, 0, 3, 0, 0, 0, 9], .malformed),
      ([0, 16, 0, 2, 0, 0], .malformed), ([0, 16, 0, 3, 0, 1, 0], .malformed),
    ] as [([UInt8], ClientHelloFault)] {
      #expect(read(hello(extensions: extensions)) == .failure(fault), "\(extensions)")
    }
    #expect(read(hello(extensions: name, trailing: [0])) == .failure(.malformed))
  }

  @Test func alertsAreOneRecord() {
    #expect(TLSAlert.unrecognizedName.record == [0x15, 3, 3, 0, 2, 2, 112])
  }

  /// OpenSSL's message with bytes changed or cut away: no trap, and the same whole and in pieces.
  @Test(arguments: UInt64(1)...20)
  func hostileBytesNeverTrap(seed: UInt64) throws {
    var generator = RepeatableGenerator(seed: seed)
    let good = try Self.make(serverName: "web.example.com", protocols: ["h2"])
    for _ in 0..<100 {
      var bytes = good
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let index = Int.random(in: 0..<bytes.count, using: &generator)
        if Bool.random(using: &generator) {
          bytes[index] = UInt8.random(in: 0...255, using: &generator)
        } else {
          bytes.remove(at: index)
        }
      }
      let cut = Int.random(in: 0...bytes.count, using: &generator)
      #expect(read(bytes, cutAt: [cut]) == read(bytes), "seed \(seed)")
    }
  }
}
