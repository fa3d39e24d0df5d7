import ByteBuffers
import TestKit
import Testing

@Suite struct ByteQueueTests {
  private func content(_ queue: borrowing ByteQueue) -> [UInt8] {
    queue.withReadableSpan { Array($0) }
  }

  @Test func everyKindOfAppendLandsInOrder() {
    var queue = ByteQueue()
    queue.append(UInt8(1))
    queue.append([2, 3])
    queue.append(utf8: "é")
    queue.append(bigEndian: UInt16(0x0405))
    queue.append(littleEndian: UInt32(0x0809_0a0b))
    queue.append([UInt8]())
    queue.appendUninitialized(byteCount: 10) { room in
      #expect(room.count >= 10)
      room[0] = 0xee
      return 1
    }
    #expect(content(queue) == [1, 2, 3, 0xc3, 0xa9, 4, 5, 0x0b, 0x0a, 9, 8, 0xee])
    queue.replace(at: 1, with: UnsafeRawBufferPointer(start: nil, count: 0))
    [UInt8]([0x77, 0x78]).withUnsafeBytes { queue.replace(at: 10, with: $0) }
    #expect(content(queue).suffix(2) == [0x77, 0x78])
  }

  @Test func anEmptyQueueLendsNothing() {
    let queue = ByteQueue()
    #expect(queue.count == 0)
    #expect(queue.readableBytes.count == 0)
    #expect(queue.withReadableSpan { $0.byteCount } == 0)
  }

  /// A queue that a peer has once filled must not keep that much for ever: compares where bytes
  /// lie, which stays the same while the block is kept.
  @Test func largeMemoryIsGivenBackWhenTheQueueRunsEmpty() {
    var small = ByteQueue()
    small.append([UInt8](repeating: 1, count: ByteQueue.retainedCapacityMax))
    let before = small.readableBytes.baseAddress
    small.removeFirst(ByteQueue.retainedCapacityMax)
    small.append(UInt8(2))
    #expect(small.readableBytes.baseAddress == before)

    var large = ByteQueue()
    large.append([UInt8](repeating: 1, count: ByteQueue.retainedCapacityMax + 1))
    large.removeFirst(large.count)
    // With the block kept there would be room for as much; freshly made there is room for 256.
    large.appendUninitialized(byteCount: 1) { room in
      #expect(room.count == 256)
      return 0
    }
  }

  @Test func anErrorInAnAppendLeavesTheQueueAsItWas() {
    struct Failure: Error {}
    var queue = ByteQueue()
    queue.append([1, 2, 3])
    #expect(throws: Failure.self) {
      try queue.appendUninitialized(byteCount: 5000) { room throws(Failure) -> Int in
        throw Failure()
      }
    }
    #expect(content(queue) == [1, 2, 3])
  }

  @Test(arguments: 1...10) func randomOperationsMatchAnArray(_ seed: Int) {
    var generator = RepeatableGenerator(seed: UInt64(seed))
    var queue = ByteQueue()
    var model: [UInt8] = []
    for step in 0..<2000 {
      let amount = Int.random(in: 0...600, using: &generator)
      switch Int.random(in: 0..<7, using: &generator) {
      case 0, 1:
        let bytes = generator.bytes(amount)
        queue.append(bytes)
        model += bytes
      case 2:
        let part = min(amount, model.count)
        queue.removeFirst(part)
        model.removeFirst(part)
      case 3:
        let part = min(amount / 4, model.count)
        queue.removeLast(part)
        model.removeLast(part)
      case 4:
        let bytes = generator.bytes(min(amount, model.count))
        let offset = Int.random(in: 0...(model.count - bytes.count), using: &generator)
        bytes.withUnsafeBytes { queue.replace(at: offset, with: $0) }
        model.replaceSubrange(offset..<offset + bytes.count, with: bytes)
      case 5:
        let bytes = generator.bytes(amount)
        queue.appendUninitialized(byteCount: amount) { room in
          room.copyBytes(from: bytes)
          return bytes.count
        }
        model += bytes
      case 6 where step % 50 == 0:
        queue.removeAll()
        model = []
      default: queue.reserve(amount)
      }
      #expect(queue.count == model.count)
      #expect(content(queue) == model, "seed \(generator.seed) step \(step)")
      if content(queue) != model { return }
    }
  }

  @Test func takingMoreThanThereIsTraps() async {
    await #expect(processExitsWith: .failure) {
      var queue = ByteQueue()
      queue.append([1, 2])
      queue.removeFirst(3)
    }
    await #expect(processExitsWith: .failure) {
      var queue = ByteQueue()
      queue.append([1, 2])
      queue.removeLast(3)
    }
    await #expect(processExitsWith: .failure) {
      var queue = ByteQueue()
      queue.append([1, 2])
      [UInt8](repeating: 0, count: 2).withUnsafeBytes { queue.replace(at: 1, with: $0) }
    }
  }
}
