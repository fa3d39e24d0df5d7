internal import Foundation
internal import Glibc

/// A command of the system that failed.
public struct CommandFailure: Error, CustomStringConvertible {
  /// What failed, and how.
  public let description: String

  /// Says what failed.
  public init(description: String) { self.description = description }
}

/// Runs a program to its end.
///
/// - Returns: what it wrote.
@discardableResult
public func runCommand(_ arguments: [String], input: String = "") throws -> String {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = arguments
  let output = Pipe()
  let source = Pipe()
  process.standardOutput = output
  process.standardError = output
  process.standardInput = source
  try process.run()
  source.fileHandleForWriting.write(Data(input.utf8))
  try source.fileHandleForWriting.close()
  let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  process.waitUntilExit()
  guard process.terminationReason == .exit, process.terminationStatus == 0 else {
    throw CommandFailure(
      description: "\(arguments.joined(separator: " ")): \(text) (input: \(input))")
  }
  return text
}

/// A network namespace of this test run, with its interfaces, until it is dropped.
public final class Namespace: Sendable {
  private static let prefix = "frptest-"
  private static let count = Locked(0)

  /// Its name for ip(8).
  public let name: String

  /// Makes one. Its name holds the number of this process, so that what a killed run left is
  /// known, and `part`.
  public init(_ part: String) throws {
    let number = Self.count.withLock { count in
      count += 1
      return count
    }
    name = "\(Self.prefix)\(getpid())-\(number)-\(part)"
    try runCommand(["ip", "netns", "add", name])
    try ip("link set lo up")
  }

  deinit {
    _ = try? runCommand(["ip", "netns", "delete", name])
  }

  /// Why there are no namespaces here; `nil` when there are. Also deletes those that killed runs
  /// have left.
  public static let obstacle: String? = {
    if getuid() != 0 { return "network namespaces need root" }
    do {
      for line in try runCommand(["ip", "netns", "list"]).split(separator: "\n") {
        let name = line.split(separator: " ")[0]
        guard name.hasPrefix(prefix), let owner = name.split(separator: "-").dropFirst().first,
          !FileManager.default.fileExists(atPath: "/proc/\(owner)")
        else { continue }
        try runCommand(["ip", "netns", "delete", String(name)])
      }
      let trial = try Namespace("trial")
      try trial.ip("link add t0 type veth peer name t1")
      try trial.run(["nft", "add", "table", "inet", "trial"])
      return nil
    } catch {
      return "network namespaces cannot be made: \(error)"
    }
  }()

  /// Runs commands of ip(8), one a line.
  public func ip(_ lines: String) throws {
    try runCommand(["ip", "-n", name, "-batch", "-"], input: lines + "\n")
  }

  /// Runs a program inside.
  @discardableResult
  public func run(_ arguments: [String], input: String = "") throws -> String {
    try runCommand(["ip", "netns", "exec", name] + arguments, input: input)
  }

  /// Runs `body` on a thread whose new sockets lie inside.
  public func inside<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws
    -> Value
  {
    let result = Promised<Result<Value, any Error>>()
    let thread = OwnThread { [self] in
      result.fulfill(
        Result {
          try enter()
          return try body()
        })
    }
    thread.join()
    return try result.wait().get()
  }

  /// Moves this thread, and threads that it starts, inside; there is no way back.
  public func enter() throws {
    typealias SetNamespace = @convention(c) (CInt, CInt) -> CInt
    // setns(2) is declared for GNU programs only.
    guard let symbol = dlsym(nil, "setns") else { throw CommandFailure(description: "no setns") }
    // The symbol's type, as the manual page has it.
    let setNamespace = unsafeBitCast(symbol, to: SetNamespace.self)
    let file = open("/run/netns/\(name)", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw CommandFailure(description: "cannot open namespace \(name)") }
    defer { close(file) }
    let newNetwork: CInt = 0x4000_0000
    guard setNamespace(file, newNetwork) == 0 else {
      throw CommandFailure(description: "cannot enter namespace \(name)")
    }
  }
}
