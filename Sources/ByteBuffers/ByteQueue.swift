/// A first-in, first-out queue of bytes in one contiguous block of uninitialised memory.
///
/// Grows by doubling, gives its memory back when it runs empty and was large, and never zeroes.
/// It has no limit of its own: the owner checks `count` against its module's `Limits` before it
/// appends what a peer sent.
public struct ByteQueue: ~Copyable {
  /// Storage up to this many bytes is kept when the queue runs empty; larger blocks are freed.
  public static let retainedCapacityMax = 4096

  private var base: UnsafeMutableRawPointer?
  private(set) var capacity: Int
  private var head: Int
  private var tail: Int

  /// Makes an empty queue that owns no memory.
  public init() {
    base = nil
    capacity = 0
    head = 0
    tail = 0
  }

  deinit {
    base?.deallocate()
  }

  /// The number of bytes that can be read.
  public var count: Int { tail - head }

  /// Whether there is nothing to read.
  public var isEmpty: Bool { head == tail }

  /// The bytes that can be read, oldest first; valid until the next call that changes the queue.
  public var readableBytes: UnsafeRawBufferPointer {
    guard let base, tail > head else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return UnsafeRawBufferPointer(start: base + head, count: tail - head)
  }

  /// Calls `body` with the readable bytes as a bounds-checked span.
  public borrowing func withReadableSpan<R, E: Error>(
    _ body: (RawSpan) throws(E) -> R
  ) throws(E) -> R {
    let bytes = readableBytes
    return try body(bytes.bytes)
  }

  /// Appends a copy of `bytes`.
  public mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress, bytes.count > 0 else { return }
    reserve(bytes.count)
    unsafeTail.copyMemory(from: source, byteCount: bytes.count)
    tail += bytes.count
  }

  /// Appends a copy of the bytes of `span`.
  public mutating func append(_ span: RawSpan) {
    span.withUnsafeBytes { append($0) }
  }

  /// Appends a copy of `bytes`.
  public mutating func append(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { append($0) }
  }

  /// Appends the UTF-8 bytes of `text`.
  public mutating func append(utf8 text: String) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  /// Appends one byte.
  public mutating func append(_ byte: UInt8) {
    reserve(1)
    unsafeTail.storeBytes(of: byte, as: UInt8.self)
    tail += 1
  }

  /// Appends `value` in network byte order.
  public mutating func append<T: FixedWidthInteger>(bigEndian value: T) {
    reserve(MemoryLayout<T>.size)
    unsafeTail.storeBytes(of: value.bigEndian, as: T.self)
    tail += MemoryLayout<T>.size
  }

  /// Appends `value` with its lowest byte first.
  public mutating func append<T: FixedWidthInteger>(littleEndian value: T) {
    reserve(MemoryLayout<T>.size)
    unsafeTail.storeBytes(of: value.littleEndian, as: T.self)
    tail += MemoryLayout<T>.size
  }

  /// Lends at least `byteCount` bytes of uninitialised room behind the last byte, and appends as
  /// many as `body` returns. `body` must return a number from 0 to the size of its argument.
  public mutating func appendUninitialized<E: Error>(
    byteCount: Int, _ body: (UnsafeMutableRawBufferPointer) throws(E) -> Int
  ) throws(E) {
    // At least one byte, so that there is a block to lend from.
    reserve(Swift.max(byteCount, 1))
    let room = UnsafeMutableRawBufferPointer(start: unsafeTail, count: capacity - tail)
    let written = try body(room)
    precondition(written >= 0 && written <= room.count, "more bytes written than lent")
    tail += written
  }

  /// Overwrites bytes that are already queued, `offset` bytes behind the first readable one.
  public mutating func replace(at offset: Int, with bytes: UnsafeRawBufferPointer) {
    precondition(offset >= 0 && offset + bytes.count <= count, "replacement outside the queue")
    guard let base, let source = bytes.baseAddress else { return }
    (base + head + offset).copyMemory(from: source, byteCount: bytes.count)
  }

  /// Drops the first `byteCount` bytes; there must be that many.
  public mutating func removeFirst(_ byteCount: Int) {
    precondition(byteCount >= 0 && byteCount <= count, "removing more than is queued")
    head += byteCount
    if head == tail { removeAll() }
  }

  /// Drops the last `byteCount` bytes; there must be that many.
  public mutating func removeLast(_ byteCount: Int) {
    precondition(byteCount >= 0 && byteCount <= count, "removing more than is queued")
    tail -= byteCount
    if head == tail { removeAll() }
  }

  /// Drops everything, and frees the memory unless it is small or to be kept.
  public mutating func removeAll(keepingCapacity isKeepingCapacity: Bool = false) {
    head = 0
    tail = 0
    if capacity > Self.retainedCapacityMax, !isKeepingCapacity { release() }
  }

  /// Drops everything and frees the memory.
  public mutating func release() {
    base?.deallocate()
    base = nil
    capacity = 0
    head = 0
    tail = 0
  }

  /// Makes room for `byteCount` more bytes, by moving the content to the front or by growing.
  public mutating func reserve(_ byteCount: Int) {
    if capacity - tail >= byteCount { return }
    let live = count
    if let base, capacity >= live + byteCount, head >= live {
      base.copyMemory(from: base + head, byteCount: live)
    } else {
      let larger = Swift.max(capacity * 2, live + byteCount, 256)
      let fresh = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
      if let base {
        fresh.copyMemory(from: base + head, byteCount: live)
        base.deallocate()
      }
      base = fresh
      capacity = larger
    }
    head = 0
    tail = live
  }

  /// Takes a block over; the queue owns none.
  mutating func adopt(_ block: UnsafeMutableRawPointer, capacity: Int) {
    precondition(base == nil, "the queue has a block")
    base = block
    self.capacity = capacity
  }

  /// Gives the block away, and what is in it up.
  mutating func surrender() -> UnsafeMutableRawPointer? {
    let block = base
    base = nil
    capacity = 0
    head = 0
    tail = 0
    return block
  }

  private var unsafeTail: UnsafeMutableRawPointer {
    // Reserved just before, so there is a block.
    base.unsafelyUnwrapped + tail
  }
}
