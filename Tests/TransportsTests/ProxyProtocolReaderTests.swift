import ByteBuffers
import LinuxSystem
import TestKit
import Testing
import Transports

/// Headers of front proxies, good ones and others, however their bytes are cut.
@Suite struct ProxyProtocolReaderTests {
  private typealias Outcome = Result<ProxyProtocolReader.Header?, ProxyProtocolFault>

  private func read(_ bytes: [UInt8], cutAt cuts: [Int] = []) -> Outcome {
    var reader = ProxyProtocolReader()
    do throws(ProxyProtocolFault) {
      for end in cuts + [bytes.count] {
        if let header = try reader.read(bytes.span.bytes.extracting(0..<end)) {
          return .success(header)
        }
      }
      return .success(nil)
    } catch {
      return .failure(error)
    }
  }

  /// Cut at every point and byte by byte it is the same.
  private func readHoweverCut(_ bytes: [UInt8]) -> Outcome {
    let outcome = read(bytes)
    for cut in 0...bytes.count { #expect(read(bytes, cutAt: [cut]) == outcome) }
    #expect(read(bytes, cutAt: Array(0..<bytes.count)) == outcome)
    return outcome
  }

  @Test(arguments: [("192.0.2.7", "198.51.100.1"), ("2001:db8::7", "2001:db8::1")])
  func whatTheWriterMakesIsReadAgain(_ source: String, _ destination: String) throws {
    let source = try #require(SocketAddress(host: source, port: 40_000))
    let destination = try #require(SocketAddress(host: destination, port: 443))
    for version in [ProxyProtocolHeader.Version.text, .binary] {
      let header = ProxyProtocolHeader.make(version, source: source, destination: destination)
      let found = try readHoweverCut(header + Array("GET".utf8)).get()
      #expect(found?.source == source)
      #expect(found?.destination == destination)
      #expect(found?.byteCount == header.count)
    }
    // Of different families nothing can be said.
    for version in [ProxyProtocolHeader.Version.text, .binary] {
      let header = ProxyProtocolHeader.make(
        version, source: try #require(SocketAddress(host: "::2", port: 1)),
        destination: .loopback(port: 2))
      let found = try #require(try readHoweverCut(header).get())
      #expect(found.source == nil)
      #expect(found.byteCount == header.count)
    }
  }

  @Test func longestLineIsReadAndNoLongerOne() throws {
    let address = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
    let longest = Array("PROXY UNKNOWN \(address) \(address) 65535 65535\r\n".utf8)
    #expect(longest.count == 107)
    #expect(try readHoweverCut(longest).get()?.byteCount == 107)
    let longer = Array("PROXY UNKNOWN \(address) \(address) 65535 65535 \r\n".utf8)
    #expect(readHoweverCut(longer) == .failure(.tooLong))
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\r\n", ProxyProtocolFault.signatureMissing), ("PROXYv", .signatureMissing),
    ("proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n", .signatureMissing),
    ("PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n", .lineMalformed),
    ("PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n", .lineMalformed),
    ("PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n", .lineMalformed),
    ("PROXY  TCP4 1.1.1.1 2.2.2.2 1 2\r\n", .lineMalformed),
    ("PROXY TCP4 1.1.1.1  2.2.2.2 1 2\r\n", .lineMalformed),
    ("PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n", .lineMalformed),
    ("PROXY TCP4 1.1.1.1 2.2.2.2 1 +2\r\n", .lineMalformed),
    ("PROXY TCP4 1.1.1.1 2.2.2.2 1 02\r\n", .lineMalformed),
    ("PROXY TCP4 1.1.1.1 2.2.2.2 1 \r\n", .lineMalformed),
    ("PROXY TCP4 1.1.1 2.2.2.2 1 2\r\n", .lineMalformed),
    ("PROXY TCP4 01.1.1.1 2.2.2.2 1 2\r\n", .lineMalformed),
    ("PROXY TCP4 ::1 ::2 1 2\r\n", .lineMalformed),
    ("PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n", .lineMalformed),
    ("PROXY TCP6 [::1] [::2] 1 2\r\n", .lineMalformed),
    ("PROXY TCP6 fe80::1%lo ::2 1 2\r\n", .lineMalformed),
    ("PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n", .lineMalformed),
    ("PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\r\n", .lineMalformed),
    ("PROXY UNKNOWN \0\r\n", .lineMalformed), ("PROXY \r\n", .lineMalformed),
  ])
  func brokenLinesAreRefused(_ text: String, _ fault: ProxyProtocolFault) {
    #expect(readHoweverCut(Array(text.utf8)) == .failure(fault))
  }

  private static let signature: [UInt8] = [
    0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
  ]

  private static let ipv4: [UInt8] = [192, 0, 2, 7, 198, 51, 100, 1, 0x9c, 0x40, 1, 187]

  private func binary(_ start: [UInt8], _ body: [UInt8] = []) -> [UInt8] {
    Self.signature + start + [UInt8(body.count >> 8), UInt8(body.count & 255)] + body
  }

  @Test func additionalFieldsAreSkipped() throws {
    let fields: [UInt8] = [0x03, 0, 4, 1, 2, 3, 4, 0x04, 0, 0, 0x01, 0, 2, 0x68, 0x32]
    let bytes = binary([0x21, 0x11], Self.ipv4 + fields)
    let header = try #require(try readHoweverCut(bytes).get())
    #expect(header.source == SocketAddress(host: "192.0.2.7", port: 40_000))
    #expect(header.destination == SocketAddress(host: "198.51.100.1", port: 443))
    #expect(header.byteCount == bytes.count)
    for broken in [[0x03], [0x03, 0], [0x03, 0, 1], [0x03, 0, 4, 1, 2, 3]] as [[UInt8]] {
      #expect(
        readHoweverCut(binary([0x21, 0x11], Self.ipv4 + broken)) == .failure(.lengthInvalid))
    }
  }

  @Test func whatIsUnknownNamesNobody() throws {
    let unixPaths = [UInt8](repeating: 0x61, count: 216)
    for bytes in [
      binary([0x20, 0]), binary([0x20, 0x11], [1, 2, 3]), binary([0x21, 0]),
      binary([0x21, 0x12], Self.ipv4), binary([0x21, 0x31], unixPaths),
    ] {
      let header = try #require(try readHoweverCut(bytes).get())
      #expect(header.source == nil)
      #expect(header.destination == nil)
      #expect(header.byteCount == bytes.count)
    }
  }

  @Test func brokenBinaryHeadersAreRefused() {
    for (bytes, fault) in [
      (Self.signature + [0x11], ProxyProtocolFault.versionUnsupported),
      (Self.signature + [0x22], .versionUnsupported),
      (Self.signature + [0x21, 0x13], .familyUnknown),
      (Self.signature + [0x21, 0x41], .familyUnknown),
      (binary([0x21, 0x11], Array(Self.ipv4.dropLast())), .lengthInvalid),
      (binary([0x21, 0x21], Self.ipv4), .lengthInvalid),
      (Self.signature + [0x21, 0x11, 0xff, 0xff], .tooLong),
      (Self.signature.dropLast() + [0x0b], .signatureMissing),
    ] {
      #expect(readHoweverCut(bytes) == .failure(fault))
    }
    let room = TransportLimits.proxyHeaderByteCountMax - 16
    let largest = binary([0x20, 0], [UInt8](repeating: 0, count: room))
    #expect((try? read(largest, cutAt: [100]).get())?.byteCount == room + 16)
    #expect(read(binary([0x20, 0], [UInt8](repeating: 0, count: room + 1))) == .failure(.tooLong))
  }

  /// Good headers with bytes changed: no trap, and the same whole and in pieces.
  @Test(arguments: UInt64(1)...20)
  func hostileBytesNeverTrap(seed: UInt64) {
    var generator = RepeatableGenerator(seed: seed)
    for _ in 0..<200 {
      var bytes =
        Bool.random(using: &generator)
        ? binary([0x21, 0x11], Self.ipv4 + [4, 0, 1, 0])
        : Array("PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n".utf8)
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let index = Int.random(in: 0..<bytes.count, using: &generator)
        bytes[index] = UInt8.random(in: 0...255, using: &generator)
      }
      let cut = Int.random(in: 0...bytes.count, using: &generator)
      #expect(read(bytes, cutAt: [cut]) == read(bytes), "seed \(seed)")
    }
  }
}
