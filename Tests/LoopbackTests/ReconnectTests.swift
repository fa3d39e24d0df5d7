import Testing
import Timekeeping

@testable import TunnelClient

/// The client's patience, without I/O: delays between logins, and between announcements.
@Suite struct ReconnectTests {
  private let start = Instant(nanoseconds: 0)

  @Test(arguments: [0.0, 0.5, 0.999])
  func firstLoginsAreRepeatedAsFrpDoes(_ random: Double) {
    var backoff = ReconnectBackoff()
    for base in [2.0, 4, 8, 10, 10, 10] {
      let delay = backoff.delayAfterFailure(random: random).inSeconds
      #expect(delay >= base && delay <= base * 1.1)
    }
    backoff.didLogIn()
    for base in [2.0, 4, 8, 16, 20, 20] {
      let delay = backoff.delayAfterFailure(random: random).inSeconds
      #expect(delay >= base && delay <= base * 1.1)
    }
  }

  @Test(arguments: [0.0, 0.999])
  func serverThatWasReachedIsTriedQuickly(_ random: Double) {
    var backoff = ReconnectBackoff()
    #expect(backoff.delayWithoutAnswer(wasReached: false, random: random) >= .seconds(2))
    backoff.didLogIn()
    for round in 0..<2 {
      for base in [0.1, 0.2, 0.4, 0.8, 1.6, 2, 2] {
        let delay = backoff.delayWithoutAnswer(wasReached: false, random: random).inSeconds
        #expect(delay >= base * 0.74 && delay <= base * 1.26)
      }
      if round == 0 { backoff.networkDidChange() }
    }
    for _ in 7..<TunnelClientLimits.quickAttemptCountMax {
      #expect(backoff.delayWithoutAnswer(wasReached: false, random: random) <= .milliseconds(2501))
    }
    for base in [2.0, 4, 8, 16, 20, 20] {
      #expect(backoff.delayWithoutAnswer(wasReached: false, random: random).inSeconds >= base)
    }
  }

  @Test(arguments: [0.0, 0.999])
  func serverThatDropsTheFirstConnectionIsTriedQuicklyAFewTimes(_ random: Double) {
    var backoff = ReconnectBackoff()
    for base in [0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6] {
      let delay = backoff.delayWithoutAnswer(wasReached: true, random: random).inSeconds
      #expect(delay >= base * 0.74 && delay <= base * 1.26)
    }
    for base in [2.0, 4, 8, 10] {
      #expect(backoff.delayWithoutAnswer(wasReached: true, random: random).inSeconds >= base)
    }
  }

  @Test func longSessionIsReplacedAtOnce() {
    var backoff = ReconnectBackoff()
    backoff.didLogIn()
    for minute in 2..<40 {
      let now = start + .seconds(minute * 90)
      let delay = backoff.delayAfterSession(endedAt: now, lasted: .seconds(90), random: 0.5)
      #expect(delay == .zero)
    }
  }

  @Test func shortSessionsAreRepeatedQuicklyThreeTimesAMinute() {
    var backoff = ReconnectBackoff()
    backoff.didLogIn()
    var now = start
    for _ in 0..<3 {
      let delay = backoff.delayAfterSession(endedAt: now, lasted: .seconds(1), random: 1)
      #expect(delay >= .milliseconds(200) && delay <= .milliseconds(300))
      now = now + .seconds(2)
    }
    let fourth = backoff.delayAfterSession(endedAt: now, lasted: .seconds(1), random: 0)
    #expect(fourth >= .seconds(2))
    now = now + .seconds(61)
    let later = backoff.delayAfterSession(endedAt: now, lasted: .seconds(1), random: 0)
    #expect(later <= .milliseconds(300))
  }

  @Test func refusedProxyIsAnnouncedAgainLaterAndLater() {
    var now = start
    var proxy = AnnouncedProxy(now: now)
    #expect(proxy.phase == .new)
    for delay in [1, 2, 4, 8, 16, 30, 30] {
      let isDue = proxy.announceIfDue(now: now)
      #expect(isDue)
      #expect(proxy.phase == .waitStart)
      proxy.handleAnswer(error: "port already used", remoteAddress: "", now: now)
      #expect(proxy.phase == .startError("port already used"))
      let early = now + .seconds(delay) + Interval(nanoseconds: -1)
      let isEarly = proxy.announceIfDue(now: early)
      #expect(!isEarly)
      now = now + .seconds(delay)
    }
    let isDue = proxy.announceIfDue(now: now)
    #expect(isDue)
    proxy.handleAnswer(error: "", remoteAddress: ":80", now: now)
    #expect(proxy.phase == .running && proxy.nextAnnouncement == nil)
  }

  @Test func unansweredAnnouncementIsRepeated() {
    var proxy = AnnouncedProxy(now: start)
    let answers = [0, 19, 20].map { proxy.announceIfDue(now: start + .seconds($0)) }
    #expect(answers == [true, false, true])
  }
}
