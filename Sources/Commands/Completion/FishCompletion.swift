/// Completion for fish.
enum FishCompletion {
  static func text(_ program: String, _ nodes: [CompletionScript.Node]) -> String {
    let commands = nodes.dropFirst().map { CompletionScript.quoted($0.pathText) }
    return """
      # fish completion for \(program), written by `\(program) completion fish`.

      function __\(program)_path
        set -l path \(program)
        for word in (commandline -opc)[2..-1]
          switch "$path $word"
            case \(commands.joined(separator: " "))
              set path "$path $word"
          end
        end
        echo $path
      end

      complete -c \(program) -f
      \(nodes.flatMap { lines(program, $0) }.joined(separator: "\n"))

      """
  }

  private static func lines(_ program: String, _ node: CompletionScript.Node) -> [String] {
    let condition = CompletionScript.quoted("test (__\(program)_path) = \"\(node.pathText)\"")
    let start = "complete -c \(program) -n \(condition)"
    let commands = node.commands.map { command in
      "\(start) -a \(command.name) -d \(CompletionScript.quoted(command.summary))"
    }
    let flags = node.flags.map { flag in
      start + (flag.letter.map { " -s \($0)" } ?? "") + " -l \(flag.name)" + value(flag)
        + " -d \(CompletionScript.quoted(flag.summary))"
    }
    return commands + flags
  }

  private static func value(_ flag: Flag) -> String {
    guard flag.takesValue else { return "" }
    switch flag.candidates {
    case .none: return " -x"
    case .files: return " -r -F"
    case .folders: return " -x -a '(__fish_complete_directories)'"
    case .words(let words): return " -x -a \(CompletionScript.quoted(words.joined(separator: " ")))"
    }
  }
}
