import CLinux
import Foundation
import Glibc
import Logging
import TestKit
import Testing

@testable import Diagnostics

/// A directory that is gone when the test is over.
final class TemporaryDirectory {
  let path: String

  init() throws {
    let name = "diagnostics-\(UUID().uuidString)"
    path = FileManager.default.temporaryDirectory.appendingPathComponent(name).path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func names(_ folder: String = "") -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path + "/" + folder)) ?? []).sorted()
  }

  func text(_ name: String) -> String {
    (try? String(contentsOfFile: path + "/" + name, encoding: .utf8)) ?? ""
  }

  func mode(_ name: String) -> UInt32 {
    var status = stat()
    return stat(path + "/" + name, &status) == 0 ? status.st_mode & 0o7777 : 0
  }
}

/// A clock that is set by hand.
final class HandClock: Sendable {
  private let time: Locked<LocalTime>

  init(_ start: LocalTime) { time = Locked(start) }

  var clock: LogClock { LogClock { [self] in time.withLock { $0 } } }

  func set(_ now: LocalTime) { time.withLock { $0 = now } }
}

@Suite struct FileLogSinkTests {
  private let evening = LocalTime(year: 2026, month: 1, day: 31, hour: 23, minute: 59, second: 59)
  private let midnight = LocalTime(year: 2026, month: 2, day: 1)

  @Test func newFilesAndDirectoriesHaveTheirModes() throws {
    let directory = try TemporaryDirectory()
    let sink = try FileLogSink(path: directory.path + "/a/b/frps.log", daysMax: 3)
    sink.write("x", level: .info)
    #expect(directory.mode("a/b/frps.log") & 0o777 == 0o600)
    #expect(directory.mode("a") == directory.mode("a/b"))
    #expect(directory.mode("a") & 0o700 == 0o700)
    #expect(directory.mode("a") & 0o022 == 0)
    #expect(directory.text("a/b/frps.log") == "x\n")
  }

  @Test func existingFilesAreAppendedTo() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/x.log"
    try Data("old\n".utf8).write(to: URL(fileURLWithPath: path))
    chmod(path, 0o644)
    try FileLogSink(path: path, daysMax: 3).write("new", level: .info)
    #expect(directory.text("x.log") == "old\nnew\n")
    #expect(directory.mode("x.log") & 0o777 == 0o644)
  }

  @Test func aNewDayBeginsANewFile() throws {
    let directory = try TemporaryDirectory()
    let hand = HandClock(evening)
    let sink = try FileLogSink(
      path: directory.path + "/frps.log", daysMax: 3, clock: hand.clock)
    chmod(directory.path + "/frps.log", 0o666)
    sink.write("one", level: .info)
    hand.set(midnight)
    sink.write("two", level: .info)
    sink.write("three", level: .info)
    #expect(directory.names() == ["frps.20260201-000000.log", "frps.log"])
    #expect(directory.text("frps.20260201-000000.log") == "one\n")
    #expect(directory.text("frps.log") == "two\nthree\n")
    // The mode of the old file, whatever the mask of the process is.
    #expect(directory.mode("frps.log") & 0o777 == 0o666)
  }

  @Test(arguments: [
    ("frps", "frps.20260201-000000"), (".frps", ".20260201-000000.frps"),
    ("a.b.log", "a.b.20260201-000000.log"), ("x.", "x.20260201-000000."),
  ])
  func backupNames(name: String, backup: String) throws {
    let path = LogPath("/d/" + name)
    #expect(path.backupPath(midnight) == "/d/" + backup)
    #expect(path.backupTime(ofFileNamed: backup) == midnight)
    #expect(path.backupTime(ofFileNamed: name) == nil)
    #expect(path.backupTime(ofFileNamed: backup + "x") == nil)
    #expect(path.backupTime(ofFileNamed: "y" + backup) == nil)
    #expect(LogPath(name).directory == ".")
    #expect(LogPath("/" + name).directory == "/")
  }

  private func namesAfterRotation(daysMax: Int?) throws -> [String] {
    let directory = try TemporaryDirectory()
    let old = [
      "frps.20260128-235959.log", "frps.20260129-000000.log", "frps.20260131-000000.log",
      "frps.20200101-000000.log", "frps.20200101-000000.txt", "other.20200101-000000.log",
      "frps.2020.log", "frps.20200101-000000.log.gz",
    ]
    for name in old { try Data().write(to: URL(fileURLWithPath: directory.path + "/" + name)) }
    let hand = HandClock(evening)
    let sink = try FileLogSink(
      path: directory.path + "/frps.log", daysMax: daysMax, clock: hand.clock)
    // Nothing happens at the start.
    #expect(directory.names().count == old.count + 1)
    hand.set(midnight)
    sink.write("x", level: .info)
    let names = Set(directory.names())
    return old.filter { !names.contains($0) }.sorted()
  }

  @Test func oldBackupsAreRemovedAndNothingElse() throws {
    #expect(
      try namesAfterRotation(daysMax: 3) == [
        "frps.20200101-000000.log", "frps.20260128-235959.log",
      ])
    #expect(try namesAfterRotation(daysMax: nil) == [])
    #expect(try namesAfterRotation(daysMax: .max) == [])
  }

  @Test func aBackupIsNeverOverwritten() throws {
    let directory = try TemporaryDirectory()
    let hand = HandClock(evening)
    let sink = try FileLogSink(path: directory.path + "/x.log", daysMax: 3, clock: hand.clock)
    try Data("precious".utf8).write(
      to: URL(fileURLWithPath: directory.path + "/x.20260201-000000.log"))
    sink.write("one", level: .info)
    hand.set(midnight)
    sink.write("two", level: .info)
    #expect(directory.text("x.20260201-000000.log") == "precious")
    #expect(directory.text("x.log") == "one\ntwo\n")
  }

  /// The file is gone or its name is taken by a directory: lines go on into the open file.
  @Test func rotationThatFailsLosesNothing() throws {
    let directory = try TemporaryDirectory()
    let hand = HandClock(evening)
    let sink = try FileLogSink(path: directory.path + "/x.log", daysMax: 3, clock: hand.clock)
    try FileManager.default.linkItem(
      atPath: directory.path + "/x.log", toPath: directory.path + "/kept")
    try FileManager.default.removeItem(atPath: directory.path + "/x.log")
    hand.set(midnight)
    sink.write("one", level: .info)
    #expect(directory.text("kept") == "one\n")
    #expect(sink.lostLineCount == 0)
  }

  @Test func devicesAreNotRenamed() throws {
    let hand = HandClock(evening)
    let sink = try FileLogSink(path: "/dev/null", daysMax: 0, clock: hand.clock)
    hand.set(midnight)
    sink.write("x", level: .info)
    #expect(FileManager.default.fileExists(atPath: "/dev/null"))
    #expect(sink.lostLineCount == 0)
  }

  /// /dev/full answers every write as a full disk does.
  @Test func aFullDiskIsCountedAndNoMore() throws {
    let sink = try FileLogSink(path: "/dev/full", daysMax: 3)
    for _ in 0..<1000 { sink.write("x", level: .error) }
    #expect(sink.lostLineCount == 1000)
  }

  @Test func failuresToOpenNamePathAndReason() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path
    try Data().write(to: URL(fileURLWithPath: path + "/file"))
    mkfifo(path + "/pipe", 0o600)
    let open = { (path: String) -> String in
      do throws(LogError) {
        _ = try Logs.makeLogger(LogSettings(target: .file(path: path)))
        return "opened"
      } catch {
        return error.description
      }
    }
    #expect(
      open(path) == "log_file: \(path) cannot be opened for writing: Is a directory")
    #expect(
      open(path + "/file/x.log")
        == "log_file: the directory \(path)/file cannot be made: File exists")
    #expect(
      open(path + "/pipe") == "log_file: \(path)/pipe cannot be opened for writing: it is a pipe")
    #expect(
      open("/proc/nope/x.log").hasPrefix("log_file: the directory /proc/nope cannot be made: "))
    #expect(open("") == "log_file:  cannot be opened for writing: No such file or directory")
  }

  @Test func threadsDoNotMixLines() throws {
    let directory = try TemporaryDirectory()
    let hand = HandClock(evening)
    let sink = try FileLogSink(path: directory.path + "/x.log", daysMax: 3, clock: hand.clock)
    let logger = Logs.makeLogger(sink: sink, level: .info, clock: hand.clock)
    let text = String(repeating: "m", count: 5000)
    DispatchQueue.concurrentPerform(iterations: 8) { thread in
      for index in 0..<50 {
        if thread == 0, index == 25 { hand.set(midnight) }
        logger.prefixed(by: "\(thread)").info("\(text)")
      }
    }
    let all = directory.names().map(directory.text).joined().split(separator: "\n")
    #expect(all.count == 400)
    #expect(all.allSatisfy { $0.hasSuffix("] " + text) && $0.hasPrefix("2026-0") })
    #expect(directory.names().count == 2)
  }
}

@Suite struct ConsoleLogSinkTests {
  /// A pipe; the ends are closed when the test is over.
  final class Pipe {
    var ends: [CInt] = [-1, -1]

    init() throws { try #require(pipe(&ends) == 0) }

    deinit { for end in ends where end >= 0 { close(end) } }

    func closeReader() {
      close(ends[0])
      ends[0] = -1
    }

    /// Everything that is in the pipe.
    func drain() -> String {
      _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
      var bytes: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      while case let count = read(ends[0], &buffer, buffer.count), count > 0 {
        bytes += buffer.prefix(count)
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  @Test func noColorUnlessOnATerminal() throws {
    let pipe = try Pipe()
    let sink = ConsoleLogSink(descriptor: pipe.ends[1], isColorDisabled: false)
    sink.write("x", level: .error)
    #expect(pipe.drain() == "x\n")
  }

  @Test func aTerminalHasColorUnlessDisabled() throws {
    let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    try #require(terminal >= 0)
    defer { close(terminal) }
    #expect(ConsoleLogSink(descriptor: terminal, isColorDisabled: false).hasColor)
    #expect(!ConsoleLogSink(descriptor: terminal, isColorDisabled: true).hasColor)
  }

  @Test func wholeLinesAreColored() throws {
    let pipe = try Pipe()
    let sink = ConsoleLogSink(descriptor: pipe.ends[1], isColorDisabled: false, hasColor: true)
    for level in [Logger.Level.trace, .debug, .info, .warning, .error] {
      sink.write("x", level: level)
    }
    #expect(
      pipe.drain()
        == "x\n\u{1B}[1;36mx\n\u{1B}[0m\u{1B}[1;34mx\n\u{1B}[0m\u{1B}[1;33mx\n\u{1B}[0m"
        + "\u{1B}[1;31mx\n\u{1B}[0m")
    let disabled = ConsoleLogSink(descriptor: pipe.ends[1], isColorDisabled: true, hasColor: true)
    disabled.write("x", level: .error)
    #expect(pipe.drain() == "x\n")
  }

  /// The reader does not read: the program goes on, and says later what is missing.
  @Test func aStalledReaderCostsLinesOnly() throws {
    let pipe = try Pipe()
    let sink = ConsoleLogSink(descriptor: pipe.ends[1], isColorDisabled: false)
    let line = String(repeating: "x", count: 1023)
    let start = ContinuousClock.now
    for _ in 0..<2000 { sink.write(line, level: .info) }
    #expect(ContinuousClock.now - start < .seconds(30))
    let lost = sink.lostLineCount
    #expect(lost > 1000)
    let first = pipe.drain().split(separator: "\n")
    #expect(first.count == 2000 - lost)
    sink.write("after", level: .info)
    #expect(
      pipe.drain() == "(\(lost) log lines were lost: the output did not take them)\nafter\n")
    #expect(sink.lostLineCount == 0)
  }

  /// A line that is longer than what the pipe takes is cut; the next begins on a line of its own.
  @Test func aCutLineIsEnded() throws {
    let pipe = try Pipe()
    let sink = ConsoleLogSink(descriptor: pipe.ends[1], isColorDisabled: false)
    sink.write(String(repeating: "a", count: 60_000), level: .info)
    sink.write(String(repeating: "b", count: 60_000), level: .info)
    #expect(sink.lostLineCount == 1)
    let text = pipe.drain()
    #expect(text.hasSuffix("b"))
    sink.write("after", level: .info)
    #expect(
      pipe.drain() == "\n(1 log lines were lost: the output did not take them)\nafter\n")
  }

  /// Without SIGPIPE being ignored this would end the test run.
  @Test func aReaderThatIsGoneIsHarmless() throws {
    let pipe = try Pipe()
    let sink = ConsoleLogSink(descriptor: pipe.ends[1], isColorDisabled: false)
    pipe.closeReader()
    for _ in 0..<1000 { sink.write("x", level: .info) }
    #expect(sink.lostLineCount == 1000)
  }

  @Test func closedAndForeignDescriptorsAreNotWrittenTo() throws {
    let closed = ConsoleLogSink(descriptor: 1 << 20, isColorDisabled: false)
    closed.write("x", level: .info)
    let epoll = epoll_create1(0)
    defer { close(epoll) }
    ConsoleLogSink(descriptor: epoll, isColorDisabled: false).write("x", level: .info)
  }

  @Test func threadsDoNotMixLines() throws {
    let directory = try TemporaryDirectory()
    let descriptor = open(directory.path + "/out", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    defer { close(descriptor) }
    let sink = ConsoleLogSink(descriptor: descriptor, isColorDisabled: false)
    let line = String(repeating: "x", count: 9000)
    DispatchQueue.concurrentPerform(iterations: 8) { thread in
      for _ in 0..<50 { sink.write("\(thread)" + line, level: .info) }
    }
    let lines = directory.text("out").split(separator: "\n")
    #expect(lines.count == 400)
    #expect(lines.allSatisfy { $0.dropFirst() == line })
  }

  /// The number of the descriptor goes to somebody else; the sink still writes where it began.
  @Test func theSinkKeepsItsOwnDescriptor() throws {
    let pipe = try Pipe()
    let number = dup(pipe.ends[1])
    let sink = ConsoleLogSink(descriptor: number, isColorDisabled: false)
    close(number)
    sink.write("x", level: .info)
    #expect(pipe.drain() == "x\n")
  }
}
