import Foundation
import TestKit
import Timekeeping

/// A program of the system that is run to its end, for tests that hold our texts against it.
struct ShellProgram {
  let code: Int32
  let output: String

  /// Runs it, with its errors among its output.
  ///
  /// - Throws: there is no such program, or it does not end in time and was killed.
  init(_ name: String, _ arguments: [String], environment: [String: String] = [:]) throws {
    guard let path = Self.path(name) else { throw CocoaError(.fileNoSuchFile) }
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("frp-test-\(UUID().uuidString)")
    _ = FileManager.default.createFile(atPath: file.path, contents: nil)
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    let handle = try FileHandle(forWritingTo: file)
    process.standardOutput = handle
    process.standardError = handle
    try process.run()
    guard waitUntil(within: .seconds(60), { !process.isRunning }) else {
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      throw CocoaError(.executableLoad)
    }
    code = process.terminationStatus
    output = try String(contentsOf: file, encoding: .utf8)
  }

  /// Where the program is; `nil` when it is not installed.
  static func path(_ name: String) -> String? {
    ["/usr/bin", "/bin", "/usr/local/bin"].map { "\($0)/\(name)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// For a test that needs it, with what to say when it is missing.
  static func isInstalled(_ name: String) -> Bool { path(name) != nil }
}

/// A folder that is gone when nobody uses it any more.
final class TemporaryFolder {
  let path: String

  init() throws {
    path =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("frp-test-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file and gives its path.
  func write(_ name: String, _ text: String) throws -> String {
    let file = "\(path)/\(name)"
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    return file
  }
}
