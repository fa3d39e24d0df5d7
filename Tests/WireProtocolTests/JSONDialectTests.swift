import ByteBuffers
import TestKit
import Testing
import WireProtocol

/// Which texts are read and what they mean: as a real server does, recorded, and by example.
@Suite struct JSONDialectTests {
  /// The reply of a real server repeats the run ID, so it shows reading and writing.
  @Test func recordedTextsMeanTheSame() throws {
    let rows = try Vectors.load("json-dialect")["rows"].array
    #expect(rows.count == 152)
    for row in rows {
      let request = frame(MessageType.newWorkConnection.rawValue, row["request_json_hex"].hexBytes)
      let reply = row["reply_json_hex"].hexBytes
      let text = String(decoding: request.dropFirst(9), as: UTF8.self)
      do throws(WireError) {
        guard case .newWorkConnection(let message) = try decoded(request) else {
          Issue.record("no message in \(text)")
          continue
        }
        let error = ControlErrorText.workConnectionRunIDUnknown(message.runID).detailed
        let ours = encoded(.startWorkConnection(StartWorkConnection(error: error)))
        #expect(Array(ours.dropFirst(9)) == reply, "\(text)")
      } catch {
        #expect(reply.isEmpty, "\(text): \(error)")
      }
    }
  }

  @Test func recordedLoginsAreAcceptedOrNot() throws {
    let rows = try Vectors.load("json-dialect")["login_rows"].array
    #expect(rows.count == 26)
    for row in rows {
      let request = frame(MessageType.login.rawValue, row["request_json_hex"].hexBytes)
      let isAccepted = decodeAll([request[...]]).error == nil
      let text = String(decoding: request.dropFirst(9), as: UTF8.self)
      #expect(isAccepted == (row["accepted"].int == 1), "\(text)")
    }
  }

  struct IntegerMember: Sendable, CustomTestStringConvertible {
    let type: MessageType
    let path: String
    let range: ClosedRange<Int128>

    var testDescription: String { "\(type.name) \(path)" }

    /// The JSON with `value` for the member; `%` in the path is where it goes.
    func json(_ value: String) -> String { path.split(separator: "%").joined(separator: value) }
  }

  static let signed64 = Int128(Int64.min)...Int128(Int64.max)
  static let integerMembers =
    [
      (MessageType.login, #"{"timestamp":%,"client_spec":{}}"#),
      (.login, #"{"client_spec":{},"pool_count":%}"#),
      (.login, #"{"client_spec":{},"swift_frp":%}"#),
      (.loginResponse, #"{"swift_frp":%}"#),
      (.newProxy, #"{"remote_port":%}"#),
      (.newWorkConnection, #"{"timestamp":%}"#),
      (.newVisitorConnection, #"{"timestamp":%}"#),
      (.ping, #"{"timestamp":%}"#),
      (.udpPacket, #"{"l":{"IP":"","Port":%,"Zone":""}}"#),
      (.udpPacket, #"{"r":{"IP":"","Port":%,"Zone":""}}"#),
      (.natHoleVisitor, #"{"timestamp":%}"#),
      (.natHoleResponse, #"{"detect_behavior":{"mode":%}}"#),
      (.natHoleResponse, #"{"detect_behavior":{"ttl":%}}"#),
      (.natHoleResponse, #"{"detect_behavior":{"send_delay_ms":%}}"#),
      (.natHoleResponse, #"{"detect_behavior":{"read_timeout":%}}"#),
      (.natHoleResponse, #"{"detect_behavior":{"candidate_ports":[{"from":%}]}}"#),
      (.natHoleResponse, #"{"detect_behavior":{"candidate_ports":[{"to":%}]}}"#),
      (.natHoleResponse, #"{"detect_behavior":{"send_random_ports":%}}"#),
      (.natHoleResponse, #"{"detect_behavior":{"listen_random_ports":%}}"#),
    ].map { IntegerMember(type: $0, path: $1, range: signed64) }
    + [#"{"src_port":%}"#, #"{"dst_port":%}"#].map {
      IntegerMember(type: .startWorkConnection, path: $0, range: 0...65535)
    }

  @Test(arguments: integerMembers)
  func integersAtTheirEdges(member: IntegerMember) throws {
    for value in [member.range.lowerBound, 1, 10, member.range.upperBound] where value != 0 {
      let text = member.json("\(value)")
      #expect(try decoded(member.type, text).map(json) == text)
    }
    let outside = [
      member.range.lowerBound - 1, member.range.upperBound + 1, member.range.upperBound * 10,
      Int128.max,
    ]
    for value in outside {
      #expect(fault(member.type, member.json("\(value)"))?.kind == .integerOutOfRange)
    }
    for value in ["1.0", "0.5", "1e3", "0e0", "1E-1"] {
      #expect(fault(member.type, member.json(value))?.kind == .notAnInteger)
    }
    let others: [(String, JSONFault.ValueKind)] = [
      (#""1""#, .string), ("true", .boolean), ("{}", .object), ("[1]", .array),
    ]
    for (value, kind) in others {
      #expect(
        fault(member.type, member.json(value))?.kind
          == .typeMismatch(expected: .number, found: kind))
    }
    let minusZero = fault(member.type, member.json("-0"))?.kind
    #expect(minusZero == (member.range.lowerBound < 0 ? nil : .integerOutOfRange))
  }

  @Test func integerMembersAreAllListed() {
    let names = Self.integerMembers.map { "\($0.type.name) \($0.path)" }
    #expect(Set(names).count == 21)
    // A fraction is refused only where an integer belongs: finds integer members by trying.
    var found = 0
    for sample in MessageRoundTripTests.samples {
      for match in sample.json.matches(of: /:-?[0-9]+/) {
        let text =
          sample.json[..<match.range.lowerBound] + ":0.5" + sample.json[match.range.upperBound...]
        if fault(sample.message.type, String(text))?.kind == .notAnInteger { found += 1 }
      }
    }
    // One more "to" in the second range of the sample.
    #expect(found == Self.integerMembers.count + 1)
  }

  @Test func otherMembersRefuseOtherKinds() {
    let cases: [(MessageType, String, JSONFault.ValueKind, String)] = [
      (.login, "version", .string, "1"), (.login, "metas", .object, "[]"),
      (.login, "metas", .object, #""a""#), (.login, "client_spec", .object, "[]"),
      (.login, "client_spec", .object, "true"), (.newProxy, "use_encryption", .boolean, "1"),
      (.newProxy, "use_compression", .boolean, #""true""#),
      (.newProxy, "custom_domains", .array, #""a""#), (.newProxy, "allow_users", .array, "{}"),
      (.udpPacket, "c", .string, "[1,2]"), (.udpPacket, "r", .object, #""127.0.0.1:1""#),
      (.natHoleResponse, "detect_behavior", .object, "0"),
    ]
    for (type, member, expected, value) in cases {
      let found = fault(type, "{\"\(member)\": \(value)}")
      #expect(found?.member == member)
      #expect(found?.offset == member.utf8.count + 5)
      guard case .typeMismatch(expected, _) = found?.kind else {
        Issue.record("\(type) \(member) took \(value): \(String(describing: found))")
        continue
      }
    }
    #expect(
      fault(.newProxy, #"{"locations":["a",1]}"#)
        == JSONFault(
          .typeMismatch(expected: .string, found: .number), offset: 18, member: "locations"))
    #expect(
      fault(.natHoleResponse, #"{"detect_behavior":{"candidate_ports":[5]}}"#)?.kind
        == .typeMismatch(expected: .object, found: .number))
  }

  @Test func repeatedListsAreReplacedAndMapsMerged() throws {
    let text = #"{"metas":{"a":"1","b":"1"},"locations":["x","y"],"METAS":{"b":"2","c":null},"#
    #expect(
      try decoded(.newProxy, text + #""locations":["z",null]}"#)
        == .newProxy(NewProxy(metas: ["a": "1", "b": "2", "c": ""], locations: ["z", ""])))
    #expect(
      try decoded(.newProxy, text + #""locations":null,"metas":null}"#) == .newProxy(NewProxy()))
    #expect(
      try decoded(.login, #"{"client_spec":{"type":"a"},"client_spec":{"always_auth_pass":true}}"#)
        == .login(
          Login(clientSpecification: ClientSpecification(type: "a", alwaysAuthenticated: true))))
    #expect(
      try decoded(.udpPacket, #"{"r":{"Port":1},"r":{"ip":"::"},"l":{},"l":null}"#)
        == .udpPacket(UDPPacket(remoteAddress: UDPAddress(ip: "::", port: 1))))
  }

  @Test func nestingIsBounded() throws {
    // The message itself is the first level.
    let levels = WireProtocolLimits.jsonDepthMax - 1
    for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
      func text(_ levels: Int) -> String {
        let value = close == "}" ? "0" : ""
        return #"{"x":"# + String(repeating: open, count: levels) + value
          + String(repeating: close, count: levels) + "}"
      }
      #expect(try decoded(.ping, text(levels)) == .ping(Ping()))
      #expect(
        fault(.ping, text(levels + 1))?.kind
          == .nestedTooDeep(limit: WireProtocolLimits.jsonDepthMax))
      let deepest = #"{"x":"# + String(repeating: open, count: 2000)
      #expect(
        fault(.ping, deepest)?.kind == .nestedTooDeep(limit: WireProtocolLimits.jsonDepthMax))
    }
    // Depth is counted back when brackets close.
    let flat = #"{"x":["# + Array(repeating: "[]", count: 500).joined(separator: ",") + "]}"
    #expect(try decoded(.ping, flat) == .ping(Ping()))
  }

  /// Every beginning of a message is an error and says that the end is missing.
  @Test(arguments: MessageRoundTripTests.samples)
  func cutTextsAreRefused(sample: Sample) {
    for count in 0..<sample.json.utf8.count {
      let text = String(sample.json.prefix(count))
      #expect(fault(sample.message.type, text)?.kind == .unexpectedEnd, "\(text)")
    }
    #expect(fault(sample.message.type, sample.json + "]")?.kind == .trailingBytes)
  }

  @Test func base64() throws {
    for (text, bytes) in [
      ("", []), ("AA==", [0]), ("AP8=", [0, 255]), ("AP8A", [0, 255, 0]),
      (#"A\nP\r8="#, [0, 255]), ("AB==", [0]), (#"AA\u003d="#, [0]), ("+/+/", [251, 255, 191]),
    ] as [(String, [UInt8])] {
      #expect(
        try decoded(.udpPacket, "{\"c\":\"\(text)\"}") == .udpPacket(UDPPacket(content: bytes)))
    }
    for text in [
      "A", "AA", "AAA", "AA=", "AAA==", "=", "====", "A===", "AA==AA==", "AAAA=", "A=AA", "AA-_",
      "AA ==", "AAA=A", "é",
    ] {
      #expect(
        fault(.udpPacket, "{\"c\":\"\(text)\"}")
          == JSONFault(.invalidBase64, offset: 5, member: "c"), "\(text)")
    }
    for count in 0..<200 {
      let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
      let message = Message.udpPacket(UDPPacket(content: content))
      #expect(try decoded(encoded(message)) == message)
    }
  }

  /// Each by itself: one escape in a text must not hide that another is not noticed.
  @Test func escapes() {
    var expected = [
      "\"": #"\""#, "\\": #"\\"#, "\u{8}": #"\b"#, "\u{c}": #"\f"#, "\n": #"\n"#, "\r": #"\r"#,
      "\t": #"\t"#, "<": #"\u003c"#, ">": #"\u003e"#, "&": #"\u0026"#, "\u{2028}": #"\u2028"#,
      "\u{2029}": #"\u2029"#,
    ]
    for value in UInt32(0)..<0x20 {
      let text = String(Unicode.Scalar(UInt8(value)))
      let digits = String(value, radix: 16)
      if expected[text] == nil { expected[text] = #"\u00"# + (value < 16 ? "0" : "") + digits }
    }
    for text in ["/", "'", "\u{7f}", "\u{85}", "\u{2027}", "\u{202a}", "\u{fffd}"] {
      expected[text] = text
    }
    #expect(expected.count == 46)
    for (text, escaped) in expected {
      #expect(json(.pong(Pong(error: text))) == #"{"error":""# + escaped + #""}"#)
    }
  }

  @Test func mapsAreSortedByBytes() {
    let keys = ["b", "a", "B", "", "é", "e\u{301}x", "\u{ffff}", "😀", "aa"]
    let metas = Dictionary(uniqueKeysWithValues: keys.map { ($0, "") })
    let expected = ["", "B", "a", "aa", "b", "e\u{301}x", "é", "\u{ffff}", "😀"]
    let text = expected.map { "\"\($0)\":\"\"" }.joined(separator: ",")
    #expect(
      Array(json(.newProxy(NewProxy(metas: metas))).utf8) == Array("{\"metas\":{\(text)}}".utf8))
  }

  @Test func everyCharacterSurvives() throws {
    for start in stride(from: UInt32(0), to: 0x11_0000, by: 1024) {
      var text = ""
      for value in start..<start + 1024 {
        if let scalar = Unicode.Scalar(value) { text.unicodeScalars.append(scalar) }
      }
      let message = Message.pong(Pong(error: text))
      guard case .pong(let read) = try decoded(encoded(message)) else {
        Issue.record("no message")
        continue
      }
      #expect(Array(read.error.unicodeScalars) == Array(text.unicodeScalars))
    }
  }
}
