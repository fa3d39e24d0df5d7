/// Finds the slot of a wire ID: open addressing with linear probing over a power of two.
///
/// IDs are consecutive odd numbers, so the live ones spread over the table by themselves; a
/// general hash function on the path of every frame would only cost.
struct StreamTable {
  private var keys: [UInt32]
  private var values: [Int32]
  private var mask: Int
  private(set) var count = 0

  init() {
    keys = [UInt32](repeating: 0, count: 16)
    values = [Int32](repeating: 0, count: 16)
    mask = 15
  }

  /// The slot of `key`, which is not 0; -1 when unknown.
  func find(_ key: UInt32) -> Int {
    var index = home(key)
    while keys[index] != 0 {
      if keys[index] == key { return Int(values[index]) }
      index = (index + 1) & mask
    }
    return -1
  }

  /// Adds a key that is not there.
  mutating func insert(_ key: UInt32, _ value: Int32) {
    if (count + 1) * 2 > keys.count { grow() }
    var index = home(key)
    while keys[index] != 0 { index = (index + 1) & mask }
    keys[index] = key
    values[index] = value
    count += 1
  }

  /// Removes a key, and moves those that had to step over it back.
  mutating func remove(_ key: UInt32) {
    var index = home(key)
    while keys[index] != key {
      if keys[index] == 0 { return }
      index = (index + 1) & mask
    }
    count -= 1
    var hole = index
    var probe = (index + 1) & mask
    while keys[probe] != 0 {
      let distance = (probe - home(keys[probe])) & mask
      if distance >= (probe - hole) & mask {
        keys[hole] = keys[probe]
        values[hole] = values[probe]
        hole = probe
      }
      probe = (probe + 1) & mask
    }
    keys[hole] = 0
  }

  private func home(_ key: UInt32) -> Int { Int(key >> 1) & mask }

  private mutating func grow() {
    let oldKeys = keys
    let oldValues = values
    keys = [UInt32](repeating: 0, count: oldKeys.count * 2)
    values = [Int32](repeating: 0, count: oldKeys.count * 2)
    mask = keys.count - 1
    count = 0
    for index in oldKeys.indices where oldKeys[index] != 0 {
      insert(oldKeys[index], oldValues[index])
    }
  }
}

/// Streams that wait for something under one constant time limit, in the order of their deadlines.
struct DeadlineQueue {
  private var entries: [(wireID: UInt32, deadline: Int64)] = []
  private var head = 0

  var isEmpty: Bool { head == entries.count }
  var first: (wireID: UInt32, deadline: Int64)? { isEmpty ? nil : entries[head] }

  mutating func append(_ wireID: UInt32, deadline: Int64) {
    entries.append((wireID, deadline))
  }

  mutating func removeFirst() {
    head += 1
    if head == entries.count {
      entries.removeAll(keepingCapacity: entries.count <= 1024)
      head = 0
    } else if head >= 1024, head * 2 >= entries.count {
      entries.removeFirst(head)
      head = 0
    }
  }
}
