public import LinuxSystem
internal import Reactor

extension SocketStream {
  /// Reads and writes what the kernel is ready for.
  public func handleReadiness(_ readiness: Readiness) {
    if !readiness.isDisjoint(with: [.urgent, .readHangup, .hangup, .error]) { hasHangup = true }
    if !readiness.isDisjoint(with: [.readable, .readHangup, .hangup, .error]) {
      isReadable = true
      readAvailable()
    }
    if phase == .closed { return }
    if readiness.contains(.error), !mayRead, let error = Socket.pendingError(number) {
      fail(error == .connectionReset ? .reset : .failed(error))
      return
    }
    if !readiness.isDisjoint(with: [.writable, .hangup, .error]) {
      isWritable = true
      flushOutput()
    }
  }

  /// Stops delivering, except what was read already.
  public func pauseReading() { isReadPaused = true }

  /// Goes on delivering in the next turn.
  public func resumeReading() {
    guard isReadPaused else { return }
    isReadPaused = false
    if isReadable, let registration { context.loop.requeue(registration, .readable) }
  }

  /// Nothing to do: the kernel's window follows our reads.
  public func consume(_ byteCount: Int) {}

  /// Whether a read could find out what is wrong with the connection.
  private var mayRead: Bool { !isReadPaused && !isDrainFull }

  /// Reads what there is; from a stranger when it is its turn.
  private func readAvailable() {
    guard let strangerTurns, phase == .open else { return readAll() }
    // One that waits is read from when its turn comes.
    if isStrangerWaiting { return }
    isStrangerWaiting = !strangerTurns.read(from: self, readAll)
  }

  /// A stranger's turn has come.
  func readAfterWaiting() {
    isStrangerWaiting = false
    readAll()
  }

  /// Takes bytes off what a stranger may send.
  ///
  /// - Returns: whether they were too many; the connection is over then.
  private func isOverBudget(_ byteCount: Int) -> Bool {
    guard let left = strangerByteCount else { return false }
    strangerByteCount = left - byteCount
    guard byteCount > left else { return false }
    fail(.tooManyBytesOfStranger)
    return true
  }

  private func readAll() {
    var budget =
      drain == nil
      ? TransportLimits.readBytesPerTurnMax : TransportLimits.drainedBytesPerTurnMax
    while isReadable, phase != .closed, !hasReadEnded {
      if isReadPaused, phase == .open { return }
      if phase == .open, let tls {
        readRecords(of: tls, &budget)
      } else if phase == .open, let drain {
        guard readOnce(into: drain, &budget) else { return }
      } else {
        readOnce(&budget)
      }
      if budget <= 0, isReadable, let registration {
        context.loop.requeue(registration, .readable)
        return
      }
    }
  }

  private func readOnce(_ budget: inout Int) {
    let room = UnsafeMutableRawBufferPointer(
      rebasing: context.readBuffer.prefix(
        isCarrier ? TransportLimits.carrierReadByteCountMax : TransportLimits.readByteCountMax))
    let result = context.loop.calls.receive(number, into: room)
    guard let count = note(result, asked: room.count, &budget) else { return }
    deliver(UnsafeRawBufferPointer(rebasing: room[..<count]))
  }

  /// Notes what a read has told of the socket.
  ///
  /// - Returns: how many bytes came; `nil` when none did.
  private func note(_ result: IOResult, asked: Int, _ budget: inout Int) -> Int? {
    switch result {
    case .bytes(0):
      isReadable = false
      hasReadEnded = true
      handleEnd()
      return nil
    case .bytes(let count):
      // A short read has emptied the socket, unless the end of the stream hides behind it, as data
      // and FIN share one edge, or what follows the mark of urgent data.
      if count < asked, !hasHangup { isReadable = false }
      budget -= count
      return isOverBudget(count) ? nil : count
    case .wouldBlock:
      isReadable = false
      return nil
    case .failed(let error):
      fail(error == .connectionReset ? .reset : .failed(error))
      return nil
    }
  }

  private func deliver(_ bytes: UnsafeRawBufferPointer) {
    switch phase {
    case .open:
      receiver?.streamDidReceive(self, bytes)
    case .draining, .lingering:
      lingerByteCount += bytes.count
      if lingerByteCount > TransportLimits.lingerByteCountMax { release(isReset: true) }
    case .closed:
      break
    }
  }

  private func handleEnd() {
    switch phase {
    case .open:
      // Without close_notify the end may be somebody else's doing (RFC 8446, 6.1).
      if tls != nil {
        fail(tls?.isEstablished == true ? .reset : .tlsFailed("closed during the handshake"))
      } else {
        receiver?.streamDidEnd(self)
      }
    case .draining: break
    case .lingering: release(isReset: false)
    case .closed: break
    }
  }

  // MARK: Records

  /// Decrypts `received`, and what the socket has.
  func readRecords(of tls: TLSSession, received: UnsafeRawBufferPointer) {
    var budget = TransportLimits.readBytesPerTurnMax
    tls.provide(received)
    readRecords(of: tls, &budget)
    tls.withdrawInput()
    if budget <= 0, isReadable, let registration {
      context.loop.requeue(registration, .readable)
    }
  }

  private func readRecords(of tls: TLSSession, _ budget: inout Int) {
    while true {
      // A stranger's bytes are read up to the last one that he may send, and one more record: with
      // them he may cease to be one.
      let limit = min(budget, max(1, strangerByteCount ?? budget))
      let outcome = tls.read(
        into: context.plaintextBuffer, from: number, by: context.loop.calls, upTo: limit,
        isShortReadFinal: !hasHangup)
      budget -= outcome.raw.byteCount
      if outcome.raw.isDry { isReadable = false }
      if tls.unsentByteCount > 0 { flushOutput() }
      if strangerByteCount != nil { tls.releaseBuffers() }
      if outcome.byteCount > 0, phase == .open {
        receiver?.streamDidReceive(
          self, UnsafeRawBufferPointer(rebasing: context.plaintextBuffer[..<outcome.byteCount]))
      }
      guard phase == .open, !isOverBudget(outcome.raw.byteCount) else { return }
      if outcome.byteCount == context.plaintextBuffer.count { continue }
      switch outcome.end {
      case .closeNotify:
        hasReadEnded = true
        receiver?.streamDidEnd(self)
        return
      case .failed(let text): return fail(.tlsFailed(text))
      case nil: break
      }
      switch outcome.raw.end {
      case .orderly:
        hasReadEnded = true
        handleEnd()
      case .failed(let error): fail(error == .connectionReset ? .reset : .failed(error))
      case nil: break
      }
      return
    }
  }

  // MARK: Into a drain

  /// Reads into `drain` from the next turn on, instead of delivering.
  func startDraining(into drain: any SocketDrain) {
    guard phase == .open, tls == nil else { return }
    self.drain = drain
    if isReadable, !isReadPaused, let registration {
      context.loop.requeue(registration, .readable)
    }
  }

  /// Reads into the drain because it has room.
  ///
  /// - Returns: how many bytes it got, and whether there are more.
  func drain(upTo byteCount: Int) -> (byteCount: Int, isMoreWaiting: Bool) {
    let before = drainedByteCount
    var budget = byteCount
    isDrainFull = false
    while budget > 0, isReadable, phase == .open, !hasReadEnded, !isReadPaused, let drain {
      guard readOnce(into: drain, &budget) else { break }
    }
    return (
      Int(drainedByteCount - before), isReadable && phase == .open && drain != nil && !isReadPaused
    )
  }

  /// - Returns: whether the drain had room.
  private func readOnce(into drain: any SocketDrain, _ budget: inout Int) -> Bool {
    guard let reception = drain.receive(from: number, upTo: budget) else {
      isDrainFull = true
      return false
    }
    if let count = note(reception.result, asked: reception.askedByteCount, &budget) {
      drainedByteCount += UInt64(count)
    }
    return true
  }
}
