import TestKit
import Testing

@testable import Commands

/// Command lines in all their spellings.
@Suite struct ParserTests {
  private enum Deed: Equatable { case run, build, deep }

  private static let port = Flag(
    "bind_port", letter: "p", kind: .integer, valueName: "port", "port")
  private static let name = Flag("name", letter: "n", valueName: "text", "name")
  private static let tls = Flag("tls_enable", kind: .boolean, defaultText: "true", "speak TLS")
  private static let loud = Flag("loud", letter: "l", kind: .boolean, "be loud")
  private static let items = Flag("items", kind: .list, valueName: "items", "items")

  private static let root = Command<Deed>(
    "tool", "a tool", groups: [FlagGroup("Flags", [port, tls, loud, items])],
    subcommands: [
      Command(
        "build", "build it", groups: [FlagGroup("Flags", [name, loud])],
        subcommands: [
          Command("deep", "deeper", groups: [FlagGroup("Flags", [name])], action: .deep)
        ], action: .build),
      Command("group", "more", subcommands: [Command("one", "one", action: .run)], action: nil),
    ], action: .run)

  private func run(_ words: String...) throws -> (Deed, Arguments) {
    let invocation = try CommandParser(Self.root).parse(words)
    guard case .run(let deed, let arguments) = invocation else {
      Issue.record("\(invocation)")
      return (.run, Arguments())
    }
    return (deed, arguments)
  }

  private func message(_ words: String...) -> String {
    do throws(UsageError) {
      return "\(try CommandParser(Self.root).parse(words))"
    } catch {
      return error.description
    }
  }

  @Test(arguments: [
    ["--bind_port", "7"], ["--bind-port", "7"], ["--bind_port=7"], ["--bind-port=7"], ["-p", "7"],
    ["-p7"], ["-p=7"], ["-lp7"], ["-lp", "7"],
  ])
  func everySpellingOfAValueIsTheSame(_ words: [String]) throws {
    guard case .run(.run, let arguments) = try CommandParser(Self.root).parse(words) else {
      Issue.record("no run")
      return
    }
    #expect(arguments.integer(Self.port) == 7)
    #expect(arguments.boolean(Self.loud) == words[0].hasPrefix("-l"))
  }

  @Test func booleansAreSetAndUnset() throws {
    #expect(try run().1.boolean(Self.tls))
    #expect(try run("--tls_enable").1.boolean(Self.tls))
    #expect(try !run("--tls-enable=false").1.boolean(Self.tls))
    #expect(try !run("--tls-enable=0").1.boolean(Self.tls))
    // A word behind a boolean is no value of it.
    #expect(message("--tls-enable", "false").contains("unknown command \"false\""))
    #expect(message("--tls-enable=maybe").contains("expected true or false, found \"maybe\""))
  }

  @Test func listsAddUpAndTextsReplaceEachOther() throws {
    #expect(try run("--items", "a, b", "--items=c").1.list(Self.items) == ["a", "b", "c"])
    #expect(try run().1.list(Self.items) == [])
    #expect(try run("build", "-n", "a", "--name", "b").1.text(Self.name) == "b")
    #expect(try run("build", "--name=").1.text(Self.name) == "")
    #expect(try run("build", "--name=a=b").1.text(Self.name) == "a=b")
  }

  @Test func flagsMayStandBeforeTheCommandTheyBelongTo() throws {
    #expect(try run("-n", "build", "build").1.text(Self.name) == "build")
    #expect(try run("-l", "build").0 == .build)
    #expect(try run("build", "deep", "-n=x").0 == .deep)
    #expect(message("-p", "1", "build").contains("unknown flag: -p"))
  }

  @Test func mistakesNameTheNearest() {
    #expect(message("--bind_prot=1").hasPrefix("Error: unknown flag: --bind_prot; did you mean"))
    #expect(message("--bind_prot=1").contains("did you mean --bind-port?\nRun 'tool --help'"))
    #expect(
      message("biuld").contains("unknown command \"biuld\" for \"tool\"; did you mean build?"))
    #expect(message("build", "deap").contains("for \"tool build\"; did you mean deep?"))
    #expect(message("--bind-prot", "1").contains("unknown flag: --bind-prot; did you mean"))
    #expect(message("-p", "1", "biuld").contains("unknown command \"biuld\""))
    #expect(message("-x").contains("unknown flag: -x"))
    #expect(message("-x", "1").contains("unknown flag: -x"))
    #expect(message("-p").contains("-p needs a value"))
    #expect(message("--bind-port", "x").contains("--bind-port: expected a number, found \"x\""))
    #expect(message("--").contains("run"))
    #expect(message("--", "-p").contains("unknown command \"-p\""))
    #expect(message("-").contains("unknown command \"-\""))
    #expect(message("", "").contains("unknown command \"\""))
  }

  @Test func helpAndVersionComeFirst() throws {
    guard case .version = try CommandParser(Self.root).parse(["build", "-v"]) else {
      Issue.record("no version")
      return
    }
    #expect(message("group").contains("Usage:\\n  tool group COMMAND"))
    for words in [
      ["build", "-h"], ["-h", "build"], ["help", "build"], ["build", "-v", "--help"],
    ] {
      guard case .show(let text) = try CommandParser(Self.root).parse(words) else {
        Issue.record("\(words)")
        continue
      }
      #expect(text.hasPrefix("Build it.\n\nUsage:\n  tool build [FLAGS]\n  tool build COMMAND"))
      #expect(text.contains("  -n, --name TEXT"))
    }
    #expect(message("help", "bulid").contains("did you mean build?"))
    #expect(message("completion", "tcsh").contains("unknown shell \"tcsh\""))
  }

  /// Whatever the words, there is an answer, and the program's own flags are its own.
  @Test func anyWordsHaveAnAnswer() {
    var generator = RepeatableGenerator(seed: 5)
    let flags = FrpcCommands.root.subcommands.flatMap(\.flags)
    let names = flags.flatMap { ["--\($0.name)", "--\($0.name)=", "-\($0.letter ?? "x")1"] }
    let commands = FrpcCommands.root.subcommands.map(\.name)
    let odd = ["", "-", "--", "---", "-=", "--=", "--=x", "\u{301}", "-\u{301}", "-a=b=c", "x y"]
    let words = names + commands + ["visitor", "discover", "help", "completion", "bash"] + odd
    var runCount = 0
    for _ in 0..<4000 {
      let count = Int.random(in: 0...5, using: &generator)
      let line = (0..<count).compactMap { _ in words.randomElement(using: &generator) }
      do throws(UsageError) {
        if case .run = try CommandParser(FrpcCommands.root).parse(line) { runCount += 1 }
      } catch {
        #expect(error.description.hasPrefix("Error: "), "\(line)")
      }
    }
    #expect(runCount > 200)
  }
}
