import Foundation
import TestKit
import Timekeeping

/// One of our programs that was started and has ended by itself.
struct FinishedProgram {
  let code: Int32
  let output: String
  let errors: String

  /// Runs it.
  ///
  /// - Throws: it does not end in time, and was killed.
  init(
    _ name: String, _ arguments: [String], environment: [String: String] = [:],
    within limit: Interval = .seconds(30)
  ) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("frp-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = ["out", "err"].map { folder.appendingPathComponent($0) }
    for file in files { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
    let process = Process()
    process.executableURL = Program.folder.appendingPathComponent(name)
    process.arguments = arguments
    process.environment = Program.ownEnvironment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: files[0])
    process.standardError = try FileHandle(forWritingTo: files[1])
    try process.run()
    guard waitUntil(within: limit, { !process.isRunning }) else {
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      throw NotFinished(arguments: [name] + arguments)
    }
    code =
      process.terminationReason == .exit
      ? process.terminationStatus : -process.terminationStatus
    output = try String(contentsOf: files[0], encoding: .utf8)
    errors = try String(contentsOf: files[1], encoding: .utf8)
  }

  struct NotFinished: Error { let arguments: [String] }
}
