internal import ByteBuffers
internal import LinuxSystem
internal import Reactor

/// One direction of a spliced pair: from a source socket to a sink socket.
///
/// States: open → source ended (its FIN has come) → sink ended (everything before was passed on,
/// and a FIN behind it).
///
/// A direction begins by copying: for a short piece, one read and one write cost less than two
/// splices. A read that fills the buffer shows that there is more, and from then on the bytes stay
/// in the kernel, until several pieces in a row were short. What the sink does not take waits in a
/// pipe or in `residue`, and nothing is read meanwhile.
final class SplicedDirection {
  /// Where a pump stopped.
  enum Stop {
    /// At a socket that has nothing or takes nothing, or at the end.
    case blocked
    /// At the budget: there may be more.
    case budgetSpent
    /// At an error of the source.
    case sourceFailed(Errno)
    /// At an error of the sink.
    case sinkFailed(Errno)
    /// No pipe could be opened.
    case pipesExhausted
  }

  let source: SplicedSocket
  let sink: SplicedSocket
  private(set) var byteCount: UInt64 = 0
  private(set) var isSourceEnded = false
  private(set) var isSinkEnded = false

  private let context: TransportContext
  private var pipe: PooledPipe?
  private var residue = ByteQueue()
  private var isSplicing = false
  private var shortPieceCount = 0

  /// - Parameters:
  ///   - greeting: goes to the sink before anything else, and is not counted.
  ///   - early: bytes of the source that came before.
  init(
    _ context: TransportContext, from source: SplicedSocket, to sink: SplicedSocket,
    greeting: [UInt8], early: [UInt8]
  ) {
    self.context = context
    self.source = source
    self.sink = sink
    residue.append(greeting)
    residue.append(early)
    byteCount = UInt64(early.count)
  }

  /// Whether nothing of it is in this process or a pipe.
  private var isEmpty: Bool { pipe == nil && residue.isEmpty }

  /// Moves what can be moved.
  func pump() -> Stop {
    var budget = TransportLimits.splicedBytesPerTurnMax
    while !isSinkEnded {
      let isRead = source.state.isReadable && !isSourceEnded && pipe == nil
      let stop: Stop?
      if isRead, !isSplicing, residue.count <= TransportLimits.greetingByteCountMax {
        stop = copy(&budget)
      } else if !isEmpty {
        stop = drain()
      } else if isRead {
        stop = fill(&budget)
      } else {
        stop = .blocked
      }
      if let stop {
        return stop
      }
      if budget <= 0 { return .budgetSpent }
    }
    return .blocked
  }

  /// Whether the FIN is due at the sink.
  var isFinishDue: Bool { isSourceEnded && isEmpty && !isSinkEnded }

  /// Notes that the sink got its FIN.
  func sinkDidEnd() { isSinkEnded = true }

  /// Drops what is held and ends both ends: nobody takes the bytes any more.
  func giveUp() {
    release()
    isSourceEnded = true
    isSinkEnded = true
  }

  /// Drops what is held. A pipe that still holds bytes of this pair must not serve another one.
  func release() {
    pipe = nil
    residue.release()
  }

  // MARK: Copying

  /// Reads once, and writes that behind the residue with one call.
  private func copy(_ budget: inout Int) -> Stop? {
    guard sink.state.isWritable else { return .blocked }
    let buffer = context.readBuffer
    var count = 0
    // Behind a FIN's edge the end is read too, so that the FIN goes on with the last bytes. A short
    // read alone does not tell that they were the last: it ends at the mark of urgent data, too.
    repeat {
      let room = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
      switch context.loop.calls.receive(source.number, into: room) {
      case .bytes(0): endSource()
      case .bytes(let more):
        count += more
        if count == buffer.count {
          isSplicing = true
        } else if !source.state.hasHangup {
          source.state.isReadable = false
        }
      case .wouldBlock: source.state.isReadable = false
      case .failed(let error): return .sourceFailed(error)
      }
    } while source.state.isReadable && source.state.hasHangup && count < buffer.count
    guard count > 0 else { return nil }
    byteCount += UInt64(count)
    budget -= count
    return send(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
  }

  private func send(_ bytes: UnsafeRawBufferPointer) -> Stop? {
    let waiting = residue.count
    // Held back for the FIN, which follows at once.
    let result =
      waiting == 0
      ? context.loop.calls.send(sink.number, bytes, isMoreComing: isSourceEnded)
      : context.loop.calls.send(sink.number, residue.readableBytes, bytes)
    switch result {
    case .bytes(let count):
      if count < waiting + bytes.count { sink.state.isWritable = false }
      residue.removeFirst(min(count, waiting), returningTo: context.outputPool)
      keep(UnsafeRawBufferPointer(rebasing: bytes[max(0, count - waiting)...]))
    case .wouldBlock:
      sink.state.isWritable = false
      keep(bytes)
    case .failed(let error):
      return .sinkFailed(error)
    }
    return nil
  }

  private func keep(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count > 0 else { return }
    residue.reserve(bytes.count, from: context.outputPool)
    residue.append(bytes)
  }

  private func endSource() {
    isSourceEnded = true
    source.state.isReadable = false
  }

  // MARK: Splicing

  /// Fills a pipe from the source.
  private func fill(_ budget: inout Int) -> Stop? {
    guard let pipe = context.pipePool.take() else { return .pipesExhausted }
    let result = context.loop.calls.splice(
      fromSocket: source.number, toPipe: pipe.writeNumber,
      byteCount: TransportLimits.splicePipeBytes)
    switch result {
    case .bytes(0):
      endSource()
    case .bytes(let count):
      pipe.byteCount = count
      self.pipe = pipe
      byteCount += UInt64(count)
      budget -= count
      notePiece(count)
      return nil
    case .wouldBlock:
      source.state.isReadable = false
    case .failed(let error):
      context.pipePool.put(pipe)
      return .sourceFailed(error)
    }
    context.pipePool.put(pipe)
    return nil
  }

  private func notePiece(_ count: Int) {
    shortPieceCount = count < TransportLimits.splicedPieceMin ? shortPieceCount + 1 : 0
    guard shortPieceCount == TransportLimits.shortPieceCountMax else { return }
    shortPieceCount = 0
    isSplicing = false
  }

  /// Empties the pipe or the residue into the sink.
  private func drain() -> Stop? {
    guard sink.state.isWritable else { return .blocked }
    let held = residue.readableBytes
    let result =
      if let pipe {
        context.loop.calls.splice(
          fromPipe: pipe.readNumber, toSocket: sink.number, byteCount: pipe.byteCount)
      } else {
        context.loop.calls.send(sink.number, held)
      }
    switch result {
    case .bytes(let count):
      if let pipe {
        pipe.byteCount -= count
        if pipe.byteCount == 0 {
          context.pipePool.put(pipe)
          self.pipe = nil
        }
      } else {
        if count < held.count { sink.state.isWritable = false }
        residue.removeFirst(count, returningTo: context.outputPool)
      }
    case .wouldBlock: sink.state.isWritable = false
    case .failed(let error): return .sinkFailed(error)
    }
    return nil
  }
}
