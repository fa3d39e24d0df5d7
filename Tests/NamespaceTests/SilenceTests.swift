import Foundation
import LinuxSystem
import TestKit
import Testing
import Timekeeping

/// Paths that die without a word, and paths that are merely slow.
@Suite(
  .serialized,
  .enabled(if: Namespace.obstacle == nil, Comment(rawValue: Namespace.obstacle ?? "")))
struct SilenceTests {
  /// Goal: both sides notice a dead path within 15 s, the relay frees the ports, and the visitor is
  /// served within 5 s of the path's return.
  @Test(arguments: [true, false])
  func deadPathIsNoticedAndHeals(isMux: Bool) async throws {
    try await measureBlackHole(isMux: isMux, path: nil)
  }

  /// Goal: the same on a path of 300 ms there and back.
  @Test(arguments: [true, false])
  func deadLongPathIsNoticedAndHeals(isMux: Bool) async throws {
    try await measureBlackHole(isMux: isMux, path: PathQuality(delay: .milliseconds(150)))
  }

  private func measureBlackHole(isMux: Bool, path: PathQuality?) async throws {
    try await onOwnThread {
      let rig = try NetworkRig(isMux: isMux, path: path)
      try rig.connectLAN()
      try rig.startClient()
      let start = HostSystem.monotonicNanoseconds
      try rig.blackhole(["r0"])
      let client = try #require(rig.client)
      var clientNoticed: Interval?
      var serverNoticed: Interval?
      func elapsed() -> Interval {
        Interval(nanoseconds: HostSystem.monotonicNanoseconds - start)
      }
      let isNoticed = waitUntil(within: .seconds(60)) {
        if clientNoticed == nil, client.logCount("control connection lost") > 0 {
          clientNoticed = elapsed()
        }
        if serverNoticed == nil, rig.server.logCount("proxy closing") > 0 {
          serverNoticed = elapsed()
        }
        return clientNoticed != nil && serverNoticed != nil
      }
      #expect(isNoticed)
      _ = waitUntil(within: .seconds(holeSeconds)) { elapsed() >= .seconds(holeSeconds) }
      let healedAt = HostSystem.monotonicNanoseconds
      try rig.blackhole([])
      let healed = try rig.timeUntilServed(since: healedAt, within: .seconds(60))
      report(
        "black hole of \(holeSeconds) s, mux \(isMux), "
          + "delay \(path?.delay.inSeconds ?? 0) s: client noticed after "
          + "\(clientNoticed?.inSeconds ?? -1) s, "
          + "server after \(serverNoticed?.inSeconds ?? -1) s, "
          + "served \(healed.inSeconds) s after it healed")
      #expect(clientNoticed ?? .seconds(99) <= limit(15))
      #expect(serverNoticed ?? .seconds(99) <= limit(15))
      #expect(healed <= limit(5))
    }
  }

  /// Goal: bytes that crawl are a sign of life: uploads and downloads through a queue that holds
  /// seconds of traffic keep their session.
  @Test func slowPathKeepsItsSession() async throws {
    try await onOwnThread {
      let rig = try NetworkRig()
      try rig.connectLAN()
      try rig.startClient()
      // 128 kbit/s; what waits more than 3 s is dropped.
      let queue = ["root", "tbf", "rate", "128kbit", "burst", "8k", "latency", "3s"]
      try rig.lan.run(["tc", "qdisc", "add", "dev", "l0"] + queue)
      try rig.relay.run(["tc", "qdisc", "add", "dev", "r0"] + queue)
      let visitor = try rig.openVisitor()
      let block = [UInt8](repeating: 7, count: 600_000)
      let echoed = try rig.visitor.inside {
        let sender = OwnThread { try? visitor.send(block, within: .seconds(120)) }
        let bytes = try visitor.receive(exactly: block.count, within: .seconds(120))
        sender.join()
        return bytes
      }
      #expect(echoed == block)
      #expect(rig.client?.logCount("login to server success") == 1)
      #expect(rig.server.logCount("proxy closing") == 0)
    }
  }

  /// Goal: a path that is slow and loses packets ends no session that moves bytes, and every byte
  /// arrives.
  @Test(arguments: [true, false])
  func lossyPathKeepsItsSession(isMux: Bool) async throws {
    let path = PathQuality(
      delay: .milliseconds(200), jitter: .milliseconds(20), lossPerThousand: 30)
    let seed = UInt64.random(in: 0...UInt64.max)
    try await onOwnThread {
      let rig = try NetworkRig(isMux: isMux, path: path, seed: seed)
      try rig.connectLAN()
      try rig.startClient()
      let visitor = try rig.openVisitor()
      let block = Pattern(seed: seed).bytes(from: 0, count: lossyByteCount)
      let start = HostSystem.monotonicNanoseconds
      let echoed = try rig.visitor.inside {
        let sender = OwnThread { try? visitor.send(block, within: .seconds(240)) }
        let bytes = try visitor.receive(exactly: block.count, within: .seconds(240))
        sender.join()
        return bytes
      }
      let time = Interval(nanoseconds: HostSystem.monotonicNanoseconds - start)
      let counts = rig.delayBox?.counts
      report(
        "200 ms, 3 % loss, mux \(isMux), seed \(seed): \(block.count) bytes there and back in "
          + "\(time.inSeconds) s, \(counts?.lost ?? 0) of \(counts?.delivered ?? 0) packets lost")
      #expect(counts?.lost ?? 0 > 0, "seed \(seed)")
      #expect(echoed == block, "seed \(seed)")
      #expect(rig.client?.logCount("login to server success") == 1, "seed \(seed)")
      #expect(rig.server.logCount("proxy closing") == 0, "seed \(seed)")
    }
  }
}

/// The bytes that cross the lossy path: `NAMESPACE_LOSSY_BYTES`, or 200,000.
private let lossyByteCount =
  ProcessInfo.processInfo.environment["NAMESPACE_LOSSY_BYTES"].flatMap { Int($0) } ?? 200_000
