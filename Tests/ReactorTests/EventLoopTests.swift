import LinuxSystem
import Reactor
import TestKit
import Testing
import Timekeeping

/// A descriptor that a test makes readable, and what the loop said about it.
final class Bell: ReadinessHandler {
  let loop: EventLoop
  var wakeup: WakeupDescriptor?
  var id: RegistrationID?
  var seen: [Readiness] = []
  var onReadiness: ((Bell, Readiness) -> Void)?

  init(_ loop: EventLoop, isRinging: Bool = false) throws {
    self.loop = loop
    let wakeup = try WakeupDescriptor()
    if isRinging { wakeup.signal() }
    let number = wakeup.rawValue
    self.wakeup = consume wakeup
    id = try loop.register(number, .readable, self)
  }

  func handleReadiness(_ readiness: Readiness) {
    seen.append(readiness)
    onReadiness?(self, readiness)
  }

  var number: CInt {
    switch wakeup {
    case .some(let wakeup): wakeup.rawValue
    case .none: -1
    }
  }

  func quieten() {
    switch wakeup {
    case .some(let wakeup): wakeup.clear()
    case .none: break
    }
  }

  func close() {
    if let id { loop.deregister(id, isClosing: true) }
    id = nil
    wakeup = nil
  }
}

@Suite struct EventLoopTests {
  /// Two descriptors are ready in one batch; whichever is told first closes the other and opens a
  /// new one, which gets the freed number and the freed slot. The stale event must reach nobody.
  @Test func staleEventsAreDroppedAfterDescriptorReuse() throws {
    // Another test may take the freed number in between, so the reuse is awaited.
    var wasReused = false
    for _ in 0..<200 where !wasReused {
      let loop = try EventLoop()
      let bells = [try Bell(loop, isRinging: true), try Bell(loop, isRinging: true)]
      var successor: Bell?
      for (bell, other) in [(bells[0], bells[1]), (bells[1], bells[0])] {
        bell.onReadiness = { _, _ in
          let number = other.number
          other.close()
          successor = try? Bell(loop)
          wasReused = successor?.number == number
        }
      }
      loop.turn(sleepMax: .zero)
      #expect(bells.map(\.seen.count).sorted() == [0, 1])
      #expect(successor?.seen == [])
      for bell in bells + [successor].compactMap({ $0 }) {
        bell.onReadiness = nil
        bell.close()
      }
    }
    #expect(wasReused)
  }

  @Test func aHandlerMayCloseItselfInItsOwnEvent() throws {
    let loop = try EventLoop()
    weak var witness: Bell?
    do {
      let bell = try Bell(loop, isRinging: true)
      witness = bell
      bell.onReadiness = { bell, _ in
        bell.onReadiness = nil
        bell.close()
      }
    }
    #expect(witness != nil)
    loop.turn(sleepMax: .zero)
    #expect(witness == nil)
    #expect(loop.registrationCount == 1)
  }

  /// A handler whose going away removes another one: both end in the same graveyard.
  @Test func aHandlerThatGoesAwayMayRemoveAnother() throws {
    final class Owner: ReadinessHandler {
      let child: Bell
      init(_ child: Bell) { self.child = child }
      func handleReadiness(_ readiness: Readiness) {}
      deinit { child.close() }
    }
    let loop = try EventLoop()
    let wakeup = try WakeupDescriptor()
    let child = try Bell(loop)
    var owner: Owner? = Owner(child)
    let id = try loop.register(wakeup.rawValue, .readable, try #require(owner))
    owner = nil
    loop.deregister(id)
    #expect(child.id != nil)
    loop.turn(sleepMax: .zero)
    #expect(child.id == nil)
    loop.turn(sleepMax: .zero)
    #expect(loop.registrationCount == 1)
    withExtendedLifetime(wakeup) {}
  }

  @Test func aRequeuedHandlerIsCalledInTheNextTurnWithoutSleep() throws {
    let loop = try EventLoop()
    let bell = try Bell(loop, isRinging: true)
    bell.onReadiness = { bell, _ in
      bell.quieten()
      if bell.seen.count < 3, let id = bell.id { loop.requeue(id, .writable) }
    }
    for expected in [1, 2, 3, 3] {
      loop.turn(sleepMax: expected == 3 ? .zero : .seconds(30))
      #expect(bell.seen.count == expected)
    }
    #expect(bell.seen == [.readable, .writable, .writable])
    bell.onReadiness = nil
    bell.close()
  }

  @Test func aRequeueIsDroppedWithItsRegistration() throws {
    let loop = try EventLoop()
    let bell = try Bell(loop)
    loop.requeue(try #require(bell.id), .readable)
    bell.close()
    let successor = try Bell(loop)
    loop.turn(sleepMax: .zero)
    #expect(bell.seen == [])
    #expect(successor.seen == [])
    successor.close()
  }

  @Test func aStaleRegistrationChangesNothing() throws {
    let loop = try EventLoop()
    let bell = try Bell(loop)
    let stale = try #require(bell.id)
    bell.close()
    let successor = try Bell(loop, isRinging: true)
    loop.deregister(stale)
    try loop.modify(stale, [])
    loop.turn(sleepMax: .zero)
    #expect(successor.seen == [.readable])
    successor.close()
  }

  @Test func aFailedRegistrationLeavesNothingBehind() throws {
    let loop = try EventLoop()
    let before = loop.registrationCount
    let bell = try Bell(loop)
    #expect(throws: Errno.self) { _ = try loop.register(-1, .readable, bell) }
    #expect(throws: Errno.self) { _ = try loop.register(bell.number, .readable, bell) }
    #expect(loop.registrationCount == before + 1)
    bell.close()
    #expect(loop.registrationCount == before)
  }

  @Test func moreEventsThanOneBatchHoldsAreAllDelivered() throws {
    let loop = try EventLoop()
    let count = ReactorLimits.eventCountMax + 40
    let bells = try (0..<count).map { _ in try Bell(loop, isRinging: true) }
    for bell in bells { bell.onReadiness = { bell, _ in bell.quieten() } }
    loop.turn(sleepMax: .zero)
    #expect(bells.map(\.seen.count).reduce(0, +) == ReactorLimits.eventCountMax)
    loop.turn(sleepMax: .zero)
    #expect(bells.allSatisfy { $0.seen == [.readable] })
    for bell in bells { bell.close() }
  }

  @Test func flushesRunOnceBeforeTheLoopSleeps() throws {
    final class Flusher: FlushHandler {
      let loop: EventLoop
      var rounds: Int
      var count = 0
      init(_ loop: EventLoop, rounds: Int) {
        self.loop = loop
        self.rounds = rounds
      }
      func flush() {
        count += 1
        rounds -= 1
        if rounds > 0 { loop.scheduleFlush(self) }
      }
    }
    let loop = try EventLoop()
    let once = Flusher(loop, rounds: 1)
    let endless = Flusher(loop, rounds: .max)
    loop.scheduleFlush(once)
    loop.scheduleFlush(endless)
    // What waits for a flush keeps the loop awake, and a handler without end does not hold it.
    loop.turn()
    #expect(once.count == 1)
    #expect(endless.count == ReactorLimits.flushPassesMax)
    loop.turn()
    #expect(endless.count == 2 * ReactorLimits.flushPassesMax)
    endless.rounds = 1
    loop.turn()
    #expect(endless.count == 2 * ReactorLimits.flushPassesMax + 1)
    loop.turn(sleepMax: .zero)
    #expect(endless.count == 2 * ReactorLimits.flushPassesMax + 1)
    #expect(once.count == 1)
  }

  @Test func anOwnDescriptorReturnsWithTheLoop() throws {
    weak var witness: EventLoop?
    do {
      let loop = try EventLoop()
      witness = loop
      loop.schedule(after: .seconds(100)) {}
      loop.turn(sleepMax: .zero)
    }
    #expect(witness == nil)
  }
}
