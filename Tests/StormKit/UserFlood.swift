internal import LinuxSystem
internal import Reactor
internal import TestKit
internal import Timekeeping
internal import Transports

/// Many users at once, and among them one who moves bytes and one who sends a byte now and then.
public struct UserFlood: Sendable {
  /// The folder of the programs.
  public var programs: String
  /// Users.
  public var count = 20_000
  /// The relay's `memory_limit` in MB, if it has that key.
  public var memoryLimit = 128
  /// The program `relay-storm`, whose `origin` takes the other ends of the users' connections, so
  /// that they need no descriptors of this process.
  public var helper: String?

  /// A flood through the programs in a folder.
  public init(programs: String) { self.programs = programs }

  /// Runs it.
  public func run() throws -> Report {
    let limit = Descriptors.raiseLimit()
    HostSystem.ignoreBrokenPipeSignal()
    let count = min(count, helper == nil ? limit / 3 : limit - 1000)
    var report = Report("\(count) users at once")
    let ports = try makeFreePorts(3)
    let thread = try LoopThread()
    let originThread = try LoopThread()
    defer {
      thread.stop()
      originThread.stop()
    }
    let localPort = ports + 2
    var origin: Daemon?
    if let helper {
      origin = try Daemon(helper, ["origin", "--port", "\(localPort)"])
    } else {
      _ = try originThread.make { try listenForEcho(TransportContext($0), port: localPort) }
    }
    defer { withExtendedLifetime(origin) {} }
    let isLimited = try knowsMemoryLimit()
    let relay = try Daemon(
      "frps", programs: programs,
      relayConfiguration(
        bindPort: ports, isLimited ? "memory_limit = \(memoryLimit)MB" : ""))
    try relay.waitForLog("started successfully")
    let client = try Daemon(
      "frpc", programs: programs,
      clientConfiguration(bindPort: ports, localPort: localPort, remotePort: ports + 1))
    try client.waitForLog("start proxy success")
    let crowd = try thread.make { loop in
      let crowd = FloodCrowd(TransportContext(loop), .loopback(port: ports + 1), count)
      crowd.beginLive()
      return crowd
    }
    let before = try measure(thread, crowd)
    var memoryMax = relay.residentKibibytes
    try thread.run { crowd.on($0).beginFlood() }
    let isOver = try waitUntil(within: .seconds(120)) {
      memoryMax = max(memoryMax, relay.residentKibibytes)
      return try thread.run { crowd.on($0).isOver }
    }
    let during = try thread.run { crowd.on($0).takeLive() }
    let (answered, rejected) = try thread.run { loop in
      (crowd.on(loop).answeredCount, crowd.on(loop).rejectedCount)
    }
    let held = relay.descriptorCount
    try thread.run { crowd.on($0).endFlood() }
    // Closed connections wait for the other end for two seconds.
    _ = waitUntil(within: .seconds(30)) { relay.descriptorCount < max(100, held / 100) }
    let after = try measure(thread, crowd)
    try thread.run { crowd.on($0).close() }
    report.hold(
      "answered, turned away, undecided",
      "\(answered), \(rejected), \(count - answered - rejected)", "none undecided", isOver)
    tellMemory(of: relay, memoryMax, isLimited: isLimited, rejectedCount: rejected, in: &report)
    tellLive([("before", before), ("during", during), ("after", after)], in: &report)
    report.hold(
      "the programs", "\(relay.isRunning && client.isRunning ? "run" : "ended")", "run",
      relay.isRunning && client.isRunning)
    return report
  }

  private func tellMemory(
    of relay: Daemon, _ memoryMax: Int, isLimited: Bool, rejectedCount: Int,
    in report: inout Report
  ) {
    report.tell("memory limit", isLimited ? "\(memoryLimit) MB" : "this relay has none")
    if rejectedCount > 0 { report.tell("kinds of lines in the log", logKinds(relay.log)) }
    let counted = relay.log.split(separator: "\n").last {
      $0.contains("user connection refused") || $0.contains("users who were not served")
    }
    report.tell("the log's last word on users", counted.map(String.init) ?? "none")
    guard isLimited else {
      return report.tell("memory of the relay, most", "\(memoryMax / 1024) MiB")
    }
    report.hold(
      "memory of the relay, most", Double(memoryMax) / 1024, atMost: Double(memoryLimit), "MiB")
    report.hold(
      "turned away users in the log", counted == nil ? "no" : "yes", "yes",
      counted != nil || rejectedCount == 0)
  }

  private func tellLive(_ figures: [(String, FloodCrowd.Live)], in report: inout Report) {
    for (name, live) in figures {
      report.hold(
        "live stream \(name)",
        "\(text(live.megabytesPerSecond)) MB/s, byte there and back "
          + "median \(text(live.median * 1000)) ms, worst \(text(live.worst * 1000)) ms", "goes on",
        live.isAlive && live.megabytesPerSecond > 0)
    }
  }

  private func measure(
    _ thread: LoopThread, _ crowd: LoopConfined<FloodCrowd>
  ) throws -> FloodCrowd.Live {
    _ = try thread.run { crowd.on($0).takeLive() }
    _ = waitUntil(within: .seconds(1)) { false }
    return try thread.run { crowd.on($0).takeLive() }
  }

  /// Whether the relay takes the key without a word.
  private func knowsMemoryLimit() throws -> Bool {
    let trial = try Daemon(
      "frps", programs: programs,
      relayConfiguration(bindPort: 0, "memory_limit = \(memoryLimit)MB"))
    try trial.waitForLog("frps")
    _ = waitUntil(within: .milliseconds(500)) { !trial.isRunning }
    return trial.isRunning && !trial.log.contains("memory_limit")
  }
}

/// The most frequent lines of a log, without times and numbers.
private func logKinds(_ log: String) -> String {
  var counts: [String: Int] = [:]
  for line in log.split(separator: "\n") {
    let words = line.split(separator: " ").dropFirst(4)
    let kind = words.joined(separator: " ").filter { !$0.isNumber }
    counts[kind, default: 0] += 1
  }
  let most = counts.sorted { $0.value > $1.value }.prefix(4)
  return most.map { "\($0.value) × \($0.key)" }.joined(separator: "; ")
}

/// The configuration of a client with one proxy.
func clientConfiguration(
  host: String = "127.0.0.1", bindPort: UInt16, localPort: UInt16, remotePort: UInt16
) -> String {
  """
  [common]
  server_addr = \(host)
  server_port = \(bindPort)
  token = \(stormToken)
  login_fail_exit = false

  [storm]
  type = tcp
  local_ip = 127.0.0.1
  local_port = \(localPort)
  remote_port = \(remotePort)

  """
}

/// The users.
private final class FloodCrowd {
  struct Live {
    var megabytesPerSecond = 0.0
    var median = 0.0
    var worst = 0.0
    var isAlive = false
  }

  private let context: TransportContext
  private let target: SocketAddress
  private let count: Int
  private let pattern = Pattern(seed: 3)
  private var users: [Int: EchoUser] = [:]
  private var pendingCount = 0
  private var startCount = 0
  private var bulk: EchoUser?
  private var drip: EchoUser?
  private var isLiveBroken = false
  private var takenAt: Instant
  private var takenCount = 0
  private(set) var answeredCount = 0
  private(set) var rejectedCount = 0
  private var answered: Set<Int> = []

  init(_ context: TransportContext, _ target: SocketAddress, _ count: Int) {
    self.context = context
    self.target = target
    self.count = count
    takenAt = context.loop.now
  }

  var isOver: Bool { answeredCount + rejectedCount >= count }

  func beginLive() {
    let stream = UserPlan(pieceByteCount: 32 * 1024, windowByteCount: 128 * 1024)
    bulk = EchoUser(context, to: target, stream, pattern) { [weak self] _ in
      self?.isLiveBroken = true
    }
    let byte = UserPlan(pieceByteCount: 1, windowByteCount: 1, pause: .milliseconds(10))
    drip = EchoUser(context, to: target, byte, pattern) { [weak self] _ in
      self?.isLiveBroken = true
    }
  }

  /// What the live ones did since the last call.
  func takeLive() -> Live {
    let now = context.loop.now
    let moved = bulk?.receivedCount ?? 0
    let times = drip?.roundTrips ?? []
    drip?.forgetRoundTrips()
    bulk?.forgetRoundTrips()
    let live = Live(
      megabytesPerSecond: Double(moved - takenCount) / 1e6 / max((now - takenAt).inSeconds, 1e-9),
      median: percentile(50, of: times), worst: percentile(100, of: times),
      isAlive: !isLiveBroken)
    takenAt = now
    takenCount = moved
    return live
  }

  func beginFlood() { fill() }

  func endFlood() {
    let users = users
    self.users = [:]
    for user in users.values { user.close() }
  }

  func close() {
    endFlood()
    bulk?.close()
    drip?.close()
  }

  private func fill() {
    while pendingCount < 256, startCount < count {
      let number = startCount
      startCount += 1
      pendingCount += 1
      // Ports of one address would not do for all.
      let source = SocketAddress(host: "127.1.\(number / 2000 + 1).1", port: 0)
      // One byte comes back, the next one is never sent: the user stays.
      let plan = UserPlan(pieceByteCount: 1, windowByteCount: 1, pause: .seconds(600))
      let user = EchoUser(context, to: target, from: source, plan, pattern) {
        [weak self] _ in self?.didEnd(number)
      }
      user.onAnswer = { [weak self] in self?.didAnswer(number) }
      users[number] = user
    }
  }

  private func didAnswer(_ number: Int) {
    answered.insert(number)
    answeredCount += 1
    pendingCount -= 1
    fill()
  }

  private func didEnd(_ number: Int) {
    guard users.removeValue(forKey: number) != nil, !answered.contains(number) else { return }
    rejectedCount += 1
    pendingCount -= 1
    fill()
  }
}
