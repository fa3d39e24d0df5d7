/// Finds out what a command line asks for: `--flag value`, `--flag=value`, `-f value`, `-fvalue`,
/// booleans with `=false`, flags before and behind the commands, `--` for the end of the flags.
public struct CommandParser<Action: Sendable> {
  private let root: Command<Action>

  /// Prepares for a program.
  public init(_ root: Command<Action>) { self.root = root }

  /// What the words behind the program's name ask for.
  public func parse(_ words: [String]) throws(UsageError) -> Invocation<Action> {
    var path = [root]
    let rest = try findCommand(words[...], &path)
    switch rest {
    case .builtIn(.help, let words): return .show(try help(words))
    case .builtIn(.completion, let words): return try completion(words)
    case .flags(let words): return try parseFlags(words, path)
    }
  }

  // MARK: Commands

  private enum Rest {
    case builtIn(BuiltInCommand, [String])
    case flags([String])
  }

  /// Follows the names of commands; what stands between them is left over.
  private func findCommand(
    _ words: ArraySlice<String>, _ path: inout [Command<Action>]
  ) throws(UsageError) -> Rest {
    var words = words
    var flags: [String] = []
    while let word = words.popFirst() {
      let command = path[path.count - 1]
      if word == "--" { return .flags(flags + [word] + words) }
      if word.hasPrefix("-"), word != "-" {
        flags.append(word)
        if awaitsValue(word, command), let value = words.popFirst() { flags.append(value) }
      } else if let next = command.subcommand(word) {
        path.append(next)
      } else if path.count == 1, let builtIn = BuiltInCommand(rawValue: word) {
        return .builtIn(builtIn, Array(words))
      } else {
        // The word may have been meant as the value of a flag that there is not.
        if let flag = flags.first(where: { isUnknown($0, command) }) {
          _ = try parseFlags([flag], path)
        }
        throw unknown(word, path)
      }
    }
    return .flags(flags)
  }

  private func isUnknown(_ word: String, _ command: Command<Action>) -> Bool {
    guard word.hasPrefix("--") else {
      guard word.hasPrefix("-"), let letter = word.dropFirst().first else { return false }
      return command.anyFlag { $0.letter == letter } == nil
    }
    let name = Flag.normalized(word.dropFirst(2).prefix { $0 != "=" })
    return command.anyFlag { $0.name == name } == nil
  }

  /// Whether the word is a flag whose value is the next word.
  private func awaitsValue(_ word: String, _ command: Command<Action>) -> Bool {
    if word.hasPrefix("--") {
      guard !word.contains("=") else { return false }
      let name = Flag.normalized(word.dropFirst(2))
      return command.anyFlag { $0.name == name }?.takesValue ?? false
    }
    for (offset, letter) in word.dropFirst().enumerated() {
      guard let flag = command.anyFlag({ $0.letter == letter }) else { return false }
      if flag.takesValue { return offset == word.count - 2 }
    }
    return false
  }

  private func unknown(_ word: String, _ path: [Command<Action>]) -> UsageError {
    let command = path[path.count - 1]
    let builtIn = path.count == 1 ? BuiltInCommand.allCases.map(\.rawValue) : []
    let known = command.subcommands.map(\.name) + builtIn
    return UsageError(
      "unknown command \"\(word)\" for \"\(Self.text(path))\""
        + UsageError.suggestion(word, among: known), command: Self.text(path))
  }

  private static func text(_ path: [Command<Action>]) -> String {
    path.map(\.name).joined(separator: " ")
  }

  // MARK: Flags

  private func parseFlags(
    _ words: [String], _ path: [Command<Action>]
  ) throws(UsageError) -> Invocation<Action> {
    let command = path[path.count - 1]
    var arguments = Arguments()
    var words = words[...]
    while let word = words.popFirst() {
      if word == "--" {
        if let extra = words.first { throw unknown(extra, path) }
      } else if word.hasPrefix("--") {
        try parseLong(word, &words, path, &arguments)
      } else {
        try parseShort(word, &words, path, &arguments)
      }
    }
    if arguments.boolean(.help) { return .show(HelpText(path).text) }
    if arguments.boolean(.version) { return .version }
    guard let action = command.action else { return .show(HelpText(path).text) }
    return .run(action, arguments)
  }

  private func parseLong(
    _ word: String, _ words: inout ArraySlice<String>, _ path: [Command<Action>],
    _ arguments: inout Arguments
  ) throws(UsageError) {
    let parts = word.dropFirst(2).split(
      separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = Flag.normalized(parts[0])
    let command = path[path.count - 1]
    guard let flag = command.flag(name: name) else {
      throw UsageError(
        "unknown flag: --\(parts[0])"
          + UsageError.suggestion(name, among: command.flags.map(\.name), prefix: "--"),
        command: Self.text(path))
    }
    let given = parts.count > 1 ? String(parts[1]) : nil
    try add(flag, given, &words, "--\(flag.name)", path, &arguments)
  }

  /// One letter, or several of booleans, with the last one's value behind it or in the next word.
  private func parseShort(
    _ word: String, _ words: inout ArraySlice<String>, _ path: [Command<Action>],
    _ arguments: inout Arguments
  ) throws(UsageError) {
    var rest = word.dropFirst()
    while let letter = rest.popFirst() {
      guard let flag = path[path.count - 1].flag(letter: letter) else {
        throw UsageError("unknown flag: -\(letter)", command: Self.text(path))
      }
      var given: String?
      if rest.first == "=" {
        given = String(rest.dropFirst())
        rest = ""
      } else if flag.takesValue, !rest.isEmpty {
        given = String(rest)
        rest = ""
      }
      try add(flag, given, &words, "-\(letter)", path, &arguments)
    }
  }

  private func add(
    _ flag: Flag, _ given: String?, _ words: inout ArraySlice<String>, _ spelling: String,
    _ path: [Command<Action>], _ arguments: inout Arguments
  ) throws(UsageError) {
    var given = given
    if given == nil { given = flag.takesValue ? words.popFirst() : "true" }
    guard let given else {
      throw UsageError("\(spelling) needs a value", command: Self.text(path))
    }
    switch flag.kind {
    case .text, .list: arguments.add(flag, given)
    case .integer:
      guard let number = Int(given) else {
        throw UsageError(
          "\(spelling): expected a number, found \"\(given)\"", command: Self.text(path))
      }
      arguments.add(flag, "\(number)")
    case .boolean:
      guard let boolean = Self.boolean(given) else {
        throw UsageError(
          "\(spelling): expected true or false, found \"\(given)\"", command: Self.text(path))
      }
      arguments.add(flag, "\(boolean)")
    }
  }

  private static func boolean(_ text: String) -> Bool? {
    switch text {
    case "1", "t", "T", "true", "True", "TRUE": true
    case "0", "f", "F", "false", "False", "FALSE": false
    case _: nil
    }
  }

  // MARK: What every program understands

  private func help(_ words: [String]) throws(UsageError) -> String {
    var path = [root]
    for word in words where !word.hasPrefix("-") {
      if path.count == 1, let builtIn = BuiltInCommand(rawValue: word) {
        return HelpText<Action>.text(of: builtIn, program: root.name)
      }
      guard let next = path[path.count - 1].subcommand(word) else { throw unknown(word, path) }
      path.append(next)
    }
    return HelpText(path).text
  }

  private func completion(_ words: [String]) throws(UsageError) -> Invocation<Action> {
    let names = words.filter { !$0.hasPrefix("-") }
    guard words.count == names.count, let name = names.first else {
      return .show(HelpText<Action>.text(of: .completion, program: root.name))
    }
    guard let shell = Shell(rawValue: name), names.count == 1 else {
      let word = names.count > 1 ? names[1] : name
      throw UsageError(
        "unknown shell \"\(word)\"; there are scripts for \(Shell.names)",
        command: "\(root.name) completion")
    }
    return .show(CompletionScript(root, shell).text)
  }
}
