import Foundation
import TestKit
import Testing
import Timekeeping

/// Visitors who speak HTTP/2: curl, h2load and gRPC's own library, with nginx and a server of gRPC
/// as the local services.
@Suite(
  .serialized, .enabled(if: WebPeer.areInstalled(webRigPeers), WebPeer.missing(webRigPeers)))
struct WebPeerHTTP2Tests {
  private static let withH2load = webRigPeers + [.h2load]
  private static let withGRPC = webRigPeers + [.grpc]
  private static let plain = "--http2-prior-knowledge"

  /// The requests of h2load: `FRP_WEB_REQUESTS`, or a number that takes seconds in a debug build.
  private static let requestCount =
    ProcessInfo.processInfo.environment["FRP_WEB_REQUESTS"].flatMap { Int($0) } ?? 20_000

  /// A rig whose host `a.test` has a certificate at the relay, and whose `s.test` has one at nginx
  /// alone.
  private static func rig() throws -> WebRig {
    let folder = try TemporaryFolder()
    let keys = try WebRig.certificates(folder, ["a.test"])
    return try WebRig(in: folder, server: keys) { plain, secure, _ in
      WebRig.proxies(plain)
        + "[secure]\ntype = https\nlocal_port = \(secure)\ncustom_domains = s.test\n"
    }
  }

  private static func curl(_ rig: WebRig, _ arguments: [String]) throws -> FinishedPeer {
    let certificate = ["--cacert", "\(rig.folder.path)/certs/a.test.crt"]
    return try FinishedPeer(.curl, ["-sS"] + certificate + rig.hosts + arguments)
  }

  // MARK: curl

  @Test func bothWaysIntoHTTP2() throws {
    let rig = try Self.rig()
    let secure = "https://a.test:\(rig.https)"
    for (arguments, page, scheme) in [
      ([Self.plain], rig.page(""), "http"), (["--http2"], secure, "https"),
    ] {
      let who = try Self.curl(rig, arguments + ["-w", "%{http_version}", page + "/who"])
      let lines = who.output.split(separator: "\n").map(String.init)
      #expect(lines.last == "2", "\(who.output) \(who.errors)")
      let seen = try #require(WebRig.Who(lines[0]))
      #expect(seen.host == "a.test" && seen.target == "/who")
      #expect(seen.forwardedFor == "127.0.0.1" && seen.forwardedProtocol == scheme)
      // Bodies of both directions. curl 7.88 cannot ask twice on one connection without TLS.
      let original = try rig.write("long", byteCount: 24 << 20)
      let sum = try WebRig.sum(original.path)
      let copies = (0..<(scheme == "http" ? 1 : 4)).map { "\(rig.folder.path)/copy\($0)" }
      let gets = copies.flatMap { ["-o", $0, page + "/files/long"] }
      let many = try Self.curl(rig, arguments + ["-Z"] + gets)
      #expect(many.code == 0, "\(many.errors)")
      for copy in copies { #expect(try WebRig.sum(copy) == sum) }
      for length in [[], ["-H", "Transfer-Encoding: chunked"]] {
        let put = try Self.curl(
          rig,
          arguments + length + ["-w", "%{http_code}", "-T", original.path, page + "/put/up"])
        #expect(put.output == "201" || put.output == "204", "\(put.output) \(put.errors)")
        #expect(try WebRig.sum("\(rig.root)/put/up") == sum)
      }
      let head = try Self.curl(rig, arguments + ["-I", page + "/files/hello.txt"])
      #expect(head.output.contains("content-length: 17\r\n"), "\(head.output)")
      let refused = try Self.curl(
        rig,
        arguments + ["-o", "/dev/null", "-w", "%{http_code}", "-T", original.path]
          + [page + "/small/up"])
      #expect(refused.output == "413", "\(refused.output) \(refused.errors)")
      let lost = try Self.curl(
        rig, arguments + ["-H", "Host: b.test", "-w", "%{http_code}", "-o", "/dev/null", page])
      #expect(lost.output == "404", "\(lost.errors)")
    }
    // Who offers HTTP/1.1 alone gets it.
    let old = try Self.curl(rig, ["--http1.1", "-w", "%{http_version}", "\(secure)/who"])
    #expect(old.output.hasSuffix("\n1.1"), "\(old.output) \(old.errors)")
  }

  /// A browser that finds several names in one certificate sends requests for all of them on one
  /// connection. One for a host whose TLS ends elsewhere is sent back.
  @Test func hostsOfOtherConnections() throws {
    let rig = try Self.rig()
    for arguments in [["--http2"], ["--http1.1"]] {
      let run = try Self.curl(
        rig,
        arguments + ["-H", "Host: s.test", "-w", "%{http_code}", "-o", "/dev/null"]
          + ["https://a.test:\(rig.https)/"])
      #expect(run.output == "421", "\(run.output) \(run.errors)")
    }
  }

  // MARK: h2load

  /// Goal: no request of h2load fails, plain or over TLS, few or many at a time.
  @Test(.enabled(if: WebPeer.areInstalled(withH2load), WebPeer.missing(withH2load)))
  func h2loadHasNoErrors() throws {
    let rig = try Self.rig()
    let body = try rig.write("body", byteCount: 50_000)
    for (port, page, more, count) in [
      (rig.http, rig.page(""), [], Self.requestCount),
      (rig.https, "https://a.test:\(rig.https)", [], Self.requestCount / 2),
      (rig.http, rig.page(""), ["-d", body.path], Self.requestCount / 20),
    ] {
      let paths = more.isEmpty ? ["/files/hello.txt", "/who", "/files/body"] : ["/who"]
      let run = try FinishedPeer(
        .h2load,
        ["-n", "\(count)", "-c", "10", "-m", "20", "-t", "1"] + more
          + ["--connect-to=127.0.0.1:\(port)"] + paths.map { page + $0 },
        within: .seconds(300))
      #expect(
        run.output.contains(
          "requests: \(count) total, \(count) started, \(count) done, \(count) succeeded, "
            + "0 failed, 0 errored, 0 timeout"), "\(run.output) \(run.errors)")
      #expect(run.output.contains("status codes: \(count) 2xx, 0 3xx, 0 4xx, 0 5xx"))
      #expect(run.output.contains("Application protocol: h2"))
    }
  }

  // MARK: gRPC

  /// A server that answers each kind of call.
  private static let service = """
    import grpc, sys, threading
    from concurrent import futures

    def same(value): return value

    def echo(request, context):
        context.send_initial_metadata((('x-first', 'one'),))
        context.set_trailing_metadata((('x-last', 'two'), ('x-bytes-bin', b'\\x00\\xff')))
        return request

    def fail(request, context):
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, 'not so')

    def count(request, context):
        for number in range(int(request)):
            yield str(number).encode()

    def add(requests, context):
        return str(sum(len(request) for request in requests)).encode()

    def chat(requests, context):
        for request in requests:
            yield request

    def wait(request, context):
        ended = threading.Event()
        context.add_callback(ended.set)
        ended.wait(60)
        print('ended', flush=True)
        return request

    handlers = {
        '/t.T/Echo': grpc.unary_unary_rpc_method_handler(echo, same, same),
        '/t.T/Fail': grpc.unary_unary_rpc_method_handler(fail, same, same),
        '/t.T/Count': grpc.unary_stream_rpc_method_handler(count, same, same),
        '/t.T/Add': grpc.stream_unary_rpc_method_handler(add, same, same),
        '/t.T/Chat': grpc.stream_stream_rpc_method_handler(chat, same, same),
        '/t.T/Wait': grpc.unary_unary_rpc_method_handler(wait, same, same),
    }

    class Handler(grpc.GenericRpcHandler):
        def service(self, details): return handlers.get(details.method)

    options = [('grpc.max_receive_message_length', -1), ('grpc.max_send_message_length', -1)]
    server = grpc.server(futures.ThreadPoolExecutor(16), options=options)
    server.add_generic_rpc_handlers((Handler(),))
    server.add_insecure_port('127.0.0.1:' + sys.argv[1])
    server.start()
    server.wait_for_termination()

    """

  /// A client that tries all of them, and says what it saw.
  private static let client = """
    import grpc, queue, sys

    target, certificate = sys.argv[1], sys.argv[2]
    options = [('grpc.default_authority', 'a.test'), ('grpc.max_receive_message_length', -1),
               ('grpc.max_send_message_length', -1), ('grpc.enable_http_proxy', 0),
               ('grpc.ssl_target_name_override', 'a.test')]
    if certificate:
        credentials = grpc.ssl_channel_credentials(open(certificate, 'rb').read())
        channel = grpc.secure_channel(target, credentials, options=options)
    else:
        channel = grpc.insecure_channel(target, options=options)

    def same(value): return value

    def unary(path): return channel.unary_unary(path, same, same)

    answer, call = unary('/t.T/Echo').with_call(b'hello', timeout=60)
    first = dict(call.initial_metadata()).get('x-first')
    last = dict(call.trailing_metadata())
    print('echo', answer, first, last.get('x-last'), last.get('x-bytes-bin'), call.code().name)
    large = bytes(range(256)) * 40000
    print('large', unary('/t.T/Echo')(large, timeout=60) == large)
    for path in ['/t.T/Fail', '/t.T/None']:
        try:
            unary(path)(b'', timeout=60)
        except grpc.RpcError as error:
            print(path, error.code().name)
    numbers = channel.unary_stream('/t.T/Count', same, same)(b'1000', timeout=60)
    print('count', [int(number) for number in numbers] == list(range(1000)))
    pieces = (b'x' * 10000 for _ in range(500))
    print('add', channel.stream_unary('/t.T/Add', same, same)(pieces, timeout=60))
    words = queue.Queue()
    answers = channel.stream_stream('/t.T/Chat', same, same)(iter(words.get, None), timeout=60)
    turns = 0
    for number in range(100):
        words.put(str(number).encode())
        turns += next(answers) == str(number).encode()
    words.put(None)
    print('chat', turns, list(answers))
    calls = [unary('/t.T/Echo').future(str(number).encode(), timeout=60) for number in range(300)]
    print('many', [int(call.result()) for call in calls] == list(range(300)))
    try:
        unary('/t.T/Wait')(b'', timeout=0.5)
    except grpc.RpcError as error:
        print('wait', error.code().name)
    options[0] = ('grpc.default_authority', 'b.test')
    if not certificate:
        try:
            grpc.insecure_channel(target, options=options).unary_unary('/t.T/Echo', same, same)(b'')
        except grpc.RpcError as error:
            print('nobody', error.code().name)

    """

  private static let said = """
    echo b'hello' one two b'\\x00\\xff' OK
    large True
    /t.T/Fail FAILED_PRECONDITION
    /t.T/None UNIMPLEMENTED
    count True
    add b'5000000'
    chat 100 []
    many True
    wait DEADLINE_EXCEEDED

    """

  @Test(.enabled(if: WebPeer.areInstalled(withGRPC), WebPeer.missing(withGRPC)))
  func callsOfGRPC() throws {
    let folder = try TemporaryFolder()
    let port = try makeFreePort()
    let script = try folder.write("service.py", Self.service)
    let service = try RunningPeer(.grpc, [script, "\(port)"])
    #expect(service.waitForPort(port), "\(service.log)")
    let keys = try WebRig.certificates(folder, ["a.test"])
    let rig = try WebRig(in: folder, server: keys) { _, _, _ in WebRig.proxies(port) }
    let client = try folder.write("client.py", Self.client)
    for (port, certificate) in [(rig.http, ""), (rig.https, folder.path + "/certs/a.test.crt")] {
      let run = try FinishedPeer(.grpc, [client, "127.0.0.1:\(port)", certificate])
      let nobody = certificate.isEmpty ? "nobody UNAVAILABLE\n" : ""
      #expect(run.output == Self.said + nobody, "\(run.output) \(run.errors)")
    }
    // What the clients gave up has ended at the service.
    #expect(waitUntil { service.log.split(separator: "\n").filter { $0 == "ended" }.count == 2 })
  }
}
