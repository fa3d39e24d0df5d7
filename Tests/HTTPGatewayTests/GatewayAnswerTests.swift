import HTTPProtocol
import LinuxSystem
import TestKit
import Testing
import Timekeeping

@testable import HTTPGateway

/// What becomes of an answer on its way to the visitor.
@Suite(.serialized) struct GatewayAnswerTests {
  static func request(_ line: String, _ fields: String = "") -> String {
    "\(line) HTTP/1.1\r\nHost: a.test\r\n\(fields)\r\n"
  }

  /// A service that answers everything with `text`, and then closes or goes on.
  static func service(_ text: String, goesOn: Bool = true) throws -> StubService {
    try StubService { _, socket in
      try socket.send(text)
      return goesOn
    }
  }

  /// What a visitor gets who asks twice on one connection, as far as that is possible.
  static func twoAnswers(
    _ service: String, goesOn: Bool = true, _ line: String = "GET /", last: String = ""
  ) throws -> (text: String, connectionCount: Int) {
    let stub = try Self.service(service, goesOn: goesOn)
    let rig = try GatewayRig(stub)
    let text = try rig.exchange(
      request(line) + request(line, last.isEmpty ? "Connection: close\r\n" : last))
    try rig.stop()
    let count = stub.connectionCount
    stub.stop()
    return (text, count)
  }

  @Test func bodiesAreFramedForTheVisitor() throws {
    // With a length: as it came, on one stream.
    let length = try Self.twoAnswers("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    #expect(length.text.components(of: "hello").count == 3 && length.connectionCount == 1)
    // In chunks, with a trailer.
    let chunked = try Self.twoAnswers(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n")
    #expect(chunked.text.components(of: "5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n").count == 3)
    #expect(chunked.connectionCount == 1)
    // To the end of the connection: in chunks, and the visitor's connection goes on.
    let close = try Self.twoAnswers("HTTP/1.1 200 OK\r\n\r\nhello", goesOn: false)
    #expect(close.text.components(of: "5\r\nhello\r\n0\r\n\r\n").count == 3)
    #expect(close.connectionCount == 2)
    // HTTP/1.0 of the service is the same.
    let old = try Self.twoAnswers("HTTP/1.0 200 OK\r\n\r\nhello", goesOn: false)
    #expect(old.text.components(of: "HTTP/1.1 200 OK\r\n").count == 3)
    // None at all.
    for text in [
      "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    ] {
      let none = try Self.twoAnswers(text)
      #expect(none.text.components(of: "HTTP/1.1 ").count == 3 && none.connectionCount == 1)
    }
    let head = try Self.twoAnswers("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD /")
    #expect(head.text.components(of: "Content-Length: 5\r\n").count == 3)
    #expect(head.connectionCount == 1)
  }

  /// The host's clock stands.
  @Test func answersHaveADate() throws {
    let date = "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n"
    let bare = try Self.twoAnswers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    #expect(bare.text.components(of: date).count == 3)
    let dated = try Self.twoAnswers(
      "HTTP/1.1 200 OK\r\nDate: mine\r\nContent-Length: 0\r\n\r\n")
    #expect(dated.text.components(of: "Date: ").count == 3 && !dated.text.contains("GMT"))
    let wrong = try Self.twoAnswers("SSH-2.0-OpenSSH_9.2p1\r\n")
    #expect(wrong.text.components(of: date).count == 3)
    let rig = try GatewayRig([:])
    for text in ["GET / HTTP/1.1\r\nHost: b.test\r\nConnection: close\r\n\r\n", "GET /\r\n\r\n"] {
      #expect(try rig.exchange(text).components(of: date).count == 2)
    }
    try rig.stop()
  }

  @Test func oddAnswersOfServicesArePassedOn() throws {
    let padded = try Self.twoAnswers(
      "HTTP/1.1 999 Odd\r\nX-A : 1\r\nTransfer-Encoding : chunked\r\n\r\n5  \r\nhello\r\n0 \r\n\r\n"
    )
    #expect(padded.text.components(of: "HTTP/1.1 999 Odd\r\nX-A: 1\r\n").count == 3)
    #expect(padded.text.components(of: "\r\n5\r\nhello\r\n0\r\n\r\n").count == 3)
    #expect(padded.connectionCount == 1)
  }

  /// A service that answers early and leaves has not read the body, and the visitor is told.
  @Test func answersToUnreadBodiesEndTheConnection() throws {
    for (answer, isClosed) in [
      ("HTTP/1.1 413 X\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno", true),
      ("HTTP/1.0 413 X\r\nContent-Length: 2\r\n\r\nno", true),
      ("HTTP/1.1 413 X\r\n\r\nno", true),
      // Whoever refuses mostly leaves, whatever he says.
      ("HTTP/1.1 413 X\r\nContent-Length: 2\r\n\r\nno", true),
      // This one may go on and read it.
      ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", false),
    ] {
      let stub = try StubService(raw: { socket in
        _ = try MessageReader(socket).head()
        try socket.send(answer)
      })
      let rig = try GatewayRig(stub)
      let socket = try TestSocket.connect(rig.port)
      try socket.send(Self.request("POST /", "Content-Length: 30\r\n"))
      let reader = MessageReader(socket)
      let head = try #require(try reader.head())
      #expect(head.contains("Connection: close\r\n") == isClosed, "\(answer)")
      #expect(String(decoding: try reader.body(head), as: UTF8.self) == "no")
      // It ends in either case, since the service is gone.
      #expect(try socket.receiveToEnd().isEmpty)
      try rig.stop()
      stub.stop()
    }
    // The same answers behind a body end nothing.
    let late = try Self.twoAnswers(
      "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nno", goesOn: false,
      "POST /", last: "Content-Length: 0\r\nConnection: close\r\n")
    #expect(late.text.components(of: "Connection: close\r\n").count == 2)
  }

  @Test func visitorsOfHTTP10GetNoChunks() throws {
    let stub = try Self.service(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")
    let rig = try GatewayRig(stub)
    let answer = try rig.exchange("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n")
    #expect(answer.hasSuffix("\r\n\r\nhello") && !answer.contains("chunked"))
    let kept = try rig.exchange(
      "GET / HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n")
    #expect(kept.hasSuffix("\r\n\r\nhello"))
    try rig.stop()
    stub.stop()
    let plain = try Self.service("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    let other = try GatewayRig(plain)
    let socket = try TestSocket.connect(other.port)
    let reader = MessageReader(socket)
    for _ in 0..<2 {
      try socket.send("GET / HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n")
      let head = try #require(try reader.head())
      #expect(head.contains("Connection: keep-alive\r\n"))
      #expect(try reader.body(head) == Array("hi".utf8))
    }
    try other.stop()
    plain.stop()
  }

  @Test func interimAnswersArePassedOn() throws {
    let stub = try StubService(raw: { socket in
      let reader = MessageReader(socket)
      guard let head = try reader.head() else { return }
      try socket.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
      let body = try reader.body(head)
      try socket.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\r\n")
      try socket.send(body)
      _ = try reader.head()
    })
    let rig = try GatewayRig(stub)
    let socket = try TestSocket.connect(rig.port)
    let reader = MessageReader(socket)
    try socket.send(
      Self.request("POST /", "Content-Length: 4\r\nExpect: 100-continue\r\n"))
    #expect(try reader.head()?.hasPrefix("HTTP/1.1 103 Early Hints\r\nLink: </a>") == true)
    #expect(try reader.head() == "HTTP/1.1 100 Continue\r\n\r\n")
    try socket.send("body")
    let head = try #require(try reader.head())
    #expect(head.hasPrefix("HTTP/1.1 200 ") && !head.contains("close"))
    #expect(try reader.body(head) == Array("body".utf8))
    socket.close()
    try rig.stop()
    stub.stop()
  }

  /// Nobody knows whether the body comes: the connection cannot go on.
  @Test func refusalInsteadOfContinueEndsTheConnection() throws {
    let stub = try StubService(raw: { socket in
      let reader = MessageReader(socket)
      _ = try reader.head()
      try socket.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n")
      _ = try reader.head()
    })
    let rig = try GatewayRig(stub)
    let answer = try rig.exchange(
      Self.request("POST /", "Content-Length: 4\r\nExpect: 100-continue\r\n"))
    #expect(answer.hasPrefix("HTTP/1.1 417 ") && answer.contains("Connection: close\r\n"))
    try rig.stop()
    stub.stop()
  }

  @Test func answersThatAreNoneAreBadGateways() throws {
    for text in [
      "nonsense\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: \(String(repeating: "x", count: 40_000))\r\n\r\n",
    ] {
      let answers = try Self.twoAnswers(text)
      let parts = answers.text.components(of: "HTTP/1.1 502 Bad Gateway\r\n")
      #expect(parts.count == 3, "\(text.prefix(30)): \(answers.text.prefix(60))")
    }
    // A head that breaks off, and a service that speaks TLS.
    for text in ["HTTP/1.1 200 OK\r\nContent-", "\u{15}\u{3}\u{3}\0\u{2}\u{2}\u{a}"] {
      let half = try Self.twoAnswers(text, goesOn: false)
      #expect(half.text.components(of: "HTTP/1.1 502 ").count == 3)
    }
    // Nothing at all.
    let nothing = try Self.twoAnswers("", goesOn: false)
    #expect(nothing.text.components(of: "HTTP/1.1 404 ").count == 3)
  }

  @Test func answersThatBreakOffAreNotWhole() throws {
    for (text, received) in [
      ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "hello"),
      ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "5\r\nhello\r\n"),
      ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nx", "5\r\nhello\r\n"),
    ] {
      let stub = try Self.service(text, goesOn: false)
      let rig = try GatewayRig(stub)
      let answer = try rig.exchange(Self.request("GET /"))
      #expect(answer.hasSuffix(received))
      try rig.stop()
      stub.stop()
    }
    // To the end of the connection: only a reset says that it is not the end.
    let stub = try StubService(raw: { socket in
      _ = try MessageReader(socket).head()
      try socket.send("HTTP/1.1 200 OK\r\n\r\nhello")
      // Taken, so that the reset does not overtake it.
      _ = try? socket.receiveSome(within: .milliseconds(100))
      socket.abort()
    })
    let rig = try GatewayRig(stub)
    let socket = try TestSocket.connect(rig.port)
    try socket.send("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n")
    #expect(socket.isReset())
    try rig.stop()
    stub.stop()
  }

  /// Bytes behind an answer could be taken for the next one's.
  @Test func streamsWithBytesTooManyAreNotUsedAgain() throws {
    let answers = try Self.twoAnswers(
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
        + "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad")
    #expect(!answers.text.contains("bad"))
    #expect(answers.text.components(of: "\r\n\r\nhi").count == 3)
    #expect(answers.connectionCount == 2)
  }

  @Test func everySplitOfAnswersIsTheSame() throws {
    let texts = [
      ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"),
      (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
          + "3\r\nhel\r\n2\r\nlo\r\n0\r\nT: 1\r\n\r\n",
        "hello"
      ),
      ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", ""),
    ]
    for (text, body) in texts {
      let bytes = Array(text.utf8)
      let stub = try StubService { request, socket in
        let split = Int(request.path.dropFirst()) ?? 0
        try socket.send(Array(bytes[..<split]))
        // The first part is read before the second comes: nothing else would happen meanwhile.
        _ = try? socket.receiveSome(within: .milliseconds(2))
        try socket.send(Array(bytes[split...]))
        return true
      }
      let rig = try GatewayRig(stub)
      let socket = try TestSocket.connect(rig.port)
      let reader = MessageReader(socket)
      for split in 1..<bytes.count {
        try socket.send(Self.request("GET /\(split)"))
        var head = try #require(try reader.head())
        if head.hasPrefix("HTTP/1.1 100 ") { head = try #require(try reader.head()) }
        #expect(String(decoding: try reader.body(head), as: UTF8.self) == body, "at \(split)")
      }
      #expect(stub.connectionCount == 1)
      socket.close()
      try rig.stop()
      stub.stop()
    }
  }

  /// The first byte of an event is there before the service says more.
  @Test func eventsArePassedOnAtOnce() throws {
    let isTaken = Locked(0)
    let stub = try StubService(raw: { socket in
      _ = try MessageReader(socket).head()
      try socket.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
      for number in 1...20 {
        try socket.send("data: \(number)\n\n")
        // The next one only when the visitor has this one.
        guard waitUntil({ isTaken.withLock { $0 } == number }) else { return }
      }
    })
    let rig = try GatewayRig(stub)
    let socket = try TestSocket.connect(rig.port)
    let reader = MessageReader(socket)
    try socket.send(Self.request("GET /events"))
    #expect(try reader.head()?.contains("text/event-stream") == true)
    for number in 1...20 {
      let size = try #require(Int(try reader.line(), radix: 16))
      #expect(String(decoding: try reader.take(size), as: UTF8.self) == "data: \(number)\n\n")
      _ = try reader.line()
      isTaken.withLock { $0 = number }
    }
    #expect(try reader.line() == "0")
    socket.close()
    try rig.stop()
    stub.stop()
  }
}
