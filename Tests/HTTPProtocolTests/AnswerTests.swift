import ByteBuffers
import HTTPProtocol
import Testing
import Timekeeping

/// Answers of our own, credentials, tunnels, shared ports and the access log.
@Suite struct AnswerTests {
  private func exchange(_ text: String) throws -> VisitorExchange {
    VisitorExchange(try requestHead(text + "\r\n"))
  }

  @Test func answersAreWrittenForTheirRequest() throws {
    let answer = HTTPAnswer(.unauthorized, text: "Unauthorized")
    let head =
      "HTTP/1.1 401 Unauthorized\r\nContent-Type: text/plain; charset=utf-8\r\n"
      + "X-Content-Type-Options: nosniff\r\nContent-Length: 13\r\n"
    for (request, isKeepAlive, text) in [
      ("GET / HTTP/1.1\r\nHost: a\r\n", true, head + "\r\nUnauthorized\n"),
      ("GET / HTTP/1.1\r\nHost: a\r\n", false, head + "Connection: close\r\n\r\nUnauthorized\n"),
      ("HEAD / HTTP/1.1\r\nHost: a\r\n", true, head + "\r\n"),
      ("GET / HTTP/1.0\r\n", true, head + "\r\nUnauthorized\n"),
      (
        "GET / HTTP/1.0\r\nConnection: keep-alive\r\n", true,
        head + "Connection: keep-alive\r\n\r\nUnauthorized\n"
      ),
    ] {
      let exchange = try exchange(request)
      #expect(
        written { answer.write(to: exchange, isKeepAlive: isKeepAlive, date: nil, into: &$0) }
          == text)
    }
  }

  @Test func builtInAnswersSayWhatTheyMust() throws {
    let request = try exchange("GET / HTTP/1.1\r\nHost: a\r\n")
    let page = written { HTTPAnswer.notFoundPage().write(to: request, date: nil, into: &$0) }
    #expect(page.hasPrefix("HTTP/1.1 404 Not Found\r\nContent-Type: text/html; charset=utf-8\r\n"))
    #expect(page.contains("<title>Not Found</title>") && page.contains("frp"))
    let custom = HTTPAnswer.notFoundPage(custom: Array("gone".utf8))
    #expect(custom.body == Array("gone".utf8))
    #expect(custom.fields.first(.contentType) == "text/plain; charset=utf-8")
    let html = HTTPAnswer.notFoundPage(custom: Array(" \n<HTML>".utf8))
    #expect(html.fields.first(.contentType) == "text/html; charset=utf-8")
    #expect(
      written { HTTPAnswer.gatewayTimeout.write(to: request, date: nil, into: &$0) }
        == "HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n")
    #expect(
      written { HTTPAnswer.tunnelGranted.write(to: request, date: nil, into: &$0) }
        == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    let refusal = HTTPAnswer.unauthorized()
    #expect(refusal.fields.first(named: "WWW-Authenticate") == "Basic realm=\"Restricted\"")
    let proxyRefusal = HTTPAnswer.unauthorized(isProxyForm: true)
    #expect(proxyRefusal.status.code == 407)
    #expect(proxyRefusal.fields.first(named: "Proxy-Authenticate") == "Basic realm=\"Restricted\"")
    let fault = written {
      HTTPAnswer(HTTPFault.headTooLarge).write(to: VisitorExchange(), date: nil, into: &$0)
    }
    #expect(fault.hasPrefix("HTTP/1.1 431 ") && fault.contains("\r\nConnection: close\r\n"))
  }

  // MARK: Dates

  @Test func answersHaveTheDateThatTheyAreGiven() throws {
    let request = try exchange("GET / HTTP/1.1\r\nHost: a\r\n")
    let text = "Sun, 06 Nov 1994 08:49:37 GMT"
    #expect(
      written { HTTPAnswer.badGateway.write(to: request, date: text, into: &$0) }
        == "HTTP/1.1 502 Bad Gateway\r\nDate: \(text)\r\nContent-Length: 0\r\n\r\n")
  }

  @Test(arguments: [
    (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
    (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
    (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
    (1_782_518_400, "Sat, 27 Jun 2026 00:00:00 GMT"),
    (4_107_456_000, "Sun, 28 Feb 2100 00:00:00 GMT"), (-5, "Thu, 01 Jan 1970 00:00:00 GMT"),
    (.min, "Thu, 01 Jan 1970 00:00:00 GMT"), (.max, "Sun, 31 Dec 2969 12:00:00 GMT"),
  ])
  func datesAreThoseOfHTTP(_ seconds: Int, _ text: String) {
    var date = AnswerDate()
    #expect(date.text(at: seconds) == text)
    #expect(date.text(at: seconds) == text)
    #expect(date.text(at: 86_400) == "Fri, 02 Jan 1970 00:00:00 GMT")
  }

  // MARK: Credentials

  @Test func credentialsAreReadAndCompared() throws {
    let credentials = try #require(BasicCredentials(fieldValue: "basic  YWRtaW46cGE6c3M="))
    #expect(credentials.user == "admin")
    #expect(credentials == BasicCredentials(user: "admin", password: "pa:ss"))
    #expect(
      BasicCredentials(user: "admin", password: "pa:ss").fieldValue == "Basic YWRtaW46cGE6c3M=")
    for value in ["", "Basic", "Basic ", "Basic !!!!", "Bearer YWRtaW46cGE6c3M=", "Basic YWRtaW4="]
    {
      #expect(BasicCredentials(fieldValue: value) == nil)
    }
    let expected = BasicCredentials(user: "u", password: "secret")
    #expect(expected.matches(BasicCredentials(user: "u", password: "secret")))
    for (user, password) in [
      ("u", "secres"), ("u", ""), ("u", "secretsecret"), ("", "secret"), ("uu", "secret"),
      ("u", "secre"), ("secret", "u"),
    ] {
      #expect(!expected.matches(BasicCredentials(user: user, password: password)))
    }
    #expect(!expected.matches(nil))
    #expect(!BasicCredentials(user: "", password: "x").matches(nil))
    #expect(BasicCredentials(user: "", password: "").matches(nil))
  }

  @Test func proxyFormHasItsOwnCredentials() throws {
    let both = "Authorization: Basic YTph\r\nProxy-Authorization: Basic Yjpi\r\n\r\n"
    let origin = try requestHead("GET / HTTP/1.1\r\nHost: x\r\n" + both)
    #expect(origin.credentials?.user == "a")
    #expect(origin.routingUser == "a")
    let proxied = try requestHead("GET http://x/ HTTP/1.1\r\nHost: x\r\n" + both)
    #expect(proxied.credentials?.user == "b")
    #expect(proxied.routingUser == "b")
    let fallback = try requestHead(
      "GET http://x/ HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YTph\r\n\r\n")
    #expect(fallback.credentials == nil)
    #expect(fallback.routingUser == "a")
  }

  // MARK: Tunnels and shared ports

  /// Early data stays where it is, behind the request.
  @Test func tunnelsAreAskedForHoweverTheBytesAreCut() throws {
    let request =
      "CONNECT A.test:22 HTTP/1.1\r\nHost: a.test:22\r\nProxy-Authorization: Basic dTpw\r\n\r\n"
    let bytes = Array((request + "SSH-2.0").utf8)
    for cut in 0...bytes.count {
      var reader = ConnectReader()
      var found: ConnectRequest?
      for end in [cut, bytes.count] where found == nil {
        if case .connect(let connect) = try reader.read(bytes.span.bytes.extracting(0..<end)) {
          found = connect
        }
      }
      let connect = try #require(found)
      #expect(connect.routingHost == "a.test")
      #expect(connect.routingUser == "u")
      #expect(connect.byteCount == request.utf8.count)
      #expect(connect.isAuthorized(user: "u", password: "p"))
      #expect(connect.isAuthorized(user: "", password: ""))
      #expect(!connect.isAuthorized(user: "u", password: "q"))
    }
  }

  @Test func otherRequestsAreNoTunnels() throws {
    let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
    var reader = ConnectReader()
    guard case .otherRequest = try reader.read(bytes.span.bytes) else {
      Issue.record("a GET opened a tunnel")
      return
    }
  }

  @Test func portsAreSharedByTheFirstBytes() {
    let samples: [(String, Bool, Bool, SharedPort.Destination)] = [
      ("GET /~!frp HTTP", true, true, .webSocket), ("GET /~!frp HTTP", false, false, .webSocket),
      ("GET /index HTTP", true, false, .http), ("GET /index HTTP", false, true, .plainLink),
      ("CONNECT a:443 H", true, false, .http), ("PATCH /x HTTP/1", true, false, .http),
      ("\u{16}\u{3}\u{1}0123456789", true, true, .https),
      ("\u{16}\u{3}\u{1}0123456789", true, false, .secureLink),
      ("\u{17}\u{16}\u{3}\u{1}012345", true, true, .secureLink),
      ("\0\u{1}\0\0\0\0\0\0\0\0\0\0", true, true, .plainLink),
      ("SSH-2.0-OpenSSH", true, true, .plainLink),
    ]
    for (text, sharesHTTP, sharesHTTPS, destination) in samples {
      let port = SharedPort(sharesHTTP: sharesHTTP, sharesHTTPS: sharesHTTPS)
      let bytes = Array(text.utf8)
      for count in 0...bytes.count {
        let found = port.destination(of: bytes.span.bytes.extracting(0..<count))
        #expect(found == (count < SharedPort.byteCount ? nil : destination))
      }
    }
  }

  // MARK: Access log

  @Test func accessLinesHaveBothForms() throws {
    let head = try requestHead(
      "GET /a\"b?c=d HTTP/1.1\r\nHost: a.test:80\r\nAuthorization: Basic ZXZpbCAiOng=\r\n\r\n")
    var record = AccessRecord(
      head, visitorAddress: "2001:db8::1", secondsSinceEpoch: 971_211_336,
      offsetSeconds: -7 * 3600)
    record.status = 200
    record.sentByteCount = 2326
    record.receivedByteCount = 5
    record.timeToHead = .microseconds(1500)
    record.duration = .milliseconds(12)
    record.proxy = "user.web"
    #expect(
      record.line(.common)
        == "2001:db8::1 - evil\\x20\\x22 [10/Oct/2000:13:55:36 -0700] "
        + "\"GET /a\\x22b?c=d HTTP/1.1\" 200 2326 \"a.test:80\" \"user.web\" 5 1.500 12.000")
    #expect(
      record.line(.json)
        == #"{"time":"2000-10-10T13:55:36-07:00","visitor":"2001:db8::1","user":"evil \"","#
        + #""host":"a.test:80","method":"GET","target":"/a\"b?c=d","version":"HTTP/1.1","#
        + #""status":200,"received_bytes":5,"sent_bytes":2326,"head_ms":1.500,"#
        + #""duration_ms":12.000,"proxy":"user.web"}"#)
  }

  @Test func whatIsNoRequestHasALineToo() {
    var record = AccessRecord(unreadFrom: "192.0.2.7", secondsSinceEpoch: 971_211_336)
    record.status = 400
    record.sentByteCount = 16
    #expect(
      record.line(.common)
        == #"192.0.2.7 - - [10/Oct/2000:20:55:36 +0000] "-" 400 16 "" "" 0 0.000 0.000"#)
    #expect(
      record.line(.json)
        == #"{"time":"2000-10-10T20:55:36+00:00","visitor":"192.0.2.7","user":"","host":"","#
        + #""method":"","target":"","version":"","status":400,"received_bytes":0,"#
        + #""sent_bytes":16,"head_ms":0.000,"duration_ms":0.000,"proxy":""}"#)
  }

  @Test(arguments: [
    (0, "01/Jan/1970:00:00:00 +0000"), (951_782_400, "29/Feb/2000:00:00:00 +0000"),
    (4_107_542_399, "28/Feb/2100:23:59:59 +0000"), (4_107_542_400, "01/Mar/2100:00:00:00 +0000"),
    (-1, "31/Dec/1969:23:59:59 +0000"),
  ])
  func timesAreDates(_ seconds: Int, _ text: String) throws {
    let head = try requestHead("GET / HTTP/1.0\r\n\r\n")
    let record = AccessRecord(head, visitorAddress: "::1", secondsSinceEpoch: seconds)
    #expect(record.line(.common).contains("[\(text)]"))
    _ = AccessRecord(head, visitorAddress: "", secondsSinceEpoch: .min, offsetSeconds: .max)
      .line(.json)
  }
}
