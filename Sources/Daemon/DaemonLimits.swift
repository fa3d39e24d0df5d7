internal import Timekeeping

/// The maxima of this module that are no settings.
enum DaemonLimits {
  /// After how long the supervisor is told again what it did not take.
  static let supervisorRetryDelay = Interval.milliseconds(100)
  /// The most that a program may print that prints the token.
  static let tokenByteCountMax = 64 * 1024
}
