internal import BenchmarkReport
internal import Foundation
internal import Glibc
internal import Synchronization

/// Why something could not be measured.
struct BenchmarkError: Error, CustomStringConvertible {
  let description: String
}

/// A process of the harness, killed with it.
///
/// Started with posix_spawn(3): Foundation's `Process` learns of an end by a descriptor that the
/// child inherits, and children that close what they do not know, as OpenSSH does, confuse it.
final class Child {
  let name: String
  private(set) var pid: pid_t = 0
  private var hasEnded = false
  private var output: FileHandle?
  private var unread = Data()

  /// Starts `program`. Its output is read by `readLine`, or goes to `logFile`.
  init(_ program: String, _ arguments: [String], logFile: String? = nil) throws {
    name = (program as NSString).lastPathComponent
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    var ends: [Int32] = [-1, -1]
    if let logFile {
      posix_spawn_file_actions_addopen(&actions, 1, logFile, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
      posix_spawn_file_actions_adddup2(&actions, 1, 2)
    } else {
      guard pipe(&ends) == 0 else { throw BenchmarkError(description: "no pipe") }
      _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
      posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
      posix_spawn_file_actions_addclose(&actions, ends[1])
      output = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // The harness ignores these to handle them in order; its children do not inherit that.
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM] { sigaddset(&signals, number) }
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
    var words = ([program] + arguments).map { strdup($0) } + [nil]
    let result = posix_spawn(&pid, program, &actions, &attributes, &words, environ)
    for word in words { free(word) }
    if ends[1] >= 0 { close(ends[1]) }
    guard result == 0 else {
      throw BenchmarkError(
        description: "cannot start \(program): \(String(cString: strerror(result)))")
    }
    Children.add(pid)
  }

  /// The next line of its output; `nil` at the end.
  func readLine() -> String? {
    while let output {
      if let end = unread.firstIndex(of: 0x0a) {
        let line = String(decoding: unread[..<end], as: UTF8.self)
        unread = Data(unread[unread.index(after: end)...])
        return line
      }
      let more = output.availableData
      if more.isEmpty { return nil }
      unread.append(more)
    }
    return nil
  }

  var isRunning: Bool {
    if !hasEnded, waitpid(pid, nil, WNOHANG) != 0 {
      hasEnded = true
      Children.remove(pid)
    }
    return !hasEnded
  }

  /// Ends it and everything that it started.
  func stop() {
    guard isRunning else { return }
    let descendants = ProcessTable.descendants(of: [pid])
    // One that runs under a tool ends first, so that the tool can say what it saw.
    for one in descendants { kill(one, SIGTERM) }
    var isAsked = false
    let start = Date()
    while isRunning, -start.timeIntervalSinceNow < 10 {
      let isAlone = descendants.allSatisfy { kill($0, 0) != 0 }
      if !isAsked, isAlone || -start.timeIntervalSinceNow > 0.5 {
        isAsked = true
        kill(pid, SIGTERM)
      }
      usleep(5_000)
    }
    for one in descendants where kill(one, 0) == 0 { kill(one, SIGKILL) }
    if isRunning { kill(pid, SIGKILL) }
    while isRunning { usleep(1_000) }
  }

  /// Waits for its end.
  func join() {
    while isRunning { usleep(5_000) }
  }
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
