internal import LinuxSystem
internal import Reactor
internal import TestKit
internal import Timekeeping
internal import Transports

/// The users of the soak: some that stay, some that come and go, all of them check their bytes.
final class SoakTraffic {
  /// What users do.
  enum Kind: String, CaseIterable {
    case bulk, echo, short, halfClosed, slowReader

    /// The pause between two of them, and how many there may be at once.
    var pace: (pause: Interval, countMax: Int) {
      switch self {
      case .bulk: (.seconds(1), 2)
      case .echo: (.milliseconds(250), 4)
      case .short: (.milliseconds(20), 20)
      case .halfClosed: (.milliseconds(250), 4)
      case .slowReader: (.seconds(1), 4)
      }
    }

    func plan(_ random: inout RepeatableGenerator) -> UserPlan {
      switch self {
      case .bulk:
        UserPlan(pieceByteCount: 16_384, windowByteCount: 262_144, pause: .milliseconds(4))
      case .echo:
        UserPlan(
          pieceByteCount: 1 + Int(random.next() % 200), windowByteCount: 200,
          pause: .milliseconds(100))
      case .short:
        UserPlan(
          byteCount: 1 + Int(random.next() % 20_000), pieceByteCount: 4096, windowByteCount: 8192)
      case .halfClosed:
        UserPlan(byteCount: 200_000, pieceByteCount: 65_536, windowByteCount: 200_000)
      case .slowReader:
        UserPlan(
          byteCount: 500_000, pieceByteCount: 65_536, windowByteCount: 500_000,
          readPause: .milliseconds(200))
      }
    }
  }

  /// What is added up.
  struct Counts: Sendable {
    var complete = 0
    var left = 0
    var excused = 0
    var byteCount = 0
    /// The first few, in words.
    var faults: [String] = []
    var faultCount = 0
  }

  private static let faultTextMax = 10

  private let context: TransportContext
  private let target: SocketAddress
  private let pattern: Pattern
  private var random: RepeatableGenerator
  private var users: [Int: (user: EchoUser, kind: Kind)] = [:]
  private var nextNumber = 0
  private var isPaused = true
  /// Spans of time in which a connection may break.
  private var excuses: [(from: Instant, to: Instant?)] = []
  private(set) var counts = Counts()
  /// What has happened last, for the words of a fault.
  var lastEvent = ""

  init(_ context: TransportContext, _ target: SocketAddress, seed: UInt64) {
    self.context = context
    self.target = target
    pattern = Pattern(seed: seed)
    random = RepeatableGenerator(seed: seed)
    for kind in Kind.allCases { keepUp(kind) }
  }

  // MARK: For the soak

  func resume() { isPaused = false }

  /// Ends all users and lets none come; says so of those that have been stuck.
  func pause() {
    isPaused = true
    let now = context.loop.now
    for (user, kind) in users.values where now - user.movedAt > .seconds(20) {
      if !isExcused(from: user.movedAt, to: now) {
        fault("\(kind): nothing moved for \(text((now - user.movedAt).inSeconds)) s")
      }
    }
    for (user, _) in users.values { user.close() }
  }

  /// From here on connections may break.
  func beginExcuse() { excuses.append((context.loop.now, nil)) }

  /// From a second after this they may not.
  func endExcuse() {
    guard let last = excuses.indices.last, excuses[last].to == nil else { return }
    excuses[last].to = context.loop.now + .seconds(1)
    // Nobody lives as long.
    let now = context.loop.now
    excuses.removeAll { span in span.to.map { now - $0 > .seconds(600) } ?? false }
  }

  /// Connects, sends a byte, and tells whether it came back within two seconds.
  func probe(_ onAnswer: @escaping (Bool) -> Void) {
    let plan = UserPlan(byteCount: 1, pieceByteCount: 1, windowByteCount: 1)
    var user: EchoUser?
    var timer: TimerID?
    func conclude(_ isAnswered: Bool) {
      if let timer { context.loop.cancel(timer) }
      timer = nil
      guard user != nil else { return }
      user = nil
      onAnswer(isAnswered)
    }
    timer = context.loop.schedule(after: .seconds(2)) { user?.close() }
    user = EchoUser(context, to: target, plan, pattern) { conclude($0 == .complete) }
  }

  // MARK: Users

  private func keepUp(_ kind: Kind) {
    if !isPaused, users.values.count(where: { $0.kind == kind }) < kind.pace.countMax {
      begin(kind)
    }
    context.loop.schedule(after: kind.pace.pause) { [weak self] in self?.keepUp(kind) }
  }

  private func begin(_ kind: Kind) {
    let number = nextNumber
    nextNumber += 1
    let plan = kind.plan(&random)
    let user = EchoUser(context, to: target, plan, pattern) { [weak self] outcome in
      self?.didEnd(number, outcome)
    }
    users[number] = (user, kind)
  }

  private func didEnd(_ number: Int, _ outcome: EchoUser.Outcome) {
    guard let (user, kind) = users.removeValue(forKey: number) else { return }
    counts.byteCount += user.receivedCount
    switch outcome {
    case .complete: counts.complete += 1
    case .closed: counts.left += 1
    case .wrong(let text): fault("\(kind): a wrong byte \(text)")
    case .broken(let text):
      if isExcused(from: user.begunAt, to: context.loop.now) {
        counts.excused += 1
      } else {
        let age = (context.loop.now - user.begunAt).inSeconds
        fault("\(kind), \(StormKit.text(age)) s old: \(text)")
      }
    }
  }

  private func isExcused(from start: Instant, to end: Instant) -> Bool {
    excuses.contains { span in span.from <= end && (span.to.map { $0 >= start } ?? true) }
  }

  private func fault(_ text: String) {
    counts.faultCount += 1
    if counts.faults.count < Self.faultTextMax {
      counts.faults.append("\(text), after \(lastEvent)")
    }
  }
}
