import Foundation
import Testing

@testable import Configuration

/// Files that are wrong, in every format, each with the exact text that its owner gets to see in a
/// file of the same name with `.expected` behind it.
@Suite struct BrokenFileTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Broken")

  static let names: [String] = {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return all.filter { !$0.hasSuffix(".expected") }.sorted()
  }()

  private func issues(of name: String) throws -> [ConfigurationIssue] {
    let bytes = [UInt8](try Data(contentsOf: Self.folder.appendingPathComponent(name)))
    let environment = ["HOME": "/root"]
    return name.hasPrefix("frps")
      ? ConfigurationLoader.loadServer(bytes: bytes, file: name, environment: environment).issues
      : ConfigurationLoader.loadClient(
        bytes: bytes, file: name, environment: environment, includes: .none
      ).issues
  }

  /// With UPDATE_EXPECTED in the environment the texts are written instead; read them then.
  @Test(arguments: names)
  func theOwnerReads(name: String) throws {
    let issues = try issues(of: name)
    let text = issues.map { "\($0)\n" }.joined()
    let expected = Self.folder.appendingPathComponent(name + ".expected")
    if ProcessInfo.processInfo.environment["UPDATE_EXPECTED"] != nil {
      try Data(text.utf8).write(to: expected)
    }
    #expect(try String(contentsOf: expected, encoding: .utf8) == text)
    #expect(!text.contains("hunter2"))
    // INI files may hold mistakes that are only warned of; each names its line.
    #expect(!issues.isEmpty)
    #expect(issues.allSatisfy { $0.line != nil || $0.severity == .error })
  }

  @Test func thereAreManyInEveryFormat() {
    #expect(Self.names.count >= 40)
    for format in ["-ini-", "-toml-", "-yaml-", "-json-"] {
      #expect(Self.names.count { $0.contains(format) } >= 5, "\(format)")
    }
  }
}
