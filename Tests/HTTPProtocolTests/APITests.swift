import ByteBuffers
import HTTPProtocol
import Testing

/// What our own servers are made of.
@Suite struct APITests {
  private func match(_ routes: APIRoutes<String>, _ method: HTTPMethod, _ path: String) -> String {
    switch routes.match(method, path: path) {
    case .found(let handler, let parameters):
      ([handler] + parameters.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })
        .joined(separator: " ")
    case .methodNotAllowed: "405"
    case .notFound: "404"
    }
  }

  @Test func pathsLeadToHandlers() {
    var routes = APIRoutes<String>()
    routes.add(nil, "/healthz", "health")
    routes.add(.get, "/api/status", "status")
    routes.add(.get, "/api/config", "read")
    routes.add(.put, "/api/config", "write")
    routes.add(.get, "/api/proxy/{name}/config", "proxy")
    routes.add(.get, "/static/*", "static")
    for (method, path, expected) in [
      (HTTPMethod.post, "/healthz", "health"), (.get, "/api/status", "status"),
      (.get, "/api/status/", "404"), (.get, "/api", "404"), (.post, "/api/status", "405"),
      (.head, "/api/status", "405"), (.put, "/api/config", "write"),
      (.get, "/api/proxy/a%2Fb%20c/config", "proxy name=a/b c"),
      (.get, "/api/proxy//config", "404"), (.get, "/api/proxy/%zz/config", "404"),
      (.get, "/static/", "static *="), (.get, "/static/a/b.js", "static *=a/b.js"),
      (.get, "/static", "404"), (.get, "", "404"), (.get, "/", "404"),
      (.get, "/static/" + String(repeating: "a/", count: 40), "404"),
    ] {
      #expect(match(routes, method, path) == expected, "\(path)")
    }
  }

  @Test func queriesAreDecodedWithinBounds() {
    let query = QueryParameters("a=1&b=x+y%26&c&=d&a=2&bad=%zz&e;f=1&g=a=b")
    #expect(query["a"] == "1")
    #expect(query["b"] == "x y&")
    #expect(query["c"] == "")
    #expect(query["bad"] == nil)
    #expect(query["f"] == nil)
    #expect(query["g"] == "a=b")
    #expect(query.count == 6)
    #expect(QueryParameters(nil).count == 0)
    let many = String(repeating: "x=1&", count: 1000)
    #expect(QueryParameters(many).count == HTTPProtocolLimits.queryParameterCountMax)
  }

  @Test func jsonIsWrittenAsFrpDoes() {
    var text = JSONText()
    text.object {
      $0.member("a", "<b> & \"c\"\n\u{2028}\u{1}\\\u{7f}")
      $0.name("list")
      $0.array {
        $0.integer(1)
        $0.object { _ in }
        $0.null()
        $0.array { $0.text("x") }
      }
      $0.member("yes", true)
      $0.member("n", -5)
    }
    #expect(
      String(decoding: text.bytes, as: UTF8.self)
        == #"{"a":"\u003cb\u003e \u0026 \"c\"\n\u2028\u0001\\"# + "\u{7f}"
        + #"","list":[1,{},null,["x"]],"yes":true,"n":-5}"#)
    #expect(
      HTTPAnswer.apiError(.notFound, "no proxy info found").body
        == Array("{\"Code\":404,\"Msg\":\"no proxy info found\"}\n".utf8))
    #expect(
      HTTPAnswer.envelopeError(.badRequest, "bad").body
        == Array("{\"code\":400,\"msg\":\"bad\",\"data\":null}\n".utf8))
    #expect(
      HTTPAnswer.envelope(text).body.starts(
        with: "{\"code\":200,\"msg\":\"success\",\"data\":".utf8))
    #expect(HTTPAnswer.json(text).fields.first(.contentType) == "application/json")
    #expect(HTTPAnswer.done.fields.count == 0)
  }

  /// What a connection to one of our servers sees, one line an event.
  private func events(_ pieces: [ArraySlice<UInt8>], bodyMax: Int = 8) -> [String] {
    var reader = APIRequestReader(bodyByteCountMax: bodyMax)
    var buffer: [UInt8] = []
    var lines: [String] = []
    for piece in pieces {
      buffer += piece
      reading: while true {
        var consumed = 0
        let event = reader.next(buffer.span.bytes, consumedByteCount: &consumed)
        buffer.removeFirst(consumed)
        switch event {
        case .moreBytesNeeded: break reading
        case .continueExpected: lines.append("100")
        case .request(let request):
          let body = String(decoding: request.body, as: UTF8.self)
          lines.append("\(request.method.rawValue) \(request.path) \(body)")
        case .refused(let answer):
          lines.append("refused \(answer.status.code)")
          break reading
        }
      }
    }
    if reader.isClosed { lines.append("closed") }
    return lines
  }

  @Test(arguments: [
    (
      "GET /a?b HTTP/1.1\r\nHost: x\r\n\r\nGET /c HTTP/1.1\r\nHost: x\r\n\r\n",
      ["GET /a ", "GET /c "]
    ),
    ("PUT /c HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n12345678", ["PUT /c 12345678"]),
    ("PUT /c HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", ["refused 413", "closed"]),
    (
      "PUT /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n4\r\nfghi\r\n",
      ["refused 413", "closed"]
    ),
    (
      "PUT /c HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
      ["100", "PUT /c x"]
    ),
    ("GET /a HTTP/1.0\r\n\r\nGET /b", ["GET /a ", "closed"]),
    ("GET / HTTP/1.1\r\n\r\n", ["refused 400", "closed"]),
    (
      "GET /a HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"
        + "GET /b HTTP/1.1\r\nHost: x\r\n\r\n", ["GET /a ", "GET /b "]
    ),
    ("CONNECT a:1 HTTP/1.1\r\n\r\nearly", ["CONNECT  ", "closed"]),
  ])
  func requestsComeWhole(_ text: String, _ expected: [String]) {
    for pieces in feedings(of: Array(text.utf8)) { #expect(events(pieces) == expected) }
  }

  @Test func authorizationIsOffOnlyWithoutUserAndPassword() throws {
    let text = "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic dTpw\r\n\r\n"
    var reader = APIRequestReader(bodyByteCountMax: 0)
    var consumed = 0
    let bytes = Array(text.utf8)
    guard
      case .request(let request) = reader.next(bytes.span.bytes, consumedByteCount: &consumed)
    else {
      Issue.record("no request")
      return
    }
    #expect(consumed == bytes.count)
    #expect(request.isAuthorized(user: "u", password: "p"))
    #expect(!request.isAuthorized(user: "u", password: ""))
    #expect(!request.isAuthorized(user: "", password: "p"))
    #expect(request.isAuthorized(user: "", password: ""))
  }
}
