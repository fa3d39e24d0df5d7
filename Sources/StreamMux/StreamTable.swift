import Timekeeping

/// Which frame the stream's opening still lacks.
enum StreamHandshake: UInt8 {
  /// None.
  case complete

  /// The peer opened the stream; the next frame that we send on it carries ACK.
  case acknowledgementDue

  /// We opened the stream; the peer has not sent ACK.
  case awaitingAcknowledgement
}

/// Which sides of a stream have ended. One where both have is not in the table.
enum StreamPhase: UInt8 {
  case open
  case finishedByUs
  case finishedByPeer
}

/// Which timeout runs for a stream.
enum StreamTimeout: UInt8 {
  case none
  case open
  case halfClose
}

/// One stream: 56 bytes.
struct StreamSlot {
  /// 0 in a free slot.
  var wireID: UInt32 = 0
  var generation: UInt32 = 0

  /// What we may send.
  var sendWindow: UInt32 = 0

  /// What the peer may send. With `unreadBytes` never more than `windowBytes`.
  var receiveWindow: UInt32 = 0

  /// The whole window now; at most the settings' receive window.
  var windowBytes: UInt32 = 0

  /// Since when `usedBytes` is counted, in microseconds that wrap around.
  var countedSince: UInt32 = 0

  /// What was consumed since then.
  var usedBytes: UInt32 = 0

  /// What was delivered and not yet consumed.
  var unreadBytes: UInt32 = 0
  var handshake = StreamHandshake.complete
  var phase = StreamPhase.open
  var timeout = StreamTimeout.none

  /// Whether bytes moved since the half-close timeout started.
  var hasMoved = false

  /// The neighbours in the list of `timeout`; `next` also links free slots. -1 is none.
  var previous: Int32 = -1
  var next: Int32 = -1
  var deadline = Instant(nanoseconds: 0)
}

/// The streams for which one timeout runs, in the order of their deadlines; linked through the
/// slots.
struct DeadlineList {
  private(set) var first: Int32 = -1
  private(set) var last: Int32 = -1

  mutating func append(
    _ slotIndex: Int32, until deadline: Instant, in slots: UnsafeMutablePointer<StreamSlot>
  ) {
    let added = slots + Int(slotIndex)
    added.pointee.previous = last
    added.pointee.next = -1
    added.pointee.deadline = deadline
    if last >= 0 {
      slots[Int(last)].next = slotIndex
      added.pointee.deadline = max(deadline, slots[Int(last)].deadline)
    } else {
      first = slotIndex
    }
    last = slotIndex
  }

  mutating func remove(_ slotIndex: Int32, in slots: UnsafeMutablePointer<StreamSlot>) {
    let removed = slots[Int(slotIndex)]
    if removed.previous >= 0 {
      slots[Int(removed.previous)].next = removed.next
    } else {
      first = removed.next
    }
    if removed.next >= 0 {
      slots[Int(removed.next)].previous = removed.previous
    } else {
      last = removed.previous
    }
  }
}

/// The streams of a session: slots that are reused, an index from wire IDs to slots, and one list
/// per timeout.
///
/// The index is open addressing with linear probing, at most half full; its entries hold the wire
/// ID above the slot index, 0 where empty. Both timeouts are constants, so that appending keeps
/// each list in order: arming, disarming and the next deadline are O(1) and allocate nothing.
/// Memory grows by doubling with the number of streams and stays.
struct StreamTable: ~Copyable {
  private(set) var count = 0
  private var slots: UnsafeMutablePointer<StreamSlot>
  private var slotCapacity = 8
  private var usedSlotCount = 0
  private var firstFree: Int32 = -1

  private var index: UnsafeMutablePointer<UInt64>
  private var indexBits: UInt64 = 4
  private let multiplier: UInt64

  private var opening = DeadlineList()
  private var halfClosed = DeadlineList()

  init(hashSeed: UInt64) {
    multiplier = hashSeed | 1
    slots = .allocate(capacity: slotCapacity)
    index = .allocate(capacity: 1 << indexBits)
    index.initialize(repeating: 0, count: 1 << indexBits)
  }

  deinit {
    slots.deallocate()
    index.deallocate()
  }

  private var indexMask: Int { (1 << Int(indexBits)) - 1 }

  /// How many slots were ever taken.
  var slotCount: Int { usedSlotCount }

  /// How many entries the index has; walks it.
  var indexedCount: Int {
    var found = 0
    for position in 0...indexMask where index[position] != 0 { found += 1 }
    return found
  }

  // MARK: Lookup

  /// The slot at `slotIndex`; valid until the next `insert`.
  func slot(_ slotIndex: Int32) -> UnsafeMutablePointer<StreamSlot> {
    assert(slotIndex >= 0 && Int(slotIndex) < usedSlotCount)
    return slots + Int(slotIndex)
  }

  /// The slot that `id` names; `nil` when the stream is gone. Valid until the next `insert`.
  func slot(_ id: MuxStreamID) -> UnsafeMutablePointer<StreamSlot>? {
    guard id.slotIndex >= 0, Int(id.slotIndex) < usedSlotCount else { return nil }
    let found = slots + Int(id.slotIndex)
    guard found.pointee.generation == id.generation, found.pointee.wireID == id.wireID,
      id.wireID != 0
    else { return nil }
    return found
  }

  /// The ID of the stream in a slot that is taken.
  func id(_ slotIndex: Int32) -> MuxStreamID {
    let found = slot(slotIndex).pointee
    return MuxStreamID(
      wireID: found.wireID, slotIndex: slotIndex, generation: found.generation)
  }

  /// The slot index of the stream that frames call `wireID`; -1 when there is none.
  func slotIndex(ofWireID wireID: UInt32) -> Int32 {
    var position = home(of: wireID)
    while index[position] != 0 {
      if UInt32(truncatingIfNeeded: index[position] >> 32) == wireID {
        return Int32(truncatingIfNeeded: index[position])
      }
      position = (position + 1) & indexMask
    }
    return -1
  }

  /// Multiplies twice, so that neither consecutive nor regularly spaced wire IDs pile up.
  private func home(of wireID: UInt32) -> Int {
    var mixed = UInt64(wireID) &* multiplier
    mixed ^= mixed &>> 32
    mixed = mixed &* 0x9e37_79b9_7f4a_7c15
    return Int(truncatingIfNeeded: mixed &>> (64 &- indexBits))
  }

  // MARK: Insertion and removal

  /// Adds a stream with the given state; its wire ID is neither 0 nor in the table.
  mutating func insert(_ stream: StreamSlot) -> MuxStreamID {
    assert(stream.wireID != 0 && slotIndex(ofWireID: stream.wireID) < 0)
    if (count + 1) * 2 > 1 << Int(indexBits) { growIndex() }
    let slotIndex = takeFreeSlot()
    let generation = slots[Int(slotIndex)].generation
    slots[Int(slotIndex)] = stream
    slots[Int(slotIndex)].generation = generation
    place(UInt64(stream.wireID) << 32 | UInt64(UInt32(bitPattern: slotIndex)))
    count += 1
    return MuxStreamID(wireID: stream.wireID, slotIndex: slotIndex, generation: generation)
  }

  /// Forgets a stream and its timeout.
  mutating func remove(_ slotIndex: Int32) {
    disarm(slotIndex)
    removeFromIndex(slot(slotIndex).pointee.wireID)
    let freed = slot(slotIndex)
    freed.pointee.wireID = 0
    freed.pointee.generation &+= 1
    freed.pointee.next = firstFree
    firstFree = slotIndex
    count -= 1
  }

  private mutating func takeFreeSlot() -> Int32 {
    if firstFree >= 0 {
      let taken = firstFree
      firstFree = slots[Int(taken)].next
      return taken
    }
    if usedSlotCount == slotCapacity {
      let larger = UnsafeMutablePointer<StreamSlot>.allocate(capacity: slotCapacity * 2)
      larger.moveInitialize(from: slots, count: usedSlotCount)
      slots.deallocate()
      slots = larger
      slotCapacity *= 2
    }
    (slots + usedSlotCount).initialize(to: StreamSlot())
    usedSlotCount += 1
    return Int32(usedSlotCount - 1)
  }

  private func place(_ entry: UInt64) {
    var position = home(of: UInt32(truncatingIfNeeded: entry >> 32))
    while index[position] != 0 { position = (position + 1) & indexMask }
    index[position] = entry
  }

  private mutating func growIndex() {
    let old = index
    let oldCapacity = 1 << Int(indexBits)
    indexBits += 1
    index = .allocate(capacity: oldCapacity * 2)
    index.initialize(repeating: 0, count: oldCapacity * 2)
    for position in 0..<oldCapacity where old[position] != 0 { place(old[position]) }
    old.deallocate()
  }

  /// Closes the gap that the entry leaves, so that no probe ends early.
  private func removeFromIndex(_ wireID: UInt32) {
    var hole = home(of: wireID)
    while UInt32(truncatingIfNeeded: index[hole] >> 32) != wireID {
      assert(index[hole] != 0)
      hole = (hole + 1) & indexMask
    }
    var position = (hole + 1) & indexMask
    while index[position] != 0 {
      let home = home(of: UInt32(truncatingIfNeeded: index[position] >> 32))
      if (position - home) & indexMask >= (position - hole) & indexMask {
        index[hole] = index[position]
        hole = position
      }
      position = (position + 1) & indexMask
    }
    index[hole] = 0
  }

  // MARK: Timeouts

  /// The stream whose timeout of that kind ends first; -1 when none runs.
  func first(_ timeout: StreamTimeout) -> Int32 {
    switch timeout {
    case .none: -1
    case .open: opening.first
    case .halfClose: halfClosed.first
    }
  }

  /// When the first timeout of that kind ends.
  func firstDeadline(_ timeout: StreamTimeout) -> Instant? {
    let slotIndex = first(timeout)
    return slotIndex < 0 ? nil : slot(slotIndex).pointee.deadline
  }

  /// Starts a timeout in place of the one that runs. It ends no earlier than those of its kind
  /// that started before, even when the clock went back.
  mutating func arm(_ timeout: StreamTimeout, _ slotIndex: Int32, until deadline: Instant) {
    disarm(slotIndex)
    switch timeout {
    case .none: return
    case .open: opening.append(slotIndex, until: deadline, in: slots)
    case .halfClose: halfClosed.append(slotIndex, until: deadline, in: slots)
    }
    slot(slotIndex).pointee.timeout = timeout
  }

  /// Stops the timeout that runs, if any.
  mutating func disarm(_ slotIndex: Int32) {
    switch slot(slotIndex).pointee.timeout {
    case .none: return
    case .open: opening.remove(slotIndex, in: slots)
    case .halfClose: halfClosed.remove(slotIndex, in: slots)
    }
    slot(slotIndex).pointee.timeout = .none
  }
}
