public import Timekeeping

/// The maxima of limited proxies.
public enum BandwidthLimits {
  /// A loop that is held up makes up for what it lost, as long as it was not more than is gained in
  /// this time.
  public static let burstTime = Interval.milliseconds(100)
  /// A proxy that was idle moves at once what is gained in this time, and no more.
  public static let idleBurstTime = Interval.milliseconds(20)
  /// What one connection gets before it is the next one's turn: as much as is gained in this time.
  public static let quantumTime = Interval.milliseconds(5)
  /// The smallest turn, unless the burst is smaller still: frames and records cost something each.
  public static let quantumByteCountMin = 1024
  /// The largest turn.
  public static let quantumByteCountMax = 16 * 1024
  /// How long a connection that was closed with bytes under way may be unable to move any.
  public static let stalledDrainTimeout = Interval.seconds(30)
}
