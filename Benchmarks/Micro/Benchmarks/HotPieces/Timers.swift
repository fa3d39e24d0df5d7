internal import Benchmark
internal import Reactor
internal import Timekeeping

/// A loop on which many timers are armed already.
private final class TimerBench {
  private static let armedCount = 10_000

  private let loop: EventLoop
  private var firedCount = 0
  private var state: UInt64 = 1

  init() throws {
    loop = try EventLoop()
    for _ in 0..<Self.armedCount { arm(within: .seconds(3600), plus: .seconds(3600)) }
  }

  @discardableResult
  private func arm(within spread: Interval, plus least: Interval) -> TimerID {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    let part = Int64(state >> 33) % spread.nanoseconds
    return loop.schedule(after: least + Interval(nanoseconds: part)) { [unowned self] in
      firedCount += 1
    }
  }

  /// Most timers guard against something that does not happen.
  func armAndCancel() {
    loop.cancel(arm(within: .seconds(3600), plus: .seconds(3600)))
  }

  /// Arms a timer that is due at once, and lets the loop find it.
  func armAndFire() throws {
    let before = firedCount
    loop.schedule(after: .zero) { [unowned self] in firedCount += 1 }
    while firedCount == before { loop.turn(sleepMax: .zero) }
  }
}

/// The heap under the loop, without the loop's turn and system calls.
private final class HeapBench {
  private static let armedCount = 10_000

  private var heap = TimerHeap<Int>()
  private var clock = Instant(nanoseconds: 0)
  private var state: UInt64 = 1

  init() {
    for _ in 0..<Self.armedCount { arm() }
  }

  private func arm() {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    _ = heap.arm(at: clock + Interval(nanoseconds: Int64(state >> 34)), 1)
  }

  /// Time goes on to the next deadline; who was armed for it arms again.
  func fire() throws {
    guard let next = heap.nextDeadline else { throw Broken("no timers") }
    clock = next
    guard let payload = heap.popExpired(now: clock) else { throw Broken("nothing was due") }
    blackHole(payload)
    arm()
  }
}

func measureTimers() {
  measure("timer, arm and cancel (10,000 armed)", { try TimerBench() }) { $0.armAndCancel() }
  measure("timer, fire and arm again (10,000 armed)", { HeapBench() }) { try $0.fire() }
  measure("timer, arm, turn of the loop, fire (10,000 armed)", { try TimerBench() }) {
    try $0.armAndFire()
  }
}
