import TestKit
import Testing
import Timekeeping

@testable import Admission

@Suite struct LoginThrottleTests {
  private static let start = Instant(nanoseconds: 1_000_000_000)
  private static let network = PeerNetwork(octets: [192, 0, 2, 1])

  @Test func firstFailuresAreAnsweredAtOnce() {
    var throttle = LoginThrottle()
    for _ in 0..<AdmissionLimits.freeFailureCountMax {
      #expect(
        throttle.handleFailure(from: Self.network, now: Self.start) == .answer(at: Self.start))
    }
    #expect(throttle.isSlowed(Self.network))
    let other = PeerNetwork(octets: [192, 0, 2, 2])
    #expect(!throttle.isSlowed(other))
    #expect(throttle.handleFailure(from: other, now: Self.start) == .answer(at: Self.start))
  }

  // One who asks again as soon as he is answered gets at most one answer a second, and fewer later.
  @Test func laterFailuresAreAnsweredOnceASecondAndThenMoreSlowly() throws {
    var throttle = LoginThrottle()
    var now = Self.start
    var answers: [Instant] = []
    for _ in 0..<60 {
      guard case .answer(let at) = throttle.handleFailure(from: Self.network, now: now) else {
        Issue.record("dropped")
        return
      }
      answers.append(at)
      now = at
    }
    let free = AdmissionLimits.freeFailureCountMax
    let pauses = zip(answers, answers.dropFirst()).map { $1 - $0 }
    #expect(pauses[..<free].allSatisfy { $0 == .zero })
    #expect(pauses[free...].allSatisfy { $0 >= .seconds(1) })
    #expect(pauses.last == AdmissionLimits.failurePauseMax)
    #expect(zip(pauses, pauses.dropFirst()).allSatisfy { $0 <= $1 })
  }

  @Test func manyAtOnceWaitInLineOrGetNoAnswer() {
    var throttle = LoginThrottle()
    var answered = 0
    var latest = Self.start
    for _ in 0..<1000 {
      switch throttle.handleFailure(from: Self.network, now: Self.start) {
      case .answer(let at):
        answered += 1
        latest = max(latest, at)
      case .drop: break
      }
    }
    let patience = Int(AdmissionLimits.heldAnswerMax.inSeconds)
    #expect(answered <= AdmissionLimits.freeFailureCountMax + patience + 1)
    #expect(latest - Self.start <= AdmissionLimits.heldAnswerMax)
  }

  @Test func failuresAreForgotten() {
    var throttle = LoginThrottle()
    for _ in 0..<20 { _ = throttle.handleFailure(from: Self.network, now: Self.start) }
    let later = Self.start + AdmissionLimits.failureMemory + .seconds(1)
    let other = PeerNetwork(octets: [192, 0, 2, 2])
    _ = throttle.handleFailure(from: other, now: later)
    #expect(!throttle.isSlowed(Self.network) && throttle.networkCount == 1)
    #expect(throttle.handleFailure(from: Self.network, now: later) == .answer(at: later))
  }

  @Test func tableIsBoundedAndKeepsThoseWhoFailedLast() {
    var throttle = LoginThrottle(networkCountMax: 100)
    for _ in 0..<20 { _ = throttle.handleFailure(from: Self.network, now: Self.start) }
    for number in 0..<5000 {
      let octets: [UInt8] = [10, 0, UInt8(number >> 8), UInt8(number & 0xff)]
      _ = throttle.handleFailure(from: PeerNetwork(octets: octets), now: Self.start)
      _ = throttle.handleFailure(from: Self.network, now: Self.start)
    }
    #expect(throttle.networkCount == 100)
    #expect(throttle.isSlowed(Self.network), "it goes on failing, so it is not forgotten")
    let first = PeerNetwork(octets: [10, 0, 0, 0])
    #expect(!throttle.isSlowed(first))
  }
}
