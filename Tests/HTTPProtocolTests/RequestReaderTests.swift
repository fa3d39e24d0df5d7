import ByteBuffers
import HTTPProtocol
import TestKit
import Testing

/// Requests as a connection carries them, good ones and others, however their bytes are cut.
@Suite struct RequestReaderTests {
  /// Goal: nothing of a malformed request is read as one, and its fault and answer do not depend on
  /// how it arrives. Long ones are cut at fewer points.
  @Test(arguments: MalformedRequest.corpus)
  func malformedRequestsAreRefused(_ request: MalformedRequest) {
    let bytes = Array(request.text.utf8)
    let whole = readRequests([bytes[...]])
    #expect(whole.fault.map { String(describing: $0) } == request.fault, "\(request.why)")
    #expect(whole.fault?.status.code == request.status)
    let head = whole.lines.filter { $0.contains(" /") }
    #expect(head.isEmpty || request.text.contains("Transfer-Encoding: chunked\r\n\r\n"))
    if bytes.count <= 600 {
      for pieces in feedings(of: bytes) { #expect(readRequests(pieces) == whole) }
    } else {
      for size in [1000, 4095, 16 * 1024 - 1, 16 * 1024] {
        let pieces = stride(from: 0, to: bytes.count, by: size).map {
          bytes[$0..<min($0 + size, bytes.count)]
        }
        #expect(readRequests(pieces) == whole)
      }
    }
  }

  @Test func corpusIsLargeAndItsNamesDiffer() {
    #expect(MalformedRequest.corpus.count >= 60)
    #expect(Set(MalformedRequest.corpus.map(\.name)).count == MalformedRequest.corpus.count)
  }

  struct GoodRequests: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: String
    let lines: [String]
  }

  static let good: [GoodRequests] = [
    .init(
      testDescription: "GET", text: "GET /a?b=c HTTP/1.1\r\nHost: a.test\r\nX:y\r\n\r\n",
      lines: ["GET /a?b=c", "end "]),
    .init(
      testDescription: "two in a row",
      text: "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: a\r\n\r\n",
      lines: ["GET /1", "end ", "HEAD /2", "end "]),
    .init(
      testDescription: "content-length, then another one",
      text: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET /2 HTTP/1.1\r\n"
        + "Host: a\r\n\r\n",
      lines: ["POST /", "body hello", "end ", "GET /2", "end "]),
    .init(
      testDescription: "content-length of zero",
      text: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", lines: ["POST /", "end "]),
    .init(
      testDescription: "chunks with extensions and trailers, then another one",
      text: "PUT /u HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "5\r\nhello\r\n00a;x=\"y\";z\r\n, world!!!\r\n0\r\nGrpc-Status: 0\r\nX: y\r\n\r\n"
        + "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      lines: ["PUT /u", "body hello, world!!!", "end Grpc-Status: 0\nX: y", "GET /", "end "]),
    .init(
      testDescription: "empty line between requests",
      text: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx\r\nGET / HTTP/1.1\r\n"
        + "Host: a\r\n\r\n",
      lines: ["POST /", "body x", "end ", "GET /", "end "]),
    .init(
      testDescription: "nothing is read behind a last request",
      text: "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET",
      lines: ["GET /", "end ", "rest 3"]),
    .init(
      testDescription: "nothing is read behind a request of 1.0",
      text: "GET / HTTP/1.0\r\n\r\nGET", lines: ["GET /", "end ", "rest 3"]),
    .init(
      testDescription: "1.0 with keep-alive",
      text: "GET /1 HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n",
      lines: ["GET /1", "end ", "GET /2", "end "]),
    .init(
      testDescription: "nothing is read behind a change of protocol",
      text: "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n"
        + "Upgrade: websocket\r\n\r\n\u{1}\u{2}",
      lines: ["GET /ws", "end ", "rest 2"]),
    .init(
      testDescription: "nothing is read behind a CONNECT",
      text: "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\nearly",
      lines: ["CONNECT a.test:443", "end ", "rest 5"]),
    .init(
      testDescription: "OPTIONS *", text: "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
      lines: ["OPTIONS *", "end "]),
    .init(
      testDescription: "method of another standard",
      text: "PROPFIND /d HTTP/1.1\r\nHost: a\r\n\r\n", lines: ["PROPFIND /d", "end "]),
    .init(
      testDescription: "target of a proxy",
      text: "GET http://A.test:80/x HTTP/1.1\r\nHost: a.TEST\r\n\r\n",
      lines: ["GET http://A.test:80/x", "end "]),
    .init(
      testDescription: "100 fields",
      text: "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X: y\r\n", count: 99) + "\r\n",
      lines: ["GET /", "end "]),
    .init(
      testDescription: "bytes beyond ASCII in path and value",
      text: "GET /\u{4f60}\u{597d} HTTP/1.1\r\nHost: a\r\nX: \u{4f60}\r\n\r\n",
      lines: ["GET /\u{4f60}\u{597d}", "end "]),
  ]

  @Test(arguments: good)
  func goodRequestsAreRead(_ requests: GoodRequests) {
    for pieces in feedings(of: Array(requests.text.utf8)) {
      let outcome = readRequests(pieces)
      #expect(outcome.fault == nil)
      #expect(outcome.lines == requests.lines)
    }
  }

  @Test func readingGoesOnWhenAChangeOfProtocolIsDeclined() throws {
    let upgrade = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
    let bytes = Array((upgrade + "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n").utf8)
    var reader = RequestReader()
    _ = try reader.next(bytes.span.bytes)
    let rest = Array(bytes[upgrade.utf8.count...])
    _ = try reader.next(rest.span.bytes)
    #expect(reader.isPaused)
    #expect(try reader.next(rest.span.bytes).event == nil)
    reader.resume()
    guard case .head(let head) = try reader.next(rest.span.bytes).event else {
      Issue.record("no head behind the declined change")
      return
    }
    #expect(head.targetText == "/2")
  }

  @Test func nothingFollowsALastRequestThatIsDeclined() throws {
    let bytes = Array(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade, close\r\nUpgrade: x\r\n\r\n".utf8)
    var reader = RequestReader()
    _ = try reader.next(bytes.span.bytes)
    _ = try reader.next(RawSpan())
    #expect(reader.isPaused)
    reader.resume()
    #expect(reader.isClosed)
  }

  /// The largest head that is allowed, and one byte more.
  @Test func headOfTheLargestSizeIsRead() {
    let start = "GET / HTTP/1.1\r\nHost: a\r\nX: "
    for (excess, fault) in [(0, nil), (1, HTTPFault.headTooLarge)] {
      let count = HTTPProtocolLimits.headByteCountMax - start.utf8.count - 4 + excess
      let text = start + String(repeating: "a", count: count) + "\r\n\r\n"
      let outcome = readRequests([Array(text.utf8)[...]])
      #expect(outcome.fault == fault)
      #expect(outcome.lines.isEmpty == (fault != nil))
    }
  }

  /// Random bytes, and good requests with some bytes changed: no trap, and the same outcome whole
  /// and in pieces.
  @Test(arguments: UInt64(1)...40)
  func hostileBytesNeverTrap(seed: UInt64) {
    var generator = RepeatableGenerator(seed: seed)
    let alphabet = Array("GET / HTTP/1.1\r\n:;,0aF\0\u{7f} Host Transfer-Encoding chunked".utf8)
    for _ in 0..<50 {
      let good = Self.good.randomElement(using: &generator)?.text ?? ""
      var bytes = Array(good.utf8)
      for _ in 0..<Int.random(in: 0...4, using: &generator) {
        let index = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[index] = alphabet.randomElement(using: &generator) ?? 0
        case 1: bytes.insert(alphabet.randomElement(using: &generator) ?? 0, at: index)
        default: bytes.remove(at: index)
        }
      }
      let whole = readRequests([bytes[...]])
      let cut = Int.random(in: 0...bytes.count, using: &generator)
      #expect(readRequests([bytes[..<cut], bytes[cut...]]) == whole, "seed \(seed)")
      _ = readRequests([generator.bytes(64)[...]])
    }
  }
}
