internal import Configuration

/// The flags that were given, with what followed them.
public struct Arguments: Sendable, Equatable {
  /// One occurrence.
  struct Occurrence: Sendable, Equatable {
    var flag: Flag
    var text: String
  }

  private(set) var occurrences: [Occurrence] = []

  /// None.
  public init() {}

  mutating func add(_ flag: Flag, _ text: String) {
    occurrences.append(Occurrence(flag: flag, text: text))
  }

  /// The flags that were given, each once, in their order.
  public var given: [Flag] {
    var flags: [Flag] = []
    for occurrence in occurrences where !flags.contains(occurrence.flag) {
      flags.append(occurrence.flag)
    }
    return flags
  }

  /// Whether the flag was given.
  public func contains(_ flag: Flag) -> Bool { occurrences.contains { $0.flag == flag } }

  /// The last value, or the default.
  public func text(_ flag: Flag) -> String {
    occurrences.last { $0.flag == flag }?.text ?? flag.defaultText
  }

  /// The items of every occurrence; without one those of the default.
  public func list(_ flag: Flag) -> [String] {
    let texts = occurrences.filter { $0.flag == flag }.map(\.text)
    return (texts.isEmpty ? [flag.defaultText] : texts).flatMap { text in
      text.split(separator: ",").map { trimmed($0) }.filter { !$0.isEmpty }
    }
  }

  /// The last value of a boolean flag, or its default.
  public func boolean(_ flag: Flag) -> Bool { text(flag) == "true" }

  /// The last value of a flag of an integer, or its default.
  public func integer(_ flag: Flag) -> Int { Int(text(flag)) ?? 0 }

  private func trimmed(_ text: Substring) -> String {
    var text = text
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}

/// What a command line asks for.
public enum Invocation<Action: Sendable>: Sendable {
  /// To do something.
  case run(Action, Arguments)
  /// To show a text: help, a completion script.
  case show(String)
  /// To print the version.
  case version
}

/// A command line that nobody can follow.
public struct UsageError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What is wrong, and where to read on; two lines.
  public let description: String

  init(_ message: String, command path: String) {
    description = "Error: \(message)\nRun '\(path) --help' for usage."
  }
}

extension UsageError {
  /// The nearest of the known words, as the end of a message.
  static func suggestion(_ word: String, among known: [String], prefix: String = "") -> String {
    NearestName.of(word, in: known).map { "; did you mean \(prefix)\($0)?" } ?? ""
  }
}

/// The end of a program, with the code that its caller sees.
public struct ExitCode: Error, Equatable, Sendable {
  /// 0 when all went well.
  public let value: Int32

  /// Puts the code in.
  public init(_ value: Int32) { self.value = value }

  /// All went well.
  public static let success = ExitCode(0)

  /// It did not, and why has been told.
  public static let failure = ExitCode(1)
}
