import Foundation
import Testing

@testable import Commands

/// The pages that are made of the tables, and the programs that show them.
@Suite struct PageTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// With UPDATE_PAGES in the environment (`make pages`) the pages are written first.
  @Test(arguments: Pages.all.map(\.path))
  func thePageOfEachNameIsThatOfTheTables(path: String) throws {
    let file = Self.root.appendingPathComponent(path)
    let expected = try #require(Pages.all.first { $0.path == path }).text
    if ProcessInfo.processInfo.environment["UPDATE_PAGES"] != nil {
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(expected.utf8).write(to: file)
    }
    #expect(try String(contentsOf: file, encoding: .utf8) == expected)
  }

  private static let manuals = Pages.all.map(\.path).filter { !$0.hasSuffix(".md") }

  @Test(.enabled(if: ShellProgram.isInstalled("man"), "man is not installed"), arguments: manuals)
  func manShowsThemWithoutWarnings(path: String) throws {
    let file = Self.root.appendingPathComponent(path).path
    let run = try ShellProgram(
      "man", ["--warnings", "-l", file],
      environment: ["MANWIDTH": "80", "PAGER": "cat", "LC_ALL": "C.UTF-8", "MANROFFSEQ": ""])
    #expect(run.code == 0)
    #expect(!run.output.contains("warning:"), "\(run.output.prefix(2000))")
    #expect(run.output.contains("SEE ALSO"))
  }

  @Test(
    .enabled(if: ShellProgram.isInstalled("groff"), "groff is not installed"), arguments: manuals)
  func groffHasNothingToSay(path: String) throws {
    let file = Self.root.appendingPathComponent(path).path
    let run = try ShellProgram("groff", ["-ww", "-man", "-Tutf8", "-K", "utf8", "-z", file])
    #expect(run.code == 0 && run.output.isEmpty, "\(run.output)")
  }

  @Test(
    .enabled(if: ShellProgram.isInstalled("mandoc"), "mandoc is not installed"),
    arguments: manuals)
  func mandocHasNothingToSay(path: String) throws {
    let file = Self.root.appendingPathComponent(path).path
    let run = try ShellProgram("mandoc", ["-T", "lint", "-W", "warning", file])
    #expect(run.code == 0 && run.output.isEmpty, "\(run.output)")
  }

  /// Nothing of a table is lost on its way into a page.
  @Test func everyCommandAndFlagIsInThePages() throws {
    let page = try #require(Pages.all.first { $0.path == "docs/commands.md" }).text
    func check<Action>(_ command: Command<Action>, _ path: String) {
      if command.action != nil, path.contains(" ") {
        #expect(page.contains("### `\(path) [flags]`"))
      }
      for flag in command.flags { #expect(page.contains("`\(flag.spelling)`"), "\(flag.name)") }
      for next in command.subcommands { check(next, "\(path) \(next.name)") }
    }
    check(FrpsCommands.root, "frps")
    check(FrpcCommands.root, "frpc")
  }
}
