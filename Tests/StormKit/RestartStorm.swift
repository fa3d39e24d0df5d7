internal import Configuration
internal import LinuxSystem
internal import Reactor
internal import TestKit
public import Timekeeping
internal import TunnelClient

/// Many clients in this process, each with a proxy on a port of its own, whose relay is killed and
/// started anew.
public struct RestartStorm: Sendable {
  /// The folder of the programs.
  public var programs: String
  /// Clients.
  public var count = 2000
  /// Loops, with a thread each, that they are spread over.
  public var loopCount = 2
  /// How long the relay is away.
  public var away = Interval.milliseconds(500)

  /// A restart of the relay in a folder.
  public init(programs: String) { self.programs = programs }

  /// Runs it.
  public func run() throws -> Report {
    Descriptors.raiseLimit()
    HostSystem.ignoreBrokenPipeSignal()
    var report = Report("\(count) clients, the relay killed and started again")
    let bindPort = try makeFreePorts(1)
    let firstPort = try makeFreePorts(count)
    let settings = relayConfiguration(bindPort: bindPort, "log_level = warn")
    var relay = try Daemon("frps", programs: programs, settings)
    try waitUntilListening(bindPort, relay)
    let board = Board(count)
    let threads = try (0..<loopCount).map { _ in try LoopThread() }
    defer { for thread in threads { thread.stop() } }
    let begun = HostSystem.monotonicNanoseconds
    let groups = try threads.enumerated().map { index, thread in
      let own = (0..<count).filter { $0 % loopCount == index }
      return try start(own, on: thread, bindPort, firstPort, board)
    }
    guard waitUntil(within: .seconds(120), { board.upCount == count }) else {
      throw CommandFailure(description: "only \(board.upCount) of \(count) came up at first")
    }
    report.tell("first logins, all at once", "\(text(secondsSince(begun))) s")
    report.tell("memory of the relay", "\(relay.residentKibibytes / 1024) MiB")
    relay.kill()
    _ = waitUntil(within: .seconds(10)) { board.upCount == 0 }
    _ = waitUntil(within: away) { false }
    board.forget()
    let cpuBefore = Daemon.ownCPUSeconds
    let restarted = HostSystem.monotonicNanoseconds
    relay = try Daemon("frps", programs: programs, settings)
    let isBack = waitUntil(within: .seconds(60)) { board.upCount == count }
    let seconds = board.times.map { $0.map { Double($0 - restarted) / 1e9 } ?? .infinity }
    let cpu = (relay.cpuSeconds, Daemon.ownCPUSeconds - cpuBefore)
    report.hold("back, with their proxies", "\(board.upCount)", "\(count)", isBack)
    report.tell("half of them", "\(text(percentile(50, of: seconds))) s")
    report.tell("nine of ten", "\(text(percentile(90, of: seconds))) s")
    report.hold("all", percentile(100, of: seconds), atMost: 10, "s")
    report.tell("attempts of each, on average", text(Double(board.attempts) / Double(count)))
    report.tell("processor time of relay, clients", "\(text(cpu.0)) s, \(text(cpu.1)) s")
    report.hold(
      "warnings of the relay", "\(relay.logCount("[W]") + relay.logCount("[E]"))", "0",
      relay.logCount("[W]") + relay.logCount("[E]") == 0)
    for (thread, group) in zip(threads, groups) {
      try thread.run { loop in
        for client in group.on(loop) {
          client.stop()
          client.stop()
        }
      }
    }
    return report
  }

  private func waitUntilListening(_ port: UInt16, _ relay: Daemon) throws {
    let isListening = waitUntil(within: .seconds(20)) {
      (try? TestSocket.connect(port, within: .seconds(1))) != nil
    }
    guard isListening else { throw CommandFailure(description: "no relay:\n\(relay.logEnd)") }
  }

  private func start(
    _ numbers: [Int], on thread: LoopThread, _ bindPort: UInt16, _ firstPort: UInt16, _ board: Board
  ) throws -> LoopConfined<[TunnelClient]> {
    try thread.make { loop in
      try numbers.map { number in
        var proxy = ProxyConfiguration(
          name: "storm-\(number)",
          service: .tcp(TCPProxyConfiguration(remotePort: firstPort + UInt16(number))))
        proxy.localPort = 9
        let client = try TunnelClient(
          loop, configuration: makeClientConfiguration(bindPort: bindPort, proxies: [proxy]),
          logger: LogTap.logger { board.note($0, of: number) })
        client.start()
        return client
      }
    }
  }
}

private func secondsSince(_ start: Int64) -> Double {
  Double(HostSystem.monotonicNanoseconds - start) / 1e9
}

/// Which clients are up, as their logs tell.
private final class Board: Sendable {
  private struct State {
    var times: [Int64?]
    var upCount = 0
    var attempts = 0
  }

  private let state: Locked<State>

  init(_ count: Int) { state = Locked(State(times: Array(repeating: nil, count: count))) }

  /// When each came up.
  var times: [Int64?] { state.withLock { $0.times } }
  var upCount: Int { state.withLock { $0.upCount } }
  var attempts: Int { state.withLock { $0.attempts } }

  /// Counts attempts from here on.
  func forget() { state.withLock { $0.attempts = 0 } }

  func note(_ line: String, of number: Int) {
    let now = HostSystem.monotonicNanoseconds
    state.withLock { state in
      if line == "start proxy success" {
        if state.times[number] == nil { state.upCount += 1 }
        state.times[number] = now
      } else if line.hasPrefix("control connection lost") {
        if state.times[number] != nil { state.upCount -= 1 }
        state.times[number] = nil
      } else if line.hasPrefix("try to connect") {
        state.attempts += 1
      }
    }
  }
}
