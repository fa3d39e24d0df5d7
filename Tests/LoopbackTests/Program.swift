import Foundation
import TestKit
import Timekeeping

/// One of our programs as a process of its own, with its output in a file.
final class Program {
  private let process = Process()
  private let logFile: URL
  let configurationFile: URL

  /// Starts `frps` or `frpc` with that configuration text.
  init(_ name: String, _ configuration: String, _ extraArguments: [String] = []) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("frp-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    configurationFile = folder.appendingPathComponent("\(name).ini")
    logFile = folder.appendingPathComponent("\(name).log")
    try configuration.write(to: configurationFile, atomically: true, encoding: .utf8)
    _ = FileManager.default.createFile(atPath: logFile.path, contents: nil)
    let output = try FileHandle(forWritingTo: logFile)
    process.executableURL = Program.folder.appendingPathComponent(name)
    process.arguments = extraArguments + ["-c", configurationFile.path]
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
