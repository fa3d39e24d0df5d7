/// What the relay's program can be asked to do.
public enum FrpsAction: Sendable, Equatable {
  /// To run.
  case run
  /// To check the file.
  case verify
}

/// The commands of `frps`.
public enum FrpsCommands {
  /// The file.
  public static let config = Flag(
    "config", letter: "c", valueName: "file", candidates: .files,
    "configuration file; without one the flags are the configuration")

  static let common = FlagGroup(
    "Files", [config, ProgramFlags.strictConfig, ProgramFlags.allowUnsafe])

  /// The program.
  public static let root = Command<FrpsAction>(
    "frps", "the relay: makes services behind it reachable",
    groups: [common],
    subcommands: [
      Command(
        "verify", "check the configuration file",
        groups: [common, FlagGroup("Output", [ProgramFlags.dump])], action: .verify)
    ], action: .run)
}
