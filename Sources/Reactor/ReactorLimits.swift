public import Timekeeping

/// The maxima of this module.
public enum ReactorLimits {
  /// Events taken from the kernel in one turn.
  public static let eventCountMax = 512
  /// Timers fired in one turn; the rest fires in the next.
  public static let timersPerTurnMax = 1024
  /// Jobs from other threads run in one turn; the rest runs in the next.
  public static let mailboxJobsPerTurnMax = 1024
  /// Passes over the flush list before the loop looks at its descriptors again.
  public static let flushPassesMax = 8
  /// Connections accepted from one listener in one turn.
  public static let acceptsPerTurnMax = 64
  /// How long a listener pauses when no descriptor is left.
  public static let acceptPause = Interval.milliseconds(100)
}
