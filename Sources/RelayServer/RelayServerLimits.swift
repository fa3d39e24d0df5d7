public import Timekeeping

/// The maxima of this module.
public enum RelayServerLimits {
  /// From accept to a login, whatever the peer sends in between; also from the opening of any
  /// other logical connection to its first message (wire-protocol.md 1.7).
  public static let bringUpTimeout = Interval.seconds(10)
  /// Connections that have not logged in; the oldest goes first.
  public static let unauthenticatedCountMax = 4096
  /// Streams that a mux carrier may open before it has logged in.
  public static let unauthenticatedStreamMax = 4
  /// Bytes of a work connection kept while it waits for a user.
  public static let idleWorkByteCountMax = 64 * 1024
  /// Streams of one mux carrier.
  public static let streamCountMax = 32_768
}
