/// Flags that both programs have.
public enum ProgramFlags {
  /// Whether unknown keys of a file are errors.
  public static let strictConfig = Flag(
    "strict_config", kind: .boolean, defaultText: "true",
    "unknown keys of TOML, YAML and JSON files are errors, else warnings")

  /// What files may ask for beyond the ordinary.
  public static let allowUnsafe = Flag(
    "allow-unsafe", kind: .list, valueName: "names", candidates: .words([tokenSourceExec]),
    "what a file may do that is not safe: TokenSourceExec, a token from a program")

  /// A token may come from a program.
  public static let tokenSourceExec = "TokenSourceExec"

  /// `verify`: show the values.
  public static let dump = Flag(
    "dump", kind: .boolean, "print the values that hold, as TOML, secrets masked")
}
