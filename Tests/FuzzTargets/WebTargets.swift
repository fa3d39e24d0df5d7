import HTTPProtocol

extension FuzzTarget {
  static let web = [
    FuzzTarget("client-hello", byteCountMax: 4096) { (input) throws(FuzzFinding) in
      let plan = input.byte()
      let bytes = input.rest()
      let whole = readHello([bytes])
      let cut = readHello(pieces(of: bytes, plan: plan))
      try require(whole == cut, "another outcome in pieces")
      guard case .success(let hello?) = whole else { return 0 }
      if let name = hello.serverName {
        try require(name == name.lowercased() && !name.hasSuffix("."), "an odd name: \(name)")
      }
      try require(
        hello.applicationProtocols.count <= HTTPProtocolLimits.applicationProtocolCountMax,
        "\(hello.applicationProtocols.count) protocols")
      return 1
    },
    FuzzTarget("http-requests", byteCountMax: 8192, dictionary: httpWords) {
      (input) throws(FuzzFinding) in
      let plan = input.byte()
      let bytes = input.rest()
      let whole = try readRequests([bytes])
      try require(
        try readRequests(pieces(of: bytes, plan: plan)) == whole, "another outcome in pieces")
      return whole.events.count
    },
    FuzzTarget("http-responses", byteCountMax: 8192, dictionary: httpWords) {
      (input) throws(FuzzFinding) in
      let plan = input.byte()
      let choice = Int(input.byte())
      let method = HTTPMethod.allCases[choice % HTTPMethod.allCases.count]
      let bytes = input.rest()
      let whole = try readResponse([bytes], answering: method)
      try require(
        try readResponse(pieces(of: bytes, plan: plan), answering: method) == whole,
        "another outcome in pieces")
      return whole.events.count
    },
  ]

  static let httpWords = [
    "GET / HTTP/1.1\r\n", "CONNECT a:1 HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 \r\n",
    "Host: a\r\n", "Content-Length: ", "Transfer-Encoding: chunked\r\n", "Connection: close\r\n",
    "Upgrade: x\r\n", "Expect: 100-continue\r\n", "\r\n\r\n", "\r\n", "0\r\n\r\n", ";a=\"b\"",
    "ffffffffffffffff", "18446744073709551616", "http://a/", "*", "\u{b}", "\t", ",",
  ]

  private static func readHello(
    _ pieces: [[UInt8]]
  ) -> Result<ClientHello?, ClientHelloFault> {
    var reader = ClientHelloReader()
    var bytes: [UInt8] = []
    for piece in pieces {
      bytes += piece
      do throws(ClientHelloFault) {
        if let hello = try reader.read(bytes.span.bytes) { return .success(hello) }
      } catch {
        return .failure(error)
      }
    }
    return .success(nil)
  }

  /// What a reader found; bodies joined. Which of several faults is seen first may depend on how
  /// much is there.
  private struct Outcome: Equatable {
    enum Event: Equatable {
      case head(String)
      case body([UInt8])
      case end(String)
    }

    var events: [Event] = []
    var isFaulty = false
    var restByteCount = 0

    mutating func add(body: ArraySlice<UInt8>) {
      if case .body(let before)? = events.last {
        events[events.count - 1] = .body(before + body)
      } else {
        events.append(.body(Array(body)))
      }
    }
  }

  /// Gives `next` what it has not consumed, with more behind it, as a connection does.
  private static func read(
    _ pieces: [[UInt8]],
    _ next: (inout Outcome, [UInt8]) throws(HTTPFault) -> (consumed: Int, isEvent: Bool)
  ) throws(FuzzFinding) -> Outcome {
    var outcome = Outcome()
    var rest: [UInt8] = []
    for piece in pieces {
      rest += piece
      var isMoving = true
      while isMoving {
        do throws(HTTPFault) {
          let step = try next(&outcome, rest)
          rest.removeFirst(step.consumed)
          isMoving = step.consumed > 0 || step.isEvent
        } catch {
          outcome.isFaulty = true
          return outcome
        }
      }
    }
    outcome.restByteCount = rest.count
    return outcome
  }

  private static func readRequests(_ pieces: [[UInt8]]) throws(FuzzFinding) -> Outcome {
    var reader = RequestReader()
    return try read(pieces) { (outcome, rest) throws(HTTPFault) in
      let step = try reader.next(rest.span.bytes)
      switch step.event {
      case .head(let head):
        outcome.events.append(.head("\(head.methodText) \(head.targetText) \(head.framing)"))
      case .body(let range): outcome.add(body: rest[range])
      case .end(let trailers): outcome.events.append(.end(trailers?.description ?? ""))
      case nil: break
      }
      return (step.consumedByteCount, step.event != nil)
    }
  }

  private static func readResponse(
    _ pieces: [[UInt8]], answering method: HTTPMethod
  ) throws(FuzzFinding) -> Outcome {
    var reader = ResponseReader(answering: method)
    var outcome = try read(pieces) { (outcome, rest) throws(HTTPFault) in
      let step = try reader.next(rest.span.bytes)
      switch step.event {
      case .head(let head):
        outcome.events.append(.head("\(head.status.code) \(head.reasonText) \(head.framing)"))
      case .body(let range): outcome.add(body: rest[range])
      case .end(let trailers): outcome.events.append(.end(trailers?.description ?? ""))
      case nil: break
      }
      return (step.consumedByteCount, step.event != nil)
    }
    guard !outcome.isFaulty else { return outcome }
    do throws(HTTPFault) {
      if try reader.handleEndOfInput() { outcome.events.append(.end("")) }
    } catch {
      outcome.isFaulty = true
    }
    return outcome
  }
}
