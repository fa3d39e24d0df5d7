import Foundation
import TestKit
import Timekeeping

/// One of our programs as a process of its own, with its output in a file.
final class Program {
  private let process = Process()
  private let logFile: URL
  let configurationFile: URL

  /// Starts `frps` or `frpc` with that configuration text.
  ///
  /// - Parameters:
  ///   - environment: what is added to the test's own, which has nothing of a supervisor.
  ///   - launcher: a program, with its arguments, that becomes the one to start.
  convenience init(
    _ name: String, _ configuration: String, _ extraArguments: [String] = [],
    environment: [String: String] = [:], launcher: [String] = []
  ) throws {
    try self.init(name, configuration, environment, launcher) { path in
      extraArguments + ["-c", path]
    }
  }

  /// Starts `frps` or `frpc` with these arguments alone.
  convenience init(_ name: String, arguments: [String]) throws {
    try self.init(name, "", [:], []) { _ in arguments }
  }

  private init(
    _ name: String, _ configuration: String, _ environment: [String: String],
    _ launcher: [String], _ arguments: (_ file: String) -> [String]
  ) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("frp-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    configurationFile = folder.appendingPathComponent("\(name).ini")
    logFile = folder.appendingPathComponent("\(name).log")
    try configuration.write(to: configurationFile, atomically: true, encoding: .utf8)
    _ = FileManager.default.createFile(atPath: logFile.path, contents: nil)
    let output = try FileHandle(forWritingTo: logFile)
    let words =
      launcher + [Program.folder.appendingPathComponent(name).path]
      + arguments(configurationFile.path)
    process.executableURL = URL(fileURLWithPath: words[0])
    process.arguments = Array(words.dropFirst())
    process.environment = Program.ownEnvironment.merging(environment) { $1 }
    process.standardOutput = output
    process.standardError = output
    try process.run()
  }

  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
    try? FileManager.default.removeItem(at: logFile.deletingLastPathComponent())
  }

  /// Where the build puts programs: beside the tests.
  static var folder: URL {
    URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
      .deletingLastPathComponent()
  }

  /// The test's environment without what a supervisor of the test has put there.
  static let ownEnvironment: [String: String] = {
    var environment = ProcessInfo.processInfo.environment
    for name in ["NOTIFY_SOCKET", "INVOCATION_ID", "SYSTEMD_EXEC_PID"] { environment[name] = nil }
    return environment
  }()

  var log: String { (try? String(contentsOf: logFile, encoding: .utf8)) ?? "" }

  var isRunning: Bool { process.isRunning }

  func waitForLog(_ text: String, within limit: Interval = .seconds(10)) -> Bool {
    waitUntil(within: limit) { log.contains(text) }
  }

  func send(_ signal: Int32) {
    kill(process.processIdentifier, signal)
  }

  /// Waits for the end; the exit code, or the signal's number as negative.
  func waitForExit(within limit: Interval = .seconds(15)) -> Int32? {
    guard waitUntil(within: limit, { !process.isRunning }) else { return nil }
    return process.terminationReason == .exit
      ? process.terminationStatus : -process.terminationStatus
  }

  var processID: Int32 { process.processIdentifier }

  /// A field of `/proc/PID/status`, its parts separated by single spaces.
  func status(_ field: String) -> String? {
    let path = "/proc/\(process.processIdentifier)/status"
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("\(field):") }
    return line?.split(whereSeparator: \.isWhitespace).dropFirst().joined(separator: " ")
  }

  /// Open descriptors.
  var descriptorCount: Int {
    let path = "/proc/\(process.processIdentifier)/fd"
    return (try? FileManager.default.contentsOfDirectory(atPath: path).count) ?? -1
  }

  /// Resident memory in KiB.
  var residentKibibytes: Int {
    let path = "/proc/\(process.processIdentifier)/status"
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
    return line.flatMap { Int($0.filter(\.isNumber)) } ?? -1
  }
}

/// A port that was free a moment ago, for programs that take none from the kernel. It lies below
/// the range from which the kernel gives outgoing connections their ports, so that those of other
/// tests do not take it in between.
func makeFreePort() throws -> UInt16 {
  while true {
    if let server = try? EchoServer(port: UInt16.random(in: 10_000..<32_000)) {
      server.stop()
      return server.port
    }
  }
}
