/// The script that teaches a shell the commands of a program and their flags.
public struct CompletionScript: Sendable {
  /// One command, without what it does.
  struct Node: Sendable {
    /// The words that lead to it, the program's first.
    var path: [String]
    /// What may follow, with one line about each.
    var commands: [(name: String, summary: String)]
    var flags: [Flag]

    var pathText: String { path.joined(separator: " ") }
  }

  /// The program's name.
  let program: String
  let nodes: [Node]

  /// The script.
  public let text: String

  /// Makes the script of a program.
  public init<Action: Sendable>(_ root: Command<Action>, _ shell: Shell) {
    program = root.name
    nodes = Self.nodes(root, behind: []) + Self.builtInNodes(root)
    switch shell {
    case .bash: text = BashCompletion.text(program, nodes)
    case .zsh: text = ZshCompletion.text(program, nodes)
    case .fish: text = FishCompletion.text(program, nodes)
    }
  }

  private static func nodes<Action>(_ command: Command<Action>, behind path: [String]) -> [Node] {
    let path = path + [command.name]
    var commands = command.subcommands.map { (name: $0.name, summary: $0.summary) }
    if path.count == 1 {
      commands += BuiltInCommand.allCases.map { (name: $0.rawValue, summary: $0.summary) }
    }
    let own = Node(path: path, commands: commands, flags: command.flags)
    return [own] + command.subcommands.flatMap { nodes($0, behind: path) }
  }

  private static func builtInNodes<Action>(_ root: Command<Action>) -> [Node] {
    let shells = Shell.allCases.map { (name: $0.rawValue, summary: "the script for it") }
    let names = root.subcommands.map { (name: $0.name, summary: $0.summary) }
    return BuiltInCommand.allCases.map { command in
      let path = [root.name, command.rawValue]
      return switch command {
      case .completion: Node(path: path, commands: shells, flags: [])
      case .help: Node(path: path, commands: names, flags: [])
      }
    }
  }

  /// A text in single quotes, as all three shells read it.
  static func quoted(_ text: String) -> String {
    "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
      + "'"
  }
}
