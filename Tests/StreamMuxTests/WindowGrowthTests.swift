import StreamMux
import Testing
import Timekeeping

/// A window that starts small follows what the path needs.
@Suite struct WindowGrowthTests {
  /// A peer that sends all it may, over a path with `roundTrip` and `bytesPerMillisecond`.
  ///
  /// - Returns: the window at the end: credit and unread bytes.
  private func window(
    after time: Interval, roundTrip: Interval, bytesPerMillisecond: Int, readsAtOnce: Int = 1
  ) throws -> Int {
    let endpoint = Endpoint(.server) {
      $0.keepaliveInterval = nil
      $0.startingWindowBytes = 256 * 1024
    }
    endpoint.session.roundTrip = roundTrip
    let id = try endpoint.acceptOpened(1)
    var credit = 256 * 1024
    var granted: [(at: Int, bytes: Int)] = []
    var sent = 0
    var unread = 0
    var largest = 0
    for millisecond in 0..<Int(time.nanoseconds / 1_000_000) {
      let now = seconds(Double(millisecond) / 1000)
      for frame in try endpoint.takeFrames() {
        granted.append((millisecond + Int(roundTrip.nanoseconds / 1_000_000), Int(frame.length)))
      }
      largest = max(largest, credit + granted.reduce(0) { $0 + $1.bytes } + unread)
      while let first = granted.first, first.at <= millisecond {
        credit += first.bytes
        granted.removeFirst()
      }
      let count = min(bytesPerMillisecond, credit)
      if count > 0 {
        endpoint.now = now
        _ = try endpoint.feed(.data(1, [UInt8](repeating: 1, count: count)))
        credit -= count
        sent += count
        unread += count
      }
      if millisecond % readsAtOnce == 0 {
        endpoint.session.consume(unread, on: id, now: now)
        unread = 0
      }
    }
    #expect(sent > 0)
    #expect(endpoint.isSound)
    return largest
  }

  @Test func shortPathKeepsASmallWindow() throws {
    // 100 MB/s and no distance: half a millisecond of it is 50 KB.
    let largest = try window(
      after: .seconds(1), roundTrip: .zero, bytesPerMillisecond: 100_000)
    #expect(largest <= 256 * 1024)
  }

  @Test func longPathGetsWhatItNeeds() throws {
    // 20 MB/s over 100 ms: 2 MB are on their way.
    let largest = try window(
      after: .seconds(4), roundTrip: .milliseconds(100), bytesPerMillisecond: 20_000)
    #expect(largest >= 2_000_000)
    #expect(largest <= 6_291_456)
  }

  @Test func windowNeverExceedsTheWholeOne() throws {
    let largest = try window(
      after: .seconds(8), roundTrip: .milliseconds(300), bytesPerMillisecond: 100_000)
    #expect(largest == 6_291_456)
  }

  /// Goal: bytes that are taken in bursts do not look like a fast path.
  @Test func burstsDoNotCountAsPace() throws {
    let largest = try window(
      after: .seconds(4), roundTrip: .milliseconds(1), bytesPerMillisecond: 20_000, readsAtOnce: 10)
    #expect(largest <= 512 * 1024)
  }
}
