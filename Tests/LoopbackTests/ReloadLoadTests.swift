import Configuration
import Foundation
import LinuxSystem
import Synchronization
import TestKit
import Testing
import Timekeeping
import TunnelClient

/// Reloads of both programs under load: no connect fails, no stream is cut.
///
/// `FRP_RELOAD_RATE` (connections in a second), `FRP_RELOAD_STREAMS` and `FRP_RELOAD_COUNT` make it
/// as large as wanted.
@Suite(.serialized) struct ReloadLoadTests {
  private static func setting(_ name: String, _ defaultValue: Int) -> Int {
    ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? defaultValue
  }

  private final class Load: Sendable {
    let isOver = Atomic<Bool>(false)
    let connectionCount = Atomic<Int>(0)
    let roundCount = Atomic<Int>(0)
    let failures = Locked<[String]>([])

    func fail(_ text: String) { failures.withLock { $0.append(text) } }

    /// One connection after the other, `rate` in a second, until the load is over.
    func connect(to port: UInt16, rate: Double) {
      let pause = Int64(1_000_000_000 / rate)
      var next = HostSystem.monotonicNanoseconds
      while !isOver.load(ordering: .acquiring) {
        _ = waitUntil(within: .seconds(1)) { HostSystem.monotonicNanoseconds >= next }
        next += pause
        do {
          let user = try TestSocket.connect(port)
          try user.send("short")
          if try user.receive(exactly: 5) != Array("short".utf8) { fail("another answer") }
          user.close()
          connectionCount.add(1, ordering: .relaxed)
        } catch {
          fail("connection: \(error)")
        }
      }
    }

    /// A stream that must live through everything.
    func stream(over user: TestSocket) {
      let piece = (0..<1024).map { UInt8(truncatingIfNeeded: $0) }
      do {
        while !isOver.load(ordering: .acquiring) {
          try user.send(piece)
          if try user.receive(exactly: piece.count) != piece { fail("other bytes") }
          roundCount.add(1, ordering: .relaxed)
          _ = waitUntil(within: .milliseconds(20)) { isOver.load(ordering: .acquiring) }
        }
      } catch {
        fail("stream: \(error)")
      }
    }
  }

  @Test(arguments: [Stack(), Stack(isTLS: false, isMux: false)])
  func nothingIsCutAndNoConnectFails(_ stack: Stack) throws {
    HostSystem.raiseDescriptorLimit()
    let service = try EchoServer()
    defer { service.stop() }
    let server = try LoneServer(stack)
    let client = try Rig.Client(stack, bindPort: server.port, localPort: service.port)
    let settings = Rig.clientConfiguration(
      stack, bindPort: server.port, localPort: service.port)
    #expect(try waitUntil { try server.publicPort("web") != nil })
    let port = try #require(try server.publicPort("web"))
    let load = Load()
    let rate = Self.setting("FRP_RELOAD_RATE", 100)
    let workerCount = max(8, rate / 25)
    var threads: [OwnThread] = []
    for _ in 0..<Self.setting("FRP_RELOAD_STREAMS", 10) {
      let user = try TestSocket.connect(port)
      threads.append(OwnThread { load.stream(over: user) })
    }
    for _ in 0..<workerCount {
      threads.append(
        OwnThread { load.connect(to: port, rate: Double(rate) / Double(workerCount)) })
    }
    let start = HostSystem.monotonicNanoseconds
    for round in 1...Self.setting("FRP_RELOAD_COUNT", 100) {
      _ = waitUntil(within: .milliseconds(30)) { !load.failures.withLock(\.isEmpty) }
      try server.reload(stack) { change(&$0, round) }
      let outcome = try client.reload(settings) { change(&$0, round) }
      #expect(outcome == ReloadOutcome())
    }
    let seconds = Double(HostSystem.monotonicNanoseconds - start) / 1e9
    load.isOver.store(true, ordering: .releasing)
    for thread in threads { thread.join() }
    let count = load.connectionCount.load(ordering: .acquiring)
    #expect(load.failures.withLock { $0 } == [])
    #expect(load.roundCount.load(ordering: .acquiring) > 0 && count > 0)
    Console.writeLine("\(stack.testDescription): \(count) connections in \(seconds) s")
    try client.stop()
    try server.stop()
  }

  private func change(_ configuration: inout ServerConfiguration, _ round: Int) {
    configuration.authentication.token = Secret("token \(round)")
    configuration.connectionLimits.perProxy = round % 2 == 0 ? nil : 100_000 + round
    configuration.allowedPorts = PortRanges([1024...UInt16(60_000 + round % 5000)])
    configuration.usersFilePath = "users"
    configuration.accounts = [Account(name: "user\(round % 3)", token: Secret("\(round)"))]
  }

  private func change(_ configuration: inout ClientConfiguration, _ round: Int) {
    guard round % 4 != 0 else { return }
    var other = ProxyConfiguration(
      name: "other", service: .tcp(TCPProxyConfiguration(remotePort: 0)))
    other.localPort = UInt16(round % 4)
    configuration.proxies.append(other)
  }

  // `FRP_RELOAD_PROXIES=5000` in a release build is the figure of docs/reloading.md.
  @Test func reloadOfManyProxiesIsShort() throws {
    HostSystem.raiseDescriptorLimit()
    let count = Self.setting("FRP_RELOAD_PROXIES", 300)
    let stack = Stack()
    let server = try LoneServer(stack)
    var settings = Rig.clientConfiguration(stack, bindPort: server.port, localPort: 9)
    settings.proxies = (0..<count).map { number in
      var proxy = ProxyConfiguration(
        name: "proxy\(number)", service: .tcp(TCPProxyConfiguration(remotePort: 0)))
      proxy.localPort = 9
      return proxy
    }
    let proxies = settings.proxies
    let client = try Rig.Client(stack, bindPort: server.port) { $0.proxies = proxies }
    let isOpen = try waitUntil(within: .seconds(60)) {
      try client.status().count { $0.phase == .running } == count
    }
    #expect(isOpen)
    let start = HostSystem.monotonicNanoseconds
    _ = try client.reload(settings) { configuration in
      for index in 0..<10 { configuration.proxies[index * count / 10].localPort = 10 }
    }
    #expect(
      try waitUntil {
        try client.status().allSatisfy { $0.phase == .running }
      })
    let milliseconds = Double(HostSystem.monotonicNanoseconds - start) / 1e6
    Console.writeLine("\(count) proxies, 10 of them changed: \(milliseconds) ms")
    try client.stop()
    try server.stop()
  }
}
