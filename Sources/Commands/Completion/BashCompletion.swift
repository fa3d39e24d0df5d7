/// Completion for bash, which needs nothing but bash.
enum BashCompletion {
  static func text(_ program: String, _ nodes: [CompletionScript.Node]) -> String {
    let valued = nodes.flatMap(\.flags).filter(\.takesValue).flatMap(spellings)
    let commands = nodes.dropFirst().map { "\"\($0.pathText)\"" }
    return """
      # bash completion for \(program), written by `\(program) completion bash`.

      _\(program)() {
        local word previous assigned= path=\(program) words= i
        COMPREPLY=()
        word=${COMP_WORDS[COMP_CWORD]}
        previous=${COMP_WORDS[COMP_CWORD - 1]}
        # --flag=value comes as three words.
        if [[ $word == "=" ]]; then
          word= assigned=1
        elif [[ $previous == "=" ]]; then
          previous=${COMP_WORDS[COMP_CWORD - 2]} assigned=1
        fi
        for ((i = 1; i < COMP_CWORD; i++)); do
          case "${COMP_WORDS[i - 1]//_/-}" in
            \(unique(valued).joined(separator: "|"))) continue ;;
          esac
          case "$path ${COMP_WORDS[i]}" in
            \(commands.joined(separator: " | \\\n      "))) path+=" ${COMP_WORDS[i]}" ;;
          esac
        done
        case "$path" in
      \(nodes.map(branch).joined(separator: "\n"))
        esac
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
      }

      complete -F _\(program) \(program)

      """
  }

  private static func branch(_ node: CompletionScript.Node) -> String {
    var lines = ["    \"\(node.pathText)\")", "      case \"${previous//_/-}\" in"]
    for flag in node.flags {
      lines.append("        \(spellings(flag).joined(separator: "|"))) \(reaction(to: flag)) ;;")
    }
    let flags = node.flags.map { "--\($0.name)" }.joined(separator: " ")
    let commands = node.commands.map(\.name).joined(separator: " ")
    lines.append("      esac")
    if commands.isEmpty {
      lines.append("      [[ -n $words ]] || words=\"\(flags)\"")
    } else {
      lines.append("      if [[ -n $words ]]; then :")
      lines.append("      elif [[ $word == -* ]]; then words=\"\(flags)\"")
      lines.append("      else words=\"\(commands)\"; fi")
    }
    return (lines + ["      ;;"]).joined(separator: "\n")
  }

  /// What to do behind the flag.
  private static func reaction(to flag: Flag) -> String {
    guard flag.takesValue else { return "[[ -n $assigned ]] && words=\"true false\"" }
    switch flag.candidates {
    case .none: return "return"
    case .files: return files("-f")
    case .folders: return files("-d")
    case .words(let words): return "words=\"\(words.joined(separator: " "))\""
    }
  }

  private static func files(_ option: String) -> String {
    "compopt -o filenames 2>/dev/null; "
      + "mapfile -t COMPREPLY < <(compgen \(option) -- \"$word\"); return"
  }

  private static func spellings(_ flag: Flag) -> [String] {
    (flag.letter.map { ["-\($0)"] } ?? []) + ["--\(flag.name)"]
  }

  private static func unique(_ words: [String]) -> [String] { Set(words).sorted() }
}
