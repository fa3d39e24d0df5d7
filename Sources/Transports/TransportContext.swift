internal import ByteBuffers
public import Reactor

/// What all streams of one loop share: the loop and the buffers that live during one call only.
public final class TransportContext {
  /// The loop that all streams of this context run on.
  public let loop: EventLoop

  /// Raw bytes of the read that is being delivered.
  let readBuffer: UnsafeMutableRawBufferPointer
  /// Decrypted bytes of the read that is being delivered.
  let plaintextBuffer: UnsafeMutableRawBufferPointer

  /// Coded or decoded bytes of the piece that is being passed on.
  var codecQueue = ByteQueue()

  /// Blocks for what sockets do not take at once.
  let outputPool = BufferPool(
    blockByteCount: TransportLimits.outputBlockByteCount,
    idleBlockCountMax: TransportLimits.idleOutputBlockCountMax)

  /// Pipes of the plain lane.
  let pipePool = PipePool()

  // The turn that the two counts are of.
  private var strangerTurn: UInt64 = 0
  private var newStrangerReadCount = 0
  private var waitingStrangerReadCount = 0

  /// Whether a stranger may be read from in this turn; one that may not comes again in the next.
  /// So what strangers cost is bounded for those who are served meanwhile, and neither those who
  /// wait nor those who have just come starve.
  func mayReadStranger(hasWaited: Bool) -> Bool {
    if strangerTurn != loop.turnCount {
      strangerTurn = loop.turnCount
      newStrangerReadCount = 0
      waitingStrangerReadCount = 0
    }
    if hasWaited {
      waitingStrangerReadCount += 1
      return waitingStrangerReadCount <= TransportLimits.strangerReadsPerTurnMax
    }
    newStrangerReadCount += 1
    return newStrangerReadCount <= TransportLimits.strangerReadsPerTurnMax
  }

  /// Makes the context of a loop.
  public init(_ loop: EventLoop) {
    self.loop = loop
    readBuffer = .allocate(
      byteCount: TransportLimits.carrierReadByteCountMax, alignment: 64)
    plaintextBuffer = .allocate(byteCount: TransportLimits.plaintextByteCountMax, alignment: 64)
  }

  deinit {
    readBuffer.deallocate()
    plaintextBuffer.deallocate()
  }
}
