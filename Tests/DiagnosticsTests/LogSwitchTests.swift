import Foundation
import Glibc
import Logging
import Testing

@testable import Diagnostics

@Suite struct LogSwitchTests {
  private func settings(_ path: String, _ level: Logger.Level = .info) -> LogSettings {
    LogSettings(target: .file(path: path), level: level)
  }

  @Test func copiesOfALoggerFollowTargetAndLevel() throws {
    let directory = try TemporaryDirectory()
    let (first, second) = (directory.path + "/first.log", directory.path + "/second.log")
    let logSwitch = try LogSwitch(settings(first))
    let logger = Logs.makeLogger(logSwitch)
    let prefixed = logger.prefixed(by: "web").prefixed(by: "deep")
    prefixed.info("one")
    prefixed.debug("not wanted yet")
    try logSwitch.change(to: settings(second, .debug))
    #expect(prefixed.logLevel == .debug && logger.logLevel == .debug)
    prefixed.debug("two")
    logger.info("three")
    try logSwitch.change(to: settings(second, .error))
    logger.warning("not wanted any more")
    let (before, after) = (directory.text("first.log"), directory.text("second.log"))
    #expect(before.split(separator: "\n").count == 1 && before.hasSuffix("[web] [deep] one\n"))
    #expect(after.split(separator: "\n").count == 2 && after.hasSuffix("three\n"))
    #expect(after.contains("[web] [deep] two\n"))
  }

  @Test func offsetsAreThoseOfTheTimeZone() {
    var offset = LocalOffset()
    for second in [0, 0, 971_211_336, 1_720_000_000, 1_730_000_000] {
      let expected = TimeZone.current.secondsFromGMT(
        for: Date(timeIntervalSince1970: Double(second)))
      #expect(offset.seconds(at: second) == expected)
    }
  }

  @Test func ownLevelOfACopyStaysItsOwn() throws {
    let directory = try TemporaryDirectory()
    let logSwitch = try LogSwitch(settings(directory.path + "/x.log"))
    var copy = Logs.makeLogger(logSwitch)
    copy.logLevel = .error
    try logSwitch.change(to: settings(directory.path + "/x.log", .trace))
    #expect(copy.logLevel == .error)
  }

  @Test func targetThatCannotBeOpenedLeavesTheFormerOneInUse() throws {
    let directory = try TemporaryDirectory()
    let logSwitch = try LogSwitch(settings(directory.path + "/x.log"))
    let logger = Logs.makeLogger(logSwitch)
    #expect(throws: LogError.self) {
      try logSwitch.change(to: settings(directory.path + "/x.log/below", .warning))
    }
    logger.info("below the new level")
    logger.warning("still here")
    #expect(directory.text("x.log").hasSuffix("still here\n"))
    #expect(!directory.text("x.log").contains("below"))
  }

  // As logrotate does: the file is moved, then the program is told.
  @Test func fileThatWasMovedAwayIsOpenedAnew() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/x.log"
    let logSwitch = try LogSwitch(settings(path))
    let logger = Logs.makeLogger(logSwitch)
    logger.info("one")
    try logSwitch.change(to: settings(path))
    #expect(directory.names() == ["x.log"])
    #expect(rename(path, path + ".1") == 0)
    logger.info("two")
    try logSwitch.change(to: settings(path))
    logger.info("three")
    #expect(directory.text("x.log.1").hasSuffix("two\n"))
    #expect(directory.text("x.log").hasSuffix("three\n"))
  }

  // Lines of other threads meanwhile are whole, and none is lost.
  @Test func linesDuringChangesAreWhole() throws {
    let directory = try TemporaryDirectory()
    let paths = (0..<2).map { directory.path + "/\($0).log" }
    let logSwitch = try LogSwitch(settings(paths[0]))
    let logger = Logs.makeLogger(logSwitch)
    DispatchQueue.concurrentPerform(iterations: 4) { thread in
      for line in 0..<500 {
        if thread == 0 { try? logSwitch.change(to: settings(paths[line % 2])) }
        logger.info("thread \(thread) line \(line) end")
      }
    }
    let lines = (directory.text("0.log") + directory.text("1.log")).split(separator: "\n")
    #expect(lines.count == 2000)
    #expect(lines.allSatisfy { $0.hasSuffix(" end") && $0.hasPrefix("20") })
  }
}
