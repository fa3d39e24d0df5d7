import HTTPProtocol
import LinuxSystem
import TestKit
import Testing
import Timekeeping

@testable import HTTPGateway

/// Many visitors who send their heads byte by byte.
@Suite(.serialized) struct SlowHeadTests {
  /// Both ends of each connection are in this process.
  private static func peerCount() -> Int {
    min(10_000, (HostSystem.raiseDescriptorLimit() - 1_000) / 2)
  }

  /// Goal: a good request is answered within 50 ms beside 10,000 slow heads, or as many as there
  /// are descriptors for. Method: all of them send a byte between two good requests.
  @Test func slowHeadsDelayNobody() throws {
    let stub = try StubService.mirror()
    let rig = try GatewayRig(stub)
    let count = Self.peerCount()
    #expect(count >= 1_000)
    let good = try TestSocket.connect(rig.port)
    let reader = MessageReader(good)
    let slow = try (0..<count).map { _ in
      let peer = try TestSocket.connect(rig.port)
      try peer.send("GET / HTTP/1.1\r\nX-Slow: ")
      return peer
    }
    #expect(
      try waitUntil { try rig.ask { $0.gateway?.activeCount } == count })
    var delays: [Int64] = []
    for number in 0..<200 {
      for index in 0..<50 { try slow[(number * 50 + index) % count].send("x") }
      let start = HostSystem.monotonicNanoseconds
      try good.send("GET /\(number) HTTP/1.1\r\nHost: a.test\r\n\r\n")
      let head = try #require(try reader.head())
      _ = try reader.body(head)
      delays.append(HostSystem.monotonicNanoseconds - start)
    }
    delays.sort()
    // The machine may be busy with other things now and then.
    let late = delays[delays.count * 95 / 100]
    #expect(late < 50_000_000, "\(late / 1000) µs, \(count) peers")
    for peer in slow { peer.close() }
    #expect(try waitUntil { try rig.ask { $0.gateway?.connectionCount } == 1 })
    good.close()
    try rig.stop()
    stub.stop()
  }
}
