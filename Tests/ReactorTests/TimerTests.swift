import LinuxSystem
import Reactor
import TestKit
import Testing
import Timekeeping

@Suite struct TimerTests {
  /// Turns until `condition` holds, at most so many times.
  private func turn(_ loop: EventLoop, atMost turns: Int, until condition: () -> Bool) -> Int {
    var count = 0
    while !condition(), count < turns {
      loop.turn(sleepMax: .seconds(10))
      count += 1
    }
    return count
  }

  @Test func timersFireInOrder() throws {
    let loop = try EventLoop()
    var fired: [Int] = []
    let start = loop.now
    for (name, delay) in [(3, 3), (1, 1), (2, 2), (11, 1), (0, -5)] {
      loop.schedule(at: start + .milliseconds(delay)) { fired.append(name) }
    }
    #expect(loop.timerCount == 5)
    _ = turn(loop, atMost: 20) { fired.count == 5 }
    #expect(fired == [0, 1, 11, 2, 3])
    #expect(loop.timerCount == 0)
  }

  /// A deadline is not on the grid of milliseconds that epoll_wait counts in: rounding down would
  /// turn the loop without anything to do, rounding wrongly would fire early.
  @Test func sleepsAreRoundedUp() throws {
    let loop = try EventLoop()
    var turns = 0
    for microseconds in stride(from: 1, to: 3000, by: 61) {
      loop.turn(sleepMax: .zero)
      let deadline = loop.now + .microseconds(microseconds)
      var firedAt: Instant?
      loop.schedule(at: deadline) { firedAt = loop.now }
      turns += turn(loop, atMost: 1000) { firedAt != nil }
      #expect(try #require(firedAt) >= deadline)
    }
    // One turn each; a signal may cut a sleep short.
    #expect(turns <= 60)
  }

  @Test func aTimerWithoutDelayNeverFiresFromWithinTheCall() throws {
    let loop = try EventLoop()
    var count = 0
    loop.schedule(after: .zero) { count += 1 }
    loop.schedule(at: Instant(nanoseconds: 0)) { count += 1 }
    #expect(count == 0)
    loop.turn()
    #expect(count == 2)
  }

  /// A timer that arms itself for now again and again must leave the descriptors their turns.
  @Test func aTimerThatArmsItselfDoesNotStarveDescriptors() throws {
    let loop = try EventLoop()
    var count = 0
    func again() {
      count += 1
      loop.schedule(after: .zero) { again() }
    }
    again()
    let bell = try Bell(loop, isRinging: true)
    for turn in 1...5 {
      loop.turn(sleepMax: .seconds(10))
      #expect(count == 1 + turn)
      #expect(bell.seen.count == turn)
    }
    bell.close()
  }

  @Test func timersMayBeArmedAndCancelledInsideTimers() throws {
    let loop = try EventLoop()
    var fired: [String] = []
    var ids: [String: TimerID] = [:]
    let start = loop.now
    ids["self"] = loop.schedule(at: start) {
      fired.append("self")
      // Its own ID is spent, and must not reach the slot's next owner.
      let child = loop.schedule(after: .zero) { fired.append("child") }
      if let own = ids["self"] { loop.cancel(own) }
      if let victim = ids["victim"] { loop.cancel(victim) }
      #expect(child != ids["self"])
    }
    ids["victim"] = loop.schedule(at: start) { fired.append("victim") }
    loop.schedule(at: start) { fired.append("bystander") }
    for _ in 0..<3 { loop.turn(sleepMax: .zero) }
    #expect(fired == ["self", "bystander", "child"])
    #expect(loop.timerCount == 0)
  }

  @Test func manyExpiredTimersAreSpreadOverTurns() throws {
    let loop = try EventLoop()
    var fired = 0
    let count = ReactorLimits.timersPerTurnMax * 2 + 10
    for _ in 0..<count { loop.schedule(after: .zero) { fired += 1 } }
    for expected in [ReactorLimits.timersPerTurnMax, 2 * ReactorLimits.timersPerTurnMax, count] {
      loop.turn(sleepMax: .seconds(10))
      #expect(fired == expected)
    }
  }

  @Test func hundredThousandArmedTimersDoNotDelayOne() throws {
    let loop = try EventLoop()
    for index in 0..<100_000 { loop.schedule(after: .seconds(1000 + index % 977)) {} }
    let start = HostSystem.monotonicNanoseconds
    for _ in 0..<1000 { loop.cancel(loop.schedule(after: .seconds(1)) {}) }
    var isFired = false
    loop.schedule(after: .milliseconds(1)) { isFired = true }
    _ = turn(loop, atMost: 100) { isFired }
    #expect(isFired)
    #expect(loop.timerCount == 100_000)
    // A walk over all of them for each of a thousand would take a minute in a debug build.
    #expect(HostSystem.monotonicNanoseconds - start < Interval.seconds(10).nanoseconds)
  }

  @Test func anEndlessSleepIsNoTrap() throws {
    let loop = try EventLoop()
    loop.schedule(after: Interval.seconds(.max)) {}
    loop.mailbox.post { _ in }
    loop.turn(sleepMax: Interval(nanoseconds: .max))
    loop.turn(sleepMax: Interval(nanoseconds: .min))
    #expect(loop.timerCount == 1)
  }
}
