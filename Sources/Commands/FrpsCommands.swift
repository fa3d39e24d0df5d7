internal import Configuration

/// What the relay's program can be asked to do.
public enum FrpsAction: Sendable, Equatable {
  /// To run.
  case run
  /// To check the file.
  case verify
}

/// The commands of `frps` (cli.md 2).
public enum FrpsCommands {
  /// The file.
  public static let config = Flag(
    "config", letter: "c", valueName: "file", candidates: .files,
    "configuration file; without one the flags below are the configuration")

  private static let groups = [
    FlagGroup("Files", [config, ProgramFlags.strictConfig, ProgramFlags.allowUnsafe]),
    FlagGroup("Configuration, without -c", SettingFlags.server),
  ]

  /// The program.
  public static let root = Command<FrpsAction>(
    "frps", "relay that makes services behind NAT reachable",
    details: [
      "With -c the configuration is that of the file; without, it is that of the flags, each of "
        + "which stands for a key of the file."
    ],
    groups: groups,
    subcommands: [
      Command(
        "verify", "check the configuration file",
        groups: [FlagGroup("Output", [ProgramFlags.dump])] + groups, action: .verify)
    ], action: .run)
}
