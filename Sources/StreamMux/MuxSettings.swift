public import Timekeeping

/// What a session is told at its start. The defaults are frp's wherever frp has the setting.
public struct MuxSettings: Sendable {
  /// The unread bytes that a peer may have on its way on each stream. At least
  /// `StreamMuxLimits.initialWindowBytes`, at most 4 GiB less one byte.
  public var receiveWindowBytes = 6_291_456

  /// The window that a stream starts with. It is doubled, up to `receiveWindowBytes`, as long as
  /// the peer uses it up within a round trip: what is on its way is what the path needs, and a
  /// message of a neighbour does not wait behind more than that. `nil`: the whole window at once,
  /// as in frp.
  public var startingWindowBytes: Int?

  /// After how long without any byte of the peer it is pinged; `nil`: never. frp pings every 30 s,
  /// whatever arrives.
  public var keepaliveInterval: Interval? = .seconds(30)

  /// How long a session may be silent after a ping.
  public var pingTimeout: Interval = .seconds(10)

  /// How long a peer may take to acknowledge a stream.
  public var openTimeout: Interval = .seconds(75)

  /// How long a stream that this side has finished may be silent.
  public var halfCloseTimeout: Interval = .seconds(300)

  /// How many streams of the peer may wait for `accept`; more are reset. Also how many streams
  /// this side opens before the peer acknowledges one.
  public var acceptBacklog = 256

  /// The longest body of the data frames that this side sends.
  public var sentFrameBodyBytesMax = 65_536

  /// How many streams a session may have, whoever opened them; what the peer opens beyond is
  /// reset. At most `StreamMuxLimits.streamCountCeiling`.
  public var streamCountMax = 65_536

  /// The output that `send` does not add to. Frames without a body come on top; those that the
  /// peer can provoke are bounded by `StreamMuxLimits.replyBytesMax`.
  public var outputBytesMax = 8_388_608

  /// Spreads wire IDs over the table. A side that lets strangers choose wire IDs gives a random
  /// number, so that they cannot choose colliding ones.
  public var hashSeed: UInt64 = 0x9e37_79b9_7f4a_7c15

  /// Makes the settings that frp has.
  public init() {}

  /// Traps on values that a programmer got wrong.
  func checkInvariants() {
    precondition(
      receiveWindowBytes >= StreamMuxLimits.initialWindowBytes
        && receiveWindowBytes <= Int(UInt32.max), "receive window out of range")
    precondition(
      startingWindowBytes ?? receiveWindowBytes >= StreamMuxLimits.initialWindowBytes
        && startingWindowBytes ?? 0 <= receiveWindowBytes, "starting window out of range")
    precondition(
      sentFrameBodyBytesMax > 0 && sentFrameBodyBytesMax <= Int(UInt32.max),
      "frame size out of range")
    precondition(acceptBacklog > 0, "a backlog of no streams")
    precondition(
      streamCountMax > 0 && streamCountMax <= StreamMuxLimits.streamCountCeiling,
      "stream count out of range")
    precondition(outputBytesMax > FrameHeader.byteCount, "no room for output")
  }
}
