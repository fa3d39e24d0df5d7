import ByteBuffers
import TestKit
import Testing
import WireProtocol

/// Recorded bytes: read, compared, and written again to the same bytes.
@Suite struct MessageVectorTests {
  @Test func controlConnectionOfTheClient() throws {
    let side = try Vectors.load("v1-control-plain")["client_to_server"]
    let login = Login(
      version: "0.70.0", hostname: "vm", os: "linux", arch: "amd64", user: "alice",
      privilegeKey: "2a1043acd842bcd1b674c9191a4a1bbe", timestamp: 1_795_391_136,
      clientID: "cid-1", metas: ["k": "v"], poolCount: 1)
    try checkPlainPrefix(of: side, is: .login(login))
    let rich = NewProxy(
      proxyName: "alice.encz", proxyType: "tcp", useEncryption: true, useCompression: true,
      bandwidthLimit: "1MB", bandwidthLimitMode: "server", metas: ["pm": "1"],
      annotations: ["note": "x"], remotePort: 17101)
    let plain = NewProxy(proxyName: "alice.plain", proxyType: "tcp", remotePort: 17100)
    checkStream(
      side["decrypted_hex"].hexBytes,
      is: [.ping(Ping()), .newProxy(rich), .newProxy(plain), .ping(Ping()), .ping(Ping())])
  }

  @Test func controlConnectionOfTheServer() throws {
    let side = try Vectors.load("v1-control-plain")["server_to_client"]
    let response = LoginResponse(version: "0.70.0", runID: "d9bdcbb57248beb9")
    try checkPlainPrefix(of: side, is: .loginResponse(response))
    let request = Message.requestWorkConnection(RequestWorkConnection())
    let pong = Message.pong(Pong())
    checkStream(
      side["decrypted_hex"].hexBytes,
      is: [
        request, pong,
        .newProxyResponse(NewProxyResponse(proxyName: "alice.encz", remoteAddress: ":17101")),
        .newProxyResponse(NewProxyResponse(proxyName: "alice.plain", remoteAddress: ":17100")),
        request, pong, request, request, pong,
      ])
  }

  /// A work connection switches to payload behind its one message, wherever the bytes are cut.
  @Test func workConnectionTurnsIntoPayload() throws {
    let vector = try Vectors.load("v1-workconn-plain-tcp")
    let sides: [(side: JSONValue, message: Message)] = [
      (
        vector["client_to_server"],
        .newWorkConnection(NewWorkConnection(runID: "d9bdcbb57248beb9"))
      ),
      (
        vector["server_to_client"],
        .startWorkConnection(
          StartWorkConnection(
            proxyName: "alice.plain", sourceAddress: "127.0.0.1",
            destinationAddress: "127.0.0.1", sourcePort: 42142, destinationPort: 17100))
      ),
    ]
    for (side, message) in sides {
      let raw = side["raw_hex"].hexBytes
      let payload = side["payload_hex"].hexBytes
      #expect(!payload.isEmpty && encoded(message) + payload == raw)
      for pieces in feedings(of: raw) {
        let (first, rest) = try firstMessage(in: pieces)
        #expect(first == message)
        #expect(rest == payload)
      }
    }
  }

  @Test func refusals() throws {
    let rows = try Vectors.load("server-error-replies")["rows"].array
    let v1 = rows.filter { $0["case"].string?.hasPrefix("v1") == true }
    #expect(v1.count == 7)
    for (index, row) in v1.prefix(4).enumerated() {
      let request = row["request_hex"].hexBytes
      let reply = row["reply_hex"].hexBytes
      let message = try #require(try decoded(request))
      // The login was made by hand, without the object that real clients always send.
      #expect(index == 0 || encoded(message) == request)
      checkStream(reply, is: [try #require(refusal(of: message))])
    }
    #expect(decodeAll([v1[4]["request_hex"].hexBytes[...]]).error == .unknownType(0x5a))
    // A message that may not come first is none of the decoder's business; the blank behind it is.
    let ping = decodeAll([v1[5]["request_hex"].hexBytes[...]])
    #expect(ping.messages == [.ping(Ping())] && ping.error == .unknownType(0x20))
    let long = try #require(v1[6]["request_hex"].string?.dropLast(3))
    let longBytes = try #require(Hexadecimal.decode(String(long)))
    #expect(decodeAll([longBytes[...]]).error == .lengthOutOfRange(10241))
  }

  /// The texts of messages that were recorded in other exchanges, heartbeats to NAT holes.
  @Test(arguments: ["udp-workconn", "sudp", "xtcp-kcp"])
  func recordedTexts(file: String) throws {
    let vector = try Vectors.load(file)
    var count = 0
    for leg in [
      "plain", "encrypted_compressed", "visitor_leg", "proxy_leg", "proxy_work_connection",
    ] {
      for direction in ["client_to_server", "server_to_client"] {
        count += try checkTexts(vector[leg][direction])
      }
    }
    for peer in ["visitor", "proxy"] {
      for direction in ["client_to_server", "server_to_client"] {
        count += try checkTexts(vector["\(peer)_control_\(direction)"])
      }
    }
    #expect(count == ["udp-workconn": 10, "sudp": 10, "xtcp-kcp": 9][file])
  }

  @Test func visitorMessages() throws {
    let vector = try Vectors.load("stcp-visitor")
    let visitor = try #require(vector["visitor_leg"]["NewVisitorConn"].string)
    let message = NewVisitorConnection(
      runID: "e2cbb2ab15d90858", proxyName: "srv.secret",
      signKey: "eeee63f44132fc2865797405d31a364f", timestamp: 1_795_391_575, useEncryption: true,
      useCompression: true)
    #expect(try decoded(.newVisitorConnection, visitor) == .newVisitorConnection(message))
    #expect(json(.newVisitorConnection(message)) == visitor)
    let raw = vector["visitor_leg"]["server_to_client_hex"].hexBytes
    let response = NewVisitorConnectionResponse(proxyName: "srv.secret")
    #expect(try decoded(raw) == .newVisitorConnectionResponse(response))
    #expect(raw.starts(with: encoded(.newVisitorConnectionResponse(response))))
  }

  private func checkPlainPrefix(of side: JSONValue, is message: Message) throws {
    let count = try #require(side["plain_prefix_length"].int)
    checkStream(Array(side["raw_hex"].hexBytes.prefix(count)), is: [message])
  }

  private func checkStream(_ bytes: [UInt8], is messages: [Message]) {
    #expect(!bytes.isEmpty && messages.flatMap(encoded) == bytes)
    for pieces in feedings(of: bytes) {
      #expect(decodeAll(pieces) == Decoding(messages: messages))
    }
  }

  /// Checks a list of `[type, json]`.
  private func checkTexts(_ texts: JSONValue) throws -> Int {
    for entry in texts.array {
      let type = try #require(messageType(entry.array[0]))
      let text = try #require(entry.array[1].string)
      let message = try #require(try decoded(type, text))
      #expect(message.type == type)
      #expect(json(message) == text)
    }
    return texts.array.count
  }

  private func refusal(of request: Message) -> Message? {
    if case .login = request {
      let error = ControlErrorText.loginTokenMismatch().detailed
      return .loginResponse(LoginResponse(version: "0.70.0", error: error))
    }
    if case .newWorkConnection(let request) = request {
      let error = ControlErrorText.workConnectionRunIDUnknown(request.runID).detailed
      return .startWorkConnection(StartWorkConnection(error: error))
    }
    guard case .newVisitorConnection(let request) = request else { return nil }
    let error =
      request.runID.isEmpty
      ? ControlErrorText.visitorProxyUnknown(request.proxyName)
      : ControlErrorText.visitorRunIDUnknown(request.runID)
    return .newVisitorConnectionResponse(
      NewVisitorConnectionResponse(proxyName: request.proxyName, error: error.detailed))
  }

  private func firstMessage(
    in pieces: [ArraySlice<UInt8>]
  ) throws -> (message: Message?, rest: [UInt8]) {
    var decoder = MessageDecoder()
    var message: Message?
    for piece in pieces {
      decoder.feed(piece)
      if message == nil { message = try decoder.next() }
    }
    return (message, decoder.takeRemainder())
  }
}
