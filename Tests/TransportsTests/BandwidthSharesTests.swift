import TestKit
import Testing
import Timekeeping

@testable import Transports

/// Somebody who always has bytes to move, up to a number.
private final class Source: BandwidthClaimant {
  var wantedByteCount: Int
  var isWaitingForBandwidth = false
  var movedByteCount = 0

  init(wanting byteCount: Int = .max / 2) { wantedByteCount = byteCount }

  func moveBytes(upTo byteCount: Int) -> Int {
    let count = min(byteCount, wantedByteCount)
    wantedByteCount -= count
    movedByteCount += count
    return count
  }
}

/// Time that passes only from turn to turn, each a little late.
private struct Clock {
  var now = Instant(nanoseconds: 77)
  var wakeUpCount = 0
  var generator = RepeatableGenerator(seed: 5)
  var latenessMax = Interval.milliseconds(2)

  mutating func sleep(until turn: Instant) {
    now = turn + Interval(nanoseconds: .random(in: 0...latenessMax.nanoseconds, using: &generator))
    wakeUpCount += 1
  }
}

@Suite struct BandwidthSharesTests {
  /// Serves who waits until `end`.
  private func run(_ shares: inout BandwidthShares, _ clock: inout Clock, until end: Instant) {
    while let turn = shares.nextTurn(now: clock.now), turn <= end {
      clock.sleep(until: turn)
      while let grant = shares.nextGrant(now: clock.now) {
        let moved = grant.claimant.moveBytes(upTo: grant.byteCount)
        shares.giveBack(grant.byteCount - moved)
        if grant.claimant.wantedByteCount > 0 { shares.enqueue(grant.claimant) }
      }
    }
    clock.now = max(clock.now, end)
  }

  @Test(arguments: [1000, 102_400, 1_048_576, 52_428_800], [1, 10])
  func rateIsKeptOverFiveSeconds(_ rate: Int, _ count: Int) {
    var clock = Clock()
    let start = clock.now
    var shares = BandwidthShares(bytesPerSecond: rate, now: start)
    let sources = (0..<count).map { _ in Source() }
    for source in sources { shares.enqueue(source) }
    run(&shares, &clock, until: start + .seconds(5))
    let moved = sources.map(\.movedByteCount)
    let error = Double(moved.reduce(0, +)) / Double(5 * rate) - 1
    #expect(abs(error) < 0.03, "\(error)")
    #expect(clock.wakeUpCount <= 5 * 200 + 1, "a wake-up serves many")
    let share = moved.reduce(0, +) / count
    #expect(moved.allSatisfy { abs($0 - share) <= shares.quantum }, "\(moved)")
  }

  @Test func oneWhoWantsLittleIsServedInTheNextRound() {
    var clock = Clock()
    var shares = BandwidthShares(bytesPerSecond: 1_048_576, now: clock.now)
    let greedy = (0..<9).map { _ in Source() }
    for source in greedy { shares.enqueue(source) }
    run(&shares, &clock, until: clock.now + .seconds(1))
    let modest = Source(wanting: 100)
    shares.enqueue(modest)
    let began = clock.now
    while modest.wantedByteCount > 0 { run(&shares, &clock, until: clock.now + .milliseconds(1)) }
    let round = Double(10 * shares.quantum) / 1_048_576
    #expect((clock.now - began).inSeconds < round + 0.01)
  }

  @Test func nothingIsTakenPastThoseWhoWait() {
    let now = Instant(nanoseconds: 0)
    var shares = BandwidthShares(bytesPerSecond: 1_000_000, now: now)
    #expect(shares.take(upTo: 1_000_000, now: now) == 20_000)
    let source = Source()
    shares.enqueue(source)
    shares.enqueue(source)
    let later = now + .milliseconds(50)
    #expect(shares.take(upTo: 1, now: later) == 0)
    #expect(shares.nextGrant(now: later)?.byteCount == shares.quantum)
    #expect(shares.nextGrant(now: later) == nil)
    #expect(shares.take(upTo: 1, now: later) == 1)
  }

  @Test func thereIsNoTurnWhenNobodyWaits() {
    let now = Instant(nanoseconds: 0)
    var shares = BandwidthShares(bytesPerSecond: 1000, now: now)
    #expect(shares.nextTurn(now: now) == nil)
    let gone = Source()
    let satisfied = Source(wanting: 0)
    shares.enqueue(gone)
    shares.enqueue(satisfied)
    #expect(shares.nextTurn(now: now) != nil)
    shares.remove(gone)
    #expect(shares.nextGrant(now: now) == nil)
    #expect(shares.nextTurn(now: now) == nil)
    #expect(!gone.isWaitingForBandwidth && !satisfied.isWaitingForBandwidth)
  }

  @Test func afterIdlenessLittleIsMovedAtOnce() {
    var now = Instant(nanoseconds: 0)
    var shares = BandwidthShares(bytesPerSecond: 1_000_000, now: now)
    now = now + .seconds(60)
    #expect(shares.take(upTo: .max, now: now) == 20_000)
    #expect(shares.take(upTo: 1, now: now) == 0)
    now = now + .milliseconds(1)
    #expect(shares.take(upTo: .max, now: now) == 1000)
  }

  // A program that was held up catches up with what it lost, within the burst.
  @Test func lateTurnsAreMadeUpForWithinTheBurst() {
    var clock = Clock()
    clock.latenessMax = .milliseconds(80)
    let start = clock.now
    var shares = BandwidthShares(bytesPerSecond: 1_048_576, now: start)
    let source = Source()
    shares.enqueue(source)
    run(&shares, &clock, until: start + .seconds(5))
    let gained = 1_048_576 * (clock.now - start).inSeconds
    #expect(abs(Double(source.movedByteCount) / gained - 1) < 0.03)
  }

  @Test(arguments: [1, 9, 1023, 1 << 40])
  func extremeRatesAreServed(_ rate: Int) {
    var clock = Clock()
    var shares = BandwidthShares(bytesPerSecond: rate, now: clock.now)
    let source = Source(wanting: 10)
    shares.enqueue(source)
    run(&shares, &clock, until: clock.now + .seconds(11))
    #expect(source.movedByteCount == 10)
    #expect(shares.nextTurn(now: clock.now) == nil)
  }
}
