internal import LinuxSystem
internal import Reactor
internal import TestKit
internal import Timekeeping
internal import Transports

/// What somebody does on the port of HTTP who takes up a place there.
public enum WebKind: String, CaseIterable, Sendable {
  /// Connects and says nothing.
  case silent
  /// Sends a head, a byte a second.
  case slowHead
  /// Gets the page, and stays.
  case idle
  /// Gets the page on a connection of its own, and is followed by another at once: as many as the
  /// machine can serve, `askingCountMax` at a time.
  case asking
  /// Sends what is no request.
  case garbage

  static let askingCountMax = 200

  func makeManners() -> RudeManners {
    switch self {
    case .silent: RudeManners()
    case .slowHead: .trickling(Array("GET / HTTP/1.1\r\nHost: storm.test\r\nX-Slow: 0123".utf8))
    case .idle: RudeManners { $0.write(PageBytes.request) }
    case .asking: RudeManners { $0.write(PageBytes.lastRequest) }
    case .garbage: RudeManners { $0.write([0, 1, 2, 3]) }
    }
  }
}

/// Many users of virtual hosts who want nothing, and good ones and a good client among them.
public struct WebStorm: Sendable {
  /// The folder of the programs.
  public var programs: String
  /// The kinds, one after the other.
  public var kinds = WebKind.allCases
  /// Peers of each kind.
  public var count = 10_000
  /// Whether they come from many addresses, or all from one, which is not the good users'.
  public var isSpread = true
  /// The relay's `max_connections_per_address`; 0 for none.
  public var perAddressMax = 0
  /// The relay's `max_connections`; 0 for as many as there are descriptors for.
  public var totalMax = 0
  /// How often the good users ask, and the good client logs in.
  public var tries = 100
  /// Whether the peers have to be gone in the end by themselves, which takes a minute for some.
  public var isEndAwaited = true

  /// A storm against the programs in a folder.
  public init(programs: String) { self.programs = programs }

  /// How much later an answer may come beside the peers.
  static let delayMax = 0.05
  /// The longest deadline of them, for a connection without a request, the two seconds that a
  /// closed connection waits for the other end, and what a busy machine is late.
  static let goneWithin = 60.0 + 2.0 + 1.0

  /// The good ones, who are there from before the peers come.
  private final class GoodOnes {
    private let thread: LoopThread
    private let probes: [LoopConfined<PageProbe>]
    private let login: LoopConfined<LoginProbe>

    init(_ thread: LoopThread, _ ports: UInt16) throws {
      self.thread = thread
      probes = try [true, false].map { isKept in
        try thread.make { loop in
          let probe = PageProbe(
            TransportContext(loop), .loopback(port: ports + 1),
            from: SocketAddress(host: "127.9.9.\(isKept ? 1 : 2)", port: 0) ?? .loopback(port: 0),
            isKept: isKept, pause: .milliseconds(10))
          probe.begin()
          return probe
        }
      }
      login = try thread.make { loop in
        let settings = makeClientConfiguration(bindPort: ports)
        let probe = LoginProbe(loop, settings, pause: .milliseconds(10))
        probe.begin()
        return probe
      }
    }

    /// The times of requests on a kept connection, of those on connections of their own, and of
    /// logins; all so far.
    private var seconds: [[Double]] {
      get throws {
        try thread.run { [probes, login] loop in
          probes.map { $0.on(loop).seconds } + [login.on(loop).seconds]
        }
      }
    }

    /// At least `tries` of each from now on.
    func measure(_ tries: Int, while condition: () -> Void = {}) throws -> [[Double]] {
      let before = try seconds.map(\.count)
      var found: [[Double]] = []
      _ = try waitUntil(within: .seconds(60)) {
        condition()
        found = zip(try seconds, before).map { Array($0.dropFirst($1)) }
        return found.allSatisfy { $0.count >= tries }
      }
      return found
    }

    func stop() throws {
      try thread.run { [probes, login] loop in
        login.on(loop).stop()
        for probe in probes { probe.on(loop).stop() }
      }
    }
  }

  /// Runs it.
  public func run() throws -> Report {
    let count = min(count, Descriptors.raiseLimit() - 1000)
    let source = isSpread ? "many addresses" : "one address"
    let caps = [
      perAddressMax > 0 ? "max_connections_per_address = \(perAddressMax)" : "",
      totalMax > 0 ? "max_connections = \(totalMax)" : "",
    ].filter { !$0.isEmpty }
    var report = Report(
      (["\(count) peers of each kind on the port of HTTP, from \(source)"] + caps)
        .joined(separator: ", "))
    let crowds = try LoopThread()
    let good = try LoopThread()
    let origin = try LoopThread()
    defer {
      crowds.stop()
      good.stop()
      origin.stop()
    }
    let ports = try makeFreePorts(3)
    let page = try origin.make { try listenForPages(TransportContext($0), port: ports + 2) }
    let context = try crowds.make { TransportContext($0) }
    for kind in kinds {
      let keys = ["vhost_http_port = \(ports + 1)"] + caps
      let relay = try Daemon(
        "frps", programs: programs,
        relayConfiguration(bindPort: ports, keys.joined(separator: "\n")))
      try relay.waitForLog("started successfully")
      let client = try Daemon("frpc", programs: programs, hostConfiguration(ports))
      try client.waitForLog("start proxy success")
      try run(kind, count, against: relay, ports, context, crowds, good, &report)
      report.hold(
        "\(kind): the programs", relay.isRunning && client.isRunning ? "run" : "ended", "run",
        relay.isRunning && client.isRunning)
      report.tell("\(kind): the relay's processor time", "\(text(relay.cpuSeconds)) s")
    }
    try origin.run { page.on($0).close() }
    return report
  }

  /// A client with a proxy of type http.
  private func hostConfiguration(_ ports: UInt16) -> String {
    """
    [common]
    server_addr = 127.0.0.1
    server_port = \(ports)
    token = \(stormToken)
    login_fail_exit = false

    [storm]
    type = http
    local_port = \(ports + 2)
    custom_domains = \(PageBytes.host)

    """
  }

  private func run(
    _ kind: WebKind, _ count: Int, against relay: Daemon, _ ports: UInt16,
    _ context: LoopConfined<TransportContext>, _ crowds: LoopThread, _ good: LoopThread,
    _ report: inout Report
  ) throws {
    let isSpread = isSpread
    // More of those would only wait for each other.
    let count = kind == .asking ? min(count, WebKind.askingCountMax) : count
    let good = try GoodOnes(good, ports)
    let calm = try good.measure(tries)
    let (descriptors, memory) = (relay.descriptorCount, relay.residentKibibytes)
    var memoryMax = memory
    let crowd = try crowds.make { loop in
      let crowd = RudeCrowd(
        context.on(loop), .loopback(port: ports + 1), kind.makeManners(), count: count,
        isSpread: isSpread)
      crowd.begin()
      return crowd
    }
    let isComplete = try waitUntil(within: .seconds(60)) {
      memoryMax = max(memoryMax, relay.residentKibibytes)
      return try crowds.run { crowd.on($0).isComplete }
    }
    let beside = try good.measure(tries) {
      memoryMax = max(memoryMax, relay.residentKibibytes)
    }
    try good.stop()
    let (held, connected, failed) = try crowds.run { loop in
      let crowd = crowd.on(loop)
      crowd.isRefilling = false
      return (crowd.aliveCount, crowd.connectedCount, crowd.failedCount)
    }
    report.hold(
      "\(kind): connections (a replaced one counts again), of which stayed",
      "\(connected + failed), \(held)", "≥ \(count)", isComplete)
    tell(kind, calm, beside, in: &report)
    report.hold(
      "\(kind): memory, most", Double(memoryMax - memory) / 1024, atMost: 64, "MiB more")
    if isEndAwaited {
      let start = HostSystem.monotonicNanoseconds
      let isGone = try waitUntil(within: .seconds(90)) {
        try crowds.run { crowd.on($0).aliveCount == 0 } && relay.descriptorCount <= descriptors + 2
      }
      let gone =
        isGone ? Double(HostSystem.monotonicNanoseconds - start) / 1e9 : Double.infinity
      report.hold("\(kind): all gone", gone, atMost: Self.goneWithin, "s")
    }
    try crowds.run { crowd.on($0).close() }
  }

  private func tell(
    _ kind: WebKind, _ calm: [[Double]], _ beside: [[Double]], in report: inout Report
  ) {
    // Who comes anew as often as the machine can bear it has his share of it.
    let isRenewed = kind == .asking || kind == .garbage || totalMax > 0 || perAddressMax > 0
    let delayMax = isRenewed ? Double.infinity : Self.delayMax
    for (index, name) in ["a kept connection", "new connections"].enumerated() {
      let (before, after) = (calm[index], beside[index])
      let served = after.count { $0.isFinite }
      let late = percentile(95, of: after) - percentile(50, of: before)
      report.hold(
        "\(kind): requests on \(name)",
        "\(served) of \(after.count) answered, median "
          + "\(text(percentile(50, of: before) * 1000)) ms before, "
          + "\(text(percentile(50, of: after) * 1000)) ms beside, 95th percentile "
          + "\(text(percentile(95, of: after) * 1000)) ms, worst "
          + "\(text(percentile(100, of: after) * 1000)) ms",
        delayMax.isFinite ? "all; 95 of 100 at most 50 ms later" : "all",
        served == after.count && served >= tries && late <= delayMax)
    }
    let logins = beside[2]
    let quick = logins.count { $0 <= 1 }
    report.hold(
      "\(kind): good logins within 1 s",
      "\(quick) of \(logins.count), median "
        + "\(text(percentile(50, of: logins) * 1000)) ms, worst "
        + "\(text(percentile(100, of: logins) * 1000)) ms", "all",
      quick == logins.count && quick >= tries)
  }
}
