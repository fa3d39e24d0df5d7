internal import DequeModule
internal import LinuxSystem
public import Reactor
public import StreamMux
public import Timekeeping

/// Drives one mux session over one byte stream, and hands its streams out.
///
/// Frames are collected during a turn and written once before the loop sleeps, or when there are
/// enough of them for one write. While the stream below is congested, streams keep what they have
/// (or leave it in their socket), and take turns once it moves again.
public final class MuxCarrier: ByteStreamReceiver, FlushHandler {
  // A completion in a struct, so that it is stored without a reabstraction thunk.
  private struct WaitingOpen {
    let completion: (MuxStream?) -> Void
  }

  /// Gets each stream that the peer opens.
  public var onStream: ((MuxStream) -> Void)?
  /// Called once when the carrier is dead, after all its streams were told.
  public var onClose: ((CloseReason) -> Void)?
  /// The stream below.
  public let stream: any ByteStream
  /// How long a closed stream may be unable to send what it had accepted.
  var drainTimeout = TransportLimits.drainTimeout

  private let context: TransportContext
  private var session: MuxSession
  private var streams: [MuxStream?] = []
  private var waitingOpens = Deque<WaitingOpen>()
  private var round = StreamRound()
  // Whose turn it is while `flush` lets the waiting streams send.
  private var served: MuxStream?
  private var batchByteCount = TransportLimits.carrierBatchMax
  private var isFlushScheduled = false
  private var isClosed = false
  private var deadlineTimer: TimerID?
  private var armedDeadline: Instant?
  private var liveness = CarrierLiveness()
  private var roundTripUntil = Instant(nanoseconds: .min)

  /// Starts a session over `stream` and becomes its receiver.
  public init(
    _ context: TransportContext, over stream: any ByteStream, role: MuxSession.Role,
    settings: MuxSettings
  ) {
    self.context = context
    self.stream = stream
    var settings = settings
    settings.hashSeed = HostSystem.randomNumber
    (stream as? SocketStream)?.prepareForCarrier()
    session = MuxSession(role: role, settings: settings, now: context.loop.now)
    stream.receiver = self
    armDeadline()
  }

  /// The number of live streams.
  public var streamCount: Int { session.streamCount }

  /// Opens a stream towards the peer, at once or when an earlier one has been acknowledged.
  ///
  /// - Parameter completion: gets `nil` when the session is over or has too many streams.
  public func openStream(_ completion: @escaping (MuxStream?) -> Void) {
    guard !isClosed else { return completion(nil) }
    guard waitingOpens.isEmpty else { return wait(completion) }
    do throws(MuxError) {
      completion(try makeStream())
    } catch {
      if case .openingStreamsExhausted = error { wait(completion) } else { completion(nil) }
    }
  }

  private func makeStream() throws(MuxError) -> MuxStream {
    let stream = MuxStream(self, try session.openStream(now: context.loop.now))
    place(stream)
    setNeedsFlush()
    return stream
  }

  private func wait(_ completion: @escaping (MuxStream?) -> Void) {
    guard waitingOpens.count < TransportLimits.waitingOpenCountMax else { return completion(nil) }
    waitingOpens.append(WaitingOpen(completion: completion))
  }

  private func openWaiting() {
    guard let first = waitingOpens.first else { return }
    do throws(MuxError) {
      let stream = try makeStream()
      _ = waitingOpens.popFirst()
      first.completion(stream)
    } catch {
      if case .openingStreamsExhausted = error { return }
      _ = waitingOpens.popFirst()
      first.completion(nil)
    }
  }

  /// Asks the peer for a sign of life, which moves `lastHeardAt`.
  public func probe() {
    guard !isClosed else { return }
    session.probe()
    setNeedsFlush()
  }

  /// When bytes of the peer last arrived.
  public var lastHeardAt: Instant { session.lastHeardAt }

  /// Ends the session: says so to the peer, and closes the stream below behind what is queued.
  public func close() {
    guard !isClosed else { return }
    // Everything, even if the stream below has to queue it: what was accepted goes out.
    if session.outputByteCount > 0 { stream.write(session.outputBytes) }
    stream.close()
    end(.carrierLost)
  }

  /// Ends the session at once.
  public func abort() {
    guard !isClosed else { return }
    stream.abort()
    end(.carrierLost)
  }

  // MARK: From the stream below

  /// Feeds the session.
  public func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    var offset = 0
    do throws(MuxError) {
      while !isClosed,
        let input = try session.nextInput(in: bytes, at: &offset, now: context.loop.now)
      {
        handle(input, bytes)
      }
    } catch {
      fail(.muxFailed("\(error)"))
      return
    }
    if isClosed { return }
    if session.outputByteCount > 0 { setNeedsFlush() }
    // Bytes may have brought the next ping forward.
    armDeadline()
  }

  /// The peer is gone; a carrier has no half-closed state.
  public func streamDidEnd(_ stream: any ByteStream) {
    fail(.carrierLost)
  }

  /// There is room again below.
  public func streamDidProgress(_ stream: any ByteStream) {
    if session.outputByteCount > 0 || !round.isEmpty { setNeedsFlush() }
  }

  /// The stream below is dead.
  public func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) {
    end(reason)
  }

  private func handle(_ input: MuxInput, _ bytes: UnsafeRawBufferPointer) {
    switch input {
    case .data(let id, let range):
      guard let stream = stream(for: id) else { return }
      stream.deliver(UnsafeRawBufferPointer(rebasing: bytes[range]))
    case .streamOpened(let id):
      session.accept(id)
      let stream = MuxStream(self, id)
      place(stream)
      if let onStream { onStream(stream) } else { stream.abort() }
    case .streamWritable(let id):
      stream(for: id)?.windowDidOpen()
    case .streamEnded(let id):
      stream(for: id)?.peerDidEnd()
    case .streamReset(let id):
      guard let stream = stream(for: id) else { return }
      streams[Int(id.slotIndex)] = nil
      stream.die(.reset)
    case .streamAccepted:
      openWaiting()
    case .peerGoingAway:
      break
    }
  }

  // MARK: For the streams

  /// Whether the stream below has not taken what it was given, or the next write is full.
  var isCongested: Bool {
    stream.unsentByteCount > 0 || session.outputByteCount >= batchByteCount
  }

  /// Whether a stream may send now: there is room, and nobody else's turn comes first.
  func isOpen(for stream: MuxStream) -> Bool {
    !isCongested && (round.isEmpty || served === stream)
  }

  func send(_ bytes: UnsafeRawBufferPointer, on id: MuxStreamID) -> Int {
    let taken = session.send(bytes, on: id)
    outputDidGrow()
    return taken
  }

  /// Reads from a socket straight into a frame.
  func receive(from socket: CInt, upTo byteCount: Int, on id: MuxStreamID) -> Reception? {
    var reception: Reception?
    _ = session.send(upTo: byteCount, on: id) { room in
      let result = context.loop.calls.receive(socket, into: room)
      reception = Reception(result: result, askedByteCount: room.count)
      if case .bytes(let count) = result { return count }
      return 0
    }
    if session.outputByteCount > 0 { outputDidGrow() }
    return reception
  }

  private func outputDidGrow() {
    if session.outputByteCount >= batchByteCount { writeOut() }
    // What is left waits for its turn to end.
    if session.outputByteCount > 0 || !round.isEmpty { setNeedsFlush() }
  }

  func hasWindow(_ id: MuxStreamID) -> Bool { session.sendWindow(of: id) > 0 }

  func finish(_ id: MuxStreamID) {
    session.finish(id, now: context.loop.now)
    setNeedsFlush()
  }

  func reset(_ stream: MuxStream) {
    session.reset(stream.id)
    forget(stream)
    setNeedsFlush()
  }

  func consume(_ byteCount: Int, on id: MuxStreamID) {
    refreshRoundTrip()
    session.consume(byteCount, on: id, now: context.loop.now)
    if session.outputByteCount > 0 { setNeedsFlush() }
  }

  /// Tells the session what a round trip takes, at most once in a while.
  private func refreshRoundTrip() {
    let now = context.loop.now
    guard roundTripUntil <= now else { return }
    roundTripUntil = now + TransportLimits.roundTripRefreshInterval
    if let measured = (stream as? SocketStream)?.roundTrip { session.roundTrip = measured }
  }

  /// Drops our reference to a stream that both sides have ended.
  func forget(_ stream: MuxStream) {
    let index = Int(stream.id.slotIndex)
    if index < streams.count, streams[index] === stream { streams[index] = nil }
  }

  /// Starts the time that `stream`, which was closed with bytes waiting, has for the next of them.
  func startDrainTimer(of stream: MuxStream) -> TimerID {
    context.loop.schedule(after: drainTimeout) { stream.drainTimeDidPass() }
  }

  func cancel(_ timer: TimerID) { context.loop.cancel(timer) }

  func enqueue(_ stream: MuxStream) {
    round.enqueue(stream)
    setNeedsFlush()
  }

  private func stream(for id: MuxStreamID) -> MuxStream? {
    let index = Int(id.slotIndex)
    guard index < streams.count, let stream = streams[index], stream.id == id else { return nil }
    return stream
  }

  private func place(_ stream: MuxStream) {
    let index = Int(stream.id.slotIndex)
    while streams.count <= index { streams.append(nil) }
    streams[index] = stream
  }

  // MARK: Output

  private func setNeedsFlush() {
    guard !isFlushScheduled, !isClosed else { return }
    isFlushScheduled = true
    context.loop.scheduleFlush(self)
  }

  /// Writes what the turn collected, and lets waiting streams take their turns.
  public func flush() {
    isFlushScheduled = false
    guard !isClosed else { return }
    writeOut()
    while !isClosed, !isCongested, let stream = round.first() {
      served = stream
      let byteCount = stream.takeTurn(upTo: stream.deficit)
      served = nil
      if isClosed { return }
      round.didServe(stream, byteCount: byteCount)
      if byteCount == 0, stream.wantsTurn { break }
      if isCongested || round.isEmpty { writeOut() }
    }
    if !isClosed { armDeadline() }
  }

  private func writeOut() {
    guard session.outputByteCount > 0, stream.unsentByteCount == 0 else { return }
    let bytes = session.outputBytes
    stream.write(bytes)
    session.removeOutput(bytes.count)
    // A carrier that is slower than its streams gets less at once, so that what comes later and
    // matters more need not stand behind it.
    if stream.unsentByteCount > 0 {
      batchByteCount = TransportLimits.carrierBatchMin
    } else if bytes.count >= batchByteCount {
      batchByteCount = min(batchByteCount * 2, TransportLimits.carrierBatchMax)
    }
  }

  // MARK: Time

  private func armDeadline() {
    guard let deadline = session.nextDeadline else { return }
    if let armedDeadline, armedDeadline <= deadline { return }
    if let deadlineTimer { context.loop.cancel(deadlineTimer) }
    armedDeadline = deadline
    deadlineTimer = context.loop.schedule(at: deadline) { [unowned self] in
      // The timer is cancelled when the carrier ends, so `self` is alive.
      deadlineDidPass()
    }
  }

  private func deadlineDidPass() {
    deadlineTimer = nil
    armedDeadline = nil
    if session.outputByteCount == 0 { (stream as? SocketStream)?.releaseIdleMemory() }
    if liveness.hasProgressed(stream) { session.handleAcknowledgedOutput() }
    do throws(MuxError) {
      try session.handleDeadline(now: context.loop.now)
    } catch {
      fail(.muxFailed("\(error)"))
      return
    }
    // Streams that ran out of time are reported as inputs.
    streamDidReceive(stream, UnsafeRawBufferPointer(start: nil, count: 0))
  }

  // MARK: Ending

  private func fail(_ reason: CloseReason) {
    guard !isClosed else { return }
    // Without a word, as frp: to a peer that does not speak yamux a go-away would be garbage.
    stream.close()
    end(reason)
  }

  private func end(_ reason: CloseReason) {
    guard !isClosed else { return }
    isClosed = true
    if let deadlineTimer { context.loop.cancel(deadlineTimer) }
    deadlineTimer = nil
    let dying = streams
    streams = []
    round.removeAll()
    let waiting = waitingOpens
    waitingOpens.removeAll()
    for open in waiting { open.completion(nil) }
    for stream in dying { stream?.die(.carrierLost) }
    let onClose = self.onClose
    self.onClose = nil
    onStream = nil
    onClose?(reason)
  }
}
