import Configuration
import LinuxSystem
import ProxyGraph
import TestKit
import Testing
import Timekeeping
import Transports
import TunnelClient

@testable import RelayServer

/// Answers with what it got, and who is there.
final class EchoFront: HTTPFront {
  func serve(_ visitor: HTTPVisitor, onEnd: @escaping () -> Void) {
    defer { onEnd() }
    let source = visitor.ends.source?.description ?? "?"
    let name = visitor.isSecure ? "secure front" : "front"
    visitor.stream.write(Array("\(name) \(source) ".utf8) + visitor.early)
    visitor.stream.close()
  }
  func proxyDidClose(_ proxy: ProxyID, of route: RouteID) {}
  func makeRoom() -> Bool { false }
  func reopenLog() -> String? { nil }
  func stop() {}
  func close() {}
}

/// Clients and the virtual hosts of http and https on one port, told apart by the first bytes.
@Suite struct SharedPortTests {
  struct Sharing: CustomTestStringConvertible, Sendable {
    let http: Bool
    let https: Bool
    let isTLS: Bool
    let sendsMarkerByte: Bool

    var testDescription: String {
      "\(http ? "http " : "")\(https ? "https " : "")"
        + "\(isTLS ? sendsMarkerByte ? "marked TLS" : "TLS" : "plain")"
    }

    /// Without the one that frp has not either: TLS clients without the marker byte beside https.
    static let all = [(true, false), (false, true), (true, true)].flatMap { http, https in
      [(false, false), (true, true), (true, false)].compactMap { isTLS, marker in
        https && isTLS && !marker
          ? nil : Sharing(http: http, https: https, isTLS: isTLS, sendsMarkerByte: marker)
      }
    }
  }

  @Test(arguments: Sharing.all)
  func firstBytesDecide(_ sharing: Sharing) throws {
    let echo = try EchoServer()
    defer { echo.stop() }
    let port = try makeFreePort()
    let rig = try Rig(
      Stack(isTLS: sharing.isTLS), localPort: echo.port,
      server: {
        $0.bindPort = port
        if sharing.http { $0.httpPort = port }
        if sharing.https { $0.httpsPort = port }
      },
      client: {
        $0.transport.tls.sendsMarkerByte = sharing.sendsMarkerByte
        if sharing.https {
          $0.proxies.append(Rig.https("secure", ["a.test"], localPort: echo.port))
        }
      })
    let server = rig.server
    try rig.serverThread.run { server.on($0).httpFront = EchoFront() }
    try rig.expectRunning(sharing.https ? 2 : 1)
    if sharing.https {
      for hello in [HandMadeHello.make("a.test"), HandMadeHello.make("a.test", padding: 3000)] {
        let user = try TestSocket.connect(port)
        try user.send(Array(hello[..<4]))
        try user.send(Array(hello[4...]))
        #expect(try user.receive(exactly: hello.count) == hello)
        user.close()
      }
      let lost = try TestSocket.connect(port)
      try lost.send(HandMadeHello.make("b.test"))
      #expect(try lost.receiveToEnd() == [21, 3, 3, 0, 2, 2, 112])
    }
    if sharing.http {
      for request in ["GET / HTTP/1.1\r\n", "OPTIONS * HTTP/1.1\r\n", "DELETE /x HTTP/1.0"] {
        let user = try TestSocket.connect(port)
        let source = try #require(user.localAddress)
        try user.send(request)
        #expect(try user.receiveToEnd() == Array("front \(source) \(request)".utf8))
      }
    }
    // Nothing of it counts as a stranger, and users are served as ever.
    #expect(try waitUntil { try rig.serverThread.run { server.on($0).strangerCount == 0 } })
    let user = try TestSocket.connect(try rig.publicPort())
    try user.send("hello")
    #expect(try user.receive(exactly: 5) == Array("hello".utf8))
    user.close()
    #expect(try rig.arrivalCount() == 0)
    try rig.stop()
  }

  @Test func bothKindsShareAPortOfTheirOwn() throws {
    let echo = try EchoServer()
    defer { echo.stop() }
    let port = try makeFreePort()
    let rig = try Rig(
      localPort: echo.port,
      server: {
        $0.httpPort = port
        $0.httpsPort = port
      }, client: { $0.proxies = [Rig.https("secure", ["a.test"], localPort: echo.port)] })
    let server = rig.server
    try rig.serverThread.run { server.on($0).httpFront = EchoFront() }
    try rig.expectRunning(1)
    let hello = HandMadeHello.make("a.test")
    let secure = try TestSocket.connect(port)
    try secure.send(hello)
    #expect(try secure.receive(exactly: hello.count) == hello)
    let plain = try TestSocket.connect(port)
    try plain.send("G")
    #expect(try String(decoding: plain.receiveToEnd(), as: UTF8.self).hasSuffix(" G"))
    try rig.stop()
  }

  @Test func httpHasAPortAndAnEntrance() throws {
    let rig = try Rig(localPort: 9, server: { $0.httpPort = 0 })
    let port = try rig.hostPort(.http)
    let server = rig.server
    // Nobody answers: closed, and the relay goes on.
    try rig.serverThread.run { server.on($0).httpFront = nil }
    #expect(try TestSocket.connect(port).receiveToEnd().isEmpty)
    try rig.serverThread.run { server.on($0).httpFront = EchoFront() }
    // The driver has the connection from its first byte, with deadlines of its own.
    let user = try TestSocket.connect(port)
    let source = try #require(user.localAddress)
    #expect(try user.receiveToEnd() == Array("front \(source) ".utf8))
    try rig.stop()
  }

  @Test func fewBytesAndSilenceAreNoReasonToWaitForEver() throws {
    let port = try makeFreePort()
    let server = try LoneServer(Stack(isTLS: false)) {
      $0.bindPort = port
      $0.httpPort = port
    }
    let user = try TestSocket.connect(port)
    try user.send("GET / HTT")
    #expect(user.isReset())
    #expect(try server.counters().latePeers == 1)
    try server.stop()
  }

  // MARK: PROXY headers

  private static let headers: [[UInt8]] = [
    Array("PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n".utf8),
    [0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x21, 0x11, 0, 12]
      + [192, 0, 2, 7, 198, 51, 100, 1, 0x12, 0x67, 0x01, 0xbb],
  ]
  private static let shown = Array("PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n".utf8)

  private static func rig(_ echo: EchoServer, trusted: [String]) throws -> Rig {
    try Rig.hosts(
      [
        Rig.https("secure", ["a.test"], localPort: echo.port),
        Rig.tcpmux("tunnel", ["a.test"], localPort: echo.port),
        Rig.proxy("web", .tcp(TCPProxyConfiguration(remotePort: 0)), echo.port, ""),
      ],
      server: {
        $0.trustedProxies = trusted
        $0.httpPort = 0
      },
      client: { configuration in
        for index in configuration.proxies.indices {
          configuration.proxies[index].proxyProtocolVersion = .v1
        }
      })
  }

  @Test func trustedFrontSaysWhoIsThere() throws {
    let echo = try EchoServer()
    defer { echo.stop() }
    let rig = try Self.rig(echo, trusted: ["10.0.0.0/8", "127.0.0.0/9", "::1"])
    let server = rig.server
    try rig.serverThread.run { server.on($0).httpFront = EchoFront() }
    let hello = HandMadeHello.make("a.test")
    let request = Array("CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\n".utf8)
    let granted = Array("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".utf8)
    for header in Self.headers {
      let cases: [(UInt16, [UInt8], [UInt8])] = [
        (try rig.hostPort(.https), hello, Self.shown + hello),
        (try rig.hostPort(.tcpmux), request + [7], granted + Self.shown + [7]),
        (try rig.publicPort("web"), [1, 2], Self.shown + [1, 2]),
        (try rig.hostPort(.http), [1], Array("front 192.0.2.7:4711 ".utf8) + [1]),
      ]
      for (port, sent, expected) in cases {
        let user = try TestSocket.connect(port)
        try user.send(header + sent)
        #expect(try user.receive(exactly: expected.count) == expected)
        user.close()
        // In pieces, the last of which has bytes of the user too.
        let slow = try TestSocket.connect(port)
        for byte in header.dropLast() { try slow.send([byte]) }
        try slow.send([header[header.count - 1]] + sent)
        #expect(try slow.receive(exactly: expected.count) == expected)
        slow.close()
      }
    }
    for port in [try rig.hostPort(.https), try rig.publicPort("web"), try rig.hostPort(.http)] {
      let user = try TestSocket.connect(port)
      try user.send(hello)
      #expect(user.isReset(), "no header")
    }
    #expect(try waitUntil { try rig.userCount() == 0 && rig.arrivalCount() == 0 })
    try rig.stop()
  }

  // Whoever is not trusted sends bytes like any others.
  @Test func otherHeadersAreData() throws {
    let echo = try EchoServer()
    defer { echo.stop() }
    let rig = try Self.rig(echo, trusted: ["127.0.0.2", "192.0.2.0/24"])
    let user = try TestSocket.connect(try rig.publicPort("web"))
    let source = try #require(user.localAddress)
    try user.send(Self.headers[0])
    let bytes = String(
      decoding: try user.receive(exactly: "PROXY TCP4 \(source.host) ".utf8.count), as: UTF8.self)
    #expect(bytes == "PROXY TCP4 \(source.host) ")
    let secure = try TestSocket.connect(try rig.hostPort(.https))
    try secure.send(Self.headers[0] + HandMadeHello.make("a.test"))
    #expect(try secure.receiveToEnd().isEmpty)
    try rig.stop()
  }

  @Test func capsCountTheTrueUser() throws {
    let echo = try EchoServer()
    defer { echo.stop() }
    let rig = try Rig.hosts(
      [Rig.https("secure", ["a.test"], localPort: echo.port)],
      server: {
        $0.trustedProxies = ["127.0.0.1"]
        $0.connectionLimits.perAddress = 1
      })
    let port = try rig.hostPort(.https)
    let hello = HandMadeHello.make("a.test")
    var users: [TestSocket] = []
    for number in [1, 2, 2] {
      let user = try TestSocket.connect(port)
      try user.send(Array("PROXY TCP4 192.0.2.\(number) 198.51.100.1 1 443\r\n".utf8) + hello)
      users.append(user)
      if users.count < 3 {
        #expect(try user.receive(exactly: hello.count) == hello)
      } else {
        #expect(user.isReset())
      }
    }
    try rig.stop()
  }

  // On the bind port clients come without a header, from the same place.
  @Test func sharedPortTakesBoth() throws {
    let echo = try EchoServer()
    defer { echo.stop() }
    let port = try makeFreePort()
    let rig = try Rig(
      Stack(isTLS: false), localPort: echo.port,
      server: {
        $0.bindPort = port
        $0.httpPort = port
        $0.httpsPort = port
        $0.trustedProxies = ["127.0.0.1"]
      },
      client: { $0.proxies = [Rig.https("secure", ["a.test"], localPort: echo.port)] })
    let server = rig.server
    try rig.serverThread.run { server.on($0).httpFront = EchoFront() }
    try rig.expectRunning(1)
    for header in Self.headers {
      let user = try TestSocket.connect(port)
      try user.send(header + Array("GET / HTTP/1.1\r\n".utf8))
      #expect(
        try user.receiveToEnd() == Array("front 192.0.2.7:4711 GET / HTTP/1.1\r\n".utf8))
      let secure = try TestSocket.connect(port)
      let hello = HandMadeHello.make("a.test")
      try secure.send(header + hello)
      #expect(try secure.receive(exactly: hello.count) == hello)
      secure.close()
    }
    let broken = try TestSocket.connect(port)
    try broken.send("PROXY TCP4 nonsense\r\n")
    #expect(broken.isReset())
    try rig.stop()
  }
}
