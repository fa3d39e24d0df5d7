import StreamCoding
import Testing
import Timekeeping

struct TokenBucketTests {
  private let start = Instant(nanoseconds: 5_000)

  @Test func startsFullAndEmpties() {
    var bucket = TokenBucket(bytesPerSecond: 1000, now: start)
    #expect(bucket.burst == 1000)
    #expect(bucket.take(upTo: 400, now: start) == 400)
    #expect(bucket.availableByteCount(now: start) == 600)
    #expect(bucket.take(upTo: 4000, now: start) == 600)
    #expect(bucket.take(upTo: 1, now: start) == 0)
    #expect(bucket.take(upTo: 0, now: start) == 0)
  }

  /// Rates that do not divide a second, polled at odd times: nothing may be lost to rounding.
  @Test(arguments: [1, 3, 7, 999, 1024, 1_048_576, 333_333_333], [1, 977, 1_000_003, 999_999_937])
  func takesAreExact(rate: Int, step: Int) {
    var bucket = TokenBucket(bytesPerSecond: rate, burst: rate + 5, now: start)
    let burst = bucket.take(upTo: .max, now: start)
    #expect(burst == rate + 5)
    var total = 0
    for round in 1...2000 {
      let elapsed = round * step
      let now = start + Interval(nanoseconds: Int64(elapsed))
      total += bucket.take(upTo: .max, now: now)
      let earned = (Int128(elapsed) * Int128(rate)) / 1_000_000_000
      if Int128(total) != earned {
        Issue.record("\(total) bytes after \(elapsed) ns instead of \(earned)")
        return
      }
    }
  }

  @Test func neverHoldsMoreThanTheBurst() {
    var bucket = TokenBucket(bytesPerSecond: 1000, burst: 50, now: start)
    let later = start + .seconds(3600)
    #expect(bucket.take(upTo: 1000, now: later) == 50)
    #expect(bucket.take(upTo: 1000, now: later + .milliseconds(10)) == 10)
    bucket.giveBack(20)
    #expect(bucket.availableByteCount(now: later + .milliseconds(10)) == 20)
    bucket.giveBack(.max)
    #expect(bucket.take(upTo: 1000, now: later + .milliseconds(10)) == 50)
  }

  @Test(arguments: [1, 3, 1000, 1_048_576, 2_000_000_000])
  func delayIsExact(rate: Int) {
    var bucket = TokenBucket(bytesPerSecond: rate, burst: 10_000, now: start)
    #expect(bucket.delay(untilAvailable: 10_000, now: start) == .zero)
    _ = bucket.take(upTo: 10_000, now: start)
    var now = start
    for wanted in [1, 2, 700, 9999, 10_000, 20_000] {
      let delay = bucket.delay(untilAvailable: wanted, now: now)
      #expect(delay > .zero)
      var early = bucket
      let before = now + delay - Interval(nanoseconds: 1)
      #expect(early.availableByteCount(now: before) < min(wanted, 10_000))
      now = now + delay
      #expect(bucket.availableByteCount(now: now) >= min(wanted, 10_000))
      _ = bucket.take(upTo: .max, now: now)
    }
  }

  @Test func clockThatRunsBackwardsAddsNothing() {
    var bucket = TokenBucket(bytesPerSecond: 1000, now: start)
    _ = bucket.take(upTo: 1000, now: start)
    #expect(bucket.take(upTo: 1000, now: Instant(nanoseconds: 0)) == 0)
    #expect(bucket.take(upTo: 1000, now: start + .milliseconds(1)) == 1)
  }

  @Test func extremesDoNotOverflow() {
    var bucket = TokenBucket(
      bytesPerSecond: .max, now: Instant(nanoseconds: .min))
    #expect(bucket.take(upTo: .max, now: Instant(nanoseconds: .min)) == .max)
    #expect(bucket.take(upTo: .max, now: Instant(nanoseconds: .max)) == .max)
    var slow = TokenBucket(bytesPerSecond: 1, burst: .max, now: start)
    _ = slow.take(upTo: .max, now: start)
    #expect(slow.delay(untilAvailable: .max, now: start).nanoseconds == .max)
  }

  @Test func limitsOfNothingAreProgrammingErrors() async {
    await #expect(processExitsWith: .failure) {
      _ = TokenBucket(bytesPerSecond: 0, now: Instant(nanoseconds: 0))
    }
  }
}

private func - (left: Instant, right: Interval) -> Instant {
  Instant(nanoseconds: left.nanoseconds - right.nanoseconds)
}
