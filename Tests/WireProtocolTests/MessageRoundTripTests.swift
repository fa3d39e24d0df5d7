import TestKit
import Testing
import WireProtocol

/// A message with every member set, and its JSON by the tables of the protocol's description.
struct Sample: Sendable, CustomTestStringConvertible {
  let message: Message
  let json: String

  var testDescription: String { message.type.name }
}

/// Every kind of message, with every member.
@Suite struct MessageRoundTripTests {
  static let samples = controlSamples + connectionSamples + natHoleSamples

  static let controlSamples = [
    Sample(
      message: .login(
        Login(
          version: "1", hostname: "h", os: "linux", arch: "arm64", user: "u", privilegeKey: "k",
          timestamp: -5, runID: "r", clientID: "c", metas: ["b": "2", "a": "1"],
          clientSpecification: ClientSpecification(type: "ssh-tunnel", alwaysAuthenticated: true),
          poolCount: 7, extensions: WireExtensions(rawValue: 5))),
      json: #"{"version":"1","hostname":"h","os":"linux","arch":"arm64","user":"u","#
        + #""privilege_key":"k","timestamp":-5,"run_id":"r","client_id":"c","#
        + #""metas":{"a":"1","b":"2"},"client_spec":{"type":"ssh-tunnel","#
        + #""always_auth_pass":true},"pool_count":7,"swift_frp":5}"#),
    Sample(
      message: .loginResponse(
        LoginResponse(version: "1", runID: "r", error: "e", extensions: .halfClose)),
      json: #"{"version":"1","run_id":"r","error":"e","swift_frp":1}"#),
    Sample(
      message: .newProxy(
        NewProxy(
          proxyName: "n", proxyType: "t", useEncryption: true, useCompression: true,
          bandwidthLimit: "1MB", bandwidthLimitMode: "server", group: "g", groupKey: "gk",
          metas: ["m": "1"], annotations: ["a": "2"], remotePort: 65535,
          customDomains: ["d1", "d2"], subdomain: "s", locations: ["/", "/x"], httpUser: "hu",
          httpPassword: "hp", hostHeaderRewrite: "hr", headers: ["h": "3"],
          responseHeaders: ["rh": "4"], routeByHTTPUser: "ru", secretKey: "sk",
          allowUsers: ["*"], multiplexer: "httpconnect")),
      json: #"{"proxy_name":"n","proxy_type":"t","use_encryption":true,"use_compression":true,"#
        + #""bandwidth_limit":"1MB","bandwidth_limit_mode":"server","group":"g","#
        + #""group_key":"gk","metas":{"m":"1"},"annotations":{"a":"2"},"remote_port":65535,"#
        + #""custom_domains":["d1","d2"],"subdomain":"s","locations":["/","/x"],"#
        + #""http_user":"hu","http_pwd":"hp","host_header_rewrite":"hr","headers":{"h":"3"},"#
        + #""response_headers":{"rh":"4"},"route_by_http_user":"ru","sk":"sk","#
        + #""allow_users":["*"],"multiplexer":"httpconnect"}"#),
    Sample(
      message: .newProxyResponse(
        NewProxyResponse(proxyName: "n", remoteAddress: ":1", error: "e")),
      json: #"{"proxy_name":"n","remote_addr":":1","error":"e"}"#),
    Sample(message: .closeProxy(CloseProxy(proxyName: "n")), json: #"{"proxy_name":"n"}"#),
    Sample(
      message: .ping(Ping(privilegeKey: "k", timestamp: 9)),
      json: #"{"privilege_key":"k","timestamp":9}"#),
    Sample(message: .pong(Pong(error: "e")), json: #"{"error":"e"}"#),
  ]

  static let connectionSamples = [
    Sample(
      message: .newWorkConnection(
        NewWorkConnection(runID: "r", privilegeKey: "k", timestamp: 9)),
      json: #"{"run_id":"r","privilege_key":"k","timestamp":9}"#),
    Sample(message: .requestWorkConnection(RequestWorkConnection()), json: "{}"),
    Sample(
      message: .startWorkConnection(
        StartWorkConnection(
          proxyName: "n", sourceAddress: "s", destinationAddress: "d", sourcePort: 1,
          destinationPort: 65535, error: "e")),
      json: #"{"proxy_name":"n","src_addr":"s","dst_addr":"d","src_port":1,"dst_port":65535,"#
        + #""error":"e"}"#),
    Sample(
      message: .newVisitorConnection(
        NewVisitorConnection(
          runID: "r", proxyName: "n", signKey: "k", timestamp: 9, useEncryption: true,
          useCompression: true)),
      json: #"{"run_id":"r","proxy_name":"n","sign_key":"k","timestamp":9,"#
        + #""use_encryption":true,"use_compression":true}"#),
    Sample(
      message: .newVisitorConnectionResponse(
        NewVisitorConnectionResponse(proxyName: "n", error: "e")),
      json: #"{"proxy_name":"n","error":"e"}"#),
    Sample(
      message: .udpPacket(
        UDPPacket(
          content: [0xfb, 0xff, 0x00], localAddress: UDPAddress(),
          remoteAddress: UDPAddress(ip: "fe80::1", port: 53, zone: "eth0"))),
      json: #"{"c":"+/8A","l":{"IP":"","Port":0,"Zone":""},"#
        + #""r":{"IP":"fe80::1","Port":53,"Zone":"eth0"}}"#),
  ]

  static let natHoleSamples = [
    Sample(
      message: .natHoleVisitor(
        NATHoleVisitor(
          transactionID: "t", proxyName: "n", isPreCheck: true, protocolName: "quic",
          signKey: "k", timestamp: 9, mappedAddresses: ["m"], assistedAddresses: ["a", "b"])),
      json: #"{"transaction_id":"t","proxy_name":"n","pre_check":true,"protocol":"quic","#
        + #""sign_key":"k","timestamp":9,"mapped_addrs":["m"],"assisted_addrs":["a","b"]}"#),
    Sample(
      message: .natHoleClient(
        NATHoleClient(
          transactionID: "t", proxyName: "n", sid: "s", mappedAddresses: ["m"],
          assistedAddresses: ["a"])),
      json: #"{"transaction_id":"t","proxy_name":"n","sid":"s","mapped_addrs":["m"],"#
        + #""assisted_addrs":["a"]}"#),
    Sample(
      message: .natHoleResponse(
        NATHoleResponse(
          transactionID: "t", sid: "s", protocolName: "kcp", candidateAddresses: ["c"],
          assistedAddresses: ["a"],
          detectBehavior: NATHoleDetectBehavior(
            role: "sender", mode: 4, timeToLive: 7, sendDelayMilliseconds: 2000,
            readTimeoutMilliseconds: 5000,
            candidatePorts: [NATHolePortRange(from: 1, to: 2), NATHolePortRange(to: 3)],
            sendRandomPortCount: 1000, listenRandomPortCount: 256),
          error: "e")),
      json: #"{"transaction_id":"t","sid":"s","protocol":"kcp","candidate_addrs":["c"],"#
        + #""assisted_addrs":["a"],"detect_behavior":{"role":"sender","mode":4,"ttl":7,"#
        + #""send_delay_ms":2000,"read_timeout":5000,"#
        + #""candidate_ports":[{"from":1,"to":2},{"to":3}],"send_random_ports":1000,"#
        + #""listen_random_ports":256},"error":"e"}"#),
    Sample(
      message: .natHoleSid(
        NATHoleSid(transactionID: "t", sid: "s", isResponse: true, nonce: "n")),
      json: #"{"transaction_id":"t","sid":"s","response":true,"nonce":"n"}"#),
    Sample(
      message: .natHoleReport(NATHoleReport(sid: "s", isSuccess: true)),
      json: #"{"sid":"s","success":true}"#),
  ]

  @Test(arguments: samples)
  func everyMember(sample: Sample) throws {
    let bytes = frame(sample.message.type, sample.json)
    #expect(encoded(sample.message) == bytes)
    for pieces in feedings(of: bytes) {
      #expect(decodeAll(pieces) == Decoding(messages: [sample.message]))
    }
  }

  @Test func everyTypeHasASample() {
    #expect(Set(Self.samples.map(\.message.type)) == Set(MessageType.allCases))
    #expect(Self.samples.count == MessageType.allCases.count)
    #expect(MessageType.allCases.count == 18)
  }

  /// A new member that no sample sets would not be tested.
  @Test(arguments: samples)
  func samplesLeaveNoMemberOut(sample: Sample) throws {
    let empty = try #require(try decoded(sample.message.type, "{}"))
    let members = try #require(Mirror(reflecting: sample.message).children.first)
    let emptyMembers = try #require(Mirror(reflecting: empty).children.first)
    let pairs = zip(
      Mirror(reflecting: members.value).children, Mirror(reflecting: emptyMembers.value).children)
    for (member, emptyMember) in pairs {
      #expect(
        String(reflecting: member.value) != String(reflecting: emptyMember.value),
        "\(member.label ?? "") is empty")
    }
  }

  @Test(arguments: MessageType.allCases)
  func emptyMessages(type: MessageType) throws {
    let message = try #require(try decoded(type, "{}"))
    #expect(message.type == type)
    let expected: [MessageType: String] = [
      .login: #"{"client_spec":{}}"#, .natHoleResponse: #"{"detect_behavior":{}}"#,
    ]
    #expect(json(message) == expected[type] ?? "{}")
  }

  /// Releases before 0.43 write all members, empty ones as `null`.
  @Test(arguments: samples)
  func nullIsEmpty(sample: Sample) throws {
    let members = sample.json.matches(of: /"([a-z_]+|IP|Port|Zone)":/).map(\.output.1)
    let text = members.map { "\"\($0)\":null" }.joined(separator: ",")
    #expect(
      try decoded(sample.message.type, "{\(text)}") == decoded(sample.message.type, "{}"))
  }

  @Test func typeNumbers() {
    let v1 = "o1p2cwrsv3h4uinm56"
    let byNumber = (1...18).compactMap { MessageType(v2Identifier: $0) }
    #expect(byNumber.map(\.rawValue) == Array(v1.utf8))
    #expect(byNumber.map { Int($0.v2Identifier) } == Array(1...18))
    #expect(MessageType(v2Identifier: 0) == nil && MessageType(v2Identifier: 19) == nil)
    #expect(Set(MessageType.allCases.map(\.name)).count == 18)
  }
}
