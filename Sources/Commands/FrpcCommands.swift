/// What the client's program can be asked to do.
public enum FrpcAction: Sendable, Equatable {
  /// To run what a file says.
  case run
  /// To check the file.
  case verify
  /// To have the running client read its file again.
  case reload
  /// To show the running client's proxies.
  case status
  /// To end the running client.
  case stop
}

/// The commands of `frpc`.
public enum FrpcCommands {
  /// The file.
  public static let config = Flag(
    "config", letter: "c", valueName: "file", defaultText: "./frpc.ini", candidates: .files,
    "configuration file")

  /// How long the running client may take.
  public static let apiTimeout = Flag(
    "api-timeout", valueName: "duration", defaultText: "30s",
    "how long the running client may take to answer, such as 1m30s or 500ms")

  static let common = FlagGroup(
    "Files", [config, ProgramFlags.strictConfig, ProgramFlags.allowUnsafe])

  /// The program.
  public static let root = Command<FrpcAction>(
    "frpc", "the client: publishes local services on a relay",
    groups: [common],
    subcommands: [
      Command(
        "verify", "check the configuration file",
        groups: [common, FlagGroup("Output", [ProgramFlags.dump])], action: .verify),
      admin("reload", "have the running client read its file again", .reload),
      admin("status", "show the running client's proxies", .status),
      admin("stop", "end the running client", .stop),
    ], action: .run)

  private static func admin(
    _ name: String, _ summary: String, _ action: FrpcAction
  ) -> Command<FrpcAction> {
    Command(
      name, summary,
      details: [
        "Address, user and password of the running client's admin server are those of the file."
      ], groups: [common, FlagGroup("Admin server", [apiTimeout])], action: action)
  }
}
