import Foundation
import Testing

/// Applies the rules to the working tree.
@Suite struct RepositoryTidyTests {
  /// Read once for all tests; the tests only read.
  private static let sources = Result { try Repository.sources(below: "Sources") }
  private static let tests = Result { try Repository.sources(below: "Tests") }

  private func everything() throws -> [SourceText] {
    try Self.sources.get() + Self.tests.get()
  }

  private func expectNone(_ violations: [Violation]) {
    for violation in violations { Issue.record("\(violation)") }
  }

  @Test func theTreeIsFound() throws {
    #expect(try Self.sources.get().count > 10)
    #expect(
      try Self.tests.get().contains { $0.path == "Tests/TidyTests/RepositoryTidyTests.swift" })
  }

  @Test func linesFunctionsAndFilesAreShort() throws {
    expectNone(try everything().flatMap(LengthRules.check))
  }

  @Test func namesFollowTheGlossary() throws {
    expectNone(try everything().flatMap(NameRules.check))
  }

  @Test func refusedConstructsAreAbsent() throws {
    expectNone(try everything().flatMap(LanguageRules.check))
  }

  @Test func switchesOverOurEnumsNameEveryCase() throws {
    let sources = try Self.sources.get()
    let enums = SwitchRules.enumCases(of: sources)
    #expect(!enums.isEmpty)
    expectNone(sources.flatMap { SwitchRules.check($0, enums: enums) })
  }

  @Test func modulesImportOnlyLowerTiers() throws {
    expectNone(try Self.sources.get().flatMap(ImportRules.check))
  }

  @Test func theImportTableNamesExactlyTheModules() throws {
    let folders = try FileManager.default.contentsOfDirectory(
      atPath: Repository.root.appendingPathComponent("Sources").path)
    let known = Set(ImportRules.modules.keys).union(ImportRules.wrappers)
    #expect(Set(folders.filter { !$0.hasPrefix(".") }) == known)
  }

  @Test func everyModuleHasTests() throws {
    expectNone(
      LayoutRules.checkModules(sources: try Self.sources.get(), tests: try Self.tests.get()))
  }

  @Test func nothingStraysAtTheTopLevel() throws {
    expectNone(LayoutRules.checkTopLevel(try Repository.topLevelEntries()))
  }

  @Test func pagesNameOnlyWhatExists() throws {
    for page in try Repository.pages() {
      expectNone(
        DocumentationRules.check(
          path: page, content: try Repository.read(page), exists: Repository.exists))
    }
  }

  /// With UPDATE_PAGES in the environment (`make pages`) the page is written first.
  @Test func thePageOfLimitsIsThatOfTheSources() throws {
    let page = "docs/ARCHITECTURE.md"
    let rows = try Self.sources.get().flatMap(LimitRules.rows)
    #expect(!rows.isEmpty)
    if ProcessInfo.processInfo.environment["UPDATE_PAGES"] != nil {
      let updated = LimitRules.update(content: try Repository.read(page), rows: rows)
      try Data(updated.utf8).write(to: Repository.root.appendingPathComponent(page))
    }
    expectNone(LimitRules.check(page: page, content: try Repository.read(page), rows: rows))
  }

  /// A chapter that one language has and the other lacks shows as a different number of headings
  /// or code blocks.
  @Test func bothReadmesHaveTheSameShape() throws {
    let shapes = try ["README.md", "README_zh.md"].map { page in
      try Repository.read(page).split(separator: "\n", omittingEmptySubsequences: false)
        .filter { $0.hasPrefix("#") || $0.hasPrefix("```") || $0.hasPrefix("|") }
        .map { String($0.prefix { "#`|".contains($0) }) }
    }
    #expect(shapes[0] == shapes[1])
    #expect(!shapes[0].isEmpty)
  }

  @Test func theConfigurationIsTheDeploymentThatWeExistFor() throws {
    let relay = ConfigurationFileRules.parse(try Repository.read("config/frps.ini"))
    let client = ConfigurationFileRules.parse(try Repository.read("config/frpc.ini"))
    #expect(relay == ConfigurationFileRules.relay)
    #expect(client == ConfigurationFileRules.client)
  }

  /// `.version` is the one place; a constant in the sources repeats it.
  @Test func theVersionIsTheSameEverywhere() throws {
    let version = try Repository.read(".version").trimmingCharacters(in: .newlines)
    #expect(version.split(separator: ".").compactMap { Int($0) }.count == 3)
    for source in try Self.sources.get() {
      for line in source.lines where line.contains("let productVersion") {
        #expect(line.contains("\"\(version)\""), "\(source.path)")
      }
    }
    #expect(try Repository.read("docs/CHANGELOG.md").contains("## \(version)"))
  }
}
