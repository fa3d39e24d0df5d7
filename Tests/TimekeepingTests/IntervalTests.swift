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

  @Test func durationsAreReadAsGoWritesThem() {
    let good: [(String, Interval)] = [
      ("30s", .seconds(30)), ("1m30s", .seconds(90)), ("500ms", .milliseconds(500)),
      ("1.5h", .seconds(5400)), (".5s", .milliseconds(500)), ("3us", .microseconds(3)),
      ("3µs", .microseconds(3)), ("0", .zero), ("-2s", .seconds(-2)), ("+1s", .seconds(1)),
      ("7ns", Interval(nanoseconds: 7)), ("1.s", .seconds(1)),
    ]
    for (text, length) in good { #expect(Interval(duration: text) == length, "\(text)") }
    for text in ["", "s", "30", "1x", "1s ", "1 s", "--1s", "1e3s", ".s", "1..2s", "9999999999h"] {
      #expect(Interval(duration: text) == nil, "\(text)")
    }
  }
}
