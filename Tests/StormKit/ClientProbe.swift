internal import Configuration
internal import LinuxSystem
internal import Logging
internal import Reactor
internal import Timekeeping
internal import TunnelClient

/// Gives each line of a log to a closure.
struct LogTap: LogHandler {
  var logLevel = Logger.Level.info
  var metadata: Logger.Metadata = [:]
  let onLine: @Sendable (String) -> Void

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) { onLine(event.message.description) }

  static func logger(_ onLine: @escaping @Sendable (String) -> Void) -> Logger {
    Logger(label: "storm") { _ in LogTap(onLine: onLine) }
  }
}

/// A client's configuration with the default settings.
func makeClientConfiguration(
  bindPort: UInt16, host: String = "127.0.0.1", proxies: [ProxyConfiguration] = []
) -> ClientConfiguration {
  var configuration = ClientConfiguration()
  configuration.serverHost = host
  configuration.serverPort = bindPort
  configuration.authentication.token = Secret(stormToken)
  configuration.exitsWhenFirstLoginFails = false
  configuration.transport.poolCount = 0
  configuration.proxies = proxies
  return configuration
}

/// A good client that logs in and leaves, again and again, and measures how long a login takes.
final class LoginProbe {
  private let loop: EventLoop
  private let configuration: ClientConfiguration
  private let pause: Interval
  private let isNewEachTime: Bool
  private var client: TunnelClient?
  private var startedAt: Instant
  private var timer: TimerID?
  private var isStopped = false
  /// How long a login may take before the next one is tried.
  private let patience = Interval.seconds(10)
  /// The times of the logins in seconds; infinite for one that did not succeed.
  private(set) var seconds: [Double] = []

  /// - Parameter isNewEachTime: whether each login comes from an address of its own.
  init(
    _ loop: EventLoop, _ configuration: ClientConfiguration, pause: Interval,
    isNewEachTime: Bool = false
  ) {
    self.isNewEachTime = isNewEachTime
    self.loop = loop
    self.configuration = configuration
    self.pause = pause
    startedAt = loop.now
  }

  func begin() { logIn() }

  func stop() {
    isStopped = true
    if let timer { loop.cancel(timer) }
    timer = nil
    end()
  }

  private func logIn() {
    guard !isStopped else { return }
    let number = seconds.count
    let mailbox = loop.mailbox
    let probe = Confined(self)
    let logger = LogTap.logger { line in
      guard line.hasPrefix("login to server success") else { return }
      let now = Instant(nanoseconds: HostSystem.monotonicNanoseconds)
      // In the next turn: the client is in the middle of its login.
      mailbox.post { _ in probe.value.conclude(number, at: now) }
    }
    var configuration = configuration
    if isNewEachTime {
      configuration.transport.localAddress = "127.1.\(number / 200 % 200 + 1).\(number % 200 + 1)"
    }
    guard let client = try? TunnelClient(loop, configuration: configuration, logger: logger) else {
      return conclude(number, at: nil)
    }
    self.client = client
    startedAt = Instant(nanoseconds: HostSystem.monotonicNanoseconds)
    timer = loop.schedule(after: patience) { [weak self] in self?.conclude(number, at: nil) }
    client.start()
  }

  private func conclude(_ number: Int, at time: Instant?) {
    guard number == seconds.count, !isStopped else { return }
    seconds.append(time.map { ($0 - startedAt).inSeconds } ?? .infinity)
    if let timer { loop.cancel(timer) }
    end()
    timer = loop.schedule(after: pause) { [weak self] in
      self?.timer = nil
      self?.logIn()
    }
  }

  private func end() {
    client?.stop()
    client?.stop()
    client = nil
  }
}

// Unchecked: made and opened on the thread of one loop, which its log lines come from.
/// Carries something of a loop through a closure that must be sendable.
struct Confined<Value>: @unchecked Sendable {
  let value: Value

  init(_ value: Value) { self.value = value }
}
