internal import ByteBuffers
internal import HTTP2Protocol
internal import LinuxSystem
internal import Reactor
internal import Timekeeping
internal import Transports

/// One visitor's connection that speaks HTTP/2. Each of its requests is served as if it had a
/// connection of its own with HTTP/1.1, so that all rules for those hold here too.
///
/// What a turn brings is written at its end, for all requests together.
final class VisitorSession: ByteStreamReceiver, FlushHandler, RingMember {
  let stream: any ByteStream

  private unowned let gateway: Gateway
  private let origin: VisitorOrigin
  private let session = HTTP2Session(.server)
  private var onEnd: (() -> Void)?
  private var output = ByteQueue()
  private var isClosed = false
  private var isDraining = false
  /// Whether nothing that comes can be read.
  private var isBroken = false
  private var isFlushScheduled = false
  var ringPosition = 0

  /// Requests that the gateway has not finished.
  private var servedCount = 0
  /// When a request began, or a byte of one or of an answer moved.
  private var lastActiveAt: Instant
  /// When he last took bytes, or there were none to take.
  private var takenAt: Instant
  /// When it was looked last for answers that he does not take.
  private var watchedAt: Instant
  /// When the fields began whose end is awaited, and the how many-th they are.
  private var fieldsBeganAt: Instant?
  private var fieldsNumber = 0
  private var timer: TimerID?
  /// How many requests may be given up.
  private var breakableCount = GatewayLimits.brokenStreamCountMax
  private var knownBrokenCount = 0
  private var countedAt: Instant

  init(
    _ gateway: Gateway, _ stream: any ByteStream, _ origin: VisitorOrigin,
    onEnd: @escaping () -> Void
  ) {
    self.gateway = gateway
    self.stream = stream
    self.onEnd = onEnd
    var origin = origin
    origin.isHTTP2 = true
    self.origin = origin
    lastActiveAt = gateway.context.loop.now
    countedAt = lastActiveAt
    takenAt = lastActiveAt
    watchedAt = lastActiveAt
  }

  private var now: Instant { gateway.context.loop.now }

  /// Reads from here on; `early` are bytes that came before.
  func begin(_ early: UnsafeRawBufferPointer) {
    stream.receiver = self
    stream.resumeReading()
    read(early)
    armTimer()
  }

  // MARK: From the visitor

  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    stream.consume(bytes.count)
    read(bytes)
  }

  func streamDidEnd(_ stream: any ByteStream) { close() }

  func streamDidProgress(_ stream: any ByteStream) {
    takenAt = now
    flush()
  }

  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) { leave() }

  private func read(_ bytes: UnsafeRawBufferPointer) {
    guard !isClosed, !isBroken else { return }
    do throws(HTTP2Fault) {
      try session.receive(bytes)
    } catch {
      isBroken = true
      session.connectionDidEnd()
    }
    noteFields()
    update()
    countBroken()
    scheduleFlush()
  }

  private func noteFields() {
    guard session.isInsideFields else {
      fieldsBeganAt = nil
      return
    }
    if fieldsBeganAt == nil || session.fieldsNumber != fieldsNumber { fieldsBeganAt = now }
    fieldsNumber = session.fieldsNumber
  }

  /// Serves what is new.
  private func update() {
    for touched in session.takeTouched() {
      lastActiveAt = now
      if touched.takeNews() { open(touched) }
      (touched.owner as? VisitorStream)?.update()
    }
  }

  private func open(_ request: HTTP2Stream) {
    guard request.closeCode == nil else { return }
    let stream = VisitorStream(self, request)
    request.owner = stream
    servedCount += 1
    gateway.serve(stream, from: origin) { [self] in servedCount -= 1 }
  }

  /// Who asks and gives up, again and again, has us work for nothing.
  private func countBroken() {
    let elapsed = (now - countedAt).nanoseconds / 1_000_000_000
    if elapsed > 0 {
      countedAt = now
      breakableCount = min(
        GatewayLimits.brokenStreamCountMax,
        breakableCount + Int(clamping: elapsed) * GatewayLimits.brokenStreamsPerSecond)
    }
    breakableCount -= session.brokenStreamCount - knownBrokenCount
    knownBrokenCount = session.brokenStreamCount
    guard breakableCount < 0 else { return }
    session.terminate(.enhanceYourCalm)
    // Whether he takes that word or not.
    isBroken = true
  }

  // MARK: Writing

  /// Has what is written sent at the end of the turn.
  func scheduleFlush() {
    guard !isClosed, !isFlushScheduled else { return }
    isFlushScheduled = true
    gateway.context.loop.scheduleFlush(self)
  }

  func flush() {
    isFlushScheduled = false
    guard !isClosed else { return }
    if stream.unsentByteCount == 0 { takenAt = now }
    do throws(HTTP2Fault) {
      while stream.unsentByteCount < GatewayLimits.unsentFrameByteCountMax {
        try session.write(into: &output, upTo: GatewayLimits.sessionWriteByteCountMax)
        if output.isEmpty { break }
        stream.write(output.readableBytes)
        output.removeAll(keepingCapacity: true)
      }
    } catch {
      return abort()
    }
    update()
    if isBroken || session.isOver || isDraining && session.streamCount == 0 { close() }
  }

  // MARK: Ends

  /// Takes no new requests, and ends behind the answers to those that are there.
  func drain() {
    guard !isClosed, !isDraining else { return }
    isDraining = true
    session.shutDown()
    scheduleFlush()
  }

  var emptySince: Instant? {
    servedCount == 0 && stream.unsentByteCount == 0 ? lastActiveAt : nil
  }

  func makeRoom() {
    session.shutDown()
    flush()
    close()
  }

  /// Ends the connection behind what was written.
  private func close() {
    guard !isClosed else { return }
    leave()
    stream.close()
  }

  /// Ends the connection at once.
  func abort() {
    guard !isClosed else { return }
    leave()
    stream.abort()
  }

  private func leave() {
    guard !isClosed else { return }
    isClosed = true
    if let timer { gateway.context.loop.cancel(timer) }
    timer = nil
    session.connectionDidEnd()
    update()
    gateway.sessionDidEnd(self)
    let onEnd = self.onEnd
    self.onEnd = nil
    onEnd?()
  }

  // MARK: Time

  /// Deadlines move with every request, and the timer with none: it looks again when it is due.
  private var deadline: Instant {
    let idle = servedCount == 0 ? lastActiveAt + gateway.times.idle : now + gateway.times.idle
    // Fields that have not begun yet are seen in time.
    let fields = (fieldsBeganAt ?? now) + gateway.times.head
    return min(idle, fields, watchedAt + gateway.times.stalled)
  }

  private func armTimer() {
    guard !isClosed else { return }
    timer = gateway.context.loop.schedule(at: deadline) { [unowned self] in
      // Cancelled in `leave`.
      timer = nil
      timeDidPass()
    }
  }

  private func timeDidPass() {
    // What was written since may have ended them.
    noteFields()
    if let fieldsBeganAt, fieldsBeganAt + gateway.times.head <= now {
      session.terminate(.enhanceYourCalm)
    } else if servedCount == 0, lastActiveAt + gateway.times.idle <= now {
      // Requests have deadlines of their own; here nobody has one, or nobody takes his answer.
      session.shutDown()
    } else if stream.unsentByteCount > 0, takenAt + gateway.times.stalled <= now {
      return abort()
    } else {
      watch()
      output.release()
      return armTimer()
    }
    flush()
    close()
  }

  /// An answer that is all written has nobody who waits for the visitor to take it.
  private func watch() {
    guard watchedAt + gateway.times.stalled <= now else { return }
    watchedAt = now
    session.resetStalled()
    scheduleFlush()
  }
}
