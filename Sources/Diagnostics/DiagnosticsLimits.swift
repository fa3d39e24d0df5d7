/// The sizes that bound what logging may cost.
public enum DiagnosticsLimits {
  /// The most bytes in one line; what is longer is cut and ends in `…`.
  public static let lineBytesMax = 64 * 1024

  /// The most bytes in one prefix.
  public static let prefixBytesMax = 256

  /// The most prefixes of one logger.
  public static let prefixCountMax = 8

  /// The most bytes given to a console in one call: what a pipe takes without blocking once it
  /// says that it takes anything.
  public static let consolePieceBytesMax = 4096

  /// How long a console that takes nothing may hold the program up, once until it takes again.
  public static let consoleWaitMilliseconds = 100

  /// The most files that one rotation looks at.
  public static let directoryEntryCountMax = 100_000

  /// The most keys that a `RepeatSuppressor` tells apart.
  public static let suppressorKeyCountMax = 1024
}
