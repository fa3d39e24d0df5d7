/// Completion for zsh, by its `_arguments`.
enum ZshCompletion {
  static func text(_ program: String, _ nodes: [CompletionScript.Node]) -> String {
    """
    #compdef \(program)
    # zsh completion for \(program), written by `\(program) completion zsh`.

    \(nodes.map { function($0) }.joined(separator: "\n\n"))

    if [[ $funcstack[1] == _\(program) ]]; then
      _\(program) "$@"
    else
      compdef _\(program) \(program)
    fi

    """
  }

  private static func name(_ path: [String]) -> String { "_" + path.joined(separator: "_") }

  private static func function(_ node: CompletionScript.Node) -> String {
    let specifications = node.flags.map { "    \(specification($0)) \\" }
    var lines = ["\(name(node.path))() {"]
    guard !node.commands.isEmpty else {
      lines += ["  _arguments -s \\"] + specifications + ["    && return 0", "}"]
      return lines.joined(separator: "\n")
    }
    lines += ["  local curcontext=$curcontext state line", "  local -a commands"]
    lines += ["  typeset -A opt_args", "  _arguments -C -s \\"] + specifications
    lines += ["    '1: :->command' '*:: :->rest'", "  case $state in", "    command)"]
    lines.append("      commands=(")
    lines += node.commands.map { command in
      "        " + CompletionScript.quoted("\(command.name):\(escaped(command.summary, ":"))")
    }
    lines += ["      )", "      _describe command commands ;;", "    rest)"]
    lines.append("      case $line[1] in")
    lines += node.commands.map { "        \($0.name)) \(call(node, $0.name)) ;;" }
    lines += ["      esac ;;", "  esac", "}"]
    return lines.joined(separator: "\n")
  }

  /// Behind `completion` and `help` there is nothing more to say.
  private static func call(_ node: CompletionScript.Node, _ command: String) -> String {
    let isBuiltIn = node.path.count > 1 && BuiltInCommand(rawValue: node.path[1]) != nil
    return isBuiltIn ? ":" : name(node.path + [command])
  }

  private static func specification(_ flag: Flag) -> String {
    let summary = "[\(escaped(flag.summary, "[]:"))]"
    let value = flag.takesValue ? ":\(flag.valueName):\(action(flag.candidates))" : ""
    let repeats = flag.kind == .list ? "*" : ""
    let long = "--\(flag.name)" + (flag.takesValue ? "=" : "")
    guard let letter = flag.letter else {
      return CompletionScript.quoted(repeats + long + summary + value)
    }
    let short = "-\(letter)" + (flag.takesValue ? "+" : "")
    let exclusion = repeats.isEmpty ? "(-\(letter) --\(flag.name))" : repeats
    return CompletionScript.quoted(exclusion) + "{\(short),\(long)}"
      + CompletionScript.quoted(summary + value)
  }

  private static func action(_ candidates: Flag.Candidates) -> String {
    switch candidates {
    case .none: " "
    case .files: "_files"
    case .folders: "_files -/"
    case .words(let words): "(\(words.joined(separator: " ")))"
    }
  }

  private static func escaped(_ text: String, _ special: String) -> String {
    String(text.flatMap { special.contains($0) || $0 == "\\" ? ["\\", $0] : [$0] })
  }
}
