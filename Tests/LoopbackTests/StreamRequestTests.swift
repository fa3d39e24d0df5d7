import Configuration
import LinuxSystem
import ProxyGraph
import TestKit
import Testing
import Timekeeping
import Transports
import TunnelClient
import WireProtocol

@testable import RelayServer

/// Code of the relay as the user of a proxy: it gets the plain bytes of the local service.
@Suite struct StreamRequestTests {
  /// Keeps what a stream delivers.
  private final class Collector: ByteStreamReceiver {
    var bytes: [UInt8] = []
    var hasEnded = false
    var failure: CloseReason?

    func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
      self.bytes += bytes
      stream.consume(bytes.count)
    }
    func streamDidEnd(_ stream: any ByteStream) { hasEnded = true }
    func streamDidProgress(_ stream: any ByteStream) {}
    func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) { failure = reason }
  }

  /// One request, on the loop of the relay.
  private final class Request {
    let collector = Collector()
    var id: UserConnectionID?
    var result: Result<any ByteStream, StreamRefusal>?

    var stream: (any ByteStream)? {
      switch result {
      case .success(let stream): stream
      case .failure, nil: nil
      }
    }

    var refusal: StreamRefusal? {
      switch result {
      case .failure(let refusal): refusal
      case .success, nil: nil
      }
    }

    init(_ server: RelayServer, _ host: String = "a.test") {
      guard let route = server.graph.route(.http, host: host),
        let proxy = server.chooseProxy(of: route, for: nil)
      else { return }
      let ends = UserEnds(
        source: SocketAddress(host: "192.0.2.7", port: 4711), destination: nil)
      id = server.requestStream(to: proxy, ends) { [self] result in
        self.result = result
        if case .success(let stream) = result { stream.receiver = collector }
      }
    }
  }

  private static func rig(
    _ stack: Stack, localPort: UInt16,
    _ change: @Sendable (inout ProxyConfiguration) -> Void = { _ in },
    server: @Sendable (inout ServerConfiguration) -> Void = { _ in }
  ) throws -> Rig {
    let rig = try Rig(
      stack, localPort: localPort,
      server: {
        $0.httpPort = 0
        server(&$0)
      },
      client: {
        var domains = ProxyDomains()
        domains.custom = ["a.test"]
        $0.proxies[0].service = .http(HTTPProxyConfiguration(domains: domains))
        change(&$0.proxies[0])
      })
    let server = rig.server
    let isOpen = try waitUntil {
      try rig.serverThread.run { server.on($0).graph.route(.http, host: "a.test") != nil }
    }
    #expect(isOpen)
    return rig
  }

  private static func request(_ rig: Rig) throws -> LoopConfined<Request> {
    let server = rig.server
    return try rig.serverThread.make { Request(server.on($0)) }
  }

  private static func wait(
    _ rig: Rig, _ request: LoopConfined<Request>, _ condition: @escaping @Sendable (Request) -> Bool
  ) throws -> Bool {
    try waitUntil { try rig.serverThread.run { condition(request.on($0)) } }
  }

  @Test(arguments: Stack.allCases)
  func bytesComeAsTheServiceSendsThem(_ stack: Stack) throws {
    let service = try EchoServer()
    defer { service.stop() }
    let rig = try Self.rig(stack, localPort: service.port)
    let request = try Self.request(rig)
    #expect(try Self.wait(rig, request) { $0.stream != nil })
    let pattern = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    try rig.serverThread.run { loop in
      let request = request.on(loop)
      request.stream?.write(Array(pattern[..<200_000]))
      request.stream?.write(Array(pattern[200_000...]))
      request.stream?.finish()
    }
    #expect(try Self.wait(rig, request) { $0.collector.bytes.count >= pattern.count })
    #expect(try rig.serverThread.run { request.on($0).collector.bytes == pattern })
    #expect(try rig.userCount() == 1)
    #expect(try Self.wait(rig, request) { $0.collector.hasEnded })
    try rig.serverThread.run { request.on($0).stream?.close() }
    #expect(try rig.userCount() == 0)
    try rig.stop()
  }

  @Test func limitOfTheProxyHolds() throws {
    let service = try EchoServer()
    defer { service.stop() }
    let rig = try Self.rig(
      Stack(), localPort: service.port,
      {
        $0.bandwidthLimit = Bandwidth("1MB")
        $0.bandwidthLimitMode = .server
      })
    let request = try Self.request(rig)
    #expect(try Self.wait(rig, request) { $0.stream != nil })
    let start = HostSystem.monotonicNanoseconds
    try rig.serverThread.run { loop in
      request.on(loop).stream?.write([UInt8](repeating: 1, count: 300_000))
    }
    #expect(try Self.wait(rig, request) { $0.collector.bytes.count >= 300_000 })
    // Both ways count: 600 kB of 1 MiB a second.
    #expect(HostSystem.monotonicNanoseconds - start > 450_000_000)
    try rig.serverThread.run { request.on($0).stream?.abort() }
    #expect(try rig.userCount() == 0)
    try rig.stop()
  }

  @Test func requestsCountAndEndLikeUsers() throws {
    let service = try EchoServer()
    defer { service.stop() }
    let rig = try Self.rig(
      Stack(), localPort: service.port, server: { $0.connectionLimits.perProxy = 1 })
    let first = try Self.request(rig)
    #expect(try Self.wait(rig, first) { $0.stream != nil })
    let second = try Self.request(rig)
    #expect(try rig.serverThread.run { request in second.on(request).refusal == .limited })
    #expect(try rig.counters().usersOverProxyMax == 1)
    // The session goes away, and what came through it.
    let client = rig.client
    try rig.clientThread.run { loop in
      client.on(loop).stop()
      client.on(loop).stop()
    }
    #expect(try Self.wait(rig, first) { $0.collector.failure != nil || $0.collector.hasEnded })
    let server = rig.server
    let third = try Self.request(rig)
    #expect(try rig.serverThread.run { third.on($0).id == nil }, "the route has ended")
    #expect(try rig.serverThread.run { server.on($0).graph.findInconsistencies().isEmpty })
    try rig.serverThread.run { first.on($0).stream?.abort() }
    #expect(try rig.userCount() == 0)
    try rig.stop()
  }

  // A client that logs in and never opens a work connection.
  @Test func waitingRequestsAreCancelledAndRefused() throws {
    let server = try LoneServer(Stack(isTLS: false, isMux: false)) {
      $0.httpPort = 0
      $0.userConnectionTimeout = .milliseconds(200)
    }
    let peer = try RawPeer(server.port)
    try peer.logIn()
    var announcement = NewProxy(proxyName: "web", proxyType: "http", customDomains: ["a.test"])
    announcement.httpUser = "u"
    try peer.send(.newProxy(announcement))
    guard case .newProxyResponse(let answer) = try peer.receiveAnswer() else {
      Issue.record("no answer")
      return
    }
    #expect(answer.error == "" && answer.remoteAddress.hasPrefix("a.test"))
    let confined = server.server
    let cancelled = try server.thread.make { loop in
      let request = Request(confined.on(loop))
      if let id = request.id { confined.on(loop).cancelStreamRequest(id) }
      return request
    }
    let late = try server.thread.make { Request(confined.on($0)) }
    #expect(try server.thread.run { confined.on($0).userConnectionCount == 1 })
    #expect(
      try waitUntil {
        try server.thread.run { late.on($0).refusal == .refused(.timedOut) }
      })
    #expect(try server.thread.run { cancelled.on($0).result == nil })
    #expect(try server.thread.run { confined.on($0).userConnectionCount == 0 })
    let last = try server.thread.make { Request(confined.on($0)) }
    let refusal = try server.thread.run { loop in
      confined.on(loop).stop()
      confined.on(loop).stop()
      return last.on(loop).refusal
    }
    #expect(refusal == .ended)
    try server.stop()
  }
}
