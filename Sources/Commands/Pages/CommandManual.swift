internal import Configuration

/// What both the manual pages and `docs/commands.md` say of a program's commands. Flags that many
/// commands share are listed once, where they come first.
struct CommandManual {
  private(set) var blocks: [ManualBlock] = []
  private var known: [FlagGroup] = []

  init<Action>(_ root: Command<Action>) {
    let usages = [
      "`\(root.name)` [flags]", "`\(root.name)` command [flags]",
    ]
    blocks.append(.heading("Synopsis"))
    for usage in usages { blocks.append(.paragraph(usage)) }
    blocks.append(.heading("Description"))
    blocks.append(.paragraph("`\(root.name)` is the \(root.summary)."))
    blocks += root.details.map { .paragraph($0) }
    blocks.append(.paragraph(Self.spelling))
    blocks.append(.heading("Flags"))
    add(root.groups + [FlagGroup("Help", Flag.builtIn)])
    blocks.append(.heading("Commands"))
    for command in root.subcommands { add(command, behind: root.name) }
    for command in BuiltInCommand.allCases {
      let words = command == .help ? " [command]" : " bash|zsh|fish"
      blocks.append(.subheading("\(root.name) \(command.rawValue)\(words)"))
      blocks.append(.paragraph(Self.sentence(command.summary)))
    }
  }

  private static let spelling =
    "Long flags may be written with `_` in the place of `-`. A value follows as the next word or "
    + "behind `=`; a boolean flag needs `=` to be set to `false`. A list has commas between its "
    + "items, and may be given in several flags. Flags may stand before the command that they "
    + "belong to."

  private mutating func add<Action>(_ command: Command<Action>, behind path: String) {
    let path = "\(path) \(command.name)"
    if command.action != nil {
      blocks.append(.subheading("\(path) [flags]"))
      blocks.append(.paragraph(Self.sentence(command.summary)))
      blocks += command.details.map { .paragraph($0) }
      add(command.groups)
    }
    for next in command.subcommands { add(next, behind: path) }
  }

  private mutating func add(_ groups: [FlagGroup]) {
    var mentioned: [String] = []
    for group in groups where !group.flags.isEmpty {
      if known.contains(group) {
        mentioned.append("\u{201C}\(group.title)\u{201D}")
        continue
      }
      known.append(group)
      blocks.append(.paragraph("\(group.title):"))
      blocks.append(.terms(group.flags.map(Self.term)))
    }
    guard let last = mentioned.popLast() else { return }
    let list = mentioned.isEmpty ? last : mentioned.joined(separator: ", ") + " and " + last
    blocks.append(.paragraph("And the flags listed above under \(list)."))
  }

  private static func term(_ flag: Flag) -> ManualTerm {
    ManualTerm(
      flag.spelling, note: flag.takesValue ? flag.valueName.uppercased() : "",
      flag.summary + HelpText<Never>.defaultNote(flag))
  }

  private static func sentence(_ text: String) -> String {
    text.prefix(1).uppercased() + text.dropFirst() + "."
  }
}
