/// One flag of a command: a row of the table that parsing, help, completion and pages are made of.
public struct Flag: Sendable, Equatable {
  /// What follows the flag.
  public enum Kind: Sendable, Equatable {
    /// Nothing, or `=true` or `=false`.
    case boolean
    /// An integer.
    case integer
    /// Any text; the last one counts.
    case text
    /// Items with commas between them; those of every occurrence count.
    case list
  }

  /// What a shell offers as the value.
  public enum Candidates: Sendable, Equatable {
    /// Nothing.
    case none
    /// Files.
    case files
    /// Folders.
    case folders
    /// These words.
    case words([String])
  }

  /// The name without its dashes, with `-` between its words; `_` is taken too.
  public let name: String

  /// The short form without its dash.
  public let letter: Character?

  /// What follows.
  public let kind: Kind

  /// What the value is called in help.
  public let valueName: String

  /// The value that holds without the flag; empty for none.
  public let defaultText: String

  /// One line for whoever reads help or manual.
  public let summary: String

  /// What a shell offers.
  public let candidates: Candidates

  /// Makes a row; an underscore of the name becomes a dash.
  public init(
    _ name: String, letter: Character? = nil, kind: Kind = .text, valueName: String = "",
    defaultText: String = "", candidates: Candidates = .none, _ summary: String
  ) {
    self.name = Self.normalized(name)
    self.letter = letter
    self.kind = kind
    self.valueName = valueName
    self.defaultText = defaultText
    self.candidates = candidates
    self.summary = summary
  }

  /// The name as the tables write it.
  static func normalized(_ name: some StringProtocol) -> String {
    String(name.map { $0 == "_" ? "-" : $0 })
  }

  /// Whether a word of its own may follow as the value.
  var takesValue: Bool { kind != .boolean }

  /// `-p, --bind-port`.
  var spelling: String { letter.map { "-\($0), --\(name)" } ?? "--\(name)" }
}

extension Flag {
  /// Every command has it.
  static let help = Flag("help", letter: "h", kind: .boolean, "show this help")

  /// Every command has it.
  static let version = Flag("version", letter: "v", kind: .boolean, "print the version and exit")

  /// Those that every command has.
  static let builtIn = [help, version]
}

/// Flags that belong together, under one heading.
public struct FlagGroup: Sendable, Equatable {
  /// The heading.
  public let title: String
  /// The flags, in the order of the help.
  public let flags: [Flag]

  /// Makes a group.
  public init(_ title: String, _ flags: [Flag]) {
    self.title = title
    self.flags = flags
  }
}
