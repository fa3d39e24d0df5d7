import HTTPProtocol
import LinuxSystem
import Logging
import Reactor
import TestKit
import Testing
import Timekeeping
import Transports

@testable import Dashboard

/// A server of ours on real sockets: credentials, routes, limits, rude clients.
@Suite(.serialized) struct APIServerTests {
  /// A server on a loop of its own.
  private final class Rig: Sendable {
    let thread: LoopThread
    let server: LoopConfined<APIServer>
    let port: UInt16

    init(user: String = "admin", password: String = "secret") throws {
      thread = try LoopThread()
      server = try thread.make { loop in
        let settings = APIServerSettings(
          address: .loopback(port: 0), user: user, password: password)
        let logger = Logger(label: "rig") { _ in SwiftLogNoOpLogHandler() }
        let server = APIServer(TransportContext(loop), settings, logger: logger)
        server.add(.get, "/api/name/{name}") { _, parameters, answer in
          answer(HTTPAnswer(.ok, text: parameters["name"] ?? ""))
        }
        server.add(.put, "/api/echo") { request, _, answer in
          answer(HTTPAnswer(.ok, contentType: "text/plain", body: request.body))
        }
        server.add(.post, "/api/later") { _, _, answer in
          _ = loop.schedule(after: .milliseconds(20)) { answer(.done) }
        }
        try server.start()
        return server
      }
      let confined = server
      port = try thread.run { confined.on($0).boundAddress?.port ?? 0 }
    }

    func connectionCount() throws -> Int {
      let server = self.server
      return try thread.run { server.on($0).connectionCount }
    }

    /// What the server sends until it closes.
    func exchange(_ text: String) throws -> String {
      let socket = try TestSocket.connect(port)
      try socket.send(text)
      return String(decoding: try socket.receiveToEnd(), as: UTF8.self)
    }

    func stop() throws {
      let server = self.server
      try thread.run { server.on($0).close() }
      thread.stop()
    }
  }

  /// `admin:secret` in base64.
  private static let credentials = "Authorization: Basic YWRtaW46c2VjcmV0\r\n"

  private static func request(
    _ line: String, _ fields: String = credentials, body: String = ""
  ) -> String {
    let length = body.isEmpty ? "" : "Content-Length: \(body.utf8.count)\r\n"
    return "\(line) HTTP/1.1\r\nHost: x\r\n\(fields)\(length)Connection: close\r\n\r\n\(body)"
  }

  @Test func routesAreServedToThoseWithCredentials() throws {
    let rig = try Rig()
    let good = try rig.exchange(Self.request("GET /api/name/a%2Fb"))
    #expect(good.hasPrefix("HTTP/1.1 200 OK\r\n") && good.hasSuffix("\r\n\r\na/b\n"))
    #expect(good.contains("\r\nDate: ") && good.contains(" GMT\r\n"))
    let started = HostSystem.monotonicNanoseconds
    for fields in ["", "Authorization: Basic YWRtaW46d3Jvbmc=\r\n", "Authorization: Bearer x\r\n"] {
      let bad = try rig.exchange(Self.request("GET /api/name/a", fields))
      #expect(bad.hasPrefix("HTTP/1.1 401 Unauthorized\r\n"))
      #expect(bad.contains("WWW-Authenticate: Basic realm=\"Restricted\"\r\n"))
      #expect(bad.contains("\r\n\r\nUnauthorized"))
    }
    #expect(HostSystem.monotonicNanoseconds - started >= 3 * 190_000_000)
    // Unknown paths and methods are answered before credentials are asked for.
    #expect(try rig.exchange(Self.request("GET /nothing", "")).contains(" 404 "))
    #expect(try rig.exchange(Self.request("HEAD /api/name/a", "")).contains(" 405 "))
    #expect(try rig.exchange(Self.request("GET /healthz", "")).contains(" 200 "))
    try rig.stop()
  }

  @Test func withoutUserAndPasswordEverybodyIsLetIn() throws {
    let rig = try Rig(user: "", password: "")
    let request = Self.request("GET /api/name/a", "")
    let local = request.replacing("Host: x", with: "Host: localhost")
    #expect(try rig.exchange(local).contains(" 200 "))
    // By a name that may be a stranger's, nobody is.
    #expect(try rig.exchange(request).contains(" 403 "))
    try rig.stop()
  }

  @Test func bodiesAreBoundedAndContinueIsSaid() throws {
    let rig = try Rig()
    let body = String(repeating: "b", count: 300_000)
    let echo = try rig.exchange(Self.request("PUT /api/echo", body: body))
    #expect(echo.hasSuffix(body))
    let tooLarge =
      "PUT /api/echo HTTP/1.1\r\nHost: x\r\n\(Self.credentials)Content-Length: 99999999\r\n\r\n"
    #expect(try rig.exchange(tooLarge).contains(" 413 "))
    let socket = try TestSocket.connect(rig.port)
    let head =
      "PUT /api/echo HTTP/1.1\r\nHost: x\r\n\(Self.credentials)Expect: 100-continue\r\n"
      + "Content-Length: 4\r\nConnection: close\r\n\r\n"
    try socket.send(head)
    let interim = try socket.receive(exactly: 25)
    #expect(String(decoding: interim, as: UTF8.self) == "HTTP/1.1 100 Continue\r\n\r\n")
    try socket.send("body")
    #expect(String(decoding: try socket.receiveToEnd(), as: UTF8.self).hasSuffix("body"))
    try rig.stop()
  }

  @Test func requestsOfOneConnectionAreAnsweredInTheirOrder() throws {
    let rig = try Rig()
    let later = "POST /api/later HTTP/1.1\r\nHost: x\r\n\(Self.credentials)\r\n"
    let name = "GET /api/name/n HTTP/1.1\r\nHost: x\r\n\(Self.credentials)\r\n"
    let all = try rig.exchange(later + name + later + Self.request("GET /healthz", ""))
    let codes = all.split(separator: "HTTP/1.1 ").map { $0.prefix(3) }
    #expect(codes == ["200", "200", "200", "200"])
    #expect(all.contains("\r\n\r\nn\nHTTP/1.1"))
    try rig.stop()
  }

  @Test func malformedRequestsAreRefusedAndClosed() throws {
    let rig = try Rig()
    for text in [
      "GET / HTTP/1.1\r\n\r\n", "\r\n\r\n\r\n", "GET /\n\n", "\u{16}\u{3}\u{1}\u{2}\0\u{1}",
      "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nX: \(String(repeating: "x", count: 40_000))\r\n\r\n",
    ] {
      let answer = try rig.exchange(text)
      #expect(answer.hasPrefix("HTTP/1.1 4"), "\(text.prefix(40)): \(answer.prefix(40))")
    }
    #expect(try waitUntil { try rig.connectionCount() == 0 })
    try rig.stop()
  }

  /// Those who say nothing do not keep others out: the one idle longest goes.
  @Test func silentClientsGoForNewOnes() throws {
    let rig = try Rig()
    let silent = try (0..<DashboardLimits.connectionCountMax + 6).map { _ in
      try TestSocket.connect(rig.port)
    }
    #expect(try rig.exchange(Self.request("GET /api/name/a")).contains(" 200 "))
    #expect(try rig.connectionCount() <= DashboardLimits.connectionCountMax)
    for socket in silent { socket.close() }
    #expect(try waitUntil { try rig.connectionCount() == 0 })
    try rig.stop()
  }

  /// One who asks again and again and reads nothing is not read from.
  @Test func clientThatNeverReadsHoldsLittle() throws {
    let rig = try Rig()
    let deaf = try TestSocket.connect(rig.port)
    deaf.shrinkBuffers()
    let body = String(repeating: "b", count: 200_000)
    let request =
      "PUT /api/echo HTTP/1.1\r\nHost: x\r\n\(Self.credentials)Content-Length: \(body.utf8.count)"
      + "\r\n\r\n\(body)"
    var isStopped = false
    for _ in 0..<200 where !isStopped {
      isStopped = (try? deaf.send(request, within: .milliseconds(500))) == nil
    }
    #expect(isStopped)
    #expect(try rig.exchange(Self.request("GET /api/name/a")).contains(" 200 "))
    deaf.close()
    try rig.stop()
  }
}
