import LinuxSystem
import Reactor
import TestKit
import Testing
import Timekeeping

@testable import Transports

/// A stream below that takes what it is told to take, and notes everything.
private final class FakeStream: ByteStream {
  var receiver: (any ByteStreamReceiver)?
  var written: [UInt8] = []
  var unsentByteCount = 0
  var consumedByteCount = 0
  var isPaused = false
  var log: [String] = []
  var localAddress: SocketAddress? { nil }
  var peerAddress: SocketAddress? { nil }

  func write(_ bytes: UnsafeRawBufferPointer) { written += bytes }
  func finish() { log.append("finish") }
  func close() {
    receiver = nil
    log.append("close")
  }
  func abort() {
    receiver = nil
    log.append("abort")
  }
  func pauseReading() { isPaused = true }
  func resumeReading() { isPaused = false }
  func consume(_ byteCount: Int) { consumedByteCount += byteCount }

  func deliver(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { receiver?.streamDidReceive(self, $0) }
  }
}

/// Notes what a stream says.
private final class Listening: ByteStreamReceiver {
  var received: [UInt8] = []
  var events: [String] = []

  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    received += bytes
    stream.consume(bytes.count)
  }
  func streamDidEnd(_ stream: any ByteStream) { events.append("end") }
  func streamDidProgress(_ stream: any ByteStream) {}
  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) { events.append("fail") }
}

/// A limited stream over a fake one, on a loop that the test turns.
private final class LimitedRig {
  static let rate = 100_000
  /// What is granted at once.
  static let burst = 2000

  let context: TransportContext
  let base = FakeStream()
  let listening = Listening()
  let limiter: BandwidthLimiter
  let limited: LimitedStream
  let ownTimerCount: Int

  init(_ loop: EventLoop) {
    context = TransportContext(loop)
    ownTimerCount = loop.timerCount
    limiter = BandwidthLimiter(loop, bytesPerSecond: Self.rate)
    limited = LimitedStream(context, over: base, limiter)
    limited.receiver = listening
  }

  var timerCount: Int { context.loop.timerCount - ownTimerCount }

  /// Turns the loop until something holds.
  func turn(until condition: () -> Bool) {
    for _ in 0..<2000 where !condition() {
      context.loop.turn(sleepMax: .milliseconds(10))
    }
    #expect(condition())
  }
}

@Suite struct LimitedStreamTests {
  private func bytes(_ count: Int) -> [UInt8] {
    var generator = RepeatableGenerator(seed: 9)
    return generator.bytes(count)
  }

  @Test func whatMayNotBeDeliveredYetWaitsAndStopsTheSource() throws {
    let rig = LimitedRig(try EventLoop())
    let sent = bytes(LimitedRig.burst + 5000)
    #expect(rig.timerCount == 0)
    rig.base.deliver(sent)
    #expect(rig.listening.received.count == LimitedRig.burst)
    #expect(rig.base.isPaused && rig.timerCount == 1)
    #expect(rig.base.consumedByteCount == LimitedRig.burst, "no credit for what waits")
    rig.limited.streamDidEnd(rig.base)
    #expect(rig.listening.events == [], "the end comes behind the bytes")
    rig.turn { rig.listening.events == ["end"] }
    #expect(rig.listening.received == sent)
    #expect(rig.base.consumedByteCount == sent.count)
    #expect(rig.timerCount == 0)
  }

  @Test func sourceIsReadOnOnlyWhenNothingWaitsAndNobodyPaused() throws {
    let rig = LimitedRig(try EventLoop())
    rig.base.deliver(bytes(LimitedRig.burst + 1500))
    rig.limited.pauseReading()
    let before = rig.listening.received.count
    rig.turn { rig.timerCount == 0 }
    #expect(rig.listening.received.count == before, "paused")
    rig.limited.resumeReading()
    #expect(rig.base.isPaused)
    rig.turn { !rig.base.isPaused }
    #expect(rig.listening.received.count == LimitedRig.burst + 1500)
  }

  @Test func whatMayNotBeSentYetIsUnsent() throws {
    let rig = LimitedRig(try EventLoop())
    let sent = bytes(LimitedRig.burst + 3000)
    rig.limited.write(sent)
    #expect(rig.limited.unsentByteCount == 3000)
    rig.limited.finish()
    #expect(rig.base.log == [])
    rig.turn { rig.base.log == ["finish"] }
    #expect(rig.base.written == sent && rig.timerCount == 0)
  }

  @Test func nothingIsSentToAStreamThatTakesNothing() throws {
    let rig = LimitedRig(try EventLoop())
    rig.base.unsentByteCount = 1
    rig.limited.write(bytes(100))
    #expect(rig.base.written == [] && rig.timerCount == 0)
    rig.base.unsentByteCount = 0
    rig.base.receiver?.streamDidProgress(rig.base)
    rig.turn { rig.base.written.count == 100 }
  }

  @Test func closeComesBehindWhatWasWritten() throws {
    let rig = LimitedRig(try EventLoop())
    rig.limited.write(bytes(LimitedRig.burst + 3000))
    rig.limited.close()
    #expect(rig.base.log == [] && rig.base.isPaused)
    rig.base.deliver([1])
    rig.turn { rig.base.log == ["close"] }
    #expect(rig.base.written.count == LimitedRig.burst + 3000)
    #expect(rig.listening.received == [] && rig.timerCount == 0)
  }

  @Test func abortAndFailureLeaveNoTimer() throws {
    let first = LimitedRig(try EventLoop())
    first.limited.write(bytes(20_000))
    first.limited.abort()
    #expect(first.base.log == ["abort"] && first.timerCount == 0)
    let second = LimitedRig(try EventLoop())
    second.limited.write(bytes(20_000))
    second.limited.close()
    second.base.receiver?.streamDidFail(second.base, .reset)
    #expect(second.timerCount == 0 && second.listening.events == [])
    let third = LimitedRig(try EventLoop())
    third.base.deliver(bytes(20_000))
    third.base.receiver?.streamDidFail(third.base, .reset)
    #expect(third.timerCount == 0 && third.listening.events == ["fail"])
  }

  @Test func bytesThatCameBeforeAreLimitedAndNotCreditedTwice() throws {
    let rig = LimitedRig(try EventLoop())
    let early = bytes(LimitedRig.burst + 2000)
    rig.limited.inject(early, prepaid: LimitedRig.burst + 1000)
    #expect(rig.listening.received.count == LimitedRig.burst)
    rig.turn { rig.listening.received.count == early.count }
    #expect(rig.base.consumedByteCount == 1000)
  }

  @Test func bothDirectionsShareTheRate() throws {
    let rig = LimitedRig(try EventLoop())
    rig.base.deliver(bytes(LimitedRig.burst + 20_000))
    rig.limited.write(bytes(20_000))
    rig.turn { rig.listening.received.count >= LimitedRig.burst + 8000 }
    #expect(abs(rig.base.written.count - 8000) <= 2 * BandwidthLimits.quantumByteCountMin)
  }
}
