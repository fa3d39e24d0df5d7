import HTTPProtocol
import LinuxSystem
import TestKit
import Testing
import Timekeeping

@testable import HTTPGateway

/// What becomes of a request on its way to the local service, and of one that goes nowhere.
@Suite(.serialized) struct GatewayRequestTests {
  static let get = "GET /x HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"

  @Test func requestsAndAnswersPassThrough() throws {
    let stub = try StubService.mirror()
    let rig = try GatewayRig(stub)
    let answer = try rig.exchange(
      "POST /p?q=1 HTTP/1.1\r\nHost: a.test:8080\r\nContent-Length: 4\r\nX-Own: 1\r\n"
        + "Connection: close, x-own\r\n\r\nbody")
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(answer.contains("Connection: close\r\n"))
    #expect(answer.hasSuffix("\r\n\r\nbody"))
    let seen = try #require(stub.requests.first)
    #expect(seen.head.hasPrefix("POST /p?q=1 HTTP/1.1\r\n"))
    #expect(seen.values("Host") == ["a.test:8080"])
    #expect(seen.values("X-Own").isEmpty && seen.values("Connection").isEmpty)
    #expect(seen.values("X-Forwarded-For") == ["127.0.0.1"])
    #expect(seen.values("X-Forwarded-Host") == ["a.test:8080"])
    #expect(seen.values("X-Forwarded-Proto") == ["http"])
    #expect(String(decoding: seen.body, as: UTF8.self) == "body")
    try rig.stop()
    stub.stop()
  }

  @Test func rulesOfTheProxyAreKept() throws {
    let stub = try StubService { _, socket in
      try socket.send("HTTP/1.1 200 OK\r\nServer: lan\r\nContent-Length: 0\r\n\r\n")
      return true
    }
    let rig = try GatewayRig(
      stub,
      rules: {
        GatewayRules(
          rewriting: RequestRewriting(
            hostRewrite: "lan.test", fieldsToSet: [("X-From-Where", "frp")]),
          responseFields: [("Server", "other"), ("X-Set", "1")], user: "u", password: "p")
      })
    let refused = try rig.exchange(Self.get)
    #expect(refused.hasPrefix("HTTP/1.1 401 Unauthorized\r\n"))
    #expect(refused.contains("WWW-Authenticate: Basic realm=\"Restricted\"\r\n"))
    #expect(!refused.contains("X-Set"))
    #expect(stub.connectionCount == 0)
    let proxied = try rig.exchange(
      "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
    #expect(proxied.hasPrefix("HTTP/1.1 407 "))
    let granted = try rig.exchange(
      "GET / HTTP/1.1\r\nHost: a.test\r\nAuthorization: Basic dTpw\r\nConnection: close\r\n\r\n")
    #expect(granted.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(granted.contains("Server: other\r\n") && granted.contains("X-Set: 1\r\n"))
    let seen = try #require(stub.requests.first)
    #expect(seen.values("Host") == ["lan.test"])
    #expect(seen.values("X-Forwarded-Host") == ["a.test"])
    #expect(seen.values("X-From-Where") == ["frp"])
    #expect(seen.values("Authorization") == ["Basic dTpw"])
    try rig.stop()
    stub.stop()
  }

  @Test func requestsWithoutRouteGetThePage() throws {
    let rig = try GatewayRig([:])
    let own = try rig.exchange(Self.get)
    #expect(own.hasPrefix("HTTP/1.1 404 Not Found\r\n") && own.contains("<h1>Not Found</h1>"))
    _ = try rig.ask { $0.notFoundPage = Array("<p>mine</p>".utf8) }
    #expect(try rig.exchange(Self.get).hasSuffix("<p>mine</p>"))
    // The connection goes on behind it, also when the request has a small body.
    let socket = try TestSocket.connect(rig.port)
    let reader = MessageReader(socket)
    try socket.send("POST / HTTP/1.1\r\nHost: b.test\r\nContent-Length: 3\r\n\r\nabc\(Self.get)")
    for isLast in [false, true] {
      let head = try #require(try reader.head())
      #expect(head.hasPrefix("HTTP/1.1 404 ") && head.contains("Connection: close") == isLast)
      _ = try reader.body(head)
    }
    #expect(try reader.head() == nil)
    // One with a large body ends it.
    let large = "POST / HTTP/1.1\r\nHost: b.test\r\nContent-Length: 99999999\r\n\r\nabc"
    #expect(try rig.exchange(large).contains("Connection: close\r\n"))
    try rig.stop()
  }

  @Test func serviceThatIsNotThereGivesThePage() throws {
    let rig = try GatewayRig(["a.test": 1])
    #expect(try rig.exchange(Self.get).hasPrefix("HTTP/1.1 404 "))
    _ = try rig.ask { $0.isRefusing = true }
    #expect(try rig.exchange(Self.get).hasPrefix("HTTP/1.1 404 "))
    #expect(try rig.ask { $0.outcomes } == [.failed, .failed])
    try rig.stop()
  }

  @Test func malformedRequestsReachNoService() throws {
    let stub = try StubService(raw: { socket in
      while try !socket.receiveSome(within: .seconds(60)).isEmpty {
        try socket.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nLEAKED")
      }
    })
    let seenBytes = Locked(0)
    let counting = try StubService(raw: { socket in
      while true {
        let bytes = try socket.receiveSome(within: .seconds(60))
        if bytes.isEmpty { return }
        seenBytes.withLock { $0 += bytes.count }
      }
    })
    let rig = try GatewayRig(["a.test": counting.port, "b.test": stub.port])
    #expect(MalformedRequest.corpus.count >= 60)
    for request in MalformedRequest.corpus {
      let answer = try rig.exchange(request.text)
      #expect(answer.hasPrefix("HTTP/1.1 \(request.status) "), "\(request): \(answer.prefix(60))")
      #expect(!answer.contains("LEAKED"), "\(request)")
    }
    #expect(seenBytes.withLock { $0 } == 0)
    // Each has its line in the log, those without a head that can be read too.
    let records = try rig.ask { $0.records }
    #expect(records.map(\.status) == MalformedRequest.corpus.map(\.status))
    #expect(records.allSatisfy { $0.visitorAddress == "127.0.0.1" && $0.sentByteCount > 0 })
    // What is right still passes.
    #expect(
      try rig.exchange(
        "GET / HTTP/1.1\r\nHost: b.test\r\nConnection: close\r\n\r\n"
      ).hasSuffix("LEAKED"))
    try rig.stop()
    counting.stop()
    stub.stop()
  }

  /// A fault behind a request that is right: that one is answered first.
  @Test func faultsBehindRequestsAreAnsweredInTheirTurn() throws {
    let stub = try StubService.mirror()
    let rig = try GatewayRig(stub)
    let both = try rig.exchange("GET /1 HTTP/1.1\r\nHost: a.test\r\n\r\nGET /2 HTTP/1.1\r\n\r\n")
    let codes = both.components(of: "HTTP/1.1 ").map { $0.prefix(3) }
    #expect(codes.contains("200") && codes.last == "400")
    #expect(stub.requests.count == 1)
    try rig.stop()
    stub.stop()
  }

  @Test func requestsInOneSegmentAreAnsweredInOrder() throws {
    let stub = try StubService.mirror()
    let rig = try GatewayRig(stub)
    var text = ""
    for number in 0..<200 { text += "GET /\(number) HTTP/1.1\r\nHost: a.test\r\n\r\n" }
    text += "GET /missing HTTP/1.1\r\nHost: b.test\r\n\r\n"
    text += "GET /last HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"
    let answers = try rig.exchange(text)
    let places = (0..<200).map { "GET /\($0) HTTP" } + ["404 Not Found", "GET /last HTTP"]
    var rest = Substring(answers)
    for place in places {
      let range = try #require(rest.firstRange(of: place), "\(place)")
      rest = rest[range.upperBound...]
    }
    #expect(stub.connectionCount == 1)
    try rig.stop()
    stub.stop()
  }

  @Test func everySplitOfRequestsIsTheSame() throws {
    let stub = try StubService.mirror()
    let rig = try GatewayRig(stub)
    let texts = [
      "GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n",
      "POST /y HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello",
      "POST /z HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nX-End: 1\r\n\r\n",
    ]
    let socket = try TestSocket.connect(rig.port)
    let reader = MessageReader(socket)
    for text in texts {
      let bytes = Array(text.utf8)
      for split in 1..<bytes.count {
        try socket.send(Array(bytes[..<split]))
        // Sent on its own: the gateway has read it before the rest comes.
        let count = try rig.ask { $0.records.count }
        try socket.send(Array(bytes[split...]))
        let head = try #require(try reader.head())
        let body = String(decoding: try reader.body(head), as: UTF8.self)
        #expect(head.hasPrefix("HTTP/1.1 200 "), "\(text) at \(split)")
        #expect(body.hasSuffix(text.contains("hel") ? "hello" : "\r\n\r\n"))
        #expect(try waitUntil { try rig.ask { $0.records.count } == count + 1 })
      }
    }
    #expect(stub.connectionCount == 1)
    try rig.stop()
    stub.stop()
  }

  @Test func recordsSayWhatHappened() throws {
    let stub = try StubService.mirror()
    let rig = try GatewayRig(stub)
    _ = try rig.exchange(
      "POST /p HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody")
    _ = try rig.exchange("GET /n HTTP/1.1\r\nHost: n.test\r\nConnection: close\r\n\r\n")
    #expect(try waitUntil { try rig.ask { $0.records.count } == 2 })
    let records = try rig.ask { $0.records }
    #expect(records[0].method == "POST" && records[0].target == "/p" && records[0].status == 200)
    #expect(records[0].proxy == "a.test" && records[0].visitorAddress == "127.0.0.1")
    #expect(records[0].receivedByteCount == 4 && records[0].sentByteCount > 4)
    #expect(records[1].status == 404 && records[1].proxy.isEmpty && records[1].host == "n.test")
    try rig.stop()
    stub.stop()
  }
}

extension String {
  /// The parts between occurrences of `separator`.
  func components(of separator: String) -> [Substring] {
    var parts: [Substring] = []
    var rest = self[...]
    while let range = rest.firstRange(of: separator) {
      parts.append(rest[..<range.lowerBound])
      rest = rest[range.upperBound...]
    }
    return parts + [rest]
  }
}
