internal import LinuxSystem
internal import Reactor
internal import TestKit
public import Timekeeping
internal import Transports

/// As many failed logins as the machine can do, from the address of a good client.
public struct FailedLoginStorm: Sendable {
  /// The folder of the programs.
  public var programs: String
  /// How long.
  public var time = Interval.seconds(10)
  /// Attempts at once.
  public var concurrency = 64
  /// The most attempts.
  public var attemptsMax = 1_000_000

  /// A storm against the programs in a folder.
  public init(programs: String) { self.programs = programs }

  /// Runs it.
  public func run() throws -> Report {
    Descriptors.raiseLimit()
    var report = Report("failed logins for \(text(time.inSeconds)) s")
    let port = try makeFreePorts(1)
    let relay = try Daemon("frps", programs: programs, relayConfiguration(bindPort: port))
    try relay.waitForLog("started successfully")
    let storm = try LoopThread()
    let good = try LoopThread()
    defer {
      storm.stop()
      good.stop()
    }
    let logBefore = relay.logByteCount
    let (concurrency, attemptsMax) = (concurrency, attemptsMax)
    let failing = try storm.make { loop in
      let failing = FailingLogins(TransportContext(loop), .loopback(port: port), attemptsMax)
      failing.begin(concurrency)
      return failing
    }
    let probe = try good.make { loop in
      let settings = makeClientConfiguration(bindPort: port)
      let probe = LoginProbe(loop, settings, pause: .milliseconds(100))
      probe.begin()
      return probe
    }
    var memoryMax = 0
    _ = waitUntil(within: time) {
      memoryMax = max(memoryMax, relay.residentKibibytes)
      return false
    }
    let (attempts, answered) = try storm.run { loop in
      failing.on(loop).stop()
      return (failing.on(loop).attemptCount, failing.on(loop).answeredCount)
    }
    let logBytes = relay.logByteCount - logBefore
    // A login that is under way counts as well.
    let doneBefore = try good.run { probe.on($0).seconds.count }
    _ = try waitUntil(within: .seconds(11)) {
      try good.run { probe.on($0).seconds.count } > doneBefore
    }
    let logins = try good.run { loop in
      probe.on(loop).stop()
      return probe.on(loop).seconds
    }
    report.tell("attempts", "\(attempts), \(answered) answered")
    report.tell("attempts a second", text(Double(attempts) / time.inSeconds))
    // A few lines are written whatever happens, so that few attempts say little.
    let scale = 1e6 / Double(max(attempts, 1))
    report.hold(
      "log for a million", "\(text(Double(logBytes) / 1e6 * scale)) MB, \(logBytes) bytes written",
      "≤ 10 MB", Double(logBytes) * scale <= 10e6 || logBytes < 20_000)
    let quick = logins.count { $0 <= 1 }
    report.hold(
      "good logins from the same address within 1 s",
      "\(quick) of \(logins.count), median "
        + "\(text(percentile(50, of: logins) * 1000)) ms, worst "
        + "\(text(percentile(100, of: logins) * 1000)) ms", "all",
      quick == logins.count && !logins.isEmpty)
    report.tell("memory of the relay, most", "\(text(Double(memoryMax) / 1024)) MiB")
    report.hold("the relay", relay.isRunning ? "runs" : "ended", "runs", relay.isRunning)
    return report
  }
}

/// Logs in with a wrong token over and over again.
private final class FailingLogins: ByteStreamReceiver {
  private let context: TransportContext
  private let target: SocketAddress
  private let attemptsMax: Int
  private var streams: [ObjectIdentifier: SocketStream] = [:]
  private var isStopped = false
  private(set) var attemptCount = 0
  private(set) var answeredCount = 0

  init(_ context: TransportContext, _ target: SocketAddress, _ attemptsMax: Int) {
    self.context = context
    self.target = target
    self.attemptsMax = attemptsMax
  }

  func begin(_ concurrency: Int) {
    for _ in 0..<concurrency { attempt() }
  }

  func stop() {
    isStopped = true
    for stream in streams.values { stream.abort() }
    streams = [:]
  }

  private func attempt() {
    guard !isStopped, attemptCount < attemptsMax else { return }
    attemptCount += 1
    Connector.connect(loop: context.loop, addresses: [target], timeout: .seconds(20)) {
      [self] outcome in
      switch consume outcome {
      case .connected(let socket):
        let stream = SocketStream(context, owning: socket)
        guard !isStopped else { return stream.abort() }
        streams[ObjectIdentifier(stream)] = stream
        stream.receiver = self
        stream.write(RudeBytes.loginOnStream)
      case .failed: attempt()
      }
    }
  }

  private func conclude(_ stream: any ByteStream) {
    guard streams.removeValue(forKey: ObjectIdentifier(stream)) != nil else { return }
    // A reset leaves no port in TIME-WAIT.
    stream.abort()
    attempt()
  }

  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer) {
    // The acknowledgement of the stream comes first, in 12 bytes.
    guard bytes.count > 24 else { return }
    answeredCount += 1
    conclude(stream)
  }

  func streamDidEnd(_ stream: any ByteStream) { conclude(stream) }
  func streamDidProgress(_ stream: any ByteStream) {}
  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason) { conclude(stream) }
}
