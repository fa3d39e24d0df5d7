/// What lies where in the repository.
enum LayoutRules {
  /// Beside files and folders whose name begins with a dot.
  static let topLevelEntries: Set<String> = [
    "Package.swift", "Sources", "Tests", "Benchmarks", "config", "docs", "README.md",
    "README_zh.md", "Makefile", "LICENSE",
  ]
  /// Made by a build and ignored by git.
  static let generatedEntries: Set<String> = ["dist", "Package.resolved"]
  static let bannedModuleNames: Set<String> = [
    "Utils", "Utilities", "Common", "Core", "Helpers", "Shared",
  ]
  /// Modules that are tested by a target of another name: the programs only as a whole.
  static let testTargets = [
    "RelayServer": "LoopbackTests", "TunnelClient": "LoopbackTests", "frps": "LoopbackTests",
    "frpc": "LoopbackTests",
  ]

  static func checkTopLevel(_ entries: [String]) -> [Violation] {
    entries.filter {
      !$0.hasPrefix(".") && !topLevelEntries.contains($0) && !generatedEntries.contains($0)
    }.map { Violation(path: $0, line: 1, message: "does not belong at the top level") }
  }

  /// `sources` and `tests` are all files below the two folders.
  static func checkModules(sources: [SourceText], tests: [SourceText]) -> [Violation] {
    var violations: [Violation] = []
    for module in Set(sources.map(\.moduleName)).sorted() {
      let path = "Sources/\(module)"
      if bannedModuleNames.contains(module) {
        violations.append(Violation(path: path, line: 1, message: "a name that says nothing"))
      }
      if ImportRules.wrappers.contains(module) { continue }
      let target = testTargets[module] ?? module + "Tests"
      let hasTests = tests.contains { $0.moduleName == target && declaresTest($0) }
      if !hasTests {
        violations.append(Violation(path: path, line: 1, message: "no test in Tests/\(target)"))
      }
    }
    for source in sources + tests where source.tokens.isEmpty {
      violations.append(source.violation(atLine: 1, "a Swift file without code"))
    }
    return violations
  }

  private static func declaresTest(_ source: SourceText) -> Bool {
    source.tokens.indices.contains {
      source.tokens[$0].text == "Test" && source.token($0 - 1).text == "@"
    }
  }
}
