internal import Benchmark
internal import ByteBuffers
internal import HTTPProtocol
internal import ProxyGraph

/// What a relay does with each request of a browser and each response to it.
private final class HTTPBench {
  private let request = Array(
    """
    GET /api/v7/items?id=12345&sort=desc HTTP/1.1\r
    Host: host123.example.com\r
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120\r
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r
    Accept-Language: en-US,en;q=0.5\r
    Accept-Encoding: gzip, deflate, br\r
    Connection: keep-alive\r
    Cookie: session=abcdef0123456789; theme=dark\r
    Referer: https://host123.example.com/\r
    Cache-Control: max-age=0\r
    \r

    """.utf8)
  private let response = Array(
    """
    HTTP/1.1 200 OK\r
    Server: nginx\r
    Date: Thu, 26 Nov 2026 13:24:25 GMT\r
    Content-Type: text/html\r
    Content-Length: 612\r
    Last-Modified: Thu, 26 Nov 2026 13:24:25 GMT\r
    Connection: keep-alive\r
    ETag: "5a-12"\r
    Accept-Ranges: bytes\r
    \r

    """.utf8)
  private let rules = RequestRewriting()
  private let exchange: VisitorExchange
  private var routes = HostRoutes()
  private var output = ByteQueue()

  /// A table of 1,000 hosts with ten locations each, every tenth a wildcard.
  init() throws {
    let bytes = request
    var parser = RequestHeadParser()
    guard let head = try parser.parse(bytes.span.bytes) else { throw Broken("half a head") }
    exchange = VisitorExchange(head)
    for number in 0..<1_000 {
      let host = number % 10 == 0 ? "*.wild\(number).example.com" : "host\(number).example.com"
      let refusal = routes.add(
        hosts: [host], locations: ["/"] + (1..<10).map { "/api/v\($0)/items" },
        route: RouteID(rawValue: UInt64(number)), proxyName: "p")
      guard refusal == nil else { throw Broken("a route is taken") }
    }
  }

  func parse() throws {
    let bytes = request
    var parser = RequestHeadParser()
    guard let head = try parser.parse(bytes.span.bytes) else { throw Broken("half a head") }
    blackHole(head)
  }

  func forwardRequest() throws {
    let bytes = request
    var parser = RequestHeadParser()
    guard var head = try parser.parse(bytes.span.bytes) else { throw Broken("half a head") }
    head.prepareForLocalService(rules, visitorAddress: "192.0.2.1", isSecure: false)
    head.write(into: &output)
    output.removeAll(keepingCapacity: true)
  }

  func forwardResponse() throws {
    let bytes = response
    var parser = ResponseHeadParser(answering: .get)
    guard var head = try parser.parse(bytes.span.bytes) else { throw Broken("half a head") }
    blackHole(head.prepareForVisitor(exchange))
    head.write(into: &output)
    output.removeAll(keepingCapacity: true)
  }

  private let path = Array("/api/v7/items/42".utf8)

  func find(_ host: String) throws {
    let bytes = path
    guard routes.route(host: host, path: bytes.span.bytes) != nil else { throw Broken("no route") }
  }
}

func measureHTTP() {
  measure("http, request head parsed (460 bytes)", { try HTTPBench() }) { try $0.parse() }
  measure("http, request head parsed, changed, written", { try HTTPBench() }) {
    try $0.forwardRequest()
  }
  measure("http, response head parsed, changed, written", { try HTTPBench() }) {
    try $0.forwardResponse()
  }
  measure("http, route of 1,000 hosts with 10 locations", { try HTTPBench() }) {
    try $0.find("host123.example.com")
  }
  measure("http, route of a wildcard three labels up", { try HTTPBench() }) {
    try $0.find("a.b.c.wild500.example.com")
  }
}
