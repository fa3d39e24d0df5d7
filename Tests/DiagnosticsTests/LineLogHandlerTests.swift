import Logging
import TestKit
import Testing

@testable import Diagnostics

/// Keeps lines.
final class MemorySink: LogSink {
  private let kept = Locked<[String]>([])

  var lines: [String] { kept.withLock { $0 } }

  func write(_ line: String, level: Logger.Level) { kept.withLock { $0.append(line) } }
}

let noon = LocalTime(
  year: 2026, month: 1, day: 2, hour: 3, minute: 4, second: 5, millisecond: 67)

@Suite struct LineLogHandlerTests {
  private let sink = MemorySink()

  private func makeLogger(_ level: Logger.Level = .trace) -> Logger {
    Logs.makeLogger(sink: sink, level: level, clock: LogClock { noon })
  }

  private func log(_ message: String, on logger: Logger) {
    logger.log(level: .info, "\(message)", file: "Module/File.swift", line: 165)
  }

  @Test func linesHaveTheFormat() {
    log(
      "start proxy success",
      on: makeLogger().prefixed(by: "0123456789abcdef").prefixed(by: "ssh"))
    #expect(
      sink.lines == [
        "2026-01-02 03:04:05.067 [I] [Module/File.swift:165] [0123456789abcdef] [ssh] "
          + "start proxy success"
      ])
  }

  @Test func levelsHaveTheirLetters() {
    let logger = makeLogger()
    for level in Logger.Level.allCases { logger.log(level: level, "x") }
    #expect(
      sink.lines.map { $0.split(separator: " ")[2] } == [
        "[T]", "[D]", "[I]", "[I]", "[W]", "[E]", "[E]",
      ])
  }

  @Test func whatIsNotSevereEnoughIsLeftOut() {
    let logger = makeLogger(.warning)
    for level in Logger.Level.allCases { logger.log(level: level, "x") }
    #expect(sink.lines.count == 3)
    // A prefixed logger keeps the level.
    logger.prefixed(by: "p").info("x")
    #expect(sink.lines.count == 3)
  }

  @Test func prefixesBelongToTheCopy() {
    let plain = makeLogger()
    let first = plain.prefixed(by: "a")
    let second = plain.prefixed(by: "b")
    for logger in [first, second, plain, first.prefixed(by: "c")] { log("m", on: logger) }
    #expect(
      sink.lines.map { String($0.drop { $0 != "F" }.drop { $0 != "]" }.dropFirst(2)) } == [
        "[a] m", "[b] m", "m", "[a] [c] m",
      ])
  }

  @Test func prefixesAreBounded() {
    var logger = makeLogger()
    for _ in 0..<100 { logger = logger.prefixed(by: String(repeating: "p", count: 10_000)) }
    log("m", on: logger)
    let line = sink.lines[0]
    #expect(line.count { $0 == "[" } == 2 + DiagnosticsLimits.prefixCountMax)
    #expect(line.utf8.count < 100 + DiagnosticsLimits.prefixCountMax * 300)
  }

  @Test func otherHandlersAreLeftAlone() {
    let logger = Logger(label: "x") { _ in SwiftLogNoOpLogHandler() }.prefixed(by: "p")
    #expect(logger.handler is SwiftLogNoOpLogHandler)
  }

  @Test(arguments: [
    ("a\nb", "a\\nb"), ("a\r\nb", "a\\r\\nb"), ("\t", "\\t"), ("\u{1B}[31mred", "\\u{1b}[31mred"),
    ("\u{0}\u{7F}\u{85}\u{9B}", "\\u{0}\\u{7f}\\u{85}\\u{9b}"),
    ("\u{202E}abc\u{2066}", "\\u{202e}abc\\u{2066}"), ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"),
    ("\u{FEFF}\u{200B}", "\\u{feff}\\u{200b}"), ("grüße 日本 🎉", "grüße 日本 🎉"),
    ("C:\\dir [x]", "C:\\dir [x]"), ("", ""),
  ])
  func textOfStrangersStaysOnItsLine(text: String, expected: String) {
    log(text, on: makeLogger())
    #expect(sink.lines[0].hasSuffix("[Module/File.swift:165] " + expected))
    log("m", on: makeLogger().prefixed(by: text))
    #expect(sink.lines[1].hasSuffix("[\(expected)] m"))
  }

  @Test func metadataAndErrorsStayOnTheLine() {
    struct Fault: Error, CustomStringConvertible { let description = "line\nbreak" }
    var logger = makeLogger()
    logger[metadataKey: "b"] = "2\n"
    logger.info("m", error: Fault(), metadata: ["a": "1"])
    #expect(sink.lines[0].hasSuffix("m: line\\nbreak a=1 b=2\\n"))
  }

  @Test func pathsAreCutToTheirLastTwoParts() {
    let logger = makeLogger()
    for file in ["/a/b/c/d.swift", "c/d.swift", "d.swift", "/d.swift", ""] {
      logger.log(level: .info, "m", file: file, line: 1)
    }
    #expect(
      sink.lines.map { String($0.dropFirst(28)) } == [
        "[c/d.swift:1] m", "[c/d.swift:1] m", "[d.swift:1] m", "[/d.swift:1] m", "[:1] m",
      ])
  }

  @Test func linesAreCutAtWholeCharacters() {
    log(String(repeating: "é", count: 100_000), on: makeLogger())
    let line = sink.lines[0]
    #expect(line.utf8.count <= DiagnosticsLimits.lineBytesMax)
    #expect(line.utf8.count > DiagnosticsLimits.lineBytesMax - 4)
    #expect(line.hasSuffix("é…"))
    #expect(!line.contains("\u{FFFD}"))
  }

  @Test func messagesThatNobodyReadsAreNotMade() {
    let logger = makeLogger(.error)
    logger.debug("\(Issue.record("made") as Any)")
    #expect(sink.lines.isEmpty)
  }
}

@Suite struct LocalTimeTests {
  @Test(arguments: [
    "20260102-030405", "19700101-000000", "20241231-235959", "20240229-120000",
  ])
  func fileNamesAreReadBack(text: String) throws {
    #expect(try #require(LocalTime(fileNameText: text)).fileNameText == text)
  }

  @Test(arguments: [
    "", "20260102", "20260102-03040", "20260102-0304055", "20260102_030405", "2026010a-030405",
    "20261302-030405", "20260132-030405", "20260102-240405", "20260102-036005", "٢0260102-030405",
    "20260002-030405", "20260100-030405",
  ])
  func otherNamesAreNot(text: String) {
    #expect(LocalTime(fileNameText: text) == nil)
  }

  @Test func differencesCountDays() {
    let seconds = { (year: Int, month: Int, day: Int) in
      LocalTime(year: year, month: month, day: day).wallSeconds
    }
    #expect(seconds(1970, 1, 2) - seconds(1970, 1, 1) == 86_400)
    #expect(seconds(2024, 3, 1) - seconds(2024, 2, 28) == 2 * 86_400)
    #expect(seconds(2025, 3, 1) - seconds(2025, 2, 28) == 86_400)
    #expect(seconds(2026, 1, 1) - seconds(1970, 1, 1) == 1_767_225_600)
    #expect(seconds(2000, 3, 1) - seconds(1999, 3, 1) == 366 * 86_400)
  }

  @Test func theSystemClockTellsAPlausibleTime() {
    let first = LogClock.system.now()
    let second = LogClock.system.now()
    #expect(first.year >= 2024)
    #expect(LocalTime(fileNameText: first.fileNameText) != nil)
    #expect(second.wallSeconds - first.wallSeconds <= 5)
  }
}

@Suite struct RepeatSuppressorTests {
  @Test func theFirstOfEachPeriodIsWritten() {
    var suppressor = RepeatSuppressor(periodNanoseconds: 100)
    #expect(suppressor.decide("a", nowNanoseconds: 0) == .emit(suppressedCount: 0))
    #expect(suppressor.decide("a", nowNanoseconds: 1) == .suppress(count: 1))
    #expect(suppressor.decide("b", nowNanoseconds: 2) == .emit(suppressedCount: 0))
    #expect(suppressor.decide("a", nowNanoseconds: 99) == .suppress(count: 2))
    #expect(suppressor.decide("a", nowNanoseconds: 100) == .emit(suppressedCount: 2))
    #expect(suppressor.decide("a", nowNanoseconds: 199) == .suppress(count: 1))
    #expect(suppressor.decide("a", nowNanoseconds: 1000) == .emit(suppressedCount: 1))
  }

  @Test func burstsPass() {
    var suppressor = RepeatSuppressor(periodNanoseconds: 100, burstMax: 3)
    let decisions = (0..<5).map { suppressor.decide("a", nowNanoseconds: $0) }
    #expect(
      decisions == [
        .emit(suppressedCount: 0), .emit(suppressedCount: 0), .emit(suppressedCount: 0),
        .suppress(count: 1), .suppress(count: 2),
      ])
  }

  /// A stranger who makes up keys gets one line a period for all that do not fit.
  @Test func theTableIsBounded() {
    var suppressor = RepeatSuppressor(periodNanoseconds: 1_000_000)
    let limit = DiagnosticsLimits.suppressorKeyCountMax
    var emittedCount = 0
    for index in 0..<Int64(limit * 10) {
      if case .emit = suppressor.decide("\(index)", nowNanoseconds: index) { emittedCount += 1 }
    }
    #expect(suppressor.keyCount == limit)
    #expect(emittedCount == limit + 1)
    // Once the period is over there is room again.
    #expect(
      suppressor.decide("new", nowNanoseconds: 2_000_000) == .emit(suppressedCount: 0))
    #expect(suppressor.keyCount == 1)
  }

  @Test func extremeTimesDoNotTrap() {
    var suppressor = RepeatSuppressor(periodNanoseconds: .max, burstMax: -1, keyCountMax: 0)
    for now in [Int64.min, .max, 0, -1, .min, .max] {
      _ = suppressor.decide("a", nowNanoseconds: now)
      _ = suppressor.decide("b", nowNanoseconds: now)
    }
    #expect(suppressor.keyCount == 1)
  }
}
