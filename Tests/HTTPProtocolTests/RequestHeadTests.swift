import ByteBuffers
import Testing

@testable import HTTPProtocol

/// What a head says, and how its fields are kept.
@Suite struct RequestHeadTests {
  @Test func fieldsKeepOrderAndSpelling() throws {
    let text = "GET / HTTP/1.1\r\nhOsT: a.test\r\nX-One:  1 \t\r\nx-one:2\r\nEmpty:\r\n\r\n"
    let head = try requestHead(text)
    #expect(head.fields.count == 4)
    #expect(head.fields.name(at: 0) == "hOsT")
    #expect(head.fields.values(named: "X-ONE") == ["1", "2"])
    #expect(head.fields.first(named: "empty") == "")
    #expect(head.fields.first(.host) == "a.test")
    // What nobody changed is written as it came.
    #expect(written { head.write(into: &$0) } == text)
  }

  @Test func changedFieldsStayInPlace() throws {
    var head = try requestHead(
      "GET / HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nB: b\r\nx-one: 2\r\nC: c\r\n\r\n")
    head.fields.set("x-ONE", "3")
    head.fields.removeAll(named: "b")
    head.fields.append("D", "d")
    #expect(
      written { head.write(into: &$0) }
        == "GET / HTTP/1.1\r\nHost: a\r\nX-One: 3\r\nC: c\r\nD: d\r\n\r\n")
  }

  /// Values of configuration files and of peers cannot end a line.
  @Test(arguments: ["a\r\nB: c", "a\nb", "a\0", "\u{7f}"])
  func noFieldIsMadeOfControlCharacters(_ value: String) {
    var table = FieldTable()
    let results = [
      table.append("X", value), table.set("X", value), table.append("X: y\r\nZ", "a"),
      table.append("", "a"),
    ]
    #expect(results == [false, false, false, false])
    #expect(table.count == 0)
  }

  @Test func everyKnownFieldIsFoundInAnyCase() {
    for known in KnownField.allCases where known != .other {
      #expect(KnownField(known.name) == known)
      #expect(KnownField(known.name.uppercased()) == known)
      #expect(KnownField(known.name + "x") == .other)
      #expect(KnownField(String(known.name.dropLast())) != known)
    }
    #expect(KnownField("") == .other)
    #expect(KnownField("content_length") == .other)
  }

  @Test func tokensAreThoseOfTheStandard() {
    let tokens = Set("!#$%&'*+-.^_`|~".utf8)
    for byte in UInt8.min...UInt8.max {
      let scalar = Unicode.Scalar(byte)
      let isAlphanumeric =
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
        || ("0"..."9").contains(scalar)
      #expect(ByteClass.isToken(byte) == (isAlphanumeric || tokens.contains(byte)))
    }
  }

  /// Eight bytes are looked at together; every place in them counts.
  @Test func controlsAndLineFeedsAreFoundAtEveryPlace() {
    for length in 1...24 {
      for place in 0..<length {
        var bytes = [UInt8](repeating: 0xc3, count: length)
        for (byte, isControl) in [(UInt8(0), true), (0x1f, true), (0x7f, true), (0x09, false)] {
          bytes[place] = byte
          let found = bytes.span.bytes.firstControl(in: 0..<length)
          #expect(found == (isControl ? place : nil))
        }
        bytes[place] = 0x0a
        #expect(bytes.span.bytes.firstLineFeed(from: 0) == place)
        #expect(bytes.span.bytes.firstLineFeed(from: place + 1) == nil)
      }
    }
  }

  @Test(
    arguments: [
      ("A.Test", "a.test", nil), ("a.test:8080", "a.test", 8080), ("a.test.", "a.test", nil),
      ("a.test.:80", "a.test", 80), ("a.test:", "a.test", nil), ("[::1]:80", "::1", 80),
      ("[2001:DB8::1]", "2001:db8::1", nil), ("127.0.0.1:1", "127.0.0.1", 1), ("", "", nil),
      ("xn--bcher-kva.test", "xn--bcher-kva.test", nil), (".", ".", nil),
    ] as [(String, String, UInt16?)])
  func hostsAreMadeEven(_ host: String, _ routing: String, _ port: UInt16?) throws {
    let head = try requestHead("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n")
    #expect(head.routingHost == routing)
    #expect(head.port == port)
    #expect(head.authorityText == host)
    #expect(HostText.routingName(of: host) == routing)
  }

  @Test func targetsAreTakenApart() throws {
    var head = try requestHead("GET /a%2Fb/%e4?x=1&y HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(head.pathText == "/a%2Fb/%e4")
    #expect(head.queryText == "x=1&y")
    #expect(head.withDecodedPath { Array($0) } == Array("/a/b/".utf8) + [0xe4])
    #expect(!head.isProxyForm)
    head = try requestHead("GET HTTP://A:8080?q HTTP/1.1\r\nHost: a:8080\r\n\r\n")
    #expect(head.isProxyForm)
    #expect(head.pathText == "/")
    #expect(head.queryText == "q")
    #expect(head.routingHost == "a")
    head = try requestHead("CONNECT a.test:443 HTTP/1.1\r\n\r\n")
    #expect(head.pathText.isEmpty)
    #expect(head.port == 443)
    head = try requestHead("GET / HTTP/1.0\r\n\r\n")
    #expect(head.routingHost.isEmpty)
  }

  @Test func bodiesUpgradesAndExpectationsAreKnown() throws {
    let post = "POST / HTTP/1.1\r\nHost: a\r\n"
    #expect(try requestHead(post + "Content-Length: 7\r\n\r\n").framing == .length(7))
    #expect(try requestHead(post + "Content-Length: 007\r\n\r\n").framing == .length(7))
    #expect(try requestHead(post + "Transfer-Encoding: CHUNKED\r\n\r\n").framing == .chunked)
    #expect(
      try requestHead(post + "Expect: 100-Continue\r\nContent-Length: 7\r\n\r\n").expectsContinue)
    #expect(try !requestHead(post + "Expect: 100-continue\r\n\r\n").expectsContinue)
    #expect(
      try !requestHead(
        "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 7\r\n\r\n"
      ).expectsContinue)
    let upgrade = "Connection: foo, UPGRADE\r\nUpgrade: websocket\r\n"
    #expect(try requestHead(post + upgrade + "\r\n").wantsUpgrade)
    #expect(try !requestHead(post + upgrade + "Content-Length: 1\r\n\r\n").wantsUpgrade)
    #expect(try !requestHead(post + "Upgrade: websocket\r\n\r\n").wantsUpgrade)
    #expect(try !requestHead(post + "Connection: upgrade\r\n\r\n").wantsUpgrade)
    for other in ["H2C", "websocket, h2c", "TLS/1.2", "HTTP/2.0", ""] {
      let head = try requestHead(post + "Connection: upgrade\r\nUpgrade: \(other)\r\n\r\n")
      #expect(!head.wantsUpgrade)
    }
    #expect(try !requestHead("GET / HTTP/1.0\r\n" + upgrade + "\r\n").wantsUpgrade)
  }

  @Test func connectionsGoOnAsTheVersionSays() throws {
    for (text, isKeepAlive) in [
      ("GET / HTTP/1.1\r\nHost: a\r\n", true),
      ("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, close\r\n", false),
      ("GET / HTTP/1.0\r\n", false), ("GET / HTTP/1.0\r\nConnection: x, Keep-Alive\r\n", true),
      ("GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n", false),
    ] {
      #expect(try requestHead(text + "\r\n").isKeepAlive == isKeepAlive)
    }
  }

  @Test func knownMethodsAreToldApart() throws {
    for method in HTTPMethod.allCases where method != .other {
      let target = method == .connect ? "a:1" : "/"
      let head = try requestHead("\(method.rawValue) \(target) HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(head.method == method)
      #expect(head.methodText == method.rawValue)
    }
    #expect(try requestHead("get / HTTP/1.1\r\nHost: a\r\n\r\n").method == .other)
  }

  @Test func chunksAreReadAgainAsTheyAreWritten() throws {
    let text = written { queue in
      let data = Array("hello".utf8)
      ChunkWriter.write(data.span.bytes, into: &queue)
      let long = [UInt8](repeating: 0x78, count: 300)
      ChunkWriter.write(long.span.bytes, into: &queue)
      ChunkWriter.write(RawSpan(), into: &queue)
      var trailers = FieldTable()
      trailers.append("Grpc-Status", "0")
      ChunkWriter.writeLast(trailers: trailers, into: &queue)
    }
    #expect(text.hasPrefix("5\r\nhello\r\n12c\r\n"))
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    let outcome = readRequests([Array((head + text).utf8)[...]])
    #expect(
      outcome.lines == [
        "POST /", "body hello" + String(repeating: "x", count: 300), "end Grpc-Status: 0",
      ])
  }
}
