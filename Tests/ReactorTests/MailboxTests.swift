import LinuxSystem
import Reactor
import Synchronization
import TestKit
import Testing
import Timekeeping

@Suite struct MailboxTests {
  @Test func jobsOfSeveralThreadsArriveOnceAndInTheirThreadsOrder() throws {
    final class Record {
      var last = [Int](repeating: -1, count: 4)
      var isOrdered = true
      var count = 0
    }
    let thread = try LoopThread()
    defer { thread.stop() }
    let record = try thread.make { _ in Record() }
    let mailbox = thread.mailbox
    let senders = (0..<4).map { sender in
      OwnThread {
        for job in 0..<5000 {
          mailbox.post { loop in
            let record = record.on(loop)
            record.isOrdered = record.isOrdered && record.last[sender] == job - 1
            record.last[sender] = job
            record.count += 1
          }
        }
      }
    }
    for sender in senders { sender.join() }
    let (count, isOrdered) = try thread.run { (record.on($0).count, record.on($0).isOrdered) }
    #expect(count == 20_000)
    #expect(isOrdered)
  }

  @Test func aFullMailboxRefusesAndEmptiesInPortions() throws {
    let loop = try EventLoop()
    let ran = Atomic<Int>(0)
    let counter = Counter()
    for _ in 0..<ReactorLimits.mailboxJobCountMax {
      let isPosted = loop.mailbox.post { _ in counter.value.add(1, ordering: .relaxed) }
      if !isPosted { ran.add(1, ordering: .relaxed) }
    }
    #expect(ran.load(ordering: .relaxed) == 0)
    #expect(loop.mailbox.post { _ in counter.value.add(1, ordering: .relaxed) } == false)
    loop.turn()
    #expect(counter.value.load(ordering: .relaxed) == ReactorLimits.mailboxJobsPerTurnMax)
    #expect(loop.mailbox.post { _ in counter.value.add(1, ordering: .relaxed) })
    let turns = ReactorLimits.mailboxJobCountMax / ReactorLimits.mailboxJobsPerTurnMax
    for _ in 0..<turns { loop.turn(sleepMax: .zero) }
    #expect(counter.value.load(ordering: .relaxed) == ReactorLimits.mailboxJobCountMax + 1)
  }

  @Test func aJobMayPostAnother() throws {
    let thread = try LoopThread()
    defer { thread.stop() }
    let done = Promised<Int>()
    thread.mailbox.post { loop in
      loop.mailbox.post { loop in
        loop.mailbox.post { _ in done.fulfill(3) }
      }
    }
    #expect(try done.wait() == 3)
  }

  /// Four loops pass a number round, each on its own thread.
  @Test func severalLoopsLiveInOneProcess() throws {
    let threads = try (0..<4).map { _ in try LoopThread() }
    defer { for thread in threads { thread.stop() } }
    let mailboxes = threads.map(\.mailbox)
    let done = Promised<Int>()
    @Sendable func pass(_ hops: Int) {
      mailboxes[hops % 4].post { _ in
        if hops == 4000 { done.fulfill(hops) } else { pass(hops + 1) }
      }
    }
    pass(0)
    #expect(try done.wait() == 4000)
  }

  private final class Counter: Sendable {
    let value = Atomic<Int>(0)
  }
}
