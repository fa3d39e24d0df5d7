public import Timekeeping

/// The numbers that bound what a session holds for one peer. Those of `MuxSettings` can be set;
/// these are fixed.
public enum StreamMuxLimits {
  /// The credit that each side of a new stream starts with (yamux, "Flow Control").
  public static let initialWindowBytes = 262_144

  /// How long credit takes to come back at least, however short the round trip: reader and writer
  /// take turns. A window has room for three times of what the stream uses in that
  /// time.
  public static let windowTurnaroundMin = Interval.microseconds(350)

  /// How long a stream's pace is watched before its window grows, at least.
  public static let paceIntervalMin = Interval.milliseconds(3)

  /// The most bytes of frames that the peer provoked (answers to pings, acknowledged and refused
  /// streams, returned credit) that may wait in the output. A peer of good will has at most 256
  /// streams and one ping unanswered; one that has more than 5,461 does not read.
  public static let replyBytesMax = 65_536

  /// Output memory up to this many bytes is kept when the output runs empty, until a keepalive
  /// ping finds it unused.
  public static let outputRetainedBytesMax = 1_048_576

  /// The most streams that `MuxSettings.streamCountMax` can allow: 56 MiB of slots.
  public static let streamCountCeiling = 1 << 20

  /// The last wire ID that a side may open; frp stops below 0xfffffffe.
  public static let openedWireIDMax: UInt32 = 0xffff_fffd
}
