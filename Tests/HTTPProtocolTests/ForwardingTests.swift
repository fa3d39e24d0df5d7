import ByteBuffers
import HTTPProtocol
import Testing

/// What reaches the local service, and what comes back.
@Suite struct ForwardingTests {
  private func forwarded(
    _ text: String, _ rules: RequestRewriting = RequestRewriting(), isSecure: Bool = false
  ) throws -> String {
    var head = try requestHead(text)
    head.prepareForLocalService(rules, visitorAddress: "192.0.2.1", isSecure: isSecure)
    let result = written { head.write(into: &$0) }
    // Whatever we write is a request by our own rules.
    _ = try requestHead(result)
    return result
  }

  @Test func addressesAndHostAreAdded() throws {
    #expect(
      try forwarded("GET /a HTTP/1.1\r\nHost: A.test:8080\r\nX-Real-IP: 1\r\n\r\n")
        == "GET /a HTTP/1.1\r\nHost: A.test:8080\r\nX-Real-IP: 1\r\nX-Forwarded-For: 192.0.2.1\r\n"
        + "X-Forwarded-Host: A.test:8080\r\nX-Forwarded-Proto: http\r\n\r\n")
    #expect(
      try forwarded("GET / HTTP/1.1\r\nHost: a\r\n\r\n", isSecure: true)
        .contains("X-Forwarded-Proto: https\r\n"))
  }

  @Test func incomingListsAreContinuedAndClaimsOverwritten() throws {
    let result = try forwarded(
      "GET / HTTP/1.1\r\nX-Forwarded-For: 1.1.1.1\r\nHost: a\r\nForwarded: for=x\r\n"
        + "x-forwarded-for: 2.2.2.2, 3.3.3.3\r\nX-Forwarded-Host: evil\r\n"
        + "X-Forwarded-Proto: https\r\n\r\n")
    #expect(
      result == "GET / HTTP/1.1\r\nX-Forwarded-For: 1.1.1.1, 2.2.2.2, 3.3.3.3, 192.0.2.1\r\n"
        + "Host: a\r\nX-Forwarded-Host: a\r\nX-Forwarded-Proto: http\r\n\r\n")
  }

  @Test func fieldsOfTheConnectionStayBehind() throws {
    let result = try forwarded(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Private, x-forwarded-for\r\n"
        + "X-Forwarded-For: 1.1.1.1\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\n"
        + "Proxy-Connection: close\r\nTE: gzip, trailers\r\nUpgrade: h2c\r\n"
        + "Proxy-Authorization: Basic eDp5\r\nAuthorization: Basic eDp5\r\n\r\n")
    #expect(
      result == "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic eDp5\r\nTE: trailers\r\n"
        + "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Host: a\r\nX-Forwarded-Proto: http\r\n\r\n")
  }

  @Test func upgradesAndChunksAreAnnouncedAnew() throws {
    let upgrade = try forwarded(
      "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
        + "Sec-WebSocket-Key: x\r\n\r\n")
    #expect(upgrade.contains("\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"))
    #expect(!upgrade.contains("keep-alive"))
    let chunked = try forwarded(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: cHunked\r\nTrailer: X\r\n\r\n")
    #expect(chunked.contains("\r\nTransfer-Encoding: chunked\r\n"))
    #expect(chunked.contains("\r\nTrailer: X\r\n"))
  }

  @Test func hostAndFieldsAreRewrittenAsTheProxySays() throws {
    let rules = RequestRewriting(
      hostRewrite: "inner.test:81",
      fieldsToSet: [
        ("X-From-Where", "frp"), ("x-forwarded-proto", "wss"), ("Host", "evil"),
        ("Content-Length", "5"), ("Transfer-Encoding", "chunked"), ("Connection", "close"),
        ("Broken", "a\r\nb"),
      ])
    #expect(
      try forwarded("GET / HTTP/1.1\r\nHost: a:80\r\nX-From-Where: me\r\n\r\n", rules)
        == "GET / HTTP/1.1\r\nHost: inner.test:81\r\nX-From-Where: frp\r\n"
        + "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Host: a:80\r\nX-Forwarded-Proto: wss\r\n\r\n")
    // The form for proxies is kept, with the rewritten host in it.
    #expect(
      try forwarded("GET http://a.test/p?q HTTP/1.1\r\nHost: a.test\r\n\r\n", rules)
        .hasPrefix("GET http://inner.test:81/p?q HTTP/1.1\r\nHost: inner.test:81\r\n"))
  }

  @Test(arguments: [
    ("/a?x=1&y=%20", "/a?x=1&y=%20"), ("/a?x;y=1&z=2", "/a?z=2"), ("/a?%zz=1", "/a"),
    ("/a?b=%2&c=3&&d=%", "/a?c=3"), ("/a?", "/a?"), ("/?a=1;b=2", "/"),
  ])
  func unreadableParametersAreDropped(_ target: String, _ expected: String) throws {
    #expect(
      try forwarded("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n")
        .hasPrefix("GET \(expected) HTTP/1.1\r\n"))
    #expect(
      try forwarded("GET http://a\(target) HTTP/1.1\r\nHost: a\r\n\r\n")
        .hasPrefix("GET http://a\(expected) HTTP/1.1\r\n"))
  }

  @Test func requestsOf10GetAHost() throws {
    #expect(try forwarded("GET / HTTP/1.0\r\n\r\n").contains("\r\nHost: \r\n"))
  }

  // MARK: Responses

  private struct Returned: Equatable {
    let text: String
    let forwarded: ForwardedResponse
  }

  private func returned(
    _ response: String, to request: String, set fields: [(name: String, value: String)] = []
  ) throws -> Returned {
    let exchange = VisitorExchange(try requestHead(request + "\r\n"))
    var head = try responseHead(response + "\r\n", answering: exchange.method)
    let forwarded = head.prepareForVisitor(exchange, fieldsToSet: fields)
    let text = written {
      head.write(into: &$0, addingDate: forwarded.lacksDate ? Self.date : nil)
    }
    return Returned(text: text, forwarded: forwarded)
  }

  private static let date = "Sun, 06 Nov 1994 08:49:37 GMT"
  private static let get11 = "GET / HTTP/1.1\r\nHost: a\r\n"
  private static let get10 = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n"

  @Test func bodiesAreFramedForTheVisitor() throws {
    let ok = "HTTP/1.1 200 OK\r\nDate: \(Self.date)\r\n"
    let length = ok + "Content-Length: 3\r\n"
    let chunked = ok + "Transfer-Encoding: chunked\r\n"
    let untilClose = ok + "Connection: close\r\n"
    for (response, request, text, framing, isKeepAlive) in [
      (length, Self.get11, length, BodyFraming.length(3), true),
      (length, Self.get10, length + "Connection: keep-alive\r\n", .length(3), true),
      (chunked, Self.get11, chunked, .chunked, true),
      (chunked, Self.get10, ok, .untilClose, false),
      (untilClose, Self.get11, chunked, .chunked, true),
      (untilClose, Self.get10, ok, .untilClose, false),
      (
        length, Self.get11 + "Connection: close\r\n", length + "Connection: close\r\n", .length(3),
        false
      ),
      (
        "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n", Self.get11,
        "HTTP/1.1 204 No Content\r\nDate: \(Self.date)\r\n", .none, true
      ),
      (length, "HEAD / HTTP/1.1\r\nHost: a\r\n", length, .none, true),
    ] {
      let result = try returned(response, to: request)
      #expect(result.text == text + "\r\n")
      #expect(result.forwarded.framing == framing)
      #expect(result.forwarded.isKeepAlive == isKeepAlive)
    }
  }

  @Test func changesOfProtocolAndInterimResponsesPass() throws {
    let switched = try returned(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
        + "Sec-WebSocket-Accept: x\r\n", to: Self.get11)
    #expect(
      switched.text == "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\n"
        + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    let hints = try returned("HTTP/1.1 103 Early Hints\r\nLink: x\r\n", to: Self.get11)
    #expect(try VisitorExchange(requestHead(Self.get11 + "\r\n")).takesInterimResponses)
    #expect(try !VisitorExchange(requestHead(Self.get10 + "\r\n")).takesInterimResponses)
    #expect(hints.text == "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
  }

  @Test func responseFieldsAreSet() throws {
    let result = try returned(
      "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 0\r\n", to: Self.get11,
      set: [("server", "mine"), ("X-New", "1"), ("Content-Length", "9"), ("Bad", "\n")])
    #expect(
      result.text
        == "HTTP/1.1 200 OK\r\nServer: mine\r\nContent-Length: 0\r\nX-New: 1\r\n"
        + "Date: \(Self.date)\r\n\r\n")
  }

  /// Interim responses and tunnels are checked above: they get none.
  @Test func responsesWithoutADateGetOne() throws {
    let bare = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
    #expect(
      try returned(bare, to: Self.get11).text == bare + "Date: \(Self.date)\r\n\r\n")
    let dated = bare + "dATE: yesterday\r\n"
    #expect(try returned(dated, to: Self.get11).text == dated + "\r\n")
    // The proxy's own counts.
    #expect(
      try returned(bare, to: Self.get11, set: [("Date", "never")]).text
        == bare + "Date: never\r\n\r\n")
    // One that is of the connection only is none.
    #expect(
      try returned(dated + "Connection: date\r\n", to: Self.get11).text
        == bare + "Date: \(Self.date)\r\n\r\n")
  }

  @Test func spaceBeforeColonsIsRemoved() throws {
    let result = try returned(
      "HTTP/1.1 200 OK\r\nDate : x\r\nContent-Length \t: 3\r\nX-A: 1 : 2\r\nY \t :\r\n"
        + "Connection\t: Z\r\nZ : 1\r\nserver  :a\r\n", to: Self.get11,
      set: [("Server", "mine")])
    #expect(
      result.text == "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 3\r\nX-A: 1 : 2\r\nY:\r\n"
        + "server: mine\r\n\r\n")
    #expect(result.forwarded.framing == .length(3))
    let chunked = try returned(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\nDate: x\r\n", to: Self.get11)
    #expect(chunked.text == "HTTP/1.1 200 OK\r\nDate: x\r\nTransfer-Encoding: chunked\r\n\r\n")
  }
}
