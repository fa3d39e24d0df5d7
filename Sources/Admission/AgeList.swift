/// Entries in the order of their age, each of which can leave at any time. O(1) for everything.
///
/// Entries are named by the index of their slot, which is used again once they are gone; whoever
/// keeps an index beyond that needs a generation beside it.
struct AgeList<Element> {
  private struct Slot {
    var element: Element?
    var older: Int32
    var newer: Int32
  }

  private static var none: Int32 { -1 }

  private var slots: [Slot] = []
  private var freeSlots: [Int32] = []
  private var oldest = Self.none
  private var newest = Self.none
  private(set) var count = 0

  var oldestIndex: Int? { oldest == Self.none ? nil : Int(oldest) }

  subscript(_ index: Int) -> Element? {
    get { slots.indices.contains(index) ? slots[index].element : nil }
    set { slots[index].element = newValue }
  }

  /// Adds the newest entry.
  ///
  /// - Returns: the index of its slot.
  mutating func append(_ element: Element) -> Int {
    let index: Int32
    if let free = freeSlots.popLast() {
      index = free
      slots[Int(index)].element = element
    } else {
      index = Int32(slots.count)
      slots.append(Slot(element: element, older: Self.none, newer: Self.none))
    }
    link(index)
    count += 1
    return Int(index)
  }

  mutating func remove(at index: Int) -> Element? {
    guard let element = self[index] else { return nil }
    unlink(Int32(index))
    slots[index].element = nil
    freeSlots.append(Int32(index))
    count -= 1
    return element
  }

  /// Makes an entry the newest.
  mutating func renew(_ index: Int) {
    guard self[index] != nil, newest != Int32(index) else { return }
    unlink(Int32(index))
    link(Int32(index))
  }

  private mutating func link(_ index: Int32) {
    slots[Int(index)].older = newest
    slots[Int(index)].newer = Self.none
    if newest == Self.none { oldest = index } else { slots[Int(newest)].newer = index }
    newest = index
  }

  private mutating func unlink(_ index: Int32) {
    let (older, newer) = (slots[Int(index)].older, slots[Int(index)].newer)
    if older == Self.none { oldest = newer } else { slots[Int(older)].newer = newer }
    if newer == Self.none { newest = older } else { slots[Int(newer)].older = older }
  }
}
