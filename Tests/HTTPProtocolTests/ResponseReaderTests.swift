import ByteBuffers
import HTTPProtocol
import Testing

/// Responses of a local service, however their bytes are cut.
@Suite struct ResponseReaderTests {
  struct Sample: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var method = HTTPMethod.get
    let text: String
    var lines: [String] = []
    var fault: HTTPFault?
  }

  private static let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

  static let samples: [Sample] = [
    .init(
      testDescription: "content-length",
      text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
      lines: ["200 OK", "body hello", "end "]),
    .init(
      testDescription: "until close", text: "HTTP/1.1 200 OK\r\n\r\nhello",
      lines: ["200 OK", "body hello", "end at close"]),
    .init(
      testDescription: "until close in 1.0",
      text: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nx",
      lines: ["200 OK", "body x", "end at close"]),
    .init(
      testDescription: "chunks with trailers",
      text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n"
        + "Grpc-Status: 0\r\n\r\n",
      lines: ["200 OK", "body abc", "end Grpc-Status: 0"]),
    .init(
      testDescription: "HEAD has no body", method: .head,
      text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", lines: ["200 OK", "end "]),
    .init(
      testDescription: "204 has no body", text: "HTTP/1.1 204 No Content\r\n\r\nrest",
      lines: ["204 No Content", "end ", "rest 4"]),
    .init(
      testDescription: "304 has no body",
      text: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
      lines: ["304 Not Modified", "end "]),
    .init(
      testDescription: "interim responses come before",
      text: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
      lines: ["100 Continue", "103 Early Hints", "200 OK", "end "]),
    .init(
      testDescription: "101 is the last head",
      text: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n\u{1}",
      lines: ["101 Switching Protocols", "rest 1"]),
    .init(
      testDescription: "granted tunnel", method: .connect,
      text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx", lines: ["200 OK", "rest 1"]),
    .init(
      testDescription: "refused tunnel", method: .connect,
      text: "HTTP/1.1 403 Forbidden\r\nContent-Length: 1\r\n\r\nx",
      lines: ["403 Forbidden", "body x", "end "]),
    .init(
      testDescription: "no phrase", text: "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
      lines: ["200 ", "end "]),
    .init(
      testDescription: "bytes behind the response belong to nobody",
      text: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n",
      lines: ["200 OK", "body x", "end ", "rest 19"]),
    .init(
      testDescription: "ends inside the head", text: "HTTP/1.1 200 OK\r\nX: y\r\n",
      lines: ["rest 23"], fault: .truncated),
    .init(
      testDescription: "ends inside the body",
      text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", lines: ["200 OK", "body hell"],
      fault: .truncated),
    .init(
      testDescription: "ends inside of chunks",
      text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
      lines: ["200 OK", "body ab"], fault: .truncated),
    .init(
      testDescription: "both lengths",
      text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
      lines: ["rest 66"], fault: .contentLengthWithTransferEncoding),
    .init(
      testDescription: "two lengths",
      text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
      lines: ["rest 57"], fault: .contentLengthRepeated),
    .init(
      testDescription: "bare LF", text: "HTTP/1.1 200 OK\nX: y\r\n\r\n", lines: ["rest 24"],
      fault: .bareLineFeed),
    .init(
      testDescription: "no status line", text: "SSH-2.0-OpenSSH_9.2p1\r\n", lines: ["rest 23"],
      fault: .versionMalformed),
    .init(
      testDescription: "short status line", text: "HTTP/1.1\r\n", lines: ["rest 10"],
      fault: .statusLineMalformed),
    .init(
      testDescription: "status of two digits", text: "HTTP/1.1 20 OKAY\r\n\r\n",
      lines: ["rest 20"], fault: .statusLineMalformed),
    .init(
      testDescription: "status beyond the classes",
      text: "HTTP/1.1 999 No\r\nContent-Length: 1\r\n\r\nx", lines: ["999 No", "body x", "end "]),
    .init(
      testDescription: "first status beyond the classes", text: "HTTP/1.1 600 \r\n\r\nx",
      lines: ["600 ", "body x", "end at close"]),
    .init(
      testDescription: "status below the classes", text: "HTTP/1.1 099 No\r\n\r\n",
      lines: ["rest 19"], fault: .statusLineMalformed),
    .init(
      testDescription: "status of four digits", text: "HTTP/1.1 1000 No\r\n\r\n",
      lines: ["rest 20"], fault: .statusLineMalformed),
    .init(
      testDescription: "two spaces before the status", text: "HTTP/1.1  200 OK\r\n\r\n",
      lines: ["rest 20"], fault: .statusLineMalformed),
    .init(
      testDescription: "padded chunk sizes",
      text: chunked + "2  \r\nab\r\n1 \t ;x=y\r\nc\r\n0\t\r\n\r\n",
      lines: ["200 OK", "body abc", "end "]),
    .init(
      testDescription: "space inside of a chunk size", text: chunked + "1 0\r\n",
      lines: ["200 OK", "rest 1"], fault: .chunkSizeInvalid),
    .init(
      testDescription: "space in place of a chunk size", text: chunked + " \r\n",
      lines: ["200 OK", "rest 3"], fault: .chunkSizeInvalid),
    .init(
      testDescription: "bare LF behind a padded chunk size", text: chunked + "1 \nx\r\n",
      lines: ["200 OK"], fault: .bareLineFeed),
    .init(
      testDescription: "a chunk size that is padded too much",
      text: chunked + "1" + String(repeating: " ", count: 256) + "\r\n",
      lines: ["200 OK"], fault: .chunkLineTooLong),
    .init(
      testDescription: "space before colons",
      text:
        "HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n1\r\nx\r\n0\r\nX-T\t : 1\r\nY: 2\r\n"
        + "\r\n",
      lines: ["200 OK", "body x", "end X-T: 1\nY: 2"]),
    .init(
      testDescription: "a forbidden trailer with space before its colon",
      text: chunked + "0\r\nHost : b\r\n\r\n", lines: ["200 OK"], fault: .trailerForbidden),
    .init(
      testDescription: "two lengths, one with space before its colon",
      text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length : 5\r\n\r\n",
      fault: .contentLengthRepeated),
    .init(
      testDescription: "a name of two words", text: "HTTP/1.1 200 OK\r\nX Y: z\r\n\r\n",
      fault: .fieldNameInvalid),
    .init(
      testDescription: "a name without a colon", text: "HTTP/1.1 200 OK\r\nX \r\n\r\n",
      fault: .colonMissing),
    .init(
      testDescription: "a folded line", text: "HTTP/1.1 200 OK\r\nX: y\r\n : z\r\n\r\n",
      fault: .obsoleteLineFolding),
    .init(
      testDescription: "HTTP/2", text: "HTTP/2.0 200 OK\r\n\r\n", lines: ["rest 19"],
      fault: .versionUnsupported),
  ]

  /// What is left in the buffer when a fault is found depends on how the bytes came.
  private func withoutRest(_ outcome: Outcome) -> Outcome {
    var outcome = outcome
    if outcome.fault != nil { outcome.lines.removeAll { $0.hasPrefix("rest ") } }
    return outcome
  }

  @Test(arguments: samples)
  func responsesAreReadHoweverTheyAreCut(_ sample: Sample) {
    let expected = Outcome(lines: sample.lines, fault: sample.fault)
    let bytes = Array(sample.text.utf8)
    #expect(
      withoutRest(readResponse([bytes[...]], answering: sample.method)) == withoutRest(expected))
    for pieces in feedings(of: bytes) {
      let outcome = withoutRest(readResponse(pieces, answering: sample.method))
      #expect(outcome == withoutRest(expected))
    }
  }

  @Test func interimResponsesAreBounded() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\n"
    for (count, fault) in [(16, HTTPFault.truncated), (17, .tooManyInterimResponses)] {
      let bytes = Array(String(repeating: interim, count: count).utf8)
      #expect(readResponse([bytes[...]], answering: .get).fault == fault)
    }
  }

  @Test func connectionsGoOnAsBothVersionsSay() throws {
    let length = "Content-Length: 0\r\n\r\n"
    #expect(try responseHead("HTTP/1.1 200 OK\r\n" + length).isKeepAlive)
    #expect(try !responseHead("HTTP/1.1 200 OK\r\nConnection: Close\r\n" + length).isKeepAlive)
    #expect(try !responseHead("HTTP/1.0 200 OK\r\n" + length).isKeepAlive)
    #expect(try responseHead("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n" + length).isKeepAlive)
    #expect(try !responseHead("HTTP/1.1 200 OK\r\n\r\n").isKeepAlive)
    #expect(try !responseHead("HTTP/1.1 101 X\r\n\r\n").isKeepAlive)
  }
}
