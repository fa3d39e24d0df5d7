public import Reactor
internal import Timekeeping

/// The bandwidth of one proxy, shared by all its connections and by both directions.
///
/// While somebody waits there is one timer, for the moment when the next turn can be had; otherwise
/// there is none.
public final class BandwidthLimiter {
  private let loop: EventLoop
  private var shares: BandwidthShares
  private var timer: TimerID?
  private var isServing = false

  /// Makes the limiter of one proxy.
  ///
  /// - Parameter bytesPerSecond: at least 1.
  public init(_ loop: EventLoop, bytesPerSecond: Int) {
    self.loop = loop
    shares = BandwidthShares(bytesPerSecond: bytesPerSecond, now: loop.now)
  }

  /// How many bytes of `byteCount` may be moved at once.
  func take(upTo byteCount: Int) -> Int {
    shares.take(upTo: byteCount, now: loop.now)
  }

  /// Lets somebody wait for his turn.
  func enqueue(_ claimant: any BandwidthClaimant) {
    shares.enqueue(claimant)
    armTimer()
  }

  /// Forgets somebody.
  func remove(_ claimant: any BandwidthClaimant) {
    shares.remove(claimant)
    guard !isServing, let timer, shares.nextTurn(now: loop.now) == nil else { return }
    loop.cancel(timer)
    self.timer = nil
  }

  private func serve() {
    isServing = true
    while let grant = shares.nextGrant(now: loop.now) {
      let moved = grant.claimant.moveBytes(upTo: grant.byteCount)
      shares.giveBack(grant.byteCount - moved)
      // Who moved nothing comes back by himself when he can.
      if moved > 0, grant.claimant.wantedByteCount > 0 { shares.enqueue(grant.claimant) }
    }
    isServing = false
    armTimer()
  }

  private func armTimer() {
    guard !isServing, timer == nil, let turn = shares.nextTurn(now: loop.now) else { return }
    // Whoever waits holds the limiter; the timer does until it has fired.
    timer = loop.schedule(at: turn) { [self] in
      timer = nil
      serve()
    }
  }
}
