public import Timekeeping

/// The maxima of this module.
public enum DashboardLimits {
  /// Connections to one server; the one that has been idle longest goes first.
  public static let connectionCountMax = 64
  /// Bytes of a request's body.
  public static let bodyByteCountMax = 4 << 20
  /// Bytes that wait for an answer to be taken; whoever has asked for more is not read from.
  public static let unsentByteCountMax = 1 << 20
  /// How long a connection may be without a request, and a request without its end
  /// (http-api.md 1).
  public static let idleTimeout = Interval.seconds(60)
  /// How long the answer to wrong credentials waits (http-api.md 1).
  public static let refusalDelay = Interval.milliseconds(200)
}
