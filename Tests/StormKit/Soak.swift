internal import Foundation
internal import Glibc
internal import LinuxSystem
internal import Reactor
internal import TestKit
internal import Timekeeping
internal import Transports

/// Both programs at work for a long time while things happen to them.
///
/// A round is: something happens; the visitor is served again; traffic for some seconds; all users
/// leave, and what the programs hold then is written down. In the first part of the time the
/// programs are killed and restarted, in the rest they live on, so that a slow growth can be seen.
public struct Soak: Sendable {
  /// The folder of the programs.
  public var programs: String
  /// How long.
  public var minutes = 5.0
  /// What decides about everything random.
  public var seed: UInt64 = 1
  /// What may happen.
  public var events = SoakEvent.allCases
  /// Gets a line about each round.
  public var note: @Sendable (String) -> Void = { _ in }

  /// A soak of the programs in a folder.
  public init(programs: String) { self.programs = programs }

  /// How much of the time has deaths.
  static let deathShare = 0.4
  /// How soon the visitor must be served again.
  static let recoveryMax = 30.0
  /// The growth that is allowed, and the life that is long enough to tell.
  static let kibibytesPerHourMax = 1024.0
  static let trendSecondsMin = 600.0

  /// Runs it.
  public func run() throws -> Report {
    Descriptors.raiseLimit()
    HostSystem.ignoreBrokenPipeSignal()
    let obstacle = Namespace.obstacle
    var report = Report("soak of \(text(minutes)) minutes, seed \(seed)")
    let run = try SoakRun(self, hasNamespaces: obstacle == nil)
    do {
      try run.run()
    } catch {
      report.hold("end", "\(error)", "none before its time", false)
    }
    run.conclude(&report)
    if let obstacle { report.tell("addresses were not changed", obstacle) }
    return report
  }
}

/// What may happen.
public enum SoakEvent: String, CaseIterable, Sendable {
  /// SIGKILL.
  case killRelay, killClient
  /// SIGTERM.
  case restartRelay, restartClient
  /// The LAN box gets another address, or another way to the relay.
  case replaceAddress, moveRoute
  /// The path is dead for three seconds.
  case hole
  /// SIGHUP.
  case reloadRelay, reloadClient
  /// Some peers come that never log in.
  case rudePeers
  /// For comparison.
  case nothing

  var isDeath: Bool {
    switch self {
    case .killRelay, .killClient, .restartRelay, .restartClient: true
    case .replaceAddress, .moveRoute, .hole, .reloadRelay, .reloadClient, .rudePeers, .nothing:
      false
    }
  }

  /// Whether connections may break.
  var breaksConnections: Bool {
    switch self {
    case .killRelay, .killClient, .restartRelay, .restartClient, .replaceAddress, .moveRoute: true
    case .hole, .reloadRelay, .reloadClient, .rudePeers, .nothing: false
    }
  }
}

/// What a program held whenever no user was there, from its start on.
private struct Life {
  let name: String
  var samples: [(time: Double, descriptors: Int, kibibytes: Int)] = []

  var seconds: Double { (samples.last?.time ?? 0) - (samples.first?.time ?? 0) }

  /// KiB an hour over the second half.
  var trend: Double? {
    let half = samples[(samples.count / 2)...]
    return MemoryTrend.slope(half.map { ($0.time, Double($0.kibibytes)) }).map { $0 * 3600 }
  }
}

private final class SoakRun {
  private let soak: Soak
  private let network: SoakNetwork
  private let traffic: LoopConfined<SoakTraffic>
  private let context: LoopConfined<TransportContext>
  private var random: RepeatableGenerator
  private var relay: Daemon
  private var client: Daemon
  private var relayLife = Life(name: "frps")
  private var clientLife = Life(name: "frpc")
  private var finishedLives: [Life] = []
  private var recoveries: [SoakEvent: [Double]] = [:]
  private var faults: [String] = []
  private var cpuOfTheDead = 0.0
  private let startedAt = HostSystem.monotonicNanoseconds
  private var roundCount = 0

  init(_ soak: Soak, hasNamespaces: Bool) throws {
    self.soak = soak
    random = RepeatableGenerator(seed: soak.seed)
    network = try SoakNetwork(programs: soak.programs, hasNamespaces: hasNamespaces)
    let (port, seed) = (network.publicPort, soak.seed)
    let context = try network.userThread.make { TransportContext($0) }
    self.context = context
    traffic = try network.userThread.make {
      SoakTraffic(context.on($0), .loopback(port: port), seed: seed)
    }
    relay = try network.startRelay()
    client = try network.startClient()
  }

  private var elapsed: Double { Double(HostSystem.monotonicNanoseconds - startedAt) / 1e9 }

  func run() throws {
    try onTraffic { $0.beginExcuse() }
    _ = try awaitService()
    try onTraffic {
      $0.endExcuse()
      $0.resume()
    }
    while elapsed < soak.minutes * 60 {
      roundCount += 1
      let event = try nextEvent()
      let recovery = try cause(event)
      recoveries[event, default: []].append(recovery)
      try watch(seconds: 4 + Double(random.next() % 6))
      try takeStock()
      soak.note(
        "\(Int(elapsed)) s: \(event), served again after \(text(recovery)) s; frps "
          + "\(lastSample(relayLife)), frpc \(lastSample(clientLife)), \(try faultCount()) faults")
    }
  }

  private func faultCount() throws -> Int { try onTraffic { $0.counts.faultCount } }

  private func lastSample(_ life: Life) -> String {
    guard let sample = life.samples.last else { return "–" }
    return "\(sample.descriptors) descriptors, \(sample.kibibytes) KiB"
  }

  private func onTraffic<Value: Sendable>(
    _ body: @escaping @Sendable (SoakTraffic) throws -> Value
  ) throws -> Value {
    let traffic = traffic
    return try network.userThread.run { try body(traffic.on($0)) }
  }

  // MARK: Events

  private func nextEvent() throws -> SoakEvent {
    let mayKill = elapsed < soak.minutes * 60 * Soak.deathShare
    let possible = soak.events.filter { event in
      switch event {
      case .killRelay, .killClient, .restartRelay, .restartClient: mayKill
      case .replaceAddress, .moveRoute, .hole: network.hasNamespaces
      case .reloadRelay: relay.handles(SIGHUP)
      case .reloadClient: client.handles(SIGHUP)
      case .rudePeers, .nothing: true
      }
    }
    guard !possible.isEmpty else { return .nothing }
    return possible[Int(random.next() % UInt64(possible.count))]
  }

  /// - Returns: the seconds until the visitor was served again.
  private func cause(_ event: SoakEvent) throws -> Double {
    let name = "\(event) in round \(roundCount)"
    try onTraffic { $0.lastEvent = name }
    if event.breaksConnections { try onTraffic { $0.beginExcuse() } }
    switch event {
    case .killRelay, .restartRelay:
      try end(relay, isKilled: event == .killRelay)
      finishedLives.append(relayLife)
      relayLife = Life(name: "frps")
      try watchClock(milliseconds: random.next() % 2000)
      relay = try network.startRelay()
    case .killClient, .restartClient:
      try end(client, isKilled: event == .killClient)
      finishedLives.append(clientLife)
      clientLife = Life(name: "frpc")
      client = try network.startClient()
    case .replaceAddress: try network.replaceAddress()
    case .moveRoute: try network.moveRoute()
    case .hole:
      try network.setHole(true)
      try watchClock(milliseconds: 3000)
      try network.setHole(false)
    case .reloadRelay: relay.send(SIGHUP)
    case .reloadClient: client.send(SIGHUP)
    case .rudePeers: try letRudePeersCome()
    case .nothing: break
    }
    let recovery = try awaitService()
    if event.breaksConnections { try onTraffic { $0.endExcuse() } }
    return recovery
  }

  private func end(_ program: Daemon, isKilled: Bool) throws {
    guard program.isRunning else { throw CommandFailure(description: "\(program.name) has ended") }
    cpuOfTheDead += program.cpuSeconds
    if isKilled { return program.kill() }
    // Users get five seconds unless set otherwise.
    let code = program.terminate(within: .seconds(15))
    if code != 0 {
      faults.append("\(program.name) ended with \(code.map(String.init) ?? "nothing") on SIGTERM")
      program.kill()
    }
  }

  private func letRudePeersCome() throws {
    let kind = RudeKind.allCases[Int(random.next() % UInt64(RudeKind.allCases.count))]
    let (address, seed, context) = (network.bindAddress, random.next(), context)
    let crowd = try network.userThread.make { loop in
      let crowd = RudeCrowd(
        context.on(loop), address, try kind.makeManners(seed: seed), count: 50, isSpread: true)
      crowd.begin()
      return crowd
    }
    try watch(seconds: 5)
    try network.userThread.run { crowd.on($0).close() }
  }

  // MARK: Watching

  /// Lets time pass, and looks whether both programs run.
  private func watch(seconds: Double) throws {
    try watchClock(milliseconds: UInt64(seconds * 1000))
    for program in [relay, client] where !program.isRunning {
      throw CommandFailure(
        description: "\(program.name) ended by itself (\(program.exitCode)):\n\(program.logEnd)")
    }
  }

  private func watchClock(milliseconds: UInt64) throws {
    // Time itself is what is waited for.
    _ = waitUntil(within: .milliseconds(Int(milliseconds))) { usleep(20_000) != 0 }
  }

  private func awaitService() throws -> Double {
    let start = HostSystem.monotonicNanoseconds
    let isServed = try waitUntil(within: .seconds(Int(Soak.recoveryMax))) {
      let answer = Promised<Bool>()
      _ = try onTraffic { traffic in traffic.probe { answer.fulfill($0) } }
      if try answer.wait() { return true }
      // A probe that failed says nothing of when the next one would not: it is tried again soon.
      usleep(20_000)
      return false
    }
    guard isServed else {
      throw CommandFailure(
        description: "no service within \(Soak.recoveryMax) s; frpc:\n\(client.logEnd)")
    }
    return Double(HostSystem.monotonicNanoseconds - start) / 1e9
  }

  /// Sends all users away and writes down what the programs hold then.
  private func takeStock() throws {
    try onTraffic { $0.pause() }
    var last = (-1, -1)
    var since = HostSystem.monotonicNanoseconds
    _ = waitUntil(within: .seconds(20)) {
      // Nothing tells of another process's descriptors: they are looked at until they stay.
      usleep(50_000)
      let now = (relay.descriptorCount, client.descriptorCount)
      if now != last { since = HostSystem.monotonicNanoseconds }
      last = now
      return HostSystem.monotonicNanoseconds - since > 2_500_000_000
    }
    relayLife.samples.append((elapsed, last.0, relay.residentKibibytes))
    clientLife.samples.append((elapsed, last.1, client.residentKibibytes))
    try onTraffic { $0.resume() }
  }

  // MARK: The end

  func conclude(_ report: inout Report) {
    let cpu = cpuOfTheDead + relay.cpuSeconds + client.cpuSeconds
    let counts = (try? onTraffic { $0.counts }) ?? SoakTraffic.Counts()
    report.tell("rounds", "\(roundCount)")
    for event in SoakEvent.allCases {
      guard let times = recoveries[event] else { continue }
      report.tell(
        "\(event)",
        "\(times.count) times, served again after "
          + "\(text(percentile(50, of: times))) s (median), \(text(percentile(100, of: times))) s "
          + "(worst)")
    }
    report.tell(
      "users",
      "\(counts.complete) to the end, \(counts.left) left, \(counts.excused) broke when "
        + "something had happened")
    report.tell("bytes there and back", "\(counts.byteCount / 1_000_000) MB")
    report.hold(
      "wrong bytes, connections broken or stuck for no reason",
      ([String(counts.faultCount)] + counts.faults).joined(separator: "; "), "0",
      counts.faultCount == 0 && counts.complete > 0)
    report.hold(
      "exits that nobody caused, or with an error",
      ([String(faults.count)] + faults).joined(separator: "; "), "0",
      faults.isEmpty && relay.isRunning && client.isRunning)
    for life in finishedLives + [relayLife, clientLife] { judge(life, &report) }
    report.tell("processor time of the programs", "\(text(cpu / elapsed * 100)) % of a core")
    report.tell(
      "processor time of the rig", "\(text(Daemon.ownCPUSeconds / elapsed * 100)) % of a core")
    if !report.isGood { explain() }
    relay.kill()
    client.kill()
  }

  /// Why sessions ended, and the last words of both programs.
  private func explain() {
    let ends = relay.log.split(separator: "\n").filter { $0.contains("client exit success") }
    soak.note("ends of sessions:\n\(ends.suffix(20).joined(separator: "\n"))")
    soak.note("frps:\n\(relay.logEnd)\nfrpc:\n\(client.logEnd)")
  }

  private func judge(_ life: Life, _ report: inout Report) {
    guard let first = life.samples.first, let last = life.samples.last, life.samples.count > 1
    else { return }
    let name = "\(life.name), \(Int(life.seconds)) s"
    let most = life.samples.map(\.descriptors).max() ?? 0
    report.hold(
      "\(name): descriptors without users",
      "\(first.descriptors) at first, \(last.descriptors) at last, \(most) at most", "flat",
      last.descriptors <= first.descriptors + 1)
    let size = "\(first.kibibytes) to \(last.kibibytes) KiB"
    if let trend = life.trend, life.seconds >= Soak.trendSecondsMin {
      report.hold(
        "\(name): memory, trend of the second half", "\(text(trend)) KiB/h, \(size)",
        "< \(text(Soak.kibibytesPerHourMax)) KiB/h", trend < Soak.kibibytesPerHourMax)
    } else {
      report.tell("\(name): memory", "\(size), too short for a trend")
    }
  }
}
