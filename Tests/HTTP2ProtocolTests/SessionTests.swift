import ByteBuffers
import TestKit
import Testing

@testable import HTTP2Protocol

/// Messages of HTTP/1.1 through both ends.
@Suite struct SessionTests {
  /// A request and its answer as they are written, and as they come out.
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var request: String
    var request2: String
    var answer: String
    var answer2: String
    var testDescription: String { name }
  }

  private static let get = "GET /x?y=1 HTTP/1.1\r\nHost: a.test\r\n"
  private static let get2 = "GET /x?y=1 HTTP/1.1\r\nhost: a.test\r\n"
  private static let ok = "HTTP/1.1 200 OK\r\n"
  private static let ok2 = "HTTP/1.1 200 \r\n"
  private static let close = "connection: close\r\n\r\n"

  static let cases = [
    Case(
      name: "no bodies", request: get + "\r\n", request2: get2 + close,
      answer: ok + "Content-Length: 0\r\n\r\n", answer2: ok2 + "content-length: 0\r\n\r\n"),
    Case(
      name: "known lengths",
      request: "PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello",
      request2: "PUT / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 5\r\n\(close)hello",
      answer: ok + "X-A: 1\r\nContent-Length: 3\r\n\r\nabc",
      answer2: ok2 + "x-a: 1\r\ncontent-length: 3\r\n\r\nabc"),
    Case(
      name: "chunks and trailers",
      request: "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
      request2: "POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\(close)"
        + "3\r\nabc\r\n0\r\nx-t: 1\r\n\r\n",
      answer: ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nxy\r\n0\r\nGrpc-Status: 0\r\n\r\n",
      answer2: ok2 + "transfer-encoding: chunked\r\n\r\n2\r\nxy\r\n0\r\ngrpc-status: 0\r\n\r\n"),
    Case(
      name: "an empty body in chunks",
      request: get + "\r\n", request2: get2 + close,
      answer: ok + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      answer2: ok2 + "transfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    Case(
      name: "HEAD", request: "HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n",
      request2: "HEAD / HTTP/1.1\r\nhost: a.test\r\n" + close,
      answer: ok + "Content-Length: 100\r\n\r\n", answer2: ok2 + "content-length: 100\r\n\r\n"),
    Case(
      name: "no content", request: get + "\r\n", request2: get2 + close,
      answer: "HTTP/1.1 204 No Content\r\n\r\n", answer2: "HTTP/1.1 204 \r\n\r\n"),
    Case(
      name: "interim answers", request: get + "\r\n", request2: get2 + close,
      answer: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n\(ok)Content-Length: 1\r\n\r\na",
      answer2: "HTTP/1.1 103 \r\nlink: </a>\r\n\r\n\(ok2)content-length: 1\r\n\r\na"),
    Case(
      name: "cookies become one line, what is of one connection goes",
      request: get + "Cookie: a=1\r\nCookie: b=2\r\nTE: trailers\r\nConnection: TE\r\n\r\n",
      request2: get2 + "te: trailers\r\ncookie: a=1; b=2\r\n" + close,
      answer: ok + "Set-Cookie: a\r\nSet-Cookie: b\r\nKeep-Alive: 5\r\nContent-Length: 0\r\n\r\n",
      answer2: ok2 + "set-cookie: a\r\nset-cookie: b\r\ncontent-length: 0\r\n\r\n"),
  ]

  /// A message whose chunks are cut anyhow, as one with all of its body in one chunk.
  private static func joined(_ text: String) -> String {
    guard let head = text.firstRange(of: "chunked\r\n") else { return text }
    var rest = text[head.upperBound...].split(
      separator: "\r\n", omittingEmptySubsequences: false)
    guard let start = rest.firstIndex(of: "") else { return text }
    let fields = rest[..<start].map { $0 + "\r\n" }.joined()
    rest.removeFirst(start + 1)
    var body = ""
    while rest.count > 1, rest[0] != "0" {
      body += rest[1]
      rest.removeFirst(2)
    }
    let chunk = body.isEmpty ? "" : String(body.utf8.count, radix: 16) + "\r\n\(body)\r\n"
    return text[..<head.upperBound] + fields + "\r\n" + chunk + rest.joined(separator: "\r\n")
  }

  @Test(arguments: cases) func messages(_ test: Case) throws {
    for size in [Int.max, 1, 2, 7, 100] {
      let pair = Pair(pieceByteCountMax: size)
      let stream = pair.ask(test.request)
      try pair.run()
      let request = try #require(pair.requests.first)
      #expect(Self.joined(pair.text(request)) == test.request2)
      #expect(request.hasPeerEnded)
      request.write(test.answer)
      request.close()
      try pair.run()
      #expect(Self.joined(pair.text(stream)) == test.answer2)
      #expect(stream.isComplete)
      #expect(stream.closeCode == 0 && request.closeCode == 0)
      #expect(pair.client.streamCount == 0 && pair.server.streamCount == 0)
    }
  }

  /// Messages that are written byte by byte are the same.
  @Test(arguments: cases) func writtenInPieces(_ test: Case) throws {
    let pair = Pair()
    let stream = pair.client.makeStream()
    for byte in test.request.utf8 { stream.write([byte]) }
    try pair.run()
    let request = try #require(pair.requests.first)
    #expect(pair.text(request) == test.request2)
    for byte in test.answer.utf8 { request.write([byte]) }
    try pair.run()
    // Chunks are cut as the bytes come, before there is a frame.
    #expect(pair.text(stream) == test.answer2)
    #expect(stream.isComplete)
  }

  /// Bodies beyond every window, both ways, and many at once.
  @Test func largeBodies() throws {
    let pair = Pair()
    let size = 900_000
    let body = Pattern(seed: 1).bytes(from: 0, count: size)
    let streams = (0..<8).map { number in
      let stream = pair.ask(
        "PUT /\(number) HTTP/1.1\r\nHost: a.test\r\nContent-Length: \(size)\r\n\r\n")
      stream.write(body)
      return stream
    }
    try pair.run()
    #expect(pair.requests.count == 8)
    for request in pair.requests {
      #expect(pair.bytes(request).suffix(size).elementsEqual(body))
      request.write("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
      request.write(body)
      #expect(request.unsentByteCount > 0)
      request.close()
    }
    try pair.run()
    for stream in streams {
      #expect(pair.bytes(stream).suffix(size).elementsEqual(body))
      #expect(stream.isComplete && stream.closeCode == 0)
    }
  }

  /// Who does not read gets what his window takes, and holds up nobody else.
  @Test func oneStalledStream() throws {
    let pair = Pair()
    let head = "PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 8000000\r\n\r\n"
    let stalled = pair.ask(head)
    try pair.run()
    pair.unreadStreams = [ObjectIdentifier(pair.requests[0])]
    let body = [UInt8](repeating: 1, count: 8_000_000)
    stalled.write(body)
    let other = pair.ask(head)
    other.write(body)
    try pair.run()
    #expect(pair.requests[0].incoming.count <= HTTP2Limits.streamWindowByteCount)
    #expect(stalled.unsentByteCount > 7_000_000)
    #expect(pair.text(pair.requests[1]).utf8.count > 8_000_000)
    pair.requests[0].consume(pair.requests[0].incoming.count)
    pair.unreadStreams = []
    try pair.run()
    #expect(stalled.unsentByteCount == 0)
  }

  /// Many who do not read hold a bounded number of bytes in all.
  @Test func manyStalledStreams() throws {
    let pair = Pair()
    let head = "PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\n"
    let streams = (0..<40).map { _ in pair.ask(head) }
    try pair.run()
    pair.unreadStreams = Set(pair.requests.map { ObjectIdentifier($0) })
    for stream in streams { stream.write([UInt8](repeating: 1, count: 1_000_000)) }
    try pair.run()
    let held = pair.requests.reduce(0) { $0 + $1.incoming.count }
    #expect(
      held <= HTTP2Limits.heldByteCountMax + HTTP2Limits.connectionWindowByteCount + (1 << 17))
    // Once they are read, or left, all the rest comes.
    for request in pair.requests.prefix(20) { request.abort(.cancel) }
    pair.unreadStreams = []
    for request in pair.requests.suffix(20) { request.consume(request.incoming.count) }
    try pair.run()
    for stream in streams.suffix(20) { #expect(stream.unsentByteCount == 0) }
    for stream in streams.prefix(20) { #expect(stream.closeCode == 8) }
  }

  /// A body that is taken as it comes has more and more on its way, within a bound for all of a
  /// connection; who does not read any more then holds up nobody.
  @Test func windowsGrow() throws {
    let pair = Pair()
    let head = "PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000000\r\n\r\n"
    let streams = (0..<4).map { _ in pair.ask(head) }
    for number in 0..<40 {
      for stream in streams[..<(number < 20 ? 1 : 4)] {
        stream.write([UInt8](repeating: 1, count: 1_000_000))
      }
      try pair.run()
    }
    let windows = pair.requests.map(\.window.byteCount)
    #expect(windows[0] == HTTP2Limits.streamWindowByteCountMax)
    #expect(windows.dropFirst().allSatisfy { $0 > HTTP2Limits.streamWindowByteCount })
    #expect(
      windows.reduce(0, +) - 4 * HTTP2Limits.streamWindowByteCount
        <= HTTP2Limits.grownByteCountMax)
    pair.unreadStreams = Set(pair.requests.prefix(3).map { ObjectIdentifier($0) })
    for stream in streams { stream.write([UInt8](repeating: 1, count: 20_000_000)) }
    try pair.run()
    for (request, window) in zip(pair.requests, windows).prefix(3) {
      #expect(request.incoming.count <= window)
    }
    #expect(streams[3].unsentByteCount == 0)
  }

  // MARK: Ends

  @Test func anAnswerBeforeTheEndOfTheRequest() throws {
    let pair = Pair()
    let stream = pair.ask("PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100\r\n\r\nabc")
    try pair.run()
    pair.requests[0].write("HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno")
    pair.requests[0].close()
    try pair.run()
    #expect(pair.text(stream).hasSuffix("no"))
    #expect(stream.hasPeerEnded)
    #expect(stream.closeCode == HTTP2ErrorCode.noError.rawValue)
    #expect(pair.server.streamCount == 0)
  }

  @Test func halfAnAnswer() throws {
    let pair = Pair()
    let stream = pair.ask(Self.get + "\r\n")
    try pair.run()
    pair.requests[0].write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
    try pair.run()
    pair.requests[0].close()
    try pair.run()
    #expect(!stream.hasPeerEnded)
    #expect(stream.closeCode == HTTP2ErrorCode.internalError.rawValue)
    #expect(pair.server.brokenStreamCount == 1)
  }

  @Test func aRequestThatIsGivenUp() throws {
    let pair = Pair()
    let stream = pair.ask(Self.get + "\r\n")
    try pair.run()
    stream.abort(.cancel)
    try pair.run()
    #expect(pair.requests[0].closeCode == HTTP2ErrorCode.cancel.rawValue)
    // Whatever is written then is dropped.
    pair.requests[0].write(Self.ok + "Content-Length: 0\r\n\r\n")
    pair.requests[0].consume(10)
    pair.requests[0].close()
    try pair.run()
    #expect(pair.server.streamCount == 0)
  }

  @Test func shuttingDown() throws {
    let pair = Pair()
    let stream = pair.ask(Self.get + "\r\n")
    try pair.run()
    pair.server.shutDown()
    try pair.run()
    #expect(pair.client.isPeerLeaving)
    let late = pair.ask(Self.get + "\r\n")
    pair.requests[0].write(Self.ok + "Content-Length: 0\r\n\r\n")
    pair.requests[0].close()
    try pair.run()
    #expect(stream.isComplete)
    #expect(!late.hasPeerEnded && pair.requests.count == 1)
  }

  @Test func theConnectionEnds() throws {
    let pair = Pair()
    let stream = pair.ask(Self.get + "\r\n")
    try pair.run()
    pair.client.connectionDidEnd()
    #expect(stream.closeCode != nil && pair.client.streamCount == 0)
    #expect(pair.client.takeTouched().contains { $0 === stream })
    stream.write("x")
    stream.close()
    stream.abort(.cancel)
  }

  /// One more than there may be is refused, and the client waits for its turn.
  @Test func manyRequests() throws {
    let pair = Pair()
    // The server's settings come before the requests go.
    try pair.run()
    let streams = (0..<250).map { _ in pair.ask(Self.get + "\r\n") }
    try pair.run()
    #expect(pair.requests.count == HTTP2Limits.streamCountMax)
    var answered = 0
    while answered < pair.requests.count {
      pair.requests[answered].write(Self.ok + "Content-Length: 0\r\n\r\n")
      pair.requests[answered].close()
      answered += 1
      try pair.run()
    }
    #expect(answered == 250)
    for stream in streams { #expect(stream.isComplete) }
  }

  @Test func tunnels() throws {
    let pair = Pair()
    let server = pair.server
    let head = HTTP2Frame(
      .headers, flags: HTTP2Frame.endFields, 1,
      HTTP2Frame.block([(":method", "CONNECT"), (":authority", "b.test:22")]))
    let opening =
      HTTP2Frame.preface + HTTP2Frame(.settings).bytes + head.bytes
      + HTTP2Frame(.data, 1, Array("early".utf8)).bytes
    try opening.withUnsafeBytes { try server.receive($0) }
    let stream = try #require(server.takeTouched().first)
    let text = stream.takeIncoming()
    #expect(
      String(decoding: text.readableBytes, as: UTF8.self)
        == "CONNECT b.test:22 HTTP/1.1\r\nhost: b.test:22\r\n\(Self.close)early")
    stream.write(Self.ok + "\r\nraw")
    #expect(stream.isTunnel)
    try HTTP2Frame(.data, flags: HTTP2Frame.end, 1, Array("bye".utf8)).bytes.withUnsafeBytes {
      try server.receive($0)
    }
    #expect(stream.hasPeerEnded)
    stream.finish()
    var queue = ByteQueue()
    try server.write(into: &queue, upTo: 1 << 16)
    var bytes = Array(queue.readableBytes)
    let frames = HTTP2Frame.read(&bytes).filter { $0.stream == 1 && $0.kind == 0 }
    #expect(frames.flatMap(\.payload) == Array("raw".utf8))
    #expect(frames.last?.flags == HTTP2Frame.end)
    #expect(server.streamCount == 0)
  }
}
