/// A queue whose entries may become stale: whoever takes the first one checks it.
struct Fifo<Element> {
  private var elements: [Element] = []
  private var head = 0

  var isEmpty: Bool { head == elements.count }
  var count: Int { elements.count - head }
  var first: Element? { isEmpty ? nil : elements[head] }
  var live: ArraySlice<Element> { elements[head...] }

  mutating func append(_ element: Element) {
    elements.append(element)
  }

  /// Drops stale entries once they are the majority: those behind a live one must not pile up.
  mutating func compact(liveCount: Int, _ isLive: (Element) -> Bool) {
    guard count > 2 * liveCount + 64 else { return }
    elements = elements[head...].filter(isLive)
    head = 0
  }

  @discardableResult
  mutating func removeFirst() -> Element {
    let element = elements[head]
    head += 1
    if head == elements.count {
      elements.removeAll(keepingCapacity: head <= 256)
      head = 0
    } else if head >= 256, head * 2 >= elements.count {
      elements.removeFirst(head)
      head = 0
    }
    return element
  }
}
