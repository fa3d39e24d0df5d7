public import Timekeeping

/// What is wrong with a session, or why it opens no stream.
///
/// Errors thrown by `nextInput` and `handleDeadline` end the session: the driver flushes what the
/// output holds as far as the carrier takes it at once, and closes the carrier. Errors thrown by
/// `openStream` leave the session as it was, unless it had ended before.
public enum MuxError: Error, Equatable, Sendable {
  /// A frame of another version than 0.
  case versionUnsupported(UInt8)

  /// A frame of a type above 3.
  case frameTypeUnknown(UInt8)

  /// The peer tried to open stream 0, which belongs to the session.
  case sessionStreamOpened

  /// The peer opened a stream that is open.
  case streamDuplicated(wireID: UInt32)

  /// A data frame larger than the credit that its stream has left.
  case windowExceeded(wireID: UInt32, frameBytes: UInt32, windowBytes: UInt32)

  /// The peer ended its side of a stream a second time.
  case finishRepeated(wireID: UInt32)

  /// The peer gave the session up: 1 is a protocol error, 2 an internal one.
  case peerGaveUp(code: UInt32)

  /// A ping was not answered, and nothing else arrived either.
  case pingTimedOut(after: Interval)

  /// The peer did not acknowledge a stream that we opened.
  case openTimedOut(wireID: UInt32, after: Interval)

  /// The peer sends what has to be answered, and does not read the answers.
  case repliesUnread(byteCount: Int, limit: Int)

  /// No stream is opened: the peer has said that it goes away.
  case peerGoingAway

  /// No stream is opened: the peer has yet to acknowledge as many as it lets wait.
  case openingStreamsExhausted(limit: Int)

  /// No stream is opened: there are as many as the session may have.
  case streamsExhausted(limit: Int)

  /// No stream is opened: this side has used all its wire IDs; a new session is needed.
  case wireIDsExhausted
}
