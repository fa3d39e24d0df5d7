/// Blocks of one size for queues that are often empty and sometimes large: a connection holds a
/// block only while it has bytes, and the block does not go back to the kernel in between.
public final class BufferPool {
  /// Bytes of a block.
  public let blockByteCount: Int
  private let idleBlockCountMax: Int
  private var idle: [UnsafeMutableRawPointer] = []

  /// Makes an empty pool that keeps at most `idleBlockCountMax` unused blocks.
  public init(blockByteCount: Int, idleBlockCountMax: Int) {
    self.blockByteCount = blockByteCount
    self.idleBlockCountMax = idleBlockCountMax
  }

  deinit {
    for block in idle { block.deallocate() }
  }

  func take() -> UnsafeMutableRawPointer {
    idle.popLast() ?? .allocate(byteCount: blockByteCount, alignment: 16)
  }

  func put(_ block: UnsafeMutableRawPointer) {
    if idle.count < idleBlockCountMax {
      idle.append(block)
    } else {
      block.deallocate()
    }
  }
}

extension ByteQueue {
  /// Makes room for `byteCount` bytes; an empty queue takes a block of the pool if that is enough.
  public mutating func reserve(_ byteCount: Int, from pool: BufferPool) {
    if isEmpty, capacity < byteCount, byteCount <= pool.blockByteCount {
      release()
      adopt(pool.take(), capacity: pool.blockByteCount)
    } else {
      reserve(byteCount)
    }
  }

  /// Drops the first `byteCount` bytes; a queue that runs empty gives its block to the pool.
  public mutating func removeFirst(_ byteCount: Int, returningTo pool: BufferPool) {
    if byteCount == count, capacity == pool.blockByteCount, let block = surrender() {
      pool.put(block)
    } else {
      removeFirst(byteCount)
    }
  }
}
