internal import ByteBuffers
internal import HTTPProtocol
internal import Reactor
internal import Timekeeping
internal import Transports

extension VisitorConnection {
  // MARK: The end of a request

  /// The request is answered, and all of it was read or is dropped.
  func finishExchange() {
    guard let exchange else { return }
    self.exchange = nil
    if let service {
      self.service = nil
      if exchange.isStreamKept, exchange.endedAt != nil {
        // What is not written yet belongs to it.
        flushToService(service)
        service.release()
      } else {
        service.end()
      }
    }
    conclude(exchange)
    if exchange.isLast || gateway.isDraining {
      isEnding = true
    } else {
      reader.resume()
      phase = .idle
    }
  }

  private func flushToService(_ service: ServiceStream) {
    service.stream.write(toService.readableBytes)
    toService.removeAll()
  }

  private func conclude(_ exchange: Exchange) {
    if let service = exchange.route?.service {
      gateway.host.requestDidEnd(
        on: service, exchange.outcome, hasAskedForStream: exchange.hasAskedForStream)
    }
    guard var record = exchange.record else { return }
    record.duration = now - exchange.beganAt
    gateway.host.write(record)
  }

  // MARK: The end of the connection

  /// The visitor has ended his direction, and what he sent is no whole request.
  func visitorDidEnd() {
    switch phase {
    case .idle, .head: isEnding = true
    case .exchanging:
      if let exchange, exchange.endedAt == nil { abort() }
    case .waiting, .tunnel, .closed: break
    }
  }

  /// Ends the connection when no request is under way.
  func endWhenIdle() {
    switch phase {
    case .idle: close()
    case .head, .waiting, .exchanging, .tunnel, .closed: break
    }
  }

  var emptySince: Instant? {
    switch phase {
    case .idle: stream.unsentByteCount == 0 ? lastActiveAt : nil
    case .head: headBeganAt
    case .waiting, .exchanging, .tunnel, .closed: nil
    }
  }

  /// An answer may be on its way still; whoever has got none is not waited for.
  func makeRoom() {
    if hasAsked { close() } else { abort() }
  }

  /// Ends the connection behind what was written.
  func close() {
    guard phase != .closed else { return }
    leave()
    stream.close()
  }

  /// Ends the connection at once, so that both sides know that something is missing.
  func abort() {
    guard phase != .closed else { return }
    let tunnel = self.tunnel
    dropService()
    leave()
    if let tunnel { tunnel.abort() } else { stream.abort() }
  }

  private func leave() {
    phase = .closed
    if let timer { gateway.context.loop.cancel(timer) }
    timer = nil
    tunnel = nil
    if let exchange {
      self.exchange = nil
      if exchange.answer == nil, exchange.record != nil {
        exchange.record?.status = Exchange.visitorLeftCode
      }
      conclude(exchange)
    }
    gateway.connectionDidEnd(self)
    let onEnd = self.onEnd
    self.onEnd = nil
    onEnd?()
  }

  /// The visitor speaks HTTP/2: gives his connection away, with what was read of it.
  func leaveToSession() {
    settleAll()
    phase = .closed
    if let timer { gateway.context.loop.cancel(timer) }
    timer = nil
    stream.receiver = nil
    gateway.connectionDidEnd(self)
    let onEnd = self.onEnd ?? {}
    self.onEnd = nil
    gateway.serveSession(stream, early: input.readableBytes, from: origin, onEnd: onEnd)
    input.release()
  }

  // MARK: Tunnels

  /// The connection belongs to another protocol: hands both streams over, with what was read.
  func startTunnel(_ service: ServiceStream, _ exchange: Exchange) {
    flush()
    if hasVisitorEnded { return abort() }
    let early = Array(service.input.readableBytes)
    service.settle(unsentByteCount: early.count)
    service.input.release()
    settleAll()
    let greeting = Array(input.readableBytes)
    input.release()
    phase = .tunnel
    self.service = nil
    if let timer { gateway.context.loop.cancel(timer) }
    timer = nil
    let far = service.surrender()
    stream.receiver = nil
    tunnel = JoinedPair(
      gateway.context, near: stream, far: far, greeting: greeting, early: early, creditedCount: 0,
      codec: nil, isHalfCloseKept: service.isHalfCloseKept
    ) { [unowned self] summary in
      // The gateway holds this as long as the tunnel is there.
      tunnelDidEnd(summary)
    }
  }

  private func tunnelDidEnd(_ summary: RelaySummary) {
    exchange?.record?.receivedByteCount = Int(clamping: summary.forwardByteCount)
    exchange?.record?.sentByteCount = Int(clamping: summary.backwardByteCount)
    guard phase != .closed else { return }
    leave()
  }

  // MARK: Time

  /// When the visitor or the local service has taken too long; `nil` for never.
  private var deadline: Instant? {
    switch phase {
    case .idle: return lastActiveAt + gateway.times.idle
    case .head:
      return min(
        headBeganAt + gateway.times.head, lastActiveAt + gateway.times.headSilence)
    // The host has a deadline of its own.
    case .waiting, .tunnel, .closed: return nil
    case .exchanging: return exchange.flatMap { deadline(of: $0) }
    }
  }

  private func deadline(of exchange: Exchange) -> Instant? {
    guard let endedAt = exchange.endedAt, stream.unsentByteCount == 0 else {
      return isConversing(exchange) ? nil : lastActiveAt + gateway.times.stalled
    }
    var deadline: Instant?
    if exchange.answer == nil {
      deadline = endedAt + gateway.host.responseTimeout
    }
    if hasVisitorEnded {
      let halfClosed = lastActiveAt + gateway.times.halfClosed
      deadline = deadline.map { min($0, halfClosed) } ?? halfClosed
    }
    return deadline
  }

  /// Whether both sides of a call of gRPC are under way, and nothing waits for either.
  private func isConversing(_ exchange: Exchange) -> Bool {
    exchange.isForHTTP2 && exchange.answer != nil && stream.unsentByteCount == 0
      && service?.stream.unsentByteCount == 0
  }

  /// Called when the deadline may have changed. A timer that is due later than that is replaced;
  /// one that is due earlier finds out then, which spares the common case from touching it.
  func armDeadline() {
    guard let deadline, timer == nil || deadline < timerDeadline else { return }
    if let timer { gateway.context.loop.cancel(timer) }
    timerDeadline = deadline
    timer = gateway.context.loop.schedule(at: deadline) { [unowned self] in
      // Cancelled in `leave`.
      timer = nil
      timeDidPass()
    }
  }

  private func timeDidPass() {
    if let deadline, deadline <= now { expire() }
    guard phase != .closed else { return }
    releaseIdleMemory()
    armDeadline()
  }

  private func expire() {
    switch phase {
    case .idle: close()
    case .head:
      answerUnread(HTTPAnswer(.requestTimeout))
      settle()
    case .exchanging:
      guard let exchange else { return }
      if exchange.endedAt != nil, exchange.answer == nil, stream.unsentByteCount == 0,
        !hasVisitorEnded
      {
        exchange.outcome = .failed
        answer(.gatewayTimeout)
        readQueued()
      } else {
        abort()
      }
    case .waiting, .tunnel, .closed: break
    }
  }

  /// A connection that has been idle since the last look needs no buffers.
  private func releaseIdleMemory() {
    guard phase == .idle, input.isEmpty else { return }
    input.release()
    toService.release()
    toVisitor.release()
  }
}
