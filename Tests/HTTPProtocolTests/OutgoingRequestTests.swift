import ByteBuffers
import HTTPProtocol
import Testing

/// Requests of our own are requests by our own rules.
@Suite struct OutgoingRequestTests {
  @Test func requestsAreWrittenAndReadAgain() throws {
    var request = OutgoingRequest(.put, target: "/api/config?x=1", host: "127.0.0.1:7400")
    request.fields.append("Authorization", "Basic eDp5")
    request.body = Array("body".utf8)
    let text = written { request.write(into: &$0) }
    #expect(
      text == "PUT /api/config?x=1 HTTP/1.1\r\nHost: 127.0.0.1:7400\r\nConnection: close\r\n"
        + "Content-Length: 4\r\nAuthorization: Basic eDp5\r\n\r\nbody")
    #expect(
      readRequests([Array(text.utf8)[...]]).lines == ["PUT /api/config?x=1", "body body", "end "])
    let check = OutgoingRequest(.get, target: "/health", host: "[::1]")
    #expect(
      written { check.write(isKeepAlive: true, into: &$0) }
        == "GET /health HTTP/1.1\r\nHost: [::1]\r\n\r\n")
    #expect(
      written { OutgoingRequest(.post, target: "/", host: "a").write(into: &$0) }
        .contains("\r\nContent-Length: 0\r\n"))
  }

  @Test(arguments: [
    ("", "a"), ("health", "a"), ("/a b", "a"), ("/a\r\nX: y", "a"), ("/", "a b"),
    ("/", "a\r\nX: y"), ("/", "a\r\n\r\nGET / HTTP/1.1"), ("/\u{7f}", "a"),
  ])
  func nothingIsWrittenThatIsNoRequest(_ target: String, _ host: String) {
    let request = OutgoingRequest(.get, target: target, host: host)
    var queue = ByteQueue()
    let isWritten = request.write(into: &queue)
    #expect(!isWritten)
    #expect(queue.count == 0)
  }
}
