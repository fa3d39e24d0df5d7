public import Timekeeping

/// One yamux session over one carrier: bytes, commands and time go in, events and frames come out.
///
/// Driver's contract:
/// - Hand every read of the carrier to `nextInput` and call it until it returns `nil`; act on each
///   input before the next call. The carrier need not be paused: what a peer may send is bounded
///   by the streams' windows, and credit is returned by `consume` alone.
/// - After any call, write `outputBytes` to the carrier and report it with `removeOutput`.
/// - At `nextDeadline` call `handleDeadline`, then `nextInput` with no bytes until `nil`: streams
///   that time out are reported there.
/// - An error from `nextInput` or `handleDeadline` ends the session. Every later call of the two
///   throws it again.
///
/// The state of a stream is three things beside each other:
/// - phase: `open`; `finishedByUs` (FIN sent); `finishedByPeer` (FIN received). When both sides
///   have finished, or either has reset, the stream is not in the table: *gone*.
/// - handshake: `complete`; `acknowledgementDue` (the peer's SYN has no ACK yet; the next frame
///   that we send on the stream carries it); `awaitingAcknowledgement` (our SYN has no ACK yet).
/// - timeout: `open` (while awaiting and not finished by us: 75 s, ends the *session*);
///   `halfClose` (finished by us: 5 min without bytes, resets the stream); `none`.
///
/// | event | gone | open | finishedByUs | finishedByPeer |
/// |---|---|---|---|---|
/// | SYN | new stream, or RST sent¹ | error | error | error |
/// | ACK | ignored | handshake complete | same | same |
/// | data | drained | delivered² | delivered² | drained² |
/// | window update | ignored | credit added | credit added | credit added |
/// | FIN | ignored | → finishedByPeer | → gone | error |
/// | RST | ignored | → gone | → gone | → gone |
/// | `send` | 0 | frames | 0 | frames |
/// | `consume` | – | credit returned³ | credit returned³ | – |
/// | `finish` | – | FIN sent → finishedByUs | – | FIN sent → gone |
/// | `reset` | – | RST sent → gone | RST sent → gone | RST sent → gone |
/// | half-close timeout | – | – | RST sent → gone | – |
///
/// ¹ backlog full, too many streams, or after our go-away. ² more than the window is an error.
/// ³ when it comes to half of the receive window, or ACK is due.
///
/// Ignored on purpose: frames of streams that are gone (they crossed our RST or FIN on the way),
/// ACK on streams of the peer, ping answers with another value, flags of pings and go-aways that
/// mean nothing, a SYN that resets its own stream.
///
/// Specification: yamux; `docs/protocol/mux.md` lists the deviations from frp's implementation.
public struct MuxSession: ~Copyable {
  /// Which end of the carrier this is.
  public enum Role: Sendable {
    /// Opened the carrier; opens streams 1, 3, 5 and so on.
    case client

    /// Accepted the carrier; opens streams 2, 4, 6 and so on.
    case server
  }

  /// What the session was told at its start.
  public let settings: MuxSettings

  /// How many streams the session may have from now on; lowering it ends none. A server starts
  /// low and raises it when the peer has logged in.
  public var streamCountMax: Int {
    didSet { precondition(streamCountMax <= StreamMuxLimits.streamCountCeiling) }
  }

  /// What a round trip to the peer takes at least, as far as the driver knows.
  public var roundTrip = Interval.zero

  /// When the last bytes arrived; at first, when the session started.
  public internal(set) var lastHeardAt: Instant

  /// Whether the peer has said that it accepts no new streams.
  public internal(set) var isPeerGoingAway = false

  /// Why the session ended; `nil` while it lives.
  public internal(set) var failure: MuxError?

  var table: StreamTable
  var output = FrameQueue()
  var replies = ReplyAccount()
  var partialHeader = PartialHeader()
  var frame = FrameInProgress()
  var keepalive: Keepalive
  var isGoingAway = false
  var nextWireID: UInt32

  /// Streams that we opened and the peer has not acknowledged.
  var openingCount = 0

  /// Streams that the peer opened and `accept` was not called for.
  var backlogCount = 0

  /// Half-close timeouts up to this time are to be reported by `nextInput`.
  var expiredThrough: Instant?

  /// Starts a session on a carrier that both ends are ready to use; nothing is sent for it.
  public init(role: Role, settings: MuxSettings = MuxSettings(), now: Instant) {
    settings.checkInvariants()
    self.settings = settings
    streamCountMax = settings.streamCountMax
    lastHeardAt = now
    table = StreamTable(hashSeed: settings.hashSeed)
    keepalive = Keepalive(settings: settings, now: now)
    switch role {
    case .client: nextWireID = 1
    case .server: nextWireID = 2
    }
  }

  // MARK: Queries

  /// How many streams there are.
  public var streamCount: Int { table.count }

  /// Whether `id` names a stream that is there.
  public func hasStream(_ id: MuxStreamID) -> Bool { table.slot(id) != nil }

  /// How many bytes `send` would take now: the peer's credit, or what the output has room for if
  /// that is less. 0 on a stream that this side has finished and on an invalid ID.
  public func sendWindow(of id: MuxStreamID) -> Int {
    guard let slot = table.slot(id), slot.pointee.phase != .finishedByUs else { return 0 }
    return max(0, min(Int(slot.pointee.sendWindow), outputRoom))
  }

  /// How many bytes were delivered on the stream and not consumed.
  public func unreadByteCount(of id: MuxStreamID) -> Int {
    table.slot(id).map { Int($0.pointee.unreadBytes) } ?? 0
  }

  /// What `send` may still add to the output as one body; may be negative.
  var outputRoom: Int { settings.outputBytesMax - output.count - FrameHeader.byteCount }

  // MARK: Output

  /// How many bytes of frames wait to be written to the carrier.
  public var outputByteCount: Int { output.count }

  /// The bytes to be written, oldest first; valid until the next call that changes the session.
  public var outputBytes: UnsafeRawBufferPointer { output.readableBytes }

  /// Drops the first `byteCount` bytes of the output, which the carrier has taken.
  public mutating func removeOutput(_ byteCount: Int) {
    output.removeFirst(byteCount)
    replies.outputMoved(removedTotal: output.removedTotal, appendedTotal: output.appendedTotal)
    if byteCount > 0 && output.count > 0 { keepalive.hasOutputMoved = true }
  }

  // MARK: Shared by the aspects

  mutating func queue(
    _ type: FrameType, _ flags: FrameFlags, wireID: UInt32, length: UInt32 = 0
  ) {
    output.append(FrameHeader(type, flags, wireID: wireID, length: length))
  }

  /// Ends the session, with a go-away when the peer broke the protocol.
  mutating func fail(_ error: MuxError, peerIsToBlame: Bool) -> MuxError {
    if failure == nil && peerIsToBlame {
      queue(.goAway, [], wireID: 0, length: MuxGoAwayCode.protocolError.rawValue)
    }
    failure = error
    return error
  }

  /// The flag for the next frame on a stream: ACK if the stream was not accepted before.
  mutating func takeAcknowledgement(
    _ slot: UnsafeMutablePointer<StreamSlot>
  ) -> FrameFlags {
    guard slot.pointee.handshake == .acknowledgementDue else { return [] }
    slot.pointee.handshake = .complete
    backlogCount -= 1
    replies.add()
    return .acknowledge
  }

  /// Notes that the peer acknowledged our stream.
  mutating func completeOpening(_ slotIndex: Int32) {
    let slot = table.slot(slotIndex)
    slot.pointee.handshake = .complete
    openingCount -= 1
    if slot.pointee.timeout == .open { table.disarm(slotIndex) }
  }

  /// Forgets a stream.
  mutating func remove(_ slotIndex: Int32) {
    switch table.slot(slotIndex).pointee.handshake {
    case .complete: break
    case .acknowledgementDue: backlogCount -= 1
    case .awaitingAcknowledgement: openingCount -= 1
    }
    table.remove(slotIndex)
  }

  /// Checks what must hold between calls; for tests.
  package func checkInvariants() -> Bool {
    table.checkInvariants(receiveWindowBytes: settings.receiveWindowBytes)
      && table.count(of: .awaitingAcknowledgement) == openingCount
      && table.count(of: .acknowledgementDue) == backlogCount
  }
}
