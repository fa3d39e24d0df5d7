import Configuration
import Foundation
import LinuxSystem
import RelayServer
import TestKit
import Testing
import Timekeeping
import TunnelClient
import WireProtocol

/// Virtual hosts of tcpmux: found by a CONNECT request.
@Suite struct ConnectHostTests {
  private static let granted = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

  private static func request(_ host: String, _ fields: String = "") -> String {
    "CONNECT \(host) HTTP/1.1\r\nHost: \(host)\r\n\(fields)\r\n"
  }

  private static func authorization(_ base64: String) -> String {
    "Proxy-Authorization: Basic \(base64)\r\n"
  }

  private func exchange(_ port: UInt16, _ text: String) throws -> String {
    let user = try TestSocket.connect(port)
    try user.send(text)
    return String(decoding: try user.receiveToEnd(), as: UTF8.self)
  }

  /// What the user of an echo gets who asks, and sends `early` with the request.
  private func tunnel(_ port: UInt16, _ request: String, early: String = "") throws -> String {
    let user = try TestSocket.connect(port)
    try user.send(request + early)
    let expected = Self.granted.utf8.count + early.utf8.count
    var bytes = try user.receive(exactly: expected)
    try user.send("more")
    bytes += try user.receive(exactly: 4)
    user.shutdownWriting()
    #expect(try user.receiveSome().isEmpty)
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test(arguments: Stack.transports)
  func tunnelIsGrantedAndEarlyDataKept(_ stack: Stack) throws {
    let echo = try EchoServer()
    defer { echo.stop() }
    let rig = try Rig.hosts(over: stack, [Rig.tcpmux("web", ["a.test"], localPort: echo.port)])
    let port = try rig.hostPort(.tcpmux)
    #expect(try tunnel(port, Self.request("a.test:443")) == Self.granted + "more")
    #expect(
      try tunnel(port, Self.request("A.test:22"), early: "SSH-2.0-x")
        == Self.granted + "SSH-2.0-xmore")
    #expect(try waitUntil { try rig.userCount() == 0 && rig.arrivalCount() == 0 })
    try rig.stop()
  }

  @Test func requestMayBeCutAnywhere() throws {
    let echo = try EchoServer()
    defer { echo.stop() }
    let rig = try Rig.hosts([Rig.tcpmux("web", ["a.test"], localPort: echo.port)])
    let port = try rig.hostPort(.tcpmux)
    let request = Array(Self.request("a.test:1").utf8)
    for split in 1..<request.count {
      let user = try TestSocket.connect(port)
      try user.send(Array(request[..<split]))
      #expect(try waitUntil { try rig.arrivalCount() == 1 })
      try user.send(Array(request[split...]) + Array("x".utf8))
      let answer = try user.receive(exactly: Self.granted.utf8.count + 1)
      #expect(answer == Array((Self.granted + "x").utf8), "cut at \(split)")
      user.close()
    }
    try rig.stop()
  }

  @Test func passthroughShowsTheServiceEverything() throws {
    let echo = try EchoServer()
    defer { echo.stop() }
    let rig = try Rig.hosts(
      [Rig.tcpmux("web", ["a.test"], localPort: echo.port)],
      server: { $0.passesConnectRequests = true })
    let user = try TestSocket.connect(try rig.hostPort(.tcpmux))
    let sent = Array((Self.request("a.test:443", "X-Own: 1\r\n") + "early").utf8)
    try user.send(sent)
    #expect(try user.receive(exactly: sent.count) == sent)
    try rig.stop()
  }

  @Test func credentialsAndUsersAreRespected() throws {
    let closed = try EchoServer()
    let open = try EchoServer()
    defer {
      closed.stop()
      open.stop()
    }
    let rig = try Rig.hosts([
      Rig.tcpmux("closed", ["a.test"], localPort: closed.port, user: "u", password: "p"),
      Rig.tcpmux("routed", ["a.test"], localPort: open.port, routeByUser: "other"),
    ])
    let port = try rig.hostPort(.tcpmux)
    // u:p, u:q, other:
    #expect(
      try tunnel(port, Self.request("a.test:80", Self.authorization("dTpw"))).hasSuffix("more"))
    #expect(closed.server.acceptCount == 1)
    for fields in ["", Self.authorization("dTpx"), "Authorization: Basic dTpw\r\n"] {
      let answer = try exchange(port, Self.request("a.test:80", fields))
      #expect(answer.hasPrefix("HTTP/1.1 407 "), "\(answer)")
      #expect(answer.contains("Proxy-Authenticate: Basic realm=\"Restricted\"\r\n"))
      #expect(answer.contains("\r\nDate: ") && answer.contains(" GMT\r\n"))
    }
    #expect(
      try tunnel(port, Self.request("a.test:80", Self.authorization("b3RoZXI6")))
        .hasSuffix("more"))
    #expect(closed.server.acceptCount == 1 && open.server.acceptCount == 1)
    try rig.stop()
  }

  @Test func otherThingsAreSentAway() throws {
    let rig = try Rig.hosts([Rig.tcpmux("web", ["a.test"], localPort: 9)])
    let port = try rig.hostPort(.tcpmux)
    let unknown = try exchange(port, Self.request("b.test:80"))
    #expect(unknown.hasPrefix("HTTP/1.1 404 Not Found\r\n"))
    #expect(unknown.contains("Connection: close\r\n") && unknown.contains("<h1>Not Found</h1>"))
    #expect(try exchange(port, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").isEmpty)
    let broken = try exchange(port, "CONNECT a.test HTTP/1.1\r\nHost : a.test\r\n\r\n")
    #expect(broken.hasPrefix("HTTP/1.1 400 "), "\(broken)")
    let long = String(repeating: "x", count: 40_000)
    let large = try exchange(port, Self.request("a.test:80", "X: \(long)\r\n"))
    #expect(large.hasPrefix("HTTP/1.1 431 "), "\(large)")
    try rig.stop()
  }

  // The operator's page, read again after it has changed.
  @Test func customPageIsShown() throws {
    let path = "/tmp/frp-test-\(UUID().uuidString).html"
    func write(_ text: String) throws {
      try text.write(toFile: path, atomically: true, encoding: .utf8)
    }
    try write("<h1>ours</h1>")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let rig = try Rig.hosts(
      [Rig.tcpmux("web", ["a.test"], localPort: 9)], server: { $0.notFoundPagePath = path })
    let port = try rig.hostPort(.tcpmux)
    let answer = try exchange(port, Self.request("b.test:80"))
    #expect(answer.hasSuffix("<h1>ours</h1>") && answer.contains("text/html"))
    try write("other")
    #expect(try waitUntil { try exchange(port, Self.request("b.test:80")).hasSuffix("other") })
    try FileManager.default.removeItem(atPath: path)
    #expect(
      try waitUntil { try exchange(port, Self.request("b.test:80")).contains("Not Found</h1>") })
    try rig.stop()
  }

  // A client that never opens a work connection.
  @Test func whoIsNotServedIsTold() throws {
    let server = try LoneServer(Stack(isTLS: false, isMux: false)) {
      $0.httpConnectPort = 0
      $0.userConnectionTimeout = .milliseconds(200)
    }
    let peer = try RawPeer(server.port)
    try peer.logIn()
    try peer.send(
      .newProxy(
        NewProxy(
          proxyName: "web", proxyType: "tcpmux", customDomains: ["a.test"],
          multiplexer: "httpconnect")))
    guard case .newProxyResponse(let answer) = try peer.receiveAnswer() else {
      Issue.record("no answer")
      return
    }
    let confined = server.server
    let port = try #require(
      try server.thread.run { confined.on($0).publicPort(ofHosts: .tcpmux) })
    #expect(answer.remoteAddress == "a.test:\(port)")
    #expect(try exchange(port, Self.request("a.test:80")).hasPrefix("HTTP/1.1 504 "))
    try server.stop()
  }
}
