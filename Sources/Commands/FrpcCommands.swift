public import Configuration

/// What the client's program can be asked to do.
public enum FrpcAction: Sendable, Equatable {
  /// To run what files say.
  case run
  /// To check the file.
  case verify
  /// To find out why there is no connection.
  case doctor
  /// To have the running client read its file again.
  case reload
  /// To show the running client's proxies.
  case status
  /// To end the running client.
  case stop
  /// To run one proxy that flags describe.
  case proxy(ProxyKind)
  /// To run one visitor that flags describe.
  case visitor(VisitorKind)
  /// To find out which kind of NAT the client is behind.
  case discoverNAT
}

/// The commands of `frpc` (cli.md 3).
public enum FrpcCommands {
  /// The file.
  public static let config = Flag(
    "config", letter: "c", valueName: "file", defaultText: "./frpc.ini", candidates: .files,
    "configuration file")

  /// Many files.
  public static let configDirectory = Flag(
    "config_dir", valueName: "folder", candidates: .folders,
    "folder of configuration files, its subfolders too: one client for each file; "
      + "only for running and for verify")

  /// How long the running client may take.
  public static let apiTimeout = Flag(
    "api-timeout", valueName: "duration", defaultText: "30s",
    "how long the running client may take to answer, such as 1m30s or 500ms")

  /// How long everything that the doctor does may take.
  public static let doctorTimeout = Flag(
    "timeout", kind: .integer, valueName: "seconds", defaultText: "20",
    "how long everything together may take")

  static let files = FlagGroup(
    "Files", [config, configDirectory, ProgramFlags.strictConfig, ProgramFlags.allowUnsafe])

  /// The program.
  public static let root = Command<FrpcAction>(
    "frpc", "client that publishes local services on a relay", groups: [files],
    subcommands: ProxyKind.allCases.map(proxy) + [
      Command(
        "verify", "check the configuration file",
        groups: [FlagGroup("Output", [ProgramFlags.dump]), files], action: .verify),
      Command(
        "doctor", "find out why there is no connection, and what to do about it",
        details: [
          "Looks at the way to the relay step by step, logs in without publishing anything, and "
            + "asks every local service whether it is there. The exit code is 0 when all is well."
        ], groups: [FlagGroup("Limits", [doctorTimeout]), files], action: .doctor),
      admin("reload", "have the running client read its file again", .reload),
      admin("status", "show the running client's proxies", .status),
      admin("stop", "end the running client", .stop),
      Command(
        "nathole", "what concerns NAT and holes in it",
        subcommands: [
          Command(
            "discover", "find out which kind of NAT this is", groups: [natHole, files],
            action: .discoverNAT)
        ], action: nil),
    ], action: .run)

  private static func admin(
    _ name: String, _ summary: String, _ action: FrpcAction
  ) -> Command<FrpcAction> {
    Command(
      name, summary,
      details: [
        "Address, user and password of the running client's admin server are those of the file."
      ], groups: [FlagGroup("Admin server", [apiTimeout]), files], action: action)
  }

  private static let natHole = FlagGroup(
    "NAT",
    [
      Flag(
        "nat_hole_stun_server", valueName: "host:port",
        "server that tells the client's public address"),
      Flag(
        "nat_hole_local_addr", letter: "l", valueName: "address",
        "local address to look from"),
    ])

  private static func proxy(_ kind: ProxyKind) -> Command<FrpcAction> {
    let missing = kind.isImplemented ? "" : " (not in this version)"
    return Command(
      kind.rawValue, "run one \(kind.rawValue) proxy that flags describe" + missing,
      groups: [
        FlagGroup("Proxy", SettingFlags.everyProxy),
        FlagGroup("Proxy of the type \(kind.rawValue)", SettingFlags.proxy(kind)),
        FlagGroup("Client", SettingFlags.client), files,
      ],
      subcommands: VisitorKind(rawValue: kind.rawValue).map { [visitor($0)] } ?? [],
      action: .proxy(kind))
  }

  private static func visitor(_ kind: VisitorKind) -> Command<FrpcAction> {
    Command(
      "visitor", "run one \(kind.rawValue) visitor that flags describe",
      groups: [
        FlagGroup("Visitor", SettingFlags.visitor(kind)), FlagGroup("Client", SettingFlags.client),
        files,
      ], action: .visitor(kind))
  }
}
