import Testing
import WireProtocol

/// Descriptions are for log lines: no secrets, one line, bounded.
@Suite struct MessageDescriptionTests {
  static let key = "2a1043acd842bcd1b674c9191a4a1bbe"
  static let runID = "d9bdcbb57248beb9"

  /// Every message that carries a secret, with that secret everywhere.
  static let secretive: [Message] = [
    .login(
      Login(
        user: "alice", privilegeKey: key, timestamp: 5, runID: runID, metas: ["note": key])),
    .loginResponse(LoginResponse(version: "0.70.0", runID: runID)),
    .newProxy(
      NewProxy(
        proxyName: "web", groupKey: key, metas: ["note": key], annotations: ["note": key],
        httpPassword: key, headers: ["note": key], responseHeaders: ["note": key],
        secretKey: key)),
    .newWorkConnection(NewWorkConnection(runID: runID, privilegeKey: key, timestamp: 5)),
    .newVisitorConnection(NewVisitorConnection(runID: runID, proxyName: "web", signKey: key)),
    .ping(Ping(privilegeKey: key, timestamp: 5)),
    .natHoleVisitor(NATHoleVisitor(proxyName: "web", signKey: key)),
    .udpPacket(UDPPacket(content: Array(key.utf8))),
  ]

  @Test(arguments: secretive)
  func secretsAreMasked(message: Message) {
    for text in ["\(message)", String(reflecting: message)] {
      #expect(!text.contains(Self.key) && !text.contains(Self.runID), "\(text)")
      #expect(!text.contains(Self.key.prefix(8)) && !text.contains(Self.runID.prefix(6)))
    }
  }

  @Test func whatIsShown() {
    #expect(
      "\(Self.secretive[0])" == #"Login(user: "alice", privilege_key: ***, timestamp: 5, "#
        + #"run_id: "d9bd"…, metas: ["note": ***])"#)
    #expect("\(Ping())" == "Ping()")
    #expect("\(NewWorkConnection(runID: "abc"))" == #"NewWorkConn(run_id: "a"…)"#)
    let packet = UDPPacket(content: [1, 2], remoteAddress: UDPAddress(ip: "::1", port: 5))
    #expect("\(packet)" == #"UDPPacket(c: 2 bytes, r: (IP: "::1", Port: 5))"#)
    let response = NATHoleResponse(
      detectBehavior: NATHoleDetectBehavior(
        mode: 1, candidatePorts: [NATHolePortRange(from: 1, to: 2)]))
    #expect(
      "\(response)"
        == "NatHoleResp(detect_behavior: (mode: 1, candidate_ports: [(from: 1, to: 2)]))")
  }

  /// A peer cannot forge a line, hide text or flood the log.
  @Test func hostileTexts() {
    let pong = Pong(error: "a\n\u{1b}[0m\u{2028}\u{202e}\"\\\u{7f}é")
    #expect(
      "\(pong)" == #"Pong(error: "a\u{a}\u{1b}[0m\u{2028}\u{202e}\"\\\u{7f}é")"#)
    let long = "\(CloseProxy(proxyName: String(repeating: "x", count: 5000)))"
    let shown = WireProtocolLimits.describedTextLengthMax
    #expect(long == "CloseProxy(proxy_name: \"\(String(repeating: "x", count: shown))…\")")
    let many = NewProxy(locations: Array(repeating: "/", count: 3000))
    let slashes = Array(repeating: #""/""#, count: WireProtocolLimits.describedElementsMax)
    #expect(
      "\(many)" == "NewProxy(locations: [\(slashes.joined(separator: ", ")), … 3000 in all])")
  }

  @Test func errors() {
    #expect("\(WireError.unknownType(7))" == "unknown message type 0x07")
    #expect("\(WireError.unknownType(0x5a))" == "unknown message type 0x5a")
    #expect(
      "\(WireError.lengthOutOfRange(-1))" == "message length -1 is not within 0 to 10240")
    let text = #"{"proxy_name":"n","remote_port":"\#(Self.key)"}"#
    #expect(throws: WireError.self) { try decoded(.newProxy, text) }
    do throws(WireError) {
      _ = try decoded(.newProxy, text)
    } catch {
      #expect(
        "\(error)"
          == "malformed NewProxy message: remote_port at byte 32: expected number, found string")
    }
    let fault = JSONFault(.nestedTooDeep(limit: 32), offset: 40)
    #expect("\(fault)" == "at byte 40: nested deeper than 32")
  }

  @Test func everyFaultHasItsWords() {
    let kinds: [JSONFault.Kind] = [
      .unexpectedEnd, .unexpectedByte, .controlCharacter, .invalidEscape,
      .typeMismatch(expected: .number, found: .null), .notAnInteger, .integerOutOfRange,
      .invalidBase64, .nestedTooDeep(limit: 1), .trailingBytes,
    ]
    #expect(Set(kinds.map(\.description)).count == kinds.count)
  }
}
