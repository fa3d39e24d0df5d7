#if DEBUG
  internal import ByteBuffers
  internal import Glibc
  internal import LinuxSystem
  internal import Timekeeping

  /// One end of a TCP connection, or a listener, as the kernel keeps it (RFC 9293 without options
  /// and congestion control): what is lost is sent again from the last acknowledgement on, after
  /// 200 ms, then twice that, and so on. The FIN counts as one byte behind the last.
  final class SimulatedSocket: SimulatedFile {
    enum State {
      case idle
      case listening
      /// A SYN is under way.
      case connecting
      /// A SYN was answered, and that is not acknowledged yet.
      case arriving
      case open
      /// Nothing more happens; what was received can still be read.
      case dead
    }

    struct Timing {
      var keepalive: KeepaliveTiming?
      var userTimeout: Interval?
      var notSentMax = Int.max
    }

    let id: Int
    let host: SimulatedHost
    var state = State.idle
    var local: SocketAddress?
    var remote: SocketAddress?
    var peer: SimulatedSocket?
    /// Where it arrives.
    var listener: SimulatedSocket?
    var backlog: [SimulatedSocket] = []
    /// Closed by its process; the connection may go on for a while.
    var isOrphan = false
    var isResetOnClose = false
    /// Both directions have ended in order (TIME-WAIT, or closed behind it).
    var isFinished = false
    var error: Errno?
    var timing = Timing()

    // Writing.
    var output = ByteQueue()
    var acknowledged: UInt64 = 0
    var sent: UInt64 = 0
    var written: UInt64 = 0
    var isEnding = false
    /// Up to where the peer has room.
    var limit: UInt64 = 0
    var isRoomWanted = false
    var progressAt = Instant(nanoseconds: 0)
    var retryCount = 0
    var retryTimer: TimerID?

    // Reading.
    var input = ByteQueue()
    var received: UInt64 = 0
    var advertised: UInt64 = 0
    var hasPeerEnded = false
    var heardAt = Instant(nanoseconds: 0)
    var probeCount = 0
    var probeTimer: TimerID?

    // The path.
    var roundTripNanoseconds: Int64?
    private var timedSequence: UInt64?
    private var timedAt = Instant(nanoseconds: 0)
    var lastArrival = Instant(nanoseconds: 0)
    var generator: RandomStream

    init(_ host: SimulatedHost, number: CInt, owner: SimulatedProcess?) {
      self.host = host
      id = host.network.makeSocketID()
      generator = host.network.makeStream(id)
      super.init(host.network, number: number, owner: owner)
      network.remember(self)
    }

    var settings: SimulatedNetwork.Settings { network.settings }

    /// Behind the last byte and the FIN.
    var endSequence: UInt64 { written + (isEnding ? 1 : 0) }

    private var room: Int { settings.sendBufferBytes - output.count }

    private var isWritable: Bool {
      room > 0 && written - min(written, sent) < UInt64(clamping: timing.notSentMax)
    }

    override var readiness: Readiness {
      switch state {
      case .idle: return [.writable, .hangup]
      case .listening: return backlog.isEmpty ? [] : .readable
      case .connecting, .arriving: return []
      case .open, .dead: break
      }
      var seen: Readiness = []
      let isDead = state == .dead
      if !input.isEmpty || hasPeerEnded || isDead { seen.insert(.readable) }
      if hasPeerEnded || isDead { seen.insert(.readHangup) }
      if isDead || hasPeerEnded && isEnding { seen.insert(.hangup) }
      if isDead || isEnding || isWritable { seen.insert(.writable) }
      if error != nil { seen.insert(.error) }
      return seen
    }

    // MARK: Calls of the process

    func connect(to address: SocketAddress) throws(Errno) {
      switch state {
      case .idle: break
      case .connecting: throw Errno(code: EALREADY)
      case .listening, .arriving, .open, .dead: throw Errno(code: EISCONN)
      }
      let source = local ?? host.source(for: address)
      guard let source else { throw .networkUnreachable }
      local = source.withPort(source.port == 0 ? host.makePort() : source.port)
      remote = address
      state = .connecting
      progressAt = network.now
      emit(.syn)
      armRetry()
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> IOResult {
      if !input.isEmpty {
        let bytes = input.readableBytes
        let count = min(bytes.count, buffer.count)
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        input.removeFirst(count)
        // A window that has opened a good deal is told at once.
        if state == .open, !hasPeerEnded,
          window - advertised >= UInt64(settings.receiveBufferBytes / 2)
        {
          emit(.acknowledgement)
        }
        return .bytes(count)
      }
      // The end of the stream comes before an error.
      if hasPeerEnded { return .bytes(0) }
      if let error = takeError() { return .failed(error) }
      switch state {
      case .open: return .wouldBlock
      case .dead: return .bytes(0)
      case .connecting, .arriving: return .wouldBlock
      case .idle, .listening: return .failed(Errno(code: ENOTCONN))
      }
    }

    func write(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) -> IOResult {
      if let error = takeError() { return .failed(error) }
      if isEnding || state == .dead { return .failed(.brokenPipe) }
      guard state == .open else {
        return state == .connecting ? .wouldBlock : .failed(Errno(code: ENOTCONN))
      }
      let asked = first.count + second.count
      guard isWritable else {
        isRoomWanted = true
        return .wouldBlock
      }
      var allowed = min(asked, room)
      if settings.shortWriteShare > 0, generator.happens(settings.shortWriteShare) {
        allowed = generator.number(below: allowed)
      }
      if allowed < asked { isRoomWanted = true }
      // Room that the caller was not given is told soon, as if something had been acknowledged.
      if allowed < min(asked, room) { oweRoom() }
      if allowed == 0, asked > 0 { return .wouldBlock }
      let firstCount = min(first.count, allowed)
      output.append(UnsafeRawBufferPointer(rebasing: first.prefix(firstCount)))
      output.append(UnsafeRawBufferPointer(rebasing: second.prefix(allowed - firstCount)))
      written += UInt64(allowed)
      transmit()
      return .bytes(allowed)
    }

    private func oweRoom() {
      network.schedule(after: .microseconds(1 + generator.number(below: 2000))) { [self] in
        if owner != nil, isWritable { wake() }
      }
    }

    func takeError() -> Errno? { error.take() }

    func shutdownWriting() {
      if state == .open, !isEnding {
        isEnding = true
        transmit()
      }
      // As inet_shutdown does, whatever came of it.
      wake()
    }

    override func close() {
      isOrphan = true
      switch state {
      case .idle, .connecting, .arriving: vanish()
      case .listening:
        host.listeners.removeAll { $0 === self }
        for child in backlog { child.abort() }
        backlog = []
        state = .dead
      case .open:
        // Nobody is there any more to be told.
        if hasPeerEnded, isEnding, acknowledged == endSequence { return vanishIfDone() }
        // What was not read makes it a reset (RFC 2525, 2.17).
        if isResetOnClose || !input.isEmpty { return abort() }
        isEnding = true
        transmit()
        vanishIfDone()
      case .dead: vanish()
      }
    }

    override func cease() {
      isOrphan = true
      host.listeners.removeAll { $0 === self }
      for child in backlog { child.cease() }
      vanish()
    }

    private func abort() {
      if state == .open || state == .arriving { emit(.reset) }
      vanish()
    }

    // MARK: Ends

    /// Ends the connection with an error for the process.
    func fail(_ error: Errno) {
      guard state != .dead else { return }
      self.error = error
      vanish()
      wake()
    }

    private func vanish() {
      state = .dead
      disarm(&retryTimer)
      disarm(&probeTimer)
      output.release()
      if isOrphan { input.release() }
    }

    func vanishIfDone() {
      guard isOrphan, state == .open, acknowledged == endSequence else { return }
      if hasPeerEnded {
        isFinished = true
        return vanish()
      }
      // FIN-WAIT-2 of an orphan (tcp(7), tcp_fin_timeout).
      disarm(&retryTimer)
      retryTimer = network.arm(after: .seconds(60)) { [self] in vanish() }
    }

    private func disarm(_ timer: inout TimerID?) {
      if let armed = timer.take() { network.disarm(armed) }
    }

    // MARK: Sending

    /// Up to where the process may be sent to.
    var window: UInt64 {
      received + UInt64(max(0, settings.receiveBufferBytes - input.count))
    }

    /// Sends what may go.
    func transmit() {
      guard state == .open else { return }
      if acknowledged == sent, retryCount == 0, retryTimer == nil { progressAt = network.now }
      while sent < endSequence {
        let dataEnd = min(written, max(limit, sent), sent + UInt64(settings.segmentBytes))
        let isFin = isEnding && dataEnd == written
        guard dataEnd > sent || isFin else { break }
        emitData(upTo: dataEnd, isFin: isFin)
      }
      armRetry()
    }

    private func emitData(upTo end: UInt64, isFin: Bool) {
      var packet = Packet(.data, from: self, to: peer)
      packet.start = sent
      packet.isFin = isFin
      // Behind the last byte there is the FIN alone.
      let count = Int(end - min(end, sent))
      if count > 0 { packet.copy(output.readableBytes, from: Int(sent - acknowledged), count) }
      sent = end + (isFin ? 1 : 0)
      if timedSequence == nil {
        timedSequence = sent
        timedAt = network.now
      }
      emit(packet)
    }

    func emit(_ kind: Packet.Kind) { emit(Packet(kind, from: self, to: peer)) }

    private func emit(_ packet: Packet) {
      var packet = packet
      packet.acknowledgement = received
      packet.limit = window
      advertised = packet.limit
      network.transmit(packet)
    }

    // MARK: Timers

    private var isBlockedByWindow: Bool { sent < endSequence && sent == acknowledged }

    private var retryDelay: Interval {
      switch state {
      case .connecting, .arriving: return .seconds(1 << min(retryCount, 6))
      case .idle, .listening, .open, .dead: break
      }
      let shortest = max(200_000_000, 2 * (roundTripNanoseconds ?? 0))
      let delay = min(
        Interval(nanoseconds: shortest) * (1 << min(retryCount, 10)), .seconds(120))
      guard let userTimeout = timing.userTimeout else { return delay }
      let left = progressAt + userTimeout - network.now
      return left > .zero ? min(delay, left) : .milliseconds(1)
    }

    func armRetry() {
      guard retryTimer == nil else { return }
      switch state {
      case .connecting, .arriving: break
      case .open: if sent == acknowledged, !isBlockedByWindow { return }
      case .idle, .listening, .dead: return
      }
      retryTimer = network.arm(after: retryDelay) { [self] in
        retryTimer = nil
        retry()
      }
    }

    private func retry() {
      retryCount += 1
      switch state {
      case .connecting:
        if retryCount > 6 { return fail(.timedOut) }
        emit(.syn)
      case .arriving:
        if retryCount > 5 { return abort() }
        emit(.synAcknowledgement)
      case .open:
        if let userTimeout = timing.userTimeout, network.now - progressAt >= userTimeout {
          return fail(.timedOut)
        }
        if sent > acknowledged {
          if retryCount > (isOrphan ? 8 : 15) { return fail(.timedOut) }
          timedSequence = nil
          // Nothing that was under way counts.
          sent = acknowledged
          return transmit()
        }
        emit(.probe)
      case .idle, .listening, .dead: return
      }
      armRetry()
    }

    func armKeepalive(after delay: Interval? = nil) {
      guard let keepalive = timing.keepalive, state == .open else { return }
      disarm(&probeTimer)
      let delay = delay ?? .seconds(keepalive.idleSeconds)
      probeTimer = network.arm(after: delay) { [self] in
        probeTimer = nil
        probe(keepalive)
      }
    }

    private func probe(_ keepalive: KeepaliveTiming) {
      guard state == .open else { return }
      let idle = Interval.seconds(keepalive.idleSeconds)
      let silence = network.now - heardAt
      // Unacknowledged bytes have a timer of their own.
      if sent > acknowledged { return armKeepalive() }
      if silence < idle { return armKeepalive(after: idle - silence) }
      let isGivenUp =
        if let userTimeout = timing.userTimeout {
          silence >= userTimeout && probeCount > 0
        } else {
          probeCount >= keepalive.probeCount
        }
      if isGivenUp {
        emit(.reset)
        return fail(.timedOut)
      }
      probeCount += 1
      emit(.probe)
      armKeepalive(after: .seconds(keepalive.probeSeconds ?? 75))
    }

    func measureRoundTrip() {
      guard let timed = timedSequence, acknowledged >= timed else { return }
      timedSequence = nil
      let measured = (network.now - timedAt).nanoseconds
      roundTripNanoseconds = min(roundTripNanoseconds ?? measured, measured)
    }

    /// Breaks the cycles of references at the end of a run.
    func forget() {
      peer = nil
      listener = nil
      poller = nil
      backlog = []
    }
  }
#endif
