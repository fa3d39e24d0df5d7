import Configuration
import LinuxSystem
import TestKit
import Testing
import Timekeeping

/// Proxies with `bandwidth_limit`, in both modes.
@Suite(.serialized) struct BandwidthTests {
  private static let stacks: [Stack] =
    Stack.transports + [Stack(isEncrypted: true, isCompressed: true)]

  private func rig(
    _ stack: Stack, _ mode: BandwidthLimitMode, _ limit: String, localPort: UInt16
  ) throws -> Rig {
    try Rig(
      stack, localPort: localPort,
      client: { configuration in
        configuration.proxies[0].bandwidthLimit = Bandwidth(limit)
        configuration.proxies[0].bandwidthLimitMode = mode
      })
  }

  // Little in all: too short to be exact, long enough to show who limits what.
  @Test(arguments: BandwidthLimitMode.allCases, stacks)
  func bothDirectionsTogetherKeepToTheLimit(_ mode: BandwidthLimitMode, _ stack: Stack) throws {
    let service = try EchoServer()
    defer { service.stop() }
    let rig = try rig(stack, mode, "1MB", localPort: service.port)
    let user = try TestSocket.connect(try rig.publicPort())
    var generator = RepeatableGenerator(seed: 4)
    let question = generator.bytes(256 * 1024)
    let began = HostSystem.monotonicNanoseconds
    let writer = OwnThread {
      try? user.send(question)
      user.shutdownWriting()
    }
    #expect(try user.receiveToEnd() == question)
    writer.join()
    let seconds = Double(HostSystem.monotonicNanoseconds - began) / 1e9
    // Half a MiB in all, a tenth of a second's worth of it at once.
    #expect(seconds > 0.38)
    user.close()
    #expect(try waitUntil { try rig.userCount() == 0 })
    try rig.stop()
  }

  // The one that takes five seconds.
  @Test func tenUsersShareTheLimitForFiveSeconds() throws {
    let service = try TestServer { socket in
      let block = [UInt8](repeating: 7, count: 64 * 1024)
      while true { try socket.send(block) }
    }
    defer { service.stop() }
    let rig = try rig(Stack(), .server, "2MB", localPort: service.port)
    let port = try rig.publicPort()
    let began = HostSystem.monotonicNanoseconds
    let users = try (0..<10).map { _ in try TestSocket.connect(port) }
    let counts = Locked([Int](repeating: 0, count: users.count))
    let end = began + 5_000_000_000
    let readers = users.enumerated().map { index, user in
      OwnThread {
        while true {
          let rest = Interval(nanoseconds: end - HostSystem.monotonicNanoseconds)
          guard rest > .zero, let piece = try? user.receiveSome(within: rest) else { return }
          counts.withLock { $0[index] += piece.count }
        }
      }
    }
    for reader in readers { reader.join() }
    let received = counts.withLock { $0 }
    let total = received.reduce(0, +)
    let share = total / users.count
    #expect(abs(Double(total) / Double(5 * 2 << 20) - 1) < 0.03, "\(total)")
    #expect(received.allSatisfy { abs($0 - share) < share / 10 }, Comment(rawValue: "\(received)"))
    for user in users { user.abort() }
    #expect(try waitUntil { try rig.userCount() == 0 })
    try rig.stop()
  }

  // What the limit holds back stops the service, within buffers of a known size.
  @Test(arguments: BandwidthLimitMode.allCases)
  func limitedPairsKeepLittle(_ mode: BandwidthLimitMode) throws {
    let taken = Promised<Int>()
    let service = try TestServer { socket in
      do throws(TestSocketError) {
        try socket.send([UInt8](repeating: 7, count: 64 << 20), within: .seconds(1))
        taken.fulfill(64 << 20)
      } catch {
        if case .timedOut(_, let byteCount) = error { taken.fulfill(byteCount) }
      }
    }
    defer { service.stop() }
    let rig = try rig(Stack(), mode, "1KB", localPort: service.port)
    let user = try TestSocket.connect(try rig.publicPort())
    let byteCount = try taken.wait()
    // The window of the stream, one read at each end, and what the kernel's buffers take.
    #expect(byteCount < 12 << 20, "\(byteCount)")
    user.abort()
    #expect(try waitUntil { try rig.userCount() == 0 })
    try rig.stop()
  }
}
