import Foundation
import Testing

@testable import Commands

/// The completion scripts, run by the shells that they are for.
@Suite struct CompletionTests {
  private static func script(_ program: String, _ shell: Shell) -> String {
    program == "frps"
      ? CompletionScript(FrpsCommands.root, shell).text
      : CompletionScript(FrpcCommands.root, shell).text
  }

  // MARK: bash

  /// What bash offers for the last of the words.
  private func bash(_ words: [String]) throws -> [String] {
    let folder = try TemporaryFolder()
    let script = try folder.write("script", Self.script(words[0], .bash))
    let list = words.map { "'\($0)'" }.joined(separator: " ")
    let run = try ShellProgram(
      "bash",
      [
        "--norc", "-euc",
        "source '\(script)'; COMP_WORDS=(\(list)); COMP_CWORD=\(words.count - 1); "
          + "set +eu; _\(words[0]); printf '%s\\n' \"${COMPREPLY[@]}\"",
      ])
    #expect(run.code == 0, "\(run.output)")
    return run.output.split(separator: "\n").map(String.init)
  }

  @Test(.enabled(if: ShellProgram.isInstalled("bash"), "bash is not installed"))
  func bashOffersCommandsFlagsAndValues() throws {
    #expect(try bash(["frps", ""]) == ["verify", "completion", "help"])
    #expect(try bash(["frpc", "ver"]) == ["verify"])
    #expect(try bash(["frpc", "stcp", ""]) == ["visitor"])
    #expect(try bash(["frpc", "stcp", "visitor", "--server-n"]) == ["--server-name"])
    #expect(try bash(["frpc", "tcp", "--remote"]) == ["--remote-port"])
    #expect(try bash(["frpc", "http", "--remote"]) == [])
    #expect(try bash(["frps", "completion", ""]) == ["bash", "zsh", "fish"])
    #expect(try bash(["frpc", "help", "rel"]) == ["reload"])
    #expect(try bash(["frps", "--log-level", "de"]) == ["debug"])
    #expect(try bash(["frps", "--log_level", ""]).contains("warn"))
    // --log-level=de and --tls-only= come as three words.
    #expect(try bash(["frps", "--log-level", "=", "de"]) == ["debug"])
    #expect(try bash(["frps", "--tls-only", "="]) == ["true", "false"])
    #expect(try bash(["frps", "--bind-port", ""]) == [])
    // The value of a flag is no command.
    #expect(try bash(["frpc", "-c", "verify", "t"]) == ["tcp", "tcpmux"])
  }

  @Test(.enabled(if: ShellProgram.isInstalled("bash"), "bash is not installed"))
  func bashOffersFiles() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write("a b.ini", "")
    #expect(try bash(["frps", "-c", "\(folder.path)/"]) == ["\(folder.path)/a b.ini"])
    #expect(try bash(["frpc", "--config-dir", "\(folder.path)/"]) == [])
    #expect(try bash(["frpc", "--config_dir", "\(folder.path)"]) == [folder.path])
  }

  // MARK: zsh

  /// What the words behind the program become when the tab key is pressed behind them, in an
  /// interactive zsh.
  private func zsh(_ line: String) throws -> String {
    let program = String(line.prefix { $0 != " " })
    let folder = try TemporaryFolder()
    _ = try folder.write("_\(program)", Self.script(program, .zsh))
    let driver = try folder.write(
      "driver",
      """
      zmodload zsh/zpty
      zpty shell zsh -f -i
      zpty -w shell 'fpath=(\(folder.path) $fpath); autoload -Uz compinit; compinit -u -D'
      zpty -w shell '\(program)() { print -r -- "<""$*"">"; }; print REA""DY'
      zpty -r -m shell text '*READY*'
      zpty -w -n shell $'\(line)\\t\\n'
      zpty -r -m shell text '*<*>*'
      print -r -- "$text"
      zpty -d shell
      """)
    let run = try ShellProgram("timeout", ["-s", "KILL", "20", "zsh", "-f", driver])
    #expect(run.code == 0, "\(run.output)")
    return String(run.output.drop { $0 != "<" }.dropFirst().prefix { $0 != ">" })
  }

  @Test(.enabled(if: ShellProgram.isInstalled("zsh"), "zsh is not installed"))
  func zshCompletes() throws {
    #expect(try zsh("frpc veri") == "verify")
    #expect(try zsh("frpc tcp --remote-p") == "tcp --remote-port")
    #expect(try zsh("frpc stcp visitor --server-n") == "stcp visitor --server-name")
    #expect(try zsh("frps --log-level=deb") == "--log-level=debug")
    #expect(try zsh("frps completion fi") == "completion fish")
    #expect(try zsh("frpc -c x tcpm") == "-c x tcpmux")
    #expect(try zsh("frps verify --nonsens") == "verify --nonsens")
  }

  // MARK: fish

  private func fish(_ line: String) throws -> [String] {
    let program = String(line.prefix { $0 != " " })
    let folder = try TemporaryFolder()
    let script = try folder.write("script.fish", Self.script(program, .fish))
    let run = try ShellProgram(
      "fish", ["--no-config", "-c", "source '\(script)'; complete -C '\(line)'"],
      environment: ["HOME": folder.path, "XDG_CONFIG_HOME": folder.path])
    #expect(run.code == 0, "\(run.output)")
    return run.output.split(separator: "\n").map { String($0.prefix { $0 != "\t" }) }
  }

  @Test(.enabled(if: ShellProgram.isInstalled("fish"), "fish is not installed"))
  func fishOffersCommandsFlagsAndValues() throws {
    #expect(Set(try fish("frps ")) == ["verify", "completion", "help"])
    #expect(try fish("frpc ver") == ["verify"])
    #expect(try fish("frpc tcp --remote") == ["--remote-port"])
    #expect(try fish("frpc http --remote") == [])
    #expect(try fish("frpc stcp visitor --server-n") == ["--server-name"])
    #expect(try fish("frps --log-level de") == ["debug"])
    #expect(Set(try fish("frps completion ")) == ["bash", "zsh", "fish"])
  }

  // MARK: All of them

  @Test(arguments: Shell.allCases, ["frps", "frpc"])
  func scriptsAreRightInTheShellsOwnEyes(shell: Shell, program: String) throws {
    guard ShellProgram.isInstalled(shell.rawValue) else { return }
    let folder = try TemporaryFolder()
    let file = try folder.write("script", Self.script(program, shell))
    let option = shell == .fish ? ["--no-config", "--no-execute"] : ["-n"]
    let run = try ShellProgram(
      shell.rawValue, option + [file], environment: ["HOME": folder.path])
    #expect(run.code == 0 && run.output.isEmpty, "\(run.output)")
  }

  /// No flag is forgotten by a script.
  @Test(arguments: Shell.allCases)
  func everyFlagIsInEveryScript(shell: Shell) {
    let text = Self.script("frpc", shell)
    func check(_ command: Command<FrpcAction>) {
      for flag in command.flags { #expect(text.contains(flag.name), "\(flag.name)") }
      for next in command.subcommands {
        #expect(text.contains(next.name))
        check(next)
      }
    }
    check(FrpcCommands.root)
  }
}
