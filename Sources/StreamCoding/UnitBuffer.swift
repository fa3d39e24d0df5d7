/// The memory in which a decoder collects one cut unit.
///
/// Unlike `ByteQueue` it keeps its memory when it is emptied, so that a bulk transfer whose chunks
/// are all cut collects one after the other in the same block; `trim()` gives it back when the
/// input ends on a chunk boundary. Grows as bytes arrive, not as they are announced.
struct UnitBuffer: ~Copyable {
  private var base: UnsafeMutableRawPointer?
  private(set) var capacity = 0
  private(set) var count = 0

  init() {}

  deinit {
    base?.deallocate()
  }

  /// The bytes that are held; valid until the next `append` or `trim`.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  /// Appends `byteCount` bytes that `write` puts into the room that it is lent.
  mutating func append(_ byteCount: Int, _ write: (UnsafeMutableRawBufferPointer) -> Void) {
    let needed = count + byteCount
    precondition(needed <= StreamCodingLimits.chunkBodyBytesMax, "more than one unit")
    if needed > capacity { grow(to: needed) }
    guard let base else { return }
    write(UnsafeMutableRawBufferPointer(start: base + count, count: byteCount))
    count = needed
  }

  mutating func removeAll() {
    count = 0
  }

  /// Frees the memory if it is empty and large.
  mutating func trim() {
    guard count == 0 && capacity > StreamCodingLimits.retainedBytesMax else { return }
    base?.deallocate()
    base = nil
    capacity = 0
  }

  private mutating func grow(to needed: Int) {
    let larger = min(max(needed, capacity * 2, 256), StreamCodingLimits.chunkBodyBytesMax)
    let fresh = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
    if let base {
      fresh.copyMemory(from: base, byteCount: count)
      base.deallocate()
    }
    base = fresh
    capacity = larger
  }
}
