public import Timekeeping

/// The maxima of this module.
public enum ReactorLimits {
  /// Events taken from the kernel in one turn.
  public static let eventCountMax = 512
  /// Timers fired in one turn; the rest fires in the next.
  public static let timersPerTurnMax = 1024
  /// Jobs from other threads that may wait.
  public static let mailboxJobCountMax = 65_536
  /// Jobs from other threads run in one turn; the rest runs in the next.
  public static let mailboxJobsPerTurnMax = 1024
  /// Passes over the flush list before the loop looks at its descriptors again.
  public static let flushPassesMax = 8
  /// Connections accepted from one listener in one turn.
  public static let acceptsPerTurnMax = 64
  /// How long a listener pauses when no descriptor is left.
  public static let acceptPause = Interval.milliseconds(100)

  /// Addresses of one connect; what comes behind is not tried.
  public static let connectAddressCountMax = 32
  /// How long one address is tried alone before the next one is tried beside it (RFC 8305,
  /// section 5).
  public static let connectAttemptDelay = Interval.milliseconds(250)

  /// Attempts that run beside each other while an urgent connect is not answered.
  public static let urgentAttemptCountMax = 8
  /// The longest time after which an urgent connect begins another attempt; the first comes after
  /// `connectAttemptDelay`, and each later one after twice the time.
  public static let urgentAttemptDelayMax = Interval.seconds(1)
  /// Datagrams of the routing socket that are read in one turn.
  public static let networkDatagramsPerTurnMax = 256
  /// The shortest sleep of the machine that counts as a change of the network.
  public static let sleepMin = Interval.seconds(5)

  /// Names asked for at the same time by one resolver.
  public static let resolveRequestCountMax = 1024
  /// Addresses taken from one answer.
  public static let resolvedAddressCountMax = 32
  /// Bytes of a host name (RFC 1035, section 2.3.4).
  public static let hostNameLengthMax = 253
  /// Bytes between two dots of a host name.
  public static let hostLabelLengthMax = 63
  /// Name servers of one resolver.
  public static let nameServerCountMax = 8
  /// How long a name server may take for its first answer; doubled for the second try.
  public static let nameServerTimeout = Interval.milliseconds(1000)
  /// How often a name server is asked.
  public static let nameServerTryCountMax = 2
  /// After so long an idle resolver reads the system's configuration again.
  public static let resolverRefresh = Interval.seconds(10)
  /// How long after its start a program gives back what only the start needed.
  public static let startupMemoryDelay = Interval.seconds(2)
  /// How often a program looks whether it has become quiet.
  public static let quietInterval = Interval.seconds(10)
  /// Turns in that time up to which a loop is quiet.
  public static let quietTurnCountMax: UInt64 = 1000
  /// How long nothing may have happened in the folders of watched files before they are looked at:
  /// whoever writes several of them is given the time.
  public static let fileSettleTime = Interval.milliseconds(500)
  /// How long that is waited for in folders that never come to rest.
  public static let fileSettleTimeMax = Interval.seconds(5)
  /// The most files that one watcher looks at.
  public static let watchedFileCountMax = 4096
}
