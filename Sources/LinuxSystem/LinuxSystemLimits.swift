/// The maxima of this module that are no settings.
enum LinuxSystemLimits {
  /// The most bytes of one message to the supervisor.
  static let supervisorMessageBytesMax = 4096

  /// The most sockets that a supervisor may say it passes.
  static let inheritedSocketCountMax = 1024

  /// The shortest time, in microseconds, after which a supervisor may restart a silent program.
  static let watchdogMicrosecondsMin: Int64 = 10_000

  /// How many seconds a program may take whose output is waited for.
  static let programSecondsMax = 20

  /// How deep folders that are walked through may lie in each other.
  static let folderDepthMax = 16

  /// The most files that a walk through folders finds.
  static let walkedFileCountMax = 1024
}
