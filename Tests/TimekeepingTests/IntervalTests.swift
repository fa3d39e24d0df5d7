import Testing
import Timekeeping

@Suite struct IntervalTests {
  @Test func unitsAreNanoseconds() {
    #expect(Interval.seconds(2).nanoseconds == 2_000_000_000)
    #expect(Interval.milliseconds(-3).nanoseconds == -3_000_000)
    #expect(Interval.microseconds(5) * 2 == Interval(nanoseconds: 10_000))
    #expect(Interval.seconds(1) - .milliseconds(250) == .milliseconds(750))
    #expect(Interval.milliseconds(1500).inSeconds == 1.5)
  }

  @Test func instantsAndIntervalsAddUp() {
    let start = Instant(nanoseconds: 100)
    let end = start + Interval(nanoseconds: 50)
    #expect(end > start)
    #expect(end - start == Interval(nanoseconds: 50))
    #expect(start - end == Interval(nanoseconds: -50))
  }

  // Lengths come from configuration files, so an absurd one must be a long time and not a trap.
  @Test func absurdLengthsStopAtTheEndsOfTheRange() {
    #expect(Interval.seconds(.max).nanoseconds == .max)
    #expect(Interval.seconds(.min).nanoseconds == .min)
    #expect((Interval.seconds(.max) * -2).nanoseconds == .min)
    #expect((Interval.seconds(.max) + .seconds(1)).nanoseconds == .max)
    #expect((Interval.seconds(.min) - .seconds(1)).nanoseconds == .min)
    #expect((Instant(nanoseconds: 5) + .seconds(.max)).nanoseconds == .max)
    #expect((Instant(nanoseconds: .min) - Instant(nanoseconds: 1)).nanoseconds == .min)
    #expect((Instant(nanoseconds: .max) - Instant(nanoseconds: -1)).nanoseconds == .max)
  }
}
