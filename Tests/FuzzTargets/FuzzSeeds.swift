import ByteBuffers
import Foundation
import StreamCoding
import TestKit
import WireProtocol

/// Inputs that fuzzers start from: the golden vectors, the files that users start from, and short
/// programs for the machines.
public enum FuzzSeeds {
  /// The seeds of every target, by its name.
  public static func make() throws -> [String: [[UInt8]]] {
    var seeds = values.mapValues { $0.map { Array($0.utf8) } }
    try addMessages(to: &seeds)
    try addStreams(to: &seeds)
    try addConfigurations(to: &seeds)
    addPrograms(to: &seeds)
    addFrames(to: &seeds)
    return seeds
  }

  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  private static func vectors(_ module: String, _ name: String) throws -> JSONValue {
    try Vectors.load(
      name, besides: root.appendingPathComponent("Tests/\(module)Tests/Seeds.swift").path)
  }

  private static let values: [String: [String]] = [
    "base64": ["", "AA==", "AP8=", "+/+/", "AAAA\n"],
    "hexadecimal": ["", "00ff", "DEADbeef"],
    "bandwidth": ["1MB", "512KB", " 1.5MB ", "1e3KB", "1e308MB", "0KB"],
    "memory-size": ["128MB", " 1.5GB ", "99999999999GB", "65536KB"],
    "port-ranges": ["1-65535", "1000-2000,2001,3000", "65535", " 7 , 9-10 "],
    "host-text": [
      "relay.test", "relay.test:7000", "[::1]:7000", "fe80::1%eth0", "192.0.2.1:80",
      "::ffff:1.2.3.4",
    ],
    "upstream-proxy-url": [
      "http://u:p%40@proxy.test:3128/x", "socks5://[::1]", "http://192.0.2.1", "https://x",
    ],
    "templates": [
      "a = {{ .Envs.PORT }}\n", "{{- .Envs.LINES -}}\n{{/* x\ny */}}", "{{ \"{{\" }}{{ `\n` }}",
    ],
  ]

  // MARK: Messages

  private static func addMessages(to seeds: inout [String: [[UInt8]]]) throws {
    var frames: [[UInt8]] = []
    let control = try vectors("WireProtocol", "v1-control-plain")
    for side in [control["client_to_server"], control["server_to_client"]] {
      frames.append(Array(side["raw_hex"].hexBytes.prefix(side["plain_prefix_length"].int ?? 0)))
      frames.append(side["decrypted_hex"].hexBytes)
    }
    for row in try vectors("WireProtocol", "server-error-replies")["rows"].array {
      frames.append(row["request_hex"].hexBytes)
      frames.append(row["reply_hex"].hexBytes)
    }
    let work = try vectors("WireProtocol", "v1-workconn-plain-tcp")
    frames.append(work["client_to_server"]["raw_hex"].hexBytes)
    frames.append(work["server_to_client"]["raw_hex"].hexBytes)
    frames.removeAll { $0.isEmpty || $0.count > 8000 }
    seeds["frames"] = frames.map { [0] + $0 } + frames.map { [7] + $0 }
    var bodies: [[UInt8]] = []
    for (index, type) in MessageType.allCases.enumerated() {
      for frame in frames where frame.first == type.rawValue {
        var decoder = MessageDecoder()
        decoder.append(frame.span.bytes)
        guard let first = try? decoder.next() else { continue }
        var queue = ByteQueue()
        MessageEncoder.encode(first, into: &queue)
        bodies.append([UInt8(index)] + Array(queue.readableBytes).dropFirst(9))
      }
      bodies.append([UInt8(index)] + Array("{}".utf8))
    }
    let dialect = try vectors("WireProtocol", "json-dialect")
    for (rows, type) in [("rows", MessageType.newWorkConnection), ("login_rows", .login)] {
      let index = MessageType.allCases.firstIndex(of: type) ?? 0
      bodies += dialect[rows].array.map { [UInt8(index)] + $0["request_json_hex"].hexBytes }
    }
    seeds["messages"] = bodies.filter { $0.count <= 4096 }
    seeds["expected-messages"] = frames.filter { $0.count < 4096 }.flatMap { frame in
      (0..<4).map { [UInt8($0)] + frame }
    }
  }

  // MARK: Streams

  private static func addStreams(to seeds: inout [String: [[UInt8]]]) throws {
    let session = try vectors("StreamMux", "v1-yamux-session")
    let heads: [[UInt8]] = [
      [0x11, 0, 1, 1, 1, 1, 1, 1, 1, 1], [0x19, 13, 1, 2, 5, 4, 3, 6, 7, 15],
      [0x18, 12, 7, 7, 7, 7, 6, 6, 0x61, 0x47],
    ]
    for name in ["client_to_server_raw_hex", "server_to_client_raw_hex"] {
      let bytes = session[name].hexBytes
      seeds["mux-bytes", default: []] += heads.map { $0 + bytes.prefix(4000) }
    }
    let coded = try vectors("StreamCoding", "v1-workconn-encrypted-compressed")
    for side in [coded["client_to_server"], coded["server_to_client"]] {
      let stream = Array(side["decrypted_snappy_stream_hex"].hexBytes.prefix(4000))
      seeds["compression", default: []] += [[0] + stream, [5] + stream]
      seeds["payload", default: []] += [[2, 3] + stream, [7, 11] + stream, [0, 1] + stream]
      let wire = side["iv_hex"].hexBytes + stream
      seeds["payload", default: []].append([1, 5] + wire)
      seeds["decryption", default: []].append([3] + Array(wire.prefix(1000)))
    }
  }

  // MARK: Configuration

  private static func addConfigurations(to seeds: inout [String: [[UInt8]]]) throws {
    for (target, file) in [
      ("server-configuration", "config/frps.ini"), ("client-configuration", "config/frpc.ini"),
      ("toml-configuration", "config/frps.full.toml"),
      ("toml-configuration", "config/frpc.full.toml"),
      ("yaml-configuration", "Tests/ConfigurationTests/Twins/frps.full.yaml"),
      ("json-configuration", "Tests/ConfigurationTests/Twins/frps.full.json"),
    ] {
      let text = try String(contentsOf: root.appendingPathComponent(file), encoding: .utf8)
      seeds[target, default: []].append(Array(text.utf8.prefix(8000)))
    }
    seeds["toml-configuration", default: []].append(
      Array(
        "serverAddr = \"relay.test\"\n[[proxies]]\nname = \"a\"\ntype = \"tcp\"\nlocalPort = 22\n"
          .utf8))
    seeds["yaml-configuration", default: []].append(
      Array("serverAddr: relay.test\nproxies:\n- {name: a, type: tcp, localPort: 22}\n".utf8))
    seeds["json-configuration", default: []].append(
      Array(
        "{\"serverAddr\": \"relay.test\", \"proxies\": [{\"name\": \"a\", \"type\": \"tcp\"}]}".utf8
      ))
    seeds["server-configuration", default: []] += [
      "[common]\nbind_port = {{ .Envs.PORT }}\nallow_ports = 2000-3000,3001\ntoken = \"a b\"\n",
      "x = 1\n[common]\nbind_addr = ::\nlog_level = trace\ntcp_mux = 0\nmax_pool_count = 0x10\n",
    ].map { Array($0.utf8) }
    seeds["users-file"] = [
      "[alice]\ntoken = 0b7d\nallow_ports = 20000-20099\nmax_connections = 500\n\n[bob]\n"
        + "token = 9c41\nproxy_names = web*, ssh\nexpires = 2027-12-31\n"
    ].map { Array($0.utf8) }
    seeds["store-entry"] = [
      #"{"name":"ssh","type":"tcp","tcp":{"localPort":22,"remotePort":6000,"enabled":false}}"#,
      #"{"name":"v","type":"stcp","stcp":{"serverName":"s","bindPort":9000}}"#,
    ].map { Array($0.utf8) }
    seeds["client-configuration", default: []] += [
      "[common]\nserver_addr = relay.test\nincludes = ./*.ini\n[a]\nlocal_port = 22\n"
        + "remote_port = 6000\n\0[b]\nlocal_port=80\nbandwidth_limit = 1MB\n",
      "[common]\nserver_addr = 192.0.2.1\nhttp_proxy = socks5://u:p@proxy.test:1080\n"
        + "[range:r]\nlocal_port = 6000-6003\nremote_port = 7000-7003\nuse_compression = true\n",
    ].map { Array($0.utf8) }
  }

  // MARK: Machines

  private static func addPrograms(to seeds: inout [String: [[UInt8]]]) {
    seeds["mux-pair"] = [
      // Open, write, deliver, accept, write back, finish both, deliver.
      [
        0x18, 0, 1, 16, 0, 0, 0x8f, 255, 255, 0x87, 0, 0x81, 3, 0, 0, 3, 0, 0x83, 0, 0x0f, 255, 255,
      ],
      // More than the window, in parts, consumed as it comes.
      [0x5a, 0, 0, 0x8c, 255, 255, 0x87, 0, 0x0c, 255, 255]
        + Array(repeating: [1, 255, 255, 0, 0x8c, 255, 255, 0x85, 255, 255, 0], count: 8).joined(),
      // Resets, time and a go-away.
      [0x01, 0x80, 0x0f, 255, 255, 4, 0, 0x8f, 255, 255, 0x08, 16, 0, 0x7b, 0x80, 9, 200],
    ]
    seeds["relay-graph"] = [
      // A session, a proxy, a user, a work connection.
      [0x20, 0, 1, 3, 0, 0, 6, 0, 9, 0, 9, 0, 6, 0, 2, 0],
      [0x51, 0x60, 2, 3, 3, 1, 0x23, 4, 2, 7, 0, 12, 0, 13, 0, 0x70, 9, 14, 255, 0xf9, 0],
    ]
    seeds["repeat-suppressor"] = [[1, 4, 50] + (0..<60).map { UInt8($0 * 7 % 256) }]
    seeds["upstream-proxy"] = [
      [0, 3] + Array("HTTP/1.1 200 OK\r\nVia: x\r\n\r\nrest".utf8),
      [2, 0] + Array("HTTP/1.0 407 Proxy Authentication Required\r\n\r\n".utf8),
      [3, 1, 5, 2, 1, 0, 5, 0, 0, 1, 127, 0, 0, 1, 0, 80, 1, 2],
      [1, 1, 5, 0, 5, 0, 0, 3, 2, 0x61, 0x62, 0, 80],
      [5, 1, 5, 0, 5, 0, 0, 4] + [UInt8](repeating: 1, count: 18),
    ]
    seeds["netlink"] = [netlinkDump]
    addWeb(to: &seeds)
  }

  private static func addWeb(to seeds: inout [String: [[UInt8]]]) {
    let requests = [
      "GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n"
        + "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
      "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "3;x=y\r\nabc\r\n0\r\nT: u\r\n\r\n",
      "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\nrest",
    ]
    let responses = [
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
      "HTTP/1.0 200 OK\r\n\r\nuntil the end", "HTTP/1.1 204 No Content\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ]
    seeds["http-requests"] = requests.flatMap { text in [0, 9].map { [$0] + Array(text.utf8) } }
    seeds["http-responses"] = responses.flatMap { text in
      [0, 9].map { [$0, 0] + Array(text.utf8) }
    }
    // The visitor asks, a stream is granted, the local service answers, the visitor asks again.
    for request in requests {
      for response in responses {
        var steps: [UInt8] = saying(0, request)
        steps.append(6)
        steps += saying(3, response)
        steps.append(10)
        steps += saying(0, request)
        steps += [11, 14, 15] as [UInt8]
        seeds["http-gateway", default: []].append(steps)
      }
    }
    let name = Array("relay.test".utf8)
    func sized(_ bytes: [UInt8]) -> [UInt8] {
      [UInt8(bytes.count >> 8), UInt8(bytes.count & 255)] + bytes
    }
    let extensions =
      [0, 0] + sized(sized([0] + sized(name))) + [0, 16] + sized(sized([2, 0x68, 0x32]))
    let body: [UInt8] =
      [3, 3] + [UInt8](repeating: 7, count: 32) + [0] + sized([0x13, 1]) + [1, 0]
      + sized(extensions)
    let record = [22, 3, 1] + sized([1, 0] + sized(body))
    seeds["client-hello"] = [[0] + record, [4] + record]
  }

  /// An operation that delivers `text`, of which there are no more than 255 bytes.
  private static func saying(_ operation: UInt8, _ text: String) -> [UInt8] {
    [operation, UInt8(text.utf8.count)] + Array(text.utf8)
  }

  /// A link, an address and a route, in the host's byte order.
  private static var netlinkDump: [UInt8] {
    func octets(_ value: some FixedWidthInteger) -> [UInt8] {
      withUnsafeBytes(of: value) { Array($0) }
    }
    func message(_ type: UInt16, _ body: [UInt8]) -> [UInt8] {
      octets(UInt32(16 + body.count)) + octets(type) + [0, 0] + octets(UInt32(7)) + [0, 0, 0, 0]
        + body
    }
    func attribute(_ type: UInt16, _ value: [UInt8]) -> [UInt8] {
      octets(UInt16(4 + value.count)) + octets(type) + value
    }
    return message(16, [0, 0, 1, 0] + octets(UInt32(3)) + octets(UInt32(0x41)) + [0, 0, 0, 0])
      + message(20, [2, 24, 0, 0] + octets(UInt32(5)) + attribute(2, [10, 1, 2, 3]))
      + message(
        24,
        [2, 16, 0, 0, 254, 4, 0, 1] + octets(UInt32(0)) + attribute(1, [10, 1, 0, 0])
          + attribute(4, octets(UInt32(9)))) + message(2, octets(Int32(-3)))
  }

  /// Requests in HTTP/2 and their answers.
  private static func addFrames(to seeds: inout [String: [[UInt8]]]) {
    let ok = HTTP2Frame.block([(":status", "200"), ("x", "y")])
    let answer = [
      HTTP2Frame(.settings), HTTP2Frame(.headers, flags: HTTP2Frame.endFields, 1, ok),
      HTTP2Frame(.data, 1, [1, 2, 3]),
      HTTP2Frame(
        .headers, flags: HTTP2Frame.end | HTTP2Frame.endFields, 1,
        HTTP2Frame.block([("grpc-status", "0")])),
    ].flatMap(\.bytes)
    let request = HTTP2Frame.request(1, [("cookie", "a"), ("cookie", "b")])
    let upload = HTTP2Frame.request(3, method: "PUT", flags: HTTP2Frame.endFields)
    let opening = HTTP2Frame.preface + HTTP2Frame(.settings).bytes + request.bytes + upload.bytes
    let body = HTTP2Frame(.data, flags: HTTP2Frame.end, 3, [1, 2, 3]).bytes
    seeds["http2-sessions"] = [[0] + opening + body, [6] + opening + body, [1] + answer]
    // Operations of the gateway's yard: a GET, and a call of gRPC with a body.
    let get: [UInt8] =
      [0x71, 0, 0, 6] + saying(3, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    let call: [UInt8] =
      [0x01, 0, 0, 6, 0x81, 0, 3, 1, 2, 3, 0xb1, 0, 0, 3, UInt8(answer.count)] + answer
    seeds["http2-gateway"] = [
      get, call, get + call, [0x01, 0, 0, 6, 0xc1, 0, 0], [0x71, 0, 0, 0x71, 1, 1, 0x61, 9, 6, 15],
    ]
  }
}
