internal import Foundation
internal import Glibc
internal import LinuxSystem
internal import Synchronization
internal import TestKit
internal import Timekeeping

/// `frps` or `frpc` as a process, with its output in a file of its own.
public final class Daemon {
  private let process = Process()
  private let folder: URL
  private let logFile: URL
  let name: String
  private(set) var hasBeenKilled = false

  /// Starts the program `name` of the folder `programs`, inside `namespace` if there is one.
  convenience init(
    _ name: String, programs: String, _ configuration: String, in namespace: Namespace? = nil
  ) throws {
    let folder = try Self.makeFolder()
    let file = folder.appendingPathComponent("\(name).ini")
    try configuration.write(to: file, atomically: true, encoding: .utf8)
    // `env` and `ip` execute the program in their place: it is this very process.
    let inside = namespace.map { ["ip", "netns", "exec", $0.name] } ?? []
    try self.init(
      name, inside + ["\(programs)/\(name)", "-c", file.path], folder)
  }

  /// Starts a program that has no configuration.
  convenience init(_ program: String, _ arguments: [String]) throws {
    try self.init(
      URL(fileURLWithPath: program).lastPathComponent, [program] + arguments,
      try Self.makeFolder())
  }

  private static func makeFolder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("frp-storm-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  private init(_ name: String, _ words: [String], _ folder: URL) throws {
    self.name = name
    self.folder = folder
    logFile = folder.appendingPathComponent("\(name).log")
    _ = FileManager.default.createFile(atPath: logFile.path, contents: nil)
    let output = try FileHandle(forWritingTo: logFile)
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    // Should this thread end without a word, the kernel kills what it has started.
    process.arguments = ["setpriv", "--pdeathsig", "KILL"] + words
    process.standardOutput = output
    process.standardError = output
    try process.run()
    Self.running.withLock { _ = $0.insert(process.processIdentifier) }
  }

  deinit {
    kill()
    try? FileManager.default.removeItem(at: folder)
  }

  private static let running = Mutex<Set<pid_t>>([])

  /// Kills every program that was started, when this one is told to end.
  public static func killAll() {
    for pid in running.withLock({ Array($0) }) { _ = Glibc.kill(pid, SIGKILL) }
  }

  var processID: pid_t { process.processIdentifier }
  var isRunning: Bool { process.isRunning }
  var log: String { (try? String(contentsOf: logFile, encoding: .utf8)) ?? "" }

  var logByteCount: Int {
    let attributes = try? FileManager.default.attributesOfItem(atPath: logFile.path)
    return (attributes?[.size] as? NSNumber)?.intValue ?? 0
  }

  /// The end of the log, for whoever looks for the reason of a failure.
  var logEnd: String { String(log.suffix(2000)) }

  func logCount(_ text: String) -> Int { log.components(separatedBy: text).count - 1 }

  func waitForLog(
    _ text: String, count: Int = 1, within limit: Interval = .seconds(20)
  ) throws {
    guard waitUntil(within: limit, { logCount(text) >= count || !isRunning }),
      logCount(text) >= count
    else {
      throw CommandFailure(description: "\(name) did not say “\(text)”:\n\(logEnd)")
    }
  }

  func send(_ signal: Int32) { _ = Glibc.kill(processID, signal) }

  /// Kills it without a warning and waits for its end.
  func kill() {
    hasBeenKilled = true
    if process.isRunning { send(SIGKILL) }
    process.waitUntilExit()
    Self.running.withLock { _ = $0.remove(process.processIdentifier) }
  }

  /// Asks it to end, and waits.
  ///
  /// - Returns: the exit code, the signal's number as negative, `nil` when it did not end in time.
  func terminate(within limit: Interval) -> Int32? {
    hasBeenKilled = true
    send(SIGTERM)
    guard waitUntil(within: limit, { !process.isRunning }) else { return nil }
    return exitCode
  }

  /// The exit code, or the signal's number as negative; of a process that has ended.
  var exitCode: Int32 {
    process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
  }

  /// Whether it does something of its own when it is sent the signal.
  func handles(_ signal: Int32) -> Bool {
    ["SigBlk:", "SigCgt:"].contains { key in
      UInt64(statusField(key) ?? "", radix: 16).map { $0 >> UInt64(signal - 1) & 1 == 1 } ?? false
    }
  }

  var descriptorCount: Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(processID)/fd").count) ?? -1
  }

  /// Resident memory that is no file's: pages of code and constants come and go with what runs, and
  /// are the kernel's to take back.
  var residentKibibytes: Int {
    statusField("RssAnon:").flatMap { Int($0.filter(\.isNumber)) } ?? -1
  }

  var cpuSeconds: Double { Self.cpuSeconds("\(processID)") }

  /// The processor time of this process.
  static var ownCPUSeconds: Double { cpuSeconds("self") }

  private static func cpuSeconds(_ process: String) -> Double {
    let stat = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
    guard let end = stat.lastIndex(of: ")") else { return 0 }
    let fields = stat[stat.index(after: end)...].split(separator: " ")
    guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else {
      return 0
    }
    return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }

  private func statusField(_ key: String) -> String? {
    let text = (try? String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)) ?? ""
    return text.split(separator: "\n").first { $0.hasPrefix(key) }
      .map { $0.dropFirst(key.count).trimmingCharacters(in: .whitespaces) }
  }
}

/// Descriptors for this process and those that it starts.
public enum Descriptors {
  /// Raises the limit as far as is allowed: root may go beyond the hard limit.
  ///
  /// - Returns: the limit in force.
  @discardableResult
  public static func raiseLimit(to wanted: Int = 200_000) -> Int {
    let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limit = rlimit(rlim_cur: rlim_t(wanted), rlim_max: rlim_t(wanted))
    var current = rlimit()
    _ = getrlimit(kind, &current)
    if current.rlim_max < limit.rlim_max { _ = setrlimit(kind, &limit) }
    return HostSystem.raiseDescriptorLimit()
  }
}

/// Ports that are free now, below those that the kernel gives to outgoing connections.
func makeFreePorts(_ count: Int) throws -> UInt16 {
  for _ in 0..<1000 {
    let first = UInt16.random(in: 10_000..<(32_000 - UInt16(count)))
    let isFree = (0..<count).allSatisfy {
      (try? Socket.listen(on: .loopback(port: first + UInt16($0)))) != nil
    }
    if isFree { return first }
  }
  throw CommandFailure(description: "no \(count) free ports in a row")
}

/// The token of all scenarios.
let stormToken = "storm-token"

/// The configuration of a relay of the scenarios.
func relayConfiguration(bindPort: UInt16, host: String = "127.0.0.1", _ more: String = "") -> String
{
  """
  [common]
  bind_addr = \(host)
  bind_port = \(bindPort)
  token = \(stormToken)
  \(more)

  """
}
