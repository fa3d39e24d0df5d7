public import Timekeeping

/// The maxima of this module.
public enum TransportLimits {
  /// The time that reads of strangers, each of which may be a TLS handshake, take in one turn: of
  /// those that come for the first time, and again of those that had to wait.
  public static let strangerTimePerTurn = Interval.milliseconds(2)
  /// Strangers that may wait to be read from before those who have left are swept out.
  public static let waitingStrangerCountMax = 16 * 1024
  /// Bytes that one read takes from a socket.
  public static let readByteCountMax = 64 * 1024
  /// Bytes that one read takes from a mux carrier: some frames, so that few of them are cut.
  public static let carrierReadByteCountMax = 256 * 1024
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
  /// Encrypted bytes that one read takes from a socket once the handshake is done.
  public static let recordReadByteCountMax = 32 * 1024
  /// Decrypted bytes handed on at once.
  public static let plaintextByteCountMax = 128 * 1024
  /// How long a closed stream may go on writing out what it had accepted.
  public static let drainTimeout = Interval.seconds(30)
  /// How long a closed stream waits for the peer's end, so that no reset destroys our last bytes.
  public static let lingerTimeout = Interval.seconds(2)
  /// Bytes that a closed stream reads and drops while it waits.
  public static let lingerByteCountMax = 1024 * 1024
  /// How long a pair may stay half-closed without a byte moving.
  public static let halfClosedIdleMax = Interval.seconds(300)
  /// Frames that a mux carrier collects for one write while the stream below takes all it gets.
  public static let carrierBatchMax = 64 * 1024
  /// The same once the stream below had to wait.
  public static let carrierBatchMin = 32 * 1024
  /// Window of a new stream; it grows to that of frp as far as the path needs it.
  public static let startingWindowBytes = 256 * 1024
  /// How long a measured round trip is believed.
  public static let roundTripRefreshInterval = Interval.seconds(1)
  /// Bytes of a carrier that the kernel holds and has not sent (TCP_NOTSENT_LOWAT, tcp(7)).
  public static let carrierNotSentMax = 128 * 1024
  /// The silence before the kernel probes a carrier. A session of yamux asks before, so that
  /// this is for carriers without one.
  public static let carrierKeepaliveIdle = Interval.seconds(6)
  /// The time between the kernel's unanswered probes of a carrier.
  public static let carrierKeepaliveInterval = Interval.seconds(2)
  /// Unanswered probes after which the kernel gives a carrier up.
  public static let carrierKeepaliveCountMax = 3
  /// How long bytes of a control connection may stay unacknowledged (TCP_USER_TIMEOUT, tcp(7)).
  public static let controlUserTimeout = Interval.seconds(12)
  /// The same of a carrier with a session of yamux, whose pings find a dead path before. The kernel
  /// counts from the first retransmission of a recovery, which on a slow path that drops what it
  /// cannot hold takes longer than it may be silent, though bytes move all the time.
  public static let muxCarrierUserTimeout = Interval.seconds(30)
  /// How much longer than the client a relay waits before it asks a silent peer, so that one of
  /// the two asks and not both.
  public static let relayProbeDelay = Interval.milliseconds(500)
  /// How long a peer may be silent after a yamux ping.
  public static let muxPingTimeout = Interval.seconds(8)
  /// Bytes that a drained socket gives to its carrier in one turn before the others get theirs.
  public static let drainedBytesPerTurnMax = 128 * 1024
  /// Bytes that a waiting stream may send in one turn of the round.
  public static let streamQuantum = 64 * 1024
  /// Streams that may wait to be opened until the peer has acknowledged earlier ones.
  public static let waitingOpenCountMax = 32 * 1024
  /// Bytes of a mux frame's body that we send: what a local service gets with one write, in one
  /// segment of the loopback interface (MTU 65,536 less the headers of IPv6 and TCP).
  public static let sentFrameBodyMax = 65_464
  /// Bytes of a PROXY header that we read: an address and some additional fields.
  public static let proxyHeaderByteCountMax = 4096
}
