public import Timekeeping

/// The maxima of this module.
public enum TunnelClientLimits {
  /// Work connections at once; the server's requests beyond it are ignored.
  public static let workConnectionCountMax = 32_768
  /// How long a server may take to answer a login.
  public static let loginTimeout = Interval.seconds(10)
  /// How long connecting to a local service may take.
  public static let localDialTimeout = Interval.seconds(10)
  /// An unanswered proxy announcement is repeated after this time.
  public static let announcementTimeout = Interval.seconds(20)
  /// A refused proxy is announced again after this time at the latest.
  public static let refusedRetryDelayMax = Interval.seconds(30)
  /// How long the way to the server may be gone before its connection is given up; another way
  /// ends it at once.
  public static let pathLossGrace = Interval.seconds(1)
  /// How long after a change of the way to the server the next attempt begins: addresses and routes
  /// come in bursts, and a neighbour that a link has just joined misses the first question, which
  /// the kernel repeats after a second.
  public static let pathSettleTime = Interval.milliseconds(50)
  /// The longest pause between attempts to reach a server that was reached before.
  public static let unreachableRetryDelayMax = Interval.seconds(2)
  /// After so many of these attempts in a row the pauses become frp's.
  public static let quickAttemptCountMax = 100
  /// The same before the first login, for attempts that reached the server.
  public static let quickFirstAttemptCountMax = 7
  /// How long a stock server may hold a session whose carrier is dead: its pings come every 30 s,
  /// and it waits 10 s for the answer.
  public static let bridgeTimeMax = Interval.seconds(45)
  /// Work connections that are laid ready for such a server; a pool there holds ten at least.
  public static let bridgeReadyCountMax = 5
  /// Checks of local services at once; the others wait for their turn.
  public static let healthCheckCountMax = 64
  /// Redirections that one check of a local service follows.
  public static let healthRedirectCountMax = 10
  /// Bytes from the relay that wait while a local service is being dialled.
  public static let earlyByteCountMax = 8 * 1024 * 1024
}
