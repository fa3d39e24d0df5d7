/// What `--help` shows of a command.
struct HelpText<Action: Sendable> {
  private let path: [Command<Action>]
  private let command: Command<Action>

  /// Of the last command of a path that begins with the program.
  init(_ path: [Command<Action>]) {
    self.path = path
    command = path[path.count - 1]
  }

  var text: String {
    let name = path.map(\.name).joined(separator: " ")
    var parts = [sentence(command.summary), "Usage:\n  " + usages(name).joined(separator: "\n  ")]
    parts += command.details.map { Self.wrapped($0, width: 80).joined(separator: "\n") }
    if !commands.isEmpty { parts.append("Commands:\n" + Self.columns(commands)) }
    for group in command.groups + [FlagGroup("Help", Flag.builtIn)] where !group.flags.isEmpty {
      parts.append("\(group.title):\n" + Self.columns(group.flags.map(row)))
    }
    return parts.joined(separator: "\n\n")
  }

  static func text(of command: BuiltInCommand, program: String) -> String {
    switch command {
    case .help: "Show the help of a command.\n\nUsage:\n  \(program) help [COMMAND …]"
    case .completion:
      """
      Print the completion script for a shell.

      Usage:
        \(program) completion bash|zsh|fish

      To use it in every new shell:
        bash:  \(program) completion bash > ~/.local/share/bash-completion/completions/\(program)
        zsh:   \(program) completion zsh > "${fpath[1]}/_\(program)"
        fish:  \(program) completion fish > ~/.config/fish/completions/\(program).fish
      """
    }
  }

  private func sentence(_ text: String) -> String {
    text.prefix(1).uppercased() + text.dropFirst() + "."
  }

  private func usages(_ name: String) -> [String] {
    let own = command.action == nil ? [] : ["\(name) [FLAGS]"]
    return own + (command.subcommands.isEmpty ? [] : ["\(name) COMMAND [FLAGS]"])
  }

  private var commands: [(String, String)] {
    let own = command.subcommands.map { ($0.name, $0.summary) }
    let isRoot = path.count == 1
    return own + (isRoot ? BuiltInCommand.allCases.map { ($0.rawValue, $0.summary) } : [])
  }

  private func row(_ flag: Flag) -> (String, String) {
    let head = flag.letter.map { "-\($0), " } ?? "    "
    let value = flag.takesValue ? " " + flag.valueName.uppercased() : ""
    return ("\(head)--\(flag.name)\(value)", flag.summary + Self.defaultNote(flag))
  }

  /// What holds without the flag, unless that goes without saying.
  static func defaultNote(_ flag: Flag) -> String {
    guard !["", "false", "0"].contains(flag.defaultText) else { return "" }
    return " (default: \(flag.defaultText))"
  }

  /// Two columns; a text that is too wide goes on below itself.
  private static func columns(_ rows: [(String, String)]) -> String {
    let gap = 2
    let width = min(rows.map(\.0.count).max() ?? 0, 30)
    var lines: [String] = []
    for (head, text) in rows {
      let indent = String(repeating: " ", count: gap + width + gap)
      var texts = wrapped(text, width: max(100 - indent.count, 40))[...]
      if head.count <= width {
        let padding = String(repeating: " ", count: width - head.count + gap)
        lines.append("  " + head + padding + (texts.popFirst() ?? ""))
      } else {
        lines.append("  " + head)
      }
      lines += texts.map { indent + $0 }
    }
    return lines.joined(separator: "\n")
  }

  /// Lines of at most `width` characters, as far as words allow.
  static func wrapped(_ text: String, width: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, line.count + 1 + word.count > width {
        lines.append(line)
        line = ""
      }
      line += line.isEmpty ? String(word) : " \(word)"
    }
    if !line.isEmpty || lines.isEmpty { lines.append(line) }
    return lines
  }
}
