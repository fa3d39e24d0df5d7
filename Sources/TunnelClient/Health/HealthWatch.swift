internal import Configuration
internal import Diagnostics
internal import Logging
internal import Reactor
internal import Timekeeping
internal import Transports

/// Checks the local services of those proxies that ask for it, from the client's start to its end;
/// each again and again, and so many of them at once.
///
/// What it knows outlives sessions: after a reconnect, what is alive is announced at once.
final class HealthWatch {
  private final class Watched {
    let proxy: ProxyConfiguration
    let check: HealthCheckConfiguration
    let logger: Logger
    var health: ServiceHealth
    var timer: TimerID?
    var probe: HealthProbe?
    var isOver = false
    var lastFailure: String?

    init(_ proxy: ProxyConfiguration, _ check: HealthCheckConfiguration, _ logger: Logger) {
      self.proxy = proxy
      self.check = check
      self.logger = logger
      health = ServiceHealth(failureCountMax: check.failureCountMax)
    }
  }

  /// Told when a service is found alive or dead that was not so before.
  var onChange: ((_ name: String, _ isAlive: Bool) -> Void)?

  private let context: TransportContext
  private let resolver: Resolver
  private let logger: Logger
  private var services: [String: Watched] = [:]
  private var waiting: [Watched] = []
  private var runningCount = 0

  init(_ context: TransportContext, resolver: Resolver, logger: Logger) {
    self.context = context
    self.resolver = resolver
    self.logger = logger
  }

  /// Goes on with these proxies; of those that differ in nothing everything stays known.
  func follow(_ proxies: [ProxyConfiguration]) {
    var former = services
    services = [:]
    var new: [Watched] = []
    for proxy in proxies {
      guard let check = proxy.healthCheck, proxy.localPort > 0 else { continue }
      if let same = former[proxy.name], same.proxy == proxy {
        services[proxy.name] = same
        former[proxy.name] = nil
      } else {
        let watched = Watched(proxy, check, logger.prefixed(by: proxy.name))
        services[proxy.name] = watched
        new.append(watched)
      }
    }
    for watched in former.values { end(watched) }
    waiting.removeAll { $0.isOver }
    waiting += new
    runWaiting()
  }

  /// Whether users may be sent there: it is alive, or not watched.
  func isAlive(_ name: String) -> Bool {
    switch services[name]?.health.state {
    case nil, .alive: true
    case .unchecked, .dead: false
    }
  }

  func close() {
    onChange = nil
    for watched in services.values { end(watched) }
    services = [:]
    waiting = []
  }

  private func end(_ watched: Watched) {
    watched.isOver = true
    if let timer = watched.timer { context.loop.cancel(timer) }
    watched.timer = nil
    if let probe = watched.probe {
      probe.cancel()
      runningCount -= 1
    }
    watched.probe = nil
  }

  // MARK: Checks

  private func runWaiting() {
    let count = min(
      waiting.count, TunnelClientLimits.healthCheckCountMax - runningCount)
    guard count > 0 else { return }
    let next = waiting.prefix(count)
    waiting.removeFirst(count)
    for watched in next { run(watched) }
  }

  private func run(_ watched: Watched) {
    runningCount += 1
    let proxy = watched.proxy
    watched.probe = HealthProbe(
      context, resolver: resolver, host: proxy.localHost, port: proxy.localPort, watched.check
    ) { [unowned self, unowned watched] failure in
      // Cancelled in `end`, before one of both goes away.
      watched.probe = nil
      runningCount -= 1
      schedule(watched)
      handle(failure, of: watched)
      runWaiting()
    }
  }

  private func schedule(_ watched: Watched) {
    watched.timer = context.loop.schedule(after: watched.check.interval) {
      [unowned self, unowned watched] in
      // Cancelled in `end`.
      watched.timer = nil
      waiting.append(watched)
      runWaiting()
    }
  }

  private func handle(_ failure: String?, of watched: Watched) {
    let logger = watched.logger
    if let failure {
      // The same again and again is for those who look closely.
      let level: Logger.Level = failure == watched.lastFailure ? .debug : .warning
      logger.log(level: level, "do one health check failed: \(failure)")
    }
    watched.lastFailure = failure
    guard watched.health.handle(isGood: failure == nil) else { return }
    let isAlive = failure == nil
    if isAlive {
      logger.info("health check status change to success")
    } else {
      logger.warning("health check status change to failed")
    }
    onChange?(watched.proxy.name, isAlive)
  }
}
