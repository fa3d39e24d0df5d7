internal import LinuxSystem
internal import Reactor
internal import TestKit
internal import Timekeeping
internal import Transports

/// Many peers that are silent or rude, and a good client among them.
public struct RudeStorm: Sendable {
  /// The folder of the programs.
  public var programs: String
  /// The kinds, one after the other.
  public var kinds = RudeKind.allCases
  /// Peers of each kind.
  public var count = 10_000
  /// Whether they come from many addresses, or all from the good client's.
  public var isSpread = true
  /// Whether each good login comes from an address that nobody has logged in from.
  public var isGoodClientNew = false
  /// How often the good client logs in.
  public var tries = 100
  /// What decides about random bytes.
  public var seed: UInt64 = 1

  /// A storm against the programs in a folder.
  public init(programs: String) { self.programs = programs }

  /// Adds up to the deadline for strangers, the two seconds that a closed connection waits for the
  /// other end, and what a busy machine is late.
  static let goneWithin = 10.0 + 2.0 + 1.0

  /// Runs it.
  public func run() throws -> Report {
    let limit = Descriptors.raiseLimit()
    let count = min(count, limit - 1000)
    let source = isSpread ? "many addresses" : "one address"
    var report = Report("\(count) rude peers of each kind, from \(source)")
    let crowds = try LoopThread()
    let good = try LoopThread()
    defer {
      crowds.stop()
      good.stop()
    }
    let context = try crowds.make { TransportContext($0) }
    for kind in kinds {
      let port = try makeFreePorts(1)
      // A fresh one for each kind: what one kind has cost is not there for the next.
      let relay = try Daemon("frps", programs: programs, relayConfiguration(bindPort: port))
      try relay.waitForLog("started successfully")
      _ = try logins(5, on: good, port)
      try run(kind, count, against: relay, port, context, crowds, good, &report)
      guard relay.isRunning else {
        report.hold("the relay", "ended: \(relay.logEnd)", "runs", false)
        return report
      }
      report.tell("\(kind): the relay's processor time", "\(text(relay.cpuSeconds)) s")
    }
    return report
  }

  private func logins(
    _ count: Int, on thread: LoopThread, _ port: UInt16, areNew: Bool = false,
    within limit: Interval = .seconds(60), while condition: () -> Void = {}
  ) throws -> [Double] {
    let probe = try thread.make { loop in
      let settings = makeClientConfiguration(bindPort: port)
      let probe = LoginProbe(loop, settings, pause: .milliseconds(10), isNewEachTime: areNew)
      probe.begin()
      return probe
    }
    _ = try waitUntil(within: limit) {
      condition()
      return try thread.run { probe.on($0).seconds.count } >= count
    }
    return try thread.run { loop in
      probe.on(loop).stop()
      return Array(probe.on(loop).seconds.prefix(count))
    }
  }

  private func run(
    _ kind: RudeKind, _ count: Int, against relay: Daemon, _ port: UInt16,
    _ context: LoopConfined<TransportContext>, _ crowds: LoopThread, _ good: LoopThread,
    _ report: inout Report
  ) throws {
    let (isSpread, seed) = (isSpread, seed)
    let descriptors = relay.descriptorCount
    let memory = relay.residentKibibytes
    var memoryMax = memory
    let crowd = try crowds.make { loop in
      let crowd = RudeCrowd(
        context.on(loop), .loopback(port: port), try kind.makeManners(seed: seed), count: count,
        isSpread: isSpread)
      crowd.begin()
      return crowd
    }
    // The good client begins when the crowd is there.
    let isComplete = try waitUntil(within: .seconds(60)) {
      memoryMax = max(memoryMax, relay.residentKibibytes)
      return try crowds.run { crowd.on($0).isComplete }
    }
    let seconds = try logins(tries, on: good, port, areNew: isGoodClientNew) {
      memoryMax = max(memoryMax, relay.residentKibibytes)
    }
    try crowds.run { crowd.on($0).isRefilling = false }
    let isGone = try waitUntil(within: .seconds(40)) {
      memoryMax = max(memoryMax, relay.residentKibibytes)
      return try crowds.run { crowd.on($0).aliveCount == 0 }
        && relay.descriptorCount <= descriptors
    }
    let (connected, failed, last) = try crowds.run { loop in
      let crowd = crowd.on(loop)
      return (crowd.connectedCount, crowd.failedCount, crowd.lastConnectedAt.nanoseconds)
    }
    let gone =
      isGone ? Double(HostSystem.monotonicNanoseconds - last) / 1e9 : Double.infinity
    try crowds.run { crowd.on($0).close() }
    let quick = seconds.count { $0 <= 1 }
    report.hold(
      "\(kind): established (a replaced one counts again)", "\(connected), \(failed) failed",
      "≥ \(count)", isComplete && connected >= count)
    report.hold(
      "\(kind): good logins within 1 s",
      "\(quick) of \(seconds.count), median "
        + "\(text(percentile(50, of: seconds) * 1000)) ms, worst "
        + "\(text(percentile(100, of: seconds) * 1000)) ms", "\(tries) of \(tries)",
      quick == tries)
    report.hold(
      "\(kind): memory, most", Double(memoryMax - memory) / 1024, atMost: 64, "MiB more")
    report.hold(
      "\(kind): all gone after the last connect", gone, atMost: Self.goneWithin, "s")
  }
}
