import Foundation
import TestKit
import Timekeeping

/// A program as a process inside a namespace, with its output in a file.
final class NamespaceProgram {
  /// Whose programs.
  enum Origin: String, CaseIterable {
    /// Those of this repository: beside the tests, or in the folder `PROGRAMS_DIR`.
    case ours
    /// frp's: in the folder `FRP_BIN_DIR`.
    case stock

    var folder: String? {
      let environment = ProcessInfo.processInfo.environment
      switch self {
      case .ours:
        return environment["PROGRAMS_DIR"]
          ?? URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
          .deletingLastPathComponent().path
      case .stock: return environment["FRP_BIN_DIR"]
      }
    }
  }

  private let process = Process()
  private let folder: URL
  private let logFile: URL

  /// Starts `frps` or `frpc`.
  init(
    _ name: String, _ origin: Origin = .ours, in namespace: Namespace, _ configuration: String
  ) throws {
    guard let programs = origin.folder else {
      throw CommandFailure(description: "no folder of \(origin) programs")
    }
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("frp-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let configurationFile = folder.appendingPathComponent("\(name).ini")
    logFile = folder.appendingPathComponent("\(name).log")
    try configuration.write(to: configurationFile, atomically: true, encoding: .utf8)
    _ = FileManager.default.createFile(atPath: logFile.path, contents: nil)
    let output = try FileHandle(forWritingTo: logFile)
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "ip", "netns", "exec", namespace.name, "\(programs)/\(name)", "-c", configurationFile.path,
    ]
    // A supervisor of the tests is none of the programs'.
    process.environment = ProcessInfo.processInfo.environment.filter {
      !["NOTIFY_SOCKET", "INVOCATION_ID", "SYSTEMD_EXEC_PID"].contains($0.key)
    }
    process.standardOutput = output
    process.standardError = output
    try process.run()
  }

  deinit {
    // `env` and `ip` execute the program in their place: it is this very process.
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
    try? FileManager.default.removeItem(at: folder)
  }

  var log: String { (try? String(contentsOf: logFile, encoding: .utf8)) ?? "" }

  var isRunning: Bool { process.isRunning }

  func logCount(_ text: String) -> Int { log.components(separatedBy: text).count - 1 }

  func waitForLog(
    _ text: String, count: Int = 1, within limit: Interval = .seconds(10)
  ) -> Bool {
    waitUntil(within: limit) { logCount(text) >= count }
  }
}
