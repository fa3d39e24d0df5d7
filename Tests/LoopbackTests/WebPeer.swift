import Foundation
import Glibc
import TestKit
import Testing
import Timekeeping

/// Programs of others that tests about HTTP talk with, where Debian puts them.
enum WebPeer: CaseIterable {
  case curl, haproxy, h2load, nginx, openssl, wrk
  /// Python with a module.
  case websockets, grpc

  var path: String {
    switch self {
    case .curl: "/usr/bin/curl"
    case .haproxy: "/usr/sbin/haproxy"
    case .h2load: "/usr/bin/h2load"
    case .nginx: "/usr/sbin/nginx"
    case .openssl: "/usr/bin/openssl"
    case .wrk: "/usr/bin/wrk"
    case .websockets, .grpc: "/usr/bin/python3"
    }
  }

  private var module: String? {
    switch self {
    case .websockets: "websockets"
    case .grpc: "grpc"
    case .curl, .haproxy, .h2load, .nginx, .openssl, .wrk: nil
    }
  }

  private var isInstalled: Bool {
    guard FileManager.default.isExecutableFile(atPath: path) else { return false }
    guard let module else { return true }
    return (try? FinishedPeer(self, ["-c", "import \(module)"]))?.code == 0
  }

  private static let installed = Set(allCases.filter(\.isInstalled))

  /// Whether all of them are there.
  static func areInstalled(_ peers: [WebPeer]) -> Bool { installed.isSuperset(of: peers) }

  /// What a skipped test says.
  static func missing(_ peers: [WebPeer]) -> Comment {
    let names = peers.filter { !installed.contains($0) }.map { "\($0)" }
    return Comment(rawValue: "not installed: " + names.joined(separator: ", "))
  }
}

/// A program of others that was started and has ended by itself.
struct FinishedPeer {
  let code: Int32
  let output: String
  let errors: String

  /// Runs it.
  ///
  /// - Parameter input: a file that it reads as its standard input.
  /// - Throws: it does not end in time, and was killed.
  init(
    _ peer: WebPeer, _ arguments: [String], input: String = "/dev/null",
    within limit: Interval = .seconds(120)
  ) throws {
    let folder = try TemporaryFolder()
    let files = [try folder.write("out", ""), try folder.write("err", "")]
    let process = Process()
    process.executableURL = URL(fileURLWithPath: peer.path)
    process.arguments = arguments
    process.environment = Self.environment
    process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: input))
    process.standardOutput = FileHandle(forWritingAtPath: files[0])
    process.standardError = FileHandle(forWritingAtPath: files[1])
    try process.run()
    guard waitUntil(within: limit, { !process.isRunning }) else {
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      throw NotFinished(words: [peer.path] + arguments)
    }
    code =
      process.terminationReason == .exit
      ? process.terminationStatus : -process.terminationStatus
    output = String(decoding: try Data(contentsOf: URL(fileURLWithPath: files[0])), as: UTF8.self)
    errors = String(decoding: try Data(contentsOf: URL(fileURLWithPath: files[1])), as: UTF8.self)
  }

  struct NotFinished: Error { let words: [String] }

  /// The test's own without what would send a peer elsewhere.
  static var environment: [String: String] {
    Program.ownEnvironment.filter { !$0.key.lowercased().hasSuffix("_proxy") }
  }
}

/// A program of others that runs until nobody needs it any more.
final class RunningPeer {
  private let process = Process()
  private let folder: TemporaryFolder
  private let logPath: String

  /// Starts it; it has to stay in the foreground.
  ///
  /// - Parameters:
  ///   - input: what it reads as its standard input.
  ///   - output: where it writes; into the log if there is none.
  init(_ peer: WebPeer, _ arguments: [String], input: Pipe? = nil, output: Pipe? = nil) throws {
    folder = try TemporaryFolder()
    logPath = try folder.write("log", "")
    let log = FileHandle(forWritingAtPath: logPath)
    process.executableURL = URL(fileURLWithPath: peer.path)
    process.arguments = arguments
    process.environment = FinishedPeer.environment
    process.standardInput = input ?? FileHandle.nullDevice
    process.standardOutput = output ?? log
    process.standardError = log
    try process.run()
  }

  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
  }

  /// What it said.
  var log: String { (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "" }

  var isRunning: Bool { process.isRunning }

  /// Whether it listens on that port within the usual time.
  func waitForPort(_ port: UInt16) -> Bool {
    waitUntil { isRunning && (try? TestSocket.connect(port, within: .seconds(1))) != nil }
  }

  /// Waits for the end; the exit code, or the signal's number as negative.
  func waitForExit(within limit: Interval = .seconds(60)) -> Int32? {
    guard waitUntil(within: limit, { !process.isRunning }) else { return nil }
    return process.terminationReason == .exit
      ? process.terminationStatus : -process.terminationStatus
  }
}

extension Pipe {
  /// What there is to read, once there is something; empty at the end, or when nothing comes in
  /// time.
  func readSome(within limit: Interval = .seconds(60)) -> String {
    let descriptor = fileHandleForReading.fileDescriptor
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&entry, 1, CInt(limit.nanoseconds / 1_000_000)) > 0 else { return "" }
    var bytes = [UInt8](repeating: 0, count: 65536)
    let count = read(descriptor, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }
}
