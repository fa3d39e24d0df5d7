import ByteBuffers
import HTTPProtocol
import TestKit
import Testing

@testable import HTTP2Protocol

/// What clients send that they may not send.
@Suite struct MisuseTests {
  /// What a server made of some frames.
  struct Finding {
    var text = ""
    var codes: [UInt32] = []
    var isLeaving = false
    var fault: HTTP2Fault?

    /// Whether a reader of HTTP/1.1 takes the text.
    var isTaken: Bool {
      var reader = RequestReader()
      var bytes = Array(text.utf8)
      guard !bytes.isEmpty else { return false }
      do throws(HTTPFault) {
        while !bytes.isEmpty {
          let step = try reader.next(bytes.span.bytes)
          if step.consumedByteCount == 0, step.event == nil { return false }
          bytes.removeFirst(step.consumedByteCount)
        }
        return true
      } catch {
        return false
      }
    }
  }

  private func find(_ frames: [HTTP2Frame], pieces: Int = .max) throws -> Finding {
    let server = HTTP2Session(.server)
    var finding = Finding()
    var bytes = HTTP2Frame.preface[...] + HTTP2Frame(.settings).bytes
    for frame in frames { bytes += frame.bytes }
    while !bytes.isEmpty {
      do throws(HTTP2Fault) {
        try receive(Array(bytes.prefix(pieces)), server)
      } catch {
        finding.fault = error
        break
      }
      bytes = bytes.dropFirst(pieces)
      for stream in server.takeTouched() {
        let text = stream.takeIncoming()
        finding.text += String(decoding: text.readableBytes, as: UTF8.self)
      }
    }
    var queue = ByteQueue()
    try server.write(into: &queue, upTo: 1 << 20)
    var sent = Array(queue.readableBytes)
    for frame in HTTP2Frame.read(&sent) {
      if let code = frame.errorCode { finding.codes.append(code) }
    }
    finding.isLeaving = !server.wantsToRead
    return finding
  }

  private func receive(_ bytes: [UInt8], _ server: HTTP2Session) throws(HTTP2Fault) {
    var fault: HTTP2Fault?
    bytes.withUnsafeBytes { bytes in
      do throws(HTTP2Fault) { try server.receive(bytes) } catch { fault = error }
    }
    if let fault { throw fault }
  }

  /// Fields that nobody gets to see: the library resets the stream.
  static let badFields: [[(String, String)]] = [
    [("X-Upper", "1")], [("connection", "close")], [("transfer-encoding", "chunked")],
    [("upgrade", "websocket")], [("keep-alive", "5")], [("proxy-connection", "close")],
    [("te", "gzip")], [("x y", "1")], [("x:y", "1")], [("", "1")], [("x", "a\r\nb: c")],
    [("x", "a\nb")], [("x", "a\0b")], [(":path", "/2")], [(":unknown", "1")],
    [("content-length", "5")], [("content-length", "1, 1")], [("content-length", "-1")],
    [("content-length", "x")], [("content-length", "0"), ("content-length", "0")],
    [("x", "\u{1}")], [("x", "\u{7f}")],
  ]

  @Test(arguments: badFields.indices) func fieldsThatNobodySees(_ index: Int) throws {
    for pieces in [Int.max, 1] {
      let finding = try find([.request(1, Self.badFields[index])], pieces: pieces)
      #expect(finding.text.isEmpty, "\(finding.text)")
      #expect(!finding.codes.isEmpty || finding.fault != nil)
    }
  }

  /// Heads that come as text in which the reader of HTTP/1.1 finds the fault.
  @Test func headsThatAreNoRequests() throws {
    let heads: [HTTP2Frame] = [
      .request(1, [("host", "b.test")]), .request(1, path: "/a b"), .request(1, path: "/a#b"),
      .request(1, path: "*"), .request(1, host: "a b"), .request(1, host: "u@a.test"),
      .request(1, host: "a.test/x"), .request(1, method: "G T"), .request(1, path: "/%"),
      .request(1, (0..<120).map { ("x-\($0)", "1") }),
      .request(1, [("x", String(repeating: "a", count: 40_000))]),
      .request(1, path: "/" + String(repeating: "a", count: 20_000)),
      .request(1, method: String(repeating: "M", count: 100)),
    ]
    for head in heads {
      let frames =
        head.payload.count > 16384
        ? [
          HTTP2Frame(
            .headers, flags: HTTP2Frame.end, 1, Array(head.payload.prefix(16384))),
          HTTP2Frame(
            .continuation, flags: 0, 1, Array(head.payload.dropFirst(16384).prefix(16384))),
          HTTP2Frame(
            .continuation, flags: HTTP2Frame.endFields, 1, Array(head.payload.dropFirst(32768))),
        ] : [head]
      let finding = try find(frames)
      #expect(!finding.isTaken, "\(finding.text.prefix(200))")
    }
  }

  /// The same head with nothing wrong is taken.
  @Test func aHeadIsTaken() throws {
    #expect(try find([.request(1, [("host", "a.test"), ("x", "y")])]).isTaken)
  }

  @Test func bodiesThatAreNot() throws {
    let open = HTTP2Frame.request(
      1, [("content-length", "5")], method: "PUT", flags: HTTP2Frame.endFields)
    let long = try find([open, HTTP2Frame(.data, 1, [UInt8](repeating: 65, count: 6))])
    #expect(long.codes == [1])
    let short = try find([open, HTTP2Frame(.data, flags: HTTP2Frame.end, 1, [65])])
    #expect(short.codes == [1])
    #expect(short.text.hasSuffix("close\r\n\r\nA"))
    let unasked = try find([HTTP2Frame(.data, 3, [65])])
    #expect(unasked.isLeaving)
  }

  /// What comes on a stream that was reset is a fault of its own (RFC 9113, section 5.1).
  @Test func streamsThatAreOver() throws {
    let open = HTTP2Frame.request(1, method: "PUT", flags: HTTP2Frame.endFields)
    let reset = HTTP2Frame(.reset, 1, HTTP2Frame.word(8))
    #expect(try find([open, reset, HTTP2Frame(.data, 1, [65])]).codes == [5])
    #expect(try find([open, reset, .request(1)]).codes == [5])
    #expect(try find([open, reset]).codes.isEmpty)
  }

  @Test func trailersThatAreNot() throws {
    let open = HTTP2Frame.request(1, method: "PUT", flags: HTTP2Frame.endFields)
    let pseudo = HTTP2Frame(
      .headers, flags: HTTP2Frame.end | HTTP2Frame.endFields, 1, HTTP2Frame.block([(":path", "/")]))
    #expect(try find([open, pseudo]).codes == [1])
    let unended = HTTP2Frame(
      .headers, flags: HTTP2Frame.endFields, 1, HTTP2Frame.block([("x", "y")]))
    #expect(try !find([open, unended]).codes.isEmpty)
    let forbidden = HTTP2Frame(
      .headers, flags: HTTP2Frame.end | HTTP2Frame.endFields, 1,
      HTTP2Frame.block([("authorization", "y")]))
    #expect(try !find([open, forbidden]).isTaken)
  }

  @Test func noHTTP2AtAll() throws {
    let server = HTTP2Session(.server)
    #expect(throws: HTTP2Fault.self) {
      try receive(Array("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n".utf8), server)
    }
  }

  @Test func floods() throws {
    let pings = try find(
      (0..<2000).map { _ in HTTP2Frame(.ping, 0, [UInt8](repeating: 0, count: 8)) })
    #expect(pings.fault != nil || pings.isLeaving)
    let settings = try find((0..<2000).map { _ in HTTP2Frame(.settings) })
    #expect(settings.fault != nil || settings.isLeaving)
    let first = HTTP2Frame.request(1, flags: 0)
    let more = (0..<200).map { _ in HTTP2Frame(.continuation, 1, HTTP2Frame.block([("x", "y")])) }
    let continuations = try find([first] + more)
    #expect(continuations.fault != nil || continuations.isLeaving)
  }

  /// The beginning is told from methods of HTTP/1 that begin alike.
  @Test func prefaces() {
    func isFound(_ text: String) -> Bool? {
      Array(text.utf8).withUnsafeBytes { HTTP2Preface.isFound(in: $0) }
    }
    #expect(isFound("") == nil && isFound("P") == nil && isFound("PRI") == nil)
    #expect(isFound("PRI ") == true)
    #expect(isFound("POST / ") == false && isFound("PRIN") == false && isFound("G") == false)
  }

  // MARK: As a client

  @Test(arguments: [
    "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "SSH-2.0-x\r\n",
    String(repeating: "\0", count: 100),
  ])
  func servicesThatSpeakSomethingElse(_ text: String) throws {
    let client = HTTP2Session(.client)
    let stream = client.makeStream()
    stream.write("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
    var queue = ByteQueue()
    try client.write(into: &queue, upTo: 1 << 16)
    var fault: HTTP2Fault?
    do throws(HTTP2Fault) { try receive(Array(text.utf8), client) } catch { fault = error }
    try client.write(into: &queue, upTo: 1 << 16)
    #expect(fault != nil || !client.wantsToRead)
  }
}
