internal import ByteBuffers
public import Reactor
internal import Timekeeping

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

  // What strangers took of the turn `strangerTurn`, in nanoseconds.
  private var strangerTurn: UInt64 = 0
  private var newStrangerTime: Int64 = 0
  private var waitingStrangerTime: Int64 = 0

  /// Whether a stranger may be read from in this turn; one that may not comes again in the next.
  /// So what strangers cost is bounded for those who are served meanwhile, and neither those who
  /// wait nor those who have just come starve.
  func mayReadStranger(hasWaited: Bool) -> Bool {
    if strangerTurn != loop.turnCount {
      strangerTurn = loop.turnCount
      newStrangerTime = 0
      waitingStrangerTime = 0
    }
    return (hasWaited ? waitingStrangerTime : newStrangerTime)
      < TransportLimits.strangerTimePerTurn.nanoseconds
  }

  /// Notes how long a read of a stranger took.
  func noteStrangerRead(nanoseconds: Int64, hasWaited: Bool) {
    if hasWaited { waitingStrangerTime += nanoseconds } else { newStrangerTime += nanoseconds }
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
