internal import Reactor
internal import Timekeeping

/// What was known of a client when it was asked for a sign of life; anything newer is one.
enum SignOfLife {
  /// Its program was last heard at this time.
  case heard(at: Instant)
  /// Its host had acknowledged so many bytes.
  case acknowledged(byteCount: UInt64)
}

/// Waits for a client's sign of life, for `RelayServerLimits.probeTimeout` at most.
final class SessionProbe {
  private let loop: EventLoop
  private let before: SignOfLife
  private let deadline: Instant
  private let isAlive: (SignOfLife) -> Bool
  private let onSilence: () -> Void
  private let onLife: () -> Void
  private var completions: [(Bool) -> Void] = []
  private var timer: TimerID?

  /// Starts to wait. One of `onSilence` and `onLife` is called once, unless `cancel()` is.
  init(
    _ loop: EventLoop, _ before: SignOfLife, _ isAlive: @escaping (SignOfLife) -> Bool,
    onSilence: @escaping () -> Void, onLife: @escaping () -> Void
  ) {
    self.loop = loop
    self.before = before
    self.isAlive = isAlive
    self.onSilence = onSilence
    self.onLife = onLife
    deadline = loop.now + RelayServerLimits.probeTimeout
    arm()
  }

  /// Tells `completion` the outcome, too.
  func add(_ completion: @escaping (Bool) -> Void) {
    completions.append(completion)
  }

  /// Ends the wait without an outcome; `conclude` may give one.
  func cancel() {
    if let timer { loop.cancel(timer) }
    timer = nil
  }

  /// Tells the outcome to all who wait for it.
  func conclude(isAlive: Bool) {
    cancel()
    let completions = self.completions
    self.completions = []
    for completion in completions { completion(isAlive) }
  }

  private func arm() {
    timer = loop.schedule(after: RelayServerLimits.probeInterval) { [unowned self] in
      // Cancelled before `self` goes away.
      timer = nil
      look()
    }
  }

  private func look() {
    if isAlive(before) {
      onLife()
      conclude(isAlive: true)
    } else if loop.now >= deadline {
      onSilence()
    } else {
      arm()
    }
  }
}
