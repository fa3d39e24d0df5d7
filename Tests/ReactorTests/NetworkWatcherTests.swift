import LinuxSystem
import TestKit
import Testing
import Timekeeping

@testable import Reactor

/// Sleep, and the watcher's life; that it hears of changes is tested in network namespaces.
@Suite struct NetworkWatcherTests {
  private let second: Int64 = 1_000_000_000

  @Test func onlyLongSleepCounts() {
    var detector = SleepDetector(monotonic: 5 * second, boot: 100 * second)
    #expect(detector.check(monotonic: 50 * second, boot: 145 * second) == nil)
    #expect(detector.check(monotonic: 51 * second, boot: 150 * second) == nil)
    #expect(detector.check(monotonic: 52 * second, boot: 156 * second) == .seconds(5))
    #expect(detector.check(monotonic: 53 * second, boot: 157 * second) == nil)
    #expect(detector.check(monotonic: 54 * second, boot: 7357 * second) == .seconds(7199))
  }

  @Test func watcherLeavesNothingBehind() throws {
    let loop = try EventLoop()
    let before = loop.registrationCount
    let watcher = try NetworkWatcher(loop) { _ in }
    #expect(loop.registrationCount == before + 2)
    let answer = watcher.route(to: .loopback(port: 1))
    #expect(answer?.isReachable == true)
    watcher.checkClocks()
    watcher.close()
    loop.turn(sleepMax: .zero)
    #expect(loop.registrationCount == before)
    #expect(loop.timerCount == 0)
  }
}
