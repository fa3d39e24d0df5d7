public import Timekeeping

/// The maxima of this module.
public enum TransportLimits {
  /// Bytes that one read takes from a socket.
  public static let readByteCountMax = 64 * 1024
  /// Bytes that one stream reads in one turn before the others get theirs.
  public static let readBytesPerTurnMax = 512 * 1024
  /// Bytes of one pipe of the plain lane.
  public static let splicePipeBytes = 256 * 1024
  /// Bytes that one spliced direction moves in one turn before the others get theirs.
  public static let splicedBytesPerTurnMax = 1024 * 1024
  /// Bytes below which a spliced piece is short: copying it would have been cheaper.
  public static let splicedPieceMin = 16 * 1024
  /// Short pieces in a row after which a spliced direction copies again.
  public static let shortPieceCountMax = 4
  /// Bytes that may wait for a plain socket while more is read to go out with them.
  public static let greetingByteCountMax = 4 * 1024
  /// Empty pipes kept for reuse.
  public static let idlePipeCountMax = 64
  /// Bytes of a pooled block for what a socket does not take at once.
  public static let outputBlockByteCount = 256 * 1024
  /// Unused blocks kept.
  public static let idleOutputBlockCountMax = 16
  /// Decrypted bytes handed on at once.
  public static let plaintextByteCountMax = 64 * 1024
  /// How long a closed stream may go on writing out what it had accepted.
  public static let drainTimeout = Interval.seconds(30)
  /// How long a closed stream waits for the peer's end, so that no reset destroys our last bytes.
  public static let lingerTimeout = Interval.seconds(2)
  /// Bytes that a closed stream reads and drops while it waits.
  public static let lingerByteCountMax = 1024 * 1024
  /// How long a pair may stay half-closed without a byte moving.
  public static let halfClosedIdleMax = Interval.seconds(300)
  /// Frames queued in a mux carrier before its streams have to wait for their turn.
  public static let carrierQueueHighWater = 64 * 1024
  /// Bytes that a waiting stream may send in one turn of the round.
  public static let streamQuantum = 64 * 1024
  /// Streams that may wait to be opened until the peer has acknowledged earlier ones.
  public static let waitingOpenCountMax = 32 * 1024
  /// Bytes of a mux frame's body that we send.
  public static let sentFrameBodyMax = 64 * 1024
}
