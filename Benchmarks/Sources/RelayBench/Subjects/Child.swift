internal import BenchmarkReport
internal import Foundation
internal import Glibc
internal import Synchronization

/// Why something could not be measured.
struct BenchmarkError: Error, CustomStringConvertible {
  let description: String
}

/// A process of the harness, killed with it.
final class Child {
  private let process = Process()
  private let output = Pipe()
  private var unread = Data()
  let name: String

  var pid: Int32 { process.processIdentifier }

  /// Starts `program`. Its output is read by `readLine`, or goes to `logFile`.
  init(
    _ program: String, _ arguments: [String], logFile: String? = nil,
    environment: [String: String]? = nil
  ) throws {
    name = (program as NSString).lastPathComponent
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    if let environment { process.environment = environment }
    if let logFile {
      _ = FileManager.default.createFile(atPath: logFile, contents: nil)
      let handle = FileHandle(forWritingAtPath: logFile) ?? .nullDevice
      process.standardOutput = handle
      process.standardError = handle
    } else {
      process.standardOutput = output
      process.standardError = FileHandle.standardError
    }
    try process.run()
    Children.add(pid)
  }

  /// The next line of its output; `nil` at the end.
  func readLine() -> String? {
    while true {
      if let end = unread.firstIndex(of: 0x0a) {
        let line = String(decoding: unread[..<end], as: UTF8.self)
        unread = Data(unread[unread.index(after: end)...])
        return line
      }
      let more = output.fileHandleForReading.availableData
      if more.isEmpty { return nil }
      unread.append(more)
    }
  }

  /// Ends it and everything that it started.
  func stop() {
    let descendants = ProcessTable.descendants(of: [pid])
    let everyone = [pid] + descendants
    // One that runs under a tool ends first, so that the tool can say what it saw.
    for one in descendants.isEmpty ? everyone : descendants { kill(one, SIGTERM) }
    let deadline = Date().addingTimeInterval(descendants.isEmpty ? 10 : 3)
    let halfTime = Date().addingTimeInterval(0.5)
    var isAsked = descendants.isEmpty
    while process.isRunning, Date() < deadline {
      usleep(5_000)
      if !isAsked, descendants.allSatisfy({ kill($0, 0) != 0 }) || Date() > halfTime {
        isAsked = true
        kill(pid, SIGTERM)
      }
    }
    for one in everyone where kill(one, 0) == 0 { kill(one, SIGKILL) }
    process.waitUntilExit()
    Children.remove(pid)
  }

  var isRunning: Bool { process.isRunning }
}

/// The processes that are to die when the harness is interrupted.
enum Children {
  private static let pids = Mutex<Set<Int32>>([])

  static func add(_ pid: Int32) { pids.withLock { _ = $0.insert(pid) } }

  static func remove(_ pid: Int32) { pids.withLock { _ = $0.remove(pid) } }

  static func killAll() {
    let pids = pids.withLock { Array($0) }
    for pid in pids + ProcessTable.descendants(of: pids) { kill(pid, SIGKILL) }
  }
}

/// What /proc says of all processes.
enum ProcessTable {
  static func statistics(of pid: Int32) -> ProcessStatistics? {
    guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
      let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
    else { return nil }
    return ProcessStatistics(stat: stat, status: status)
  }

  /// The processes that `roots` started, and those that these did.
  static func descendants(of roots: [Int32]) -> [Int32] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    var children: [Int32: [Int32]] = [:]
    for pid in names.compactMap({ Int32($0) }) {
      if let parent = statistics(of: pid)?.parent {
        children[Int32(parent), default: []].append(pid)
      }
    }
    var found: [Int32] = []
    var open = roots
    while let pid = open.popLast() {
      let next = children[pid] ?? []
      found += next
      open += next
    }
    return found
  }

  /// CPU seconds and resident KiB of `roots` and all that they started.
  static func usage(of roots: [Int32]) throws -> (cpuSeconds: Double, residentKibibytes: Int) {
    let all = try (roots + descendants(of: roots)).compactMap { pid -> ProcessStatistics? in
      guard let found = statistics(of: pid) else {
        if roots.contains(pid) { throw BenchmarkError(description: "process \(pid) has ended") }
        return nil
      }
      return found
    }
    let ticks = all.reduce(0) { $0 + $1.ticks }
    return (
      Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK))),
      all.reduce(0) { $0 + $1.residentKibibytes }
    )
  }
}
