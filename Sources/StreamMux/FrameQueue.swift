/// Frames on their way to the carrier, in one contiguous block of uninitialised memory.
///
/// Keeps its memory when it runs empty, so that a session in use does not allocate, and gives it
/// back when `releaseIfOversized` finds that little of it was needed since the last time it was
/// asked.
struct FrameQueue: ~Copyable {
  /// Room for a burst of frames without a body.
  private static let capacityMin = 256

  private var base: UnsafeMutableRawPointer?
  private(set) var capacity = 0
  private var head = 0
  private var tail = 0
  private var countMax = 0

  /// The bytes that were ever removed; a position in the stream of frames.
  private(set) var removedTotal = 0

  init() {}

  deinit {
    base?.deallocate()
  }

  var count: Int { tail - head }

  /// The bytes that were ever queued; a position in the stream of frames.
  var appendedTotal: Int { removedTotal + count }

  var readableBytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base.map { UnsafeRawPointer($0) + head }, count: count)
  }

  mutating func append(_ header: FrameHeader) {
    header.store(at: room(for: FrameHeader.byteCount))
    tail += FrameHeader.byteCount
  }

  mutating func append(_ header: FrameHeader, body: UnsafeRawBufferPointer) {
    let start = room(for: FrameHeader.byteCount + body.count)
    header.store(at: start)
    if let source = body.baseAddress {
      (start + FrameHeader.byteCount).copyMemory(from: source, byteCount: body.count)
    }
    tail += FrameHeader.byteCount + body.count
  }

  /// Lends room for a body, and queues it behind `header` when `fill` has put bytes there.
  mutating func append<E: Error>(
    _ header: FrameHeader, bodyRoom: Int,
    fill: (UnsafeMutableRawBufferPointer) throws(E) -> Int
  ) throws(E) -> Int {
    let start = room(for: FrameHeader.byteCount + bodyRoom)
    let filled = try fill(
      UnsafeMutableRawBufferPointer(start: start + FrameHeader.byteCount, count: bodyRoom))
    precondition(filled >= 0 && filled <= bodyRoom, "more bytes written than lent")
    guard filled > 0 else { return 0 }
    var header = header
    header.length = UInt32(filled)
    header.store(at: start)
    tail += FrameHeader.byteCount + filled
    return filled
  }

  mutating func removeFirst(_ byteCount: Int) {
    precondition(byteCount >= 0 && byteCount <= count, "removing more than is queued")
    // The queue is fullest when something is about to leave.
    countMax = max(countMax, count)
    head += byteCount
    removedTotal += byteCount
    guard head == tail else { return }
    head = 0
    tail = 0
    if capacity > StreamMuxLimits.outputRetainedBytesMax { release() }
  }

  /// Frees the memory when the queue is empty, and was a quarter full at most since the last call.
  mutating func releaseIfOversized() {
    if count == 0 && capacity > Self.capacityMin && countMax <= capacity / 4 { release() }
    countMax = count
  }

  private mutating func release() {
    base?.deallocate()
    base = nil
    capacity = 0
  }

  /// The address behind the last byte, with room for `byteCount` more.
  private mutating func room(for byteCount: Int) -> UnsafeMutableRawPointer {
    if let base, capacity - tail >= byteCount { return base + tail }
    let live = count
    if let base, head >= live, capacity - live >= byteCount {
      // Only when at least as many bytes have left, so that moving costs no more than they did.
      base.copyMemory(from: base + head, byteCount: live)
      head = 0
      tail = live
      return base + live
    }
    var larger = max(capacity, Self.capacityMin)
    while larger - live < byteCount { larger *= 2 }
    let fresh = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
    if let base {
      fresh.copyMemory(from: base + head, byteCount: live)
      base.deallocate()
    }
    base = fresh
    capacity = larger
    head = 0
    tail = live
    return fresh + live
  }
}

/// Counts the bytes of provoked frames in the output without knowing where they are.
///
/// Replies are counted in two generations. When everything that was queued at the start of the
/// newer one has left, the older one is forgotten: the count never misses a reply that waits, and
/// forgets one that left by the time the output has been turned over once more.
struct ReplyAccount {
  private var olderBytes = 0
  private var newerBytes = 0
  private var boundary = 0

  var waitingBytes: Int { olderBytes + newerBytes }

  mutating func add() {
    newerBytes += FrameHeader.byteCount
  }

  mutating func outputMoved(removedTotal: Int, appendedTotal: Int) {
    if removedTotal == appendedTotal {
      olderBytes = 0
      newerBytes = 0
    } else if removedTotal >= boundary {
      olderBytes = newerBytes
      newerBytes = 0
      boundary = appendedTotal
    }
  }
}
