internal import Configuration
internal import LinuxSystem
internal import Logging
internal import Reactor
internal import RelayServer
internal import TestKit
internal import Timekeeping
internal import Transports

/// Logins with the run ID of a session whose carrier is in a certain state, over and over again.
public struct ReplacementStorm: Sendable {
  /// What the old session's carrier is like when it is replaced.
  public enum Carrier: String, CaseIterable, Sendable {
    /// Alive.
    case healthy
    /// The other end is gone and nobody has said so: whatever is sent is lost.
    case halfOpen
    /// The other end does not read, and bytes wait.
    case stalled
  }

  /// The folder of the programs; `nil` for a relay in this process, whose timers can be counted.
  public var programs: String?
  /// How often the session is replaced.
  public var count = 1000
  /// The state of the old carrier.
  public var carrier: Carrier

  /// Replacements of a carrier in a certain state.
  public init(programs: String?, _ carrier: Carrier) {
    self.programs = programs
    self.carrier = carrier
  }

  /// Runs it.
  public func run() throws -> Report {
    Descriptors.raiseLimit()
    var report = Report("\(count) replacements of a session that is \(carrier)")
    let ports = try makeFreePorts(2)
    let relay = try makeRelay(bindPort: ports)
    let thread = try LoopThread()
    defer { thread.stop() }
    let round = try ReplacementRound(thread, bindPort: ports, publicPort: ports + 1, carrier)
    var seconds: [Double] = []
    // The first ones grow what every later one uses again.
    for _ in 0..<min(count, 50) { _ = try round.replace() }
    let before = try relay.settledUsage()
    for _ in 0..<count { seconds.append(try round.replace()) }
    let after = try relay.settledUsage()
    report.tell(
      "from connect to the proxy's port",
      "median \(text(percentile(50, of: seconds) * 1000)) ms, "
        + "worst \(text(percentile(100, of: seconds) * 1000)) ms")
    report.hold(
      "replaced, the port free at once", "\(seconds.count { $0.isFinite })", "\(count)",
      seconds.allSatisfy { $0.isFinite })
    report.hold(
      "descriptors", "\(before.descriptors) before, \(after.descriptors) after", "± 0",
      before.descriptors == after.descriptors)
    if let timersBefore = before.timers, let timersAfter = after.timers {
      report.hold(
        "timers", "\(timersBefore) before, \(timersAfter) after", "no more",
        timersAfter <= timersBefore)
    } else {
      report.hold(
        "memory", Double(after.kibibytes - before.kibibytes) / 1024, atMost: 5, "MiB more")
    }
    try round.close()
    return report
  }

  private func makeRelay(bindPort: UInt16) throws -> any MeasuredRelay {
    guard let programs else { return try InnerRelay(bindPort: bindPort) }
    let relay = try Daemon("frps", programs: programs, relayConfiguration(bindPort: bindPort))
    try relay.waitForLog("started successfully")
    return relay
  }
}

/// What a relay uses.
struct Usage: Equatable {
  var descriptors: Int
  var kibibytes: Int
  var timers: Int?
}

/// A relay of which we can tell what it uses.
protocol MeasuredRelay {
  func usage() throws -> Usage
}

extension MeasuredRelay {
  /// What it uses once that has not changed for 2.5 s: closed connections wait for the other end
  /// for two.
  func settledUsage() throws -> Usage {
    var last = try usage()
    var since = HostSystem.monotonicNanoseconds
    _ = try waitUntil(within: .seconds(20)) {
      let now = try usage()
      if now.descriptors != last.descriptors || now.timers != last.timers {
        since = HostSystem.monotonicNanoseconds
      }
      last = now
      return HostSystem.monotonicNanoseconds - since > 2_500_000_000
    }
    return last
  }
}

extension Daemon: MeasuredRelay {
  func usage() -> Usage {
    Usage(descriptors: descriptorCount, kibibytes: residentKibibytes)
  }
}

/// A relay in this process.
final class InnerRelay: MeasuredRelay {
  private let thread: LoopThread
  private let server: LoopConfined<RelayServer>

  init(bindPort: UInt16) throws {
    HostSystem.ignoreBrokenPipeSignal()
    thread = try LoopThread()
    server = try thread.make { loop in
      var configuration = ServerConfiguration()
      configuration.bindAddress = "127.0.0.1"
      configuration.proxyBindAddress = "127.0.0.1"
      configuration.bindPort = bindPort
      configuration.authentication.token = Secret(stormToken)
      let server = try RelayServer(
        loop, configuration: configuration, logger: LogTap.logger { _ in })
      try server.start()
      return server
    }
  }

  deinit {
    let server = server
    _ = try? thread.run { loop in
      server.on(loop).stop()
      server.on(loop).stop()
    }
    thread.stop()
  }

  func usage() throws -> Usage {
    try thread.run { loop in
      Usage(descriptors: loop.registrationCount, kibibytes: 0, timers: loop.timerCount)
    }
  }
}

/// Replaces one session by the next.
private final class ReplacementRound {
  private static let runID = "5707a9e5707a9e00"

  private let thread: LoopThread
  private let bindPort: UInt16
  private let publicPort: UInt16
  private let carrier: ReplacementStorm.Carrier
  private let parts: LoopConfined<Parts>

  /// What lives on the loop.
  private final class Parts {
    let context: TransportContext
    let tls: TLSContext
    var current: ManualClient?
    var former: [ManualClient] = []
    var users: [SocketStream] = []
    var result: ManualClient.Event?

    init(_ loop: EventLoop) throws {
      context = TransportContext(loop)
      tls = try TLSContext(.client, TLSSettings())
    }
  }

  init(
    _ thread: LoopThread, bindPort: UInt16, publicPort: UInt16, _ carrier: ReplacementStorm.Carrier
  ) throws {
    self.thread = thread
    self.bindPort = bindPort
    self.publicPort = publicPort
    self.carrier = carrier
    parts = try thread.make { try Parts($0) }
    _ = try replace()
  }

  /// Spoils the current session and logs in anew.
  ///
  /// - Returns: the seconds until the proxy was open; infinite when it was not.
  func replace() throws -> Double {
    try spoil()
    let (parts, bindPort, publicPort) = (parts, bindPort, publicPort)
    let isSlow = carrier == .stalled
    let start = HostSystem.monotonicNanoseconds
    try thread.run { loop in
      let parts = parts.on(loop)
      if let former = parts.current { parts.former.append(former) }
      // Those that are long forgotten by the relay need not stay.
      if parts.former.count > 600 { parts.former.removeFirst().abort() }
      parts.result = nil
      parts.current = try ManualClient(
        parts.context, parts.tls, bindPort: bindPort, runID: Self.runID, remotePort: publicPort,
        isSlow: isSlow
      ) { parts.result = $0 }
    }
    let answered = Locked<Bool?>(nil)
    _ = try waitUntil(within: .seconds(5)) {
      try thread.run { loop in
        switch parts.on(loop).result {
        case .ready: answered.withLock { $0 = true }
        case .failed: answered.withLock { $0 = false }
        case nil: break
        }
        return parts.on(loop).result != nil
      }
    }
    guard answered.withLock({ $0 }) == true else { return .infinity }
    return Double(HostSystem.monotonicNanoseconds - start) / 1e9
  }

  /// Brings the current session's carrier into the state that is asked for.
  private func spoil() throws {
    let parts = parts
    guard try thread.run({ parts.on($0).current != nil }) else { return }
    switch carrier {
    case .healthy: break
    case .halfOpen: try thread.run { parts.on($0).current?.goDeaf() }
    case .stalled: try stall()
    }
  }

  /// A user sends more than the carrier takes until nothing moves.
  private func stall() throws {
    let (parts, publicPort) = (parts, publicPort)
    let user = try thread.make { loop in
      let parts = parts.on(loop)
      for user in parts.users { user.abort() }
      parts.current?.stallsAtFirstByte = true
      let address = SocketAddress.loopback(port: publicPort)
      let descriptor = try Socket.makeTCP(.ipv4)
      try Socket.connect(descriptor.rawValue, to: address)
      let user = try SocketStream(parts.context, owning: descriptor, peer: address)
      user.write([UInt8](repeating: 0x73, count: 2 << 20))
      parts.users = [user]
      return user
    }
    var unsent = 0
    var since = HostSystem.monotonicNanoseconds
    let isStalled = try waitUntil(within: .seconds(30)) {
      let (isStalled, now) = try thread.run { loop in
        (parts.on(loop).current?.isStalled == true, user.on(loop).unsentByteCount)
      }
      if !isStalled || now != unsent { since = HostSystem.monotonicNanoseconds }
      unsent = now
      return HostSystem.monotonicNanoseconds - since > 20_000_000
    }
    guard isStalled else { throw CommandFailure(description: "the carrier did not stall") }
  }

  func close() throws {
    let parts = parts
    try thread.run { loop in
      let parts = parts.on(loop)
      for client in parts.former + [parts.current].compactMap({ $0 }) { client.abort() }
      for user in parts.users { user.abort() }
      parts.former = []
      parts.current = nil
    }
  }
}
