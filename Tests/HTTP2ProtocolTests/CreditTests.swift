import ByteBuffers
import TestKit
import Testing

@testable import HTTP2Protocol

/// Credit is given for what was read, all of it and no more.
@Suite struct CreditTests {
  /// Random steps of both ends. Whatever became of the streams, no credit is lost in the end.
  @Test(arguments: 1...20 as ClosedRange<UInt64>) func randomSteps(_ seed: UInt64) throws {
    let yard = CreditYard(seed)
    for _ in 0..<1500 {
      try yard.step()
      try yard.check()
    }
    try yard.end()
    try yard.measureWindows()
  }

  /// A body in frames of one byte is five parts framing and one part body as text, and is held back
  /// all the same by one who reads slowly.
  @Test func framesOfOneByte() throws {
    let server = HTTP2Session(.server)
    let head = HTTP2Frame.request(1, method: "POST", flags: HTTP2Frame.endFields)
    try receive(HTTP2Frame.preface + HTTP2Frame(.settings).bytes + head.bytes, server)
    let stream = try #require(server.takeTouched().first)
    var output = ByteQueue()
    try server.write(into: &output, upTo: .max)
    output.removeAll()
    // The window is what the settings say once they are confirmed.
    try receive(HTTP2Frame(.settings, flags: HTTP2Frame.end).bytes, server)
    let frame = HTTP2Frame(.data, 1, [65]).bytes
    var credit = HTTP2Limits.streamWindowByteCount
    var held = 0
    for _ in 0..<100 {
      let count = min(credit, 50_000)
      credit -= count
      try receive((0..<count).flatMap { _ in frame }, server)
      held += stream.takeIncoming().count
      try #require(held < 6 * HTTP2Limits.streamWindowByteCount + 1024)
      let read = min(held, 20_000)
      stream.consume(read)
      held -= read
      try server.write(into: &output, upTo: .max)
      var sent = Array(output.readableBytes)
      output.removeAll()
      credit += HTTP2Frame.read(&sent).reduce(0) { $0 + ($1.stream == 1 ? $1.credit : 0) }
    }
    stream.consume(held)
    #expect(stream.heldByteCount == 0 && server.heldByteCount == 0)
    #expect(server.wantsToRead && stream.closeCode == nil)
  }

  /// Blocks of fields that the library does not want are over for us too.
  @Test func fieldsThatAreRefused() throws {
    let server = HTTP2Session(.server)
    try receive(HTTP2Frame.preface + HTTP2Frame(.settings).bytes, server)
    try receive(HTTP2Frame.request(1, [("X-Upper", "1")]).bytes, server)
    #expect(!server.isInsideFields && server.brokenStreamCount == 1)
    // One whose stream is reset by us before the block ends.
    let open = HTTP2Frame.request(3, method: "POST", flags: HTTP2Frame.endFields)
    let trailers = HTTP2Frame(
      .headers, flags: HTTP2Frame.end, 3, HTTP2Frame.block([("x", "y")]))
    try receive(open.bytes + trailers.bytes, server)
    #expect(server.isInsideFields)
    for stream in server.takeTouched() { stream.abort(.cancel) }
    var output = ByteQueue()
    try server.write(into: &output, upTo: .max)
    #expect(!server.isInsideFields && server.brokenStreamCount == 2)
  }

  /// What nobody writes any more, and the peer does not take, is given up in the end.
  @Test func answersThatAreNotTaken() throws {
    let pair = Pair()
    let stream = pair.ask("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
    let other = pair.ask("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
    try pair.run()
    pair.unreadStreams = [ObjectIdentifier(stream)]
    let size = HTTP2Limits.streamWindowByteCount + 500_000
    for request in pair.requests {
      request.write("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
      request.write([UInt8](repeating: 65, count: size))
      request.close()
    }
    try pair.run()
    #expect(other.closeCode == 0 && stream.closeCode == nil)
    pair.server.resetStalled()
    // Something moves before the next look.
    stream.consume(150_000)
    try pair.run()
    pair.server.resetStalled()
    try pair.run()
    #expect(stream.closeCode == nil)
    pair.server.resetStalled()
    try pair.run()
    #expect(stream.closeCode == HTTP2ErrorCode.cancel.rawValue && pair.server.streamCount == 0)
  }

  /// A request that is given up twice before it has gone is not there for the server.
  @Test func requestsThatNeverGo() throws {
    let pair = Pair()
    try pair.run()
    let stream = pair.ask("PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\n")
    stream.abort(.cancel)
    stream.abort(.internalError)
    let other = pair.ask("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
    try pair.run()
    #expect(stream.closeCode == HTTP2ErrorCode.cancel.rawValue)
    #expect(!pair.client.isPeerLeaving && other.closeCode == nil && pair.requests.count == 1)
  }

  /// An end that is dropped with streams under way is gone, and they do nothing more.
  @Test func droppedSessions() throws {
    var server: HTTP2Session? = HTTP2Session(.server)
    weak let dropped = server
    let open = HTTP2Frame.request(1, method: "POST", flags: HTTP2Frame.endFields)
    try receive(
      HTTP2Frame.preface + HTTP2Frame(.settings).bytes + open.bytes, try #require(server))
    let stream = try #require(server?.takeTouched().first)
    server = nil
    #expect(dropped == nil)
    stream.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    stream.consume(10)
    stream.close()
    stream.abort(.cancel)
  }

  private func receive(_ bytes: [UInt8], _ session: HTTP2Session) throws {
    try bytes.withUnsafeBytes { try session.receive($0) }
  }
}
