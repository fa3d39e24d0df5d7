public import Timekeeping

/// The maxima of this module that are no settings.
public enum StreamMuxLimits {
  /// Queued frames at which a peer that makes us answer and does not read is given up.
  public static let outputByteCountMax = 8 * 1024 * 1024
  /// Credit that a stream has at its start, each way (yamux).
  public static let initialWindowBytes = 256 * 1024
  /// Credit beyond this adds nothing.
  public static let sendWindowBytesMax = 1 << 32
}

/// Names one stream of a session. The wire ID is never used again in a session; the slot index is
/// dense and reused, for a parallel array of the driver.
public struct MuxStreamID: Hashable, Sendable {
  /// The number on the wire.
  public let wireID: UInt32
  /// The place in the session's table.
  public let slotIndex: Int32
}

/// What frp sets, and what we do (wire-protocol.md 5.2).
public struct MuxSettings: Equatable, Sendable {
  /// Credit that the peer is given for each stream.
  public var receiveWindowBytes = 6 * 1024 * 1024
  /// Silence after which the peer is asked for a sign of life; `nil` for never.
  public var keepaliveInterval: Interval? = .seconds(30)
  /// How long the answer may take.
  public var pingTimeout = Interval.seconds(10)
  /// How long a stream that we opened may stay unacknowledged.
  public var openTimeout = Interval.seconds(75)
  /// How long a stream that we ended may wait for the peer's end.
  public var halfCloseTimeout = Interval.seconds(300)
  /// Streams that we may have opened without an acknowledgement.
  public var unacknowledgedCountMax = 256
  /// The body of a frame that we send.
  public var sentFrameBodyBytesMax = 64 * 1024
  /// Streams at once; the peer's further ones are reset.
  public var streamCountMax = 65_536

  /// frp's values.
  public init() {}
}

/// What arrived. Drained with `nextInput`.
public enum MuxInput: Equatable, Sendable {
  /// The peer opened a stream; it has been acknowledged.
  case streamOpened(MuxStreamID)
  /// The peer acknowledged a stream that we opened.
  case streamAcknowledged(MuxStreamID)
  /// Payload: this range of the bytes handed in. A frame's body comes piecewise as it arrives.
  case data(MuxStreamID, Range<Int>)
  /// The send window was empty and is not any more.
  case streamWritable(MuxStreamID)
  /// The peer ended its direction. If ours had ended before, the ID is invalid from here on.
  case streamEnded(MuxStreamID)
  /// The stream is gone, by the peer or by a time limit; the ID is invalid from here on.
  case streamReset(MuxStreamID)
  /// The peer accepts no further streams.
  case peerGoingAway
}

/// Why a session is over, or a stream cannot be opened.
public enum MuxError: Error, Equatable, Sendable {
  /// The first byte of a frame is not 0: the peer does not speak yamux here.
  case versionUnsupported(UInt8)
  /// A frame type above 3.
  case frameTypeUnknown(UInt8)
  /// SYN for a stream that is open.
  case streamOpenedTwice(UInt32)
  /// SYN or payload for stream 0.
  case streamIDZero
  /// A second FIN.
  case streamEndedTwice(UInt32)
  /// More payload than credit was given for.
  case windowExceeded(stream: UInt32, length: UInt32, window: Int)
  /// The peer said that the session failed (go-away with a code other than 0).
  case peerFailed(code: UInt32)
  /// No sign of life.
  case keepaliveTimedOut
  /// A stream was not acknowledged in time.
  case openTimedOut(UInt32)
  /// The peer makes us answer and does not read.
  case outputOverflow(byteCount: Int)
  /// Too many streams wait for their acknowledgement; try again after `.streamAcknowledged`.
  case tooManyUnacknowledged
  /// The session has as many streams as it may.
  case tooManyStreams
  /// The peer or we have said go-away, or the IDs have run out.
  case noMoreStreams
}
