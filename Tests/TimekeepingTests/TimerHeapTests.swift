import TestKit
import Testing
import Timekeeping

@Suite struct TimerHeapTests {
  private func at(_ nanoseconds: Int) -> Instant { Instant(nanoseconds: Int64(nanoseconds)) }

  @Test func timersFireInOrderOfDeadlineAndThenOfArming() {
    var heap = TimerHeap<String>()
    _ = heap.arm(at: at(20), "late")
    _ = heap.arm(at: at(10), "first")
    _ = heap.arm(at: at(10), "second")
    _ = heap.arm(at: at(10), "third")
    #expect(heap.nextDeadline == at(10))
    #expect(heap.popExpired(now: at(9)) == nil)
    #expect(heap.popExpired(now: at(10)) == "first")
    #expect(heap.popExpired(now: at(10)) == "second")
    #expect(heap.popExpired(now: at(10)) == "third")
    #expect(heap.popExpired(now: at(19)) == nil)
    #expect(heap.popExpired(now: at(100)) == "late")
    #expect(heap.nextDeadline == nil)
    #expect(heap.popExpired(now: at(1000)) == nil)
  }

  @Test func anIDThatFiredOrWasCancelledNeverMatchesItsSuccessor() {
    var heap = TimerHeap<Int>()
    let first = heap.arm(at: at(1), 1)
    #expect(heap.popExpired(now: at(1)) == 1)
    let second = heap.arm(at: at(2), 2)
    #expect(heap.cancel(first) == nil)
    #expect(heap.count == 1)
    #expect(heap.cancel(second) == 2)
    #expect(heap.cancel(second) == nil)
    #expect(heap.count == 0)
  }

  @Test func aMarkLeavesLaterTimersAlone() {
    var heap = TimerHeap<Int>()
    _ = heap.arm(at: at(5), 1)
    let mark = heap.armedTotal
    _ = heap.arm(at: at(5), 2)
    #expect(heap.popExpired(now: at(5), amongFirst: mark) == 1)
    #expect(heap.popExpired(now: at(5), amongFirst: mark) == nil)
    #expect(heap.popExpired(now: at(5), amongFirst: heap.armedTotal) == 2)
  }

  @Test func cancelledPayloadsAreReleased() {
    final class Witness {}
    var heap = TimerHeap<Witness>()
    weak var cancelled: Witness?
    weak var fired: Witness?
    do {
      let one = Witness()
      let two = Witness()
      cancelled = one
      fired = two
      heap.cancel(heap.arm(at: at(1), one))
      _ = heap.arm(at: at(1), two)
      _ = heap.popExpired(now: at(1))
    }
    #expect(cancelled == nil)
    #expect(fired == nil)
  }

  /// A list that is searched from end to end.
  private struct NaiveTimers {
    var armed: [(deadline: Instant, sequence: Int, payload: Int, id: TimerID)] = []
    var sequence = 0

    mutating func arm(_ deadline: Instant, _ payload: Int, _ id: TimerID) {
      sequence += 1
      armed.append((deadline, sequence, payload, id))
    }

    mutating func popExpired(_ now: Instant) -> Int? {
      let due = armed.indices.filter { armed[$0].deadline <= now }
      let first = due.min {
        (armed[$0].deadline, armed[$0].sequence) < (armed[$1].deadline, armed[$1].sequence)
      }
      return first.map { armed.remove(at: $0).payload }
    }
  }

  @Test(arguments: 1...20) func randomOperationsMatchANaiveModel(_ seed: Int) {
    var generator = RepeatableGenerator(seed: UInt64(seed))
    var heap = TimerHeap<Int>()
    var model = NaiveTimers()
    var spent: [TimerID] = []
    var now = 0
    for step in 0..<3000 {
      switch Int.random(in: 0..<10, using: &generator) {
      case 0..<4:
        // A small range, so that many deadlines are equal.
        let deadline = at(now + Int.random(in: -5...40, using: &generator))
        model.arm(deadline, step, heap.arm(at: deadline, step))
      case 4..<6:
        if let victim = model.armed.indices.randomElement(using: &generator) {
          let entry = model.armed.remove(at: victim)
          #expect(heap.cancel(entry.id) == entry.payload, "seed \(generator.seed) step \(step)")
          spent.append(entry.id)
        }
      case 6:
        if let old = spent.randomElement(using: &generator) { #expect(heap.cancel(old) == nil) }
      default:
        now += Int.random(in: 0...6, using: &generator)
        let expected = model.popExpired(at(now))
        #expect(
          heap.popExpired(now: at(now)) == expected, "seed \(generator.seed) step \(step)")
      }
      #expect(heap.count == model.armed.count)
      #expect(heap.nextDeadline == model.armed.map(\.deadline).min())
    }
  }

  @Test func hundredThousandTimersFireInOrder() {
    var generator = RepeatableGenerator(seed: 7)
    var heap = TimerHeap<Instant>()
    var ids: [TimerID] = []
    for _ in 0..<100_000 {
      let deadline = at(Int.random(in: 0..<1_000_000, using: &generator))
      ids.append(heap.arm(at: deadline, deadline))
    }
    for index in stride(from: 0, to: ids.count, by: 2) { #expect(heap.cancel(ids[index]) != nil) }
    #expect(heap.count == 50_000)
    var last = at(0)
    var fired = 0
    while let deadline = heap.popExpired(now: at(1_000_000)) {
      if deadline < last { Issue.record("\(deadline) after \(last)") }
      last = deadline
      fired += 1
    }
    #expect(fired == 50_000)
  }
}
