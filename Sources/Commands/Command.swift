/// One command of a program, or the program itself: flags, subcommands, and what it is to do.
public struct Command<Action: Sendable>: Sendable {
  /// The word that calls it.
  public let name: String

  /// One line.
  public let summary: String

  /// More about it, in paragraphs; for help and manual.
  public let details: [String]

  /// Its flags beside `--help` and `--version`.
  public let groups: [FlagGroup]

  /// The commands behind it.
  public let subcommands: [Command]

  /// What it is to do; `nil` when it only groups others, and shows its help.
  public let action: Action?

  /// Makes a command.
  public init(
    _ name: String, _ summary: String, details: [String] = [], groups: [FlagGroup] = [],
    subcommands: [Command] = [], action: Action?
  ) {
    self.name = name
    self.summary = summary
    self.details = details
    self.groups = groups
    self.subcommands = subcommands
    self.action = action
  }

  /// Every flag.
  public var flags: [Flag] { groups.flatMap(\.flags) + Flag.builtIn }

  func subcommand(_ name: String) -> Command? { subcommands.first { $0.name == name } }

  func flag(name: String) -> Flag? { flags.first { $0.name == name } }

  func flag(letter: Character) -> Flag? { flags.first { $0.letter == letter } }

  /// A flag of this command or of one behind it: what stands before the name of a command may
  /// belong to that one.
  func anyFlag(_ matches: (Flag) -> Bool) -> Flag? {
    if let flag = flags.first(where: matches) { return flag }
    for command in subcommands {
      if let flag = command.anyFlag(matches) { return flag }
    }
    return nil
  }
}

/// The words that every program understands beside its commands.
enum BuiltInCommand: String, CaseIterable {
  case completion
  case help

  var summary: String {
    switch self {
    case .completion: "print the completion script for \(Shell.names)"
    case .help: "show the help of a command"
    }
  }
}

/// A shell for which there are completion scripts.
public enum Shell: String, Sendable, CaseIterable {
  /// GNU bash, 4 or newer.
  case bash
  /// The Z shell.
  case zsh
  /// The friendly one.
  case fish

  static var names: String { Shell.allCases.map(\.rawValue).joined(separator: ", ") }
}
