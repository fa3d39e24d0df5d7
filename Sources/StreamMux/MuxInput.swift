/// Names one stream of one session, from its opening until it is gone.
///
/// The ID becomes invalid at the moment at which the stream disappears: when `reset` is called;
/// when `nextInput` returns `.streamReset`; and when both sides have finished, which is when
/// `finish` is called on a stream that has ended, or when `nextInput` returns `.streamEnded` for
/// one that was finished. Calls with an invalid ID do nothing.
public struct MuxStreamID: Hashable, Sendable {
  /// The number that the frames of the stream carry.
  public let wireID: UInt32

  /// The place of the stream in the session's table: small, dense, reused. A driver keeps its own
  /// state in an array at the same index.
  public let slotIndex: Int32

  /// How often the slot was taken before; tells this stream from later ones in its slot.
  public let generation: UInt32
}

/// What a peer's bytes, or the clock, did to a session.
public enum MuxInput: Equatable, Sendable {
  /// The peer opened a stream. The driver answers with `accept` or `reset`.
  case streamOpened(MuxStreamID)

  /// The peer acknowledged a stream that this side opened. Nothing has to wait for it.
  case streamAccepted(MuxStreamID)

  /// Payload: a range of the bytes handed to `nextInput`. The body of a frame is delivered in
  /// pieces as it arrives. The driver reports with `consume` what the application has taken.
  case data(MuxStreamID, Range<Int>)

  /// The peer granted credit for a stream that had none.
  case streamWritable(MuxStreamID)

  /// The peer sends no more bytes on the stream. If this side had called `finish` before, the
  /// stream is gone.
  case streamEnded(MuxStreamID)

  /// The stream is gone: the peer reset it, or it was finished by this side and then silent for
  /// the half-close timeout.
  case streamReset(MuxStreamID)

  /// The peer accepts no new streams; those that exist go on.
  case peerGoingAway
}

/// What a go-away frame gives as its reason.
public enum MuxGoAwayCode: UInt32, Sendable {
  /// The sender wants no new streams.
  case normal = 0

  /// The receiver broke the protocol.
  case protocolError = 1

  /// The sender cannot go on.
  case internalError = 2
}
