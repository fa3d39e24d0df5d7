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

  /// The turns of strangers from places where somebody has logged in from, and of all others: until
  /// their TLS handshake has begun, and from there on.
  let knownStrangers: StrangerTurns
  let unknownStrangers: StrangerTurns
  let unknownStrangersInTLS: StrangerTurns

  /// Makes the context of a loop.
  public init(_ loop: EventLoop) {
    self.loop = loop
    knownStrangers = StrangerTurns(loop)
    unknownStrangers = StrangerTurns(loop)
    unknownStrangersInTLS = StrangerTurns(loop)
    readBuffer = .allocate(
      byteCount: TransportLimits.carrierReadByteCountMax, alignment: 64)
    plaintextBuffer = .allocate(byteCount: TransportLimits.plaintextByteCountMax, alignment: 64)
  }

  deinit {
    readBuffer.deallocate()
    plaintextBuffer.deallocate()
  }
}
