import CLibFuzzer
import Foundation
import FuzzTargets
import Glibc

/// Runs one target under libFuzzer, or writes what fuzzers start from.
///
///     fuzz list                     the names of the targets
///     fuzz seed FOLDER              the seeds of each target and its dictionary
///     fuzz run TARGET [ARGUMENT]…   libFuzzer with its own arguments
@main
struct Program {
  /// Not those of `CommandLine`: the address sanitizer finds that it reads beyond its memory.
  fileprivate static let arguments: [String] = {
    let bytes = FileManager.default.contents(atPath: "/proc/self/cmdline") ?? Data()
    return bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast()
      .map { String(decoding: $0, as: UTF8.self) }
  }()

  fileprivate static let target = arguments.count > 2 ? FuzzTarget.named(arguments[2]) : nil

  static func main() throws {
    switch arguments.dropFirst().first {
    case "list" where arguments.count == 2:
      for target in FuzzTarget.all { puts(target.name) }
    case "seed" where arguments.count == 3:
      try writeSeeds(to: URL(fileURLWithPath: arguments[2]))
    case "run" where target != nil:
      exit(runFuzzer())
    default:
      report("usage: fuzz list | seed FOLDER | run TARGET [ARGUMENT]...")
      exit(2)
    }
  }

  /// Writes a line to the standard error.
  fileprivate static func report(_ line: String) {
    FileHandle.standardError.write(Data("\(line)\n".utf8))
  }

  private static func writeSeeds(to folder: URL) throws {
    let seeds = try FuzzSeeds.make()
    for target in FuzzTarget.all {
      let own = folder.appendingPathComponent(target.name)
      try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
      for (index, seed) in (seeds[target.name] ?? []).enumerated() {
        try Data(seed).write(to: own.appendingPathComponent("seed-\(index)"))
      }
      let lines = target.dictionary.map { "\"\(escaped($0))\"\n" }.joined()
      // libFuzzer refuses an empty file, but not a comment.
      try Data("# \(target.name)\n\(lines)".utf8).write(
        to: folder.appendingPathComponent("\(target.name).dict"))
    }
  }

  /// In libFuzzer's syntax of dictionaries.
  private static func escaped(_ word: String) -> String {
    word.utf8.map { byte in
      let isPlain = (0x20..<0x7f).contains(byte) && byte != 0x22 && byte != 0x5c
      return isPlain
        ? String(Character(Unicode.Scalar(byte))) : String(format: "\\x%02X", UInt32(byte))
    }.joined()
  }

  private static func runFuzzer() -> CInt {
    guard let target else { return 2 }
    let own = [arguments[0], "-max_len=\(target.byteCountMax)"] + arguments.dropFirst(3)
    // libFuzzer keeps them for as long as the program runs.
    var pointers: [UnsafeMutablePointer<CChar>?] = own.map { strdup($0) } + [nil]
    var count = CInt(own.count)
    return pointers.withUnsafeMutableBufferPointer { buffer in
      var base = buffer.baseAddress
      return LLVMFuzzerRunDriver(&count, &base, testOneInput)
    }
  }
}

/// libFuzzer's callback, by the name that its runtime asks for.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ byteCount: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: data, count: byteCount))
  do throws(FuzzFinding) {
    try Program.target?.run(bytes)
  } catch {
    Program.report("finding: \(error)")
    // A signal, as a trap would be: libFuzzer then keeps the input.
    abort()
  }
  return 0
}
