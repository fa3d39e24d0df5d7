public import LinuxSystem
public import Timekeeping

/// What has become of the network.
public enum NetworkChange: Equatable, Sendable {
  /// Links, addresses or routes have changed, whichever.
  case routesChanged
  /// The machine has slept for so long.
  case slept(Interval)
}

/// Reports changes of this machine's links, addresses and routes, and that it has slept, on a loop.
///
/// However much has changed, there is one event a turn: whoever hears it asks for the state.
/// Nothing here wakes the loop up by time: the kernel does it when the machine wakes up, and
/// `checkClocks()` may be called whenever the loop is awake anyway.
public final class NetworkWatcher: ReadinessHandler {
  private let loop: EventLoop
  private let monitor: NetlinkSocket
  private var query: NetlinkSocket
  private var registration: RegistrationID?
  private var clock: ClockWatcher?
  private var sleep: SleepDetector
  private let onChange: (NetworkChange) -> Void

  /// Calls `onChange` from the loop until `close()`.
  ///
  /// - Throws: what the kernel said, for example where a sandbox has no routing sockets.
  public init(_ loop: EventLoop, onChange: @escaping (NetworkChange) -> Void) throws(Errno) {
    self.loop = loop
    self.onChange = onChange
    sleep = SleepDetector(
      monotonic: HostSystem.monotonicNanoseconds, boot: HostSystem.bootNanoseconds)
    monitor = try NetlinkSocket.makeMonitor()
    query = try NetlinkSocket.makeQuery()
    registration = try loop.register(monitor.rawValue, .readable, self)
    // Without it a sleep is noticed by whoever calls `checkClocks()`.
    clock = try? ClockWatcher(loop) { [unowned self] in
      // Closed in `close()`, and dropped with `self`.
      checkClocks()
    }
  }

  /// How this machine would send to `destination`; `nil` when the kernel does not say.
  public func route(
    to destination: SocketAddress, from source: SocketAddress? = nil
  ) -> RouteAnswer? {
    try? query.route(to: destination, from: source)
  }

  /// Finds out whether the machine has slept since the last call.
  public func checkClocks() {
    guard registration != nil else { return }
    let slept = sleep.check(
      monotonic: HostSystem.monotonicNanoseconds, boot: HostSystem.bootNanoseconds)
    if let slept { onChange(.slept(slept)) }
  }

  /// Takes what the kernel has to tell.
  public func handleReadiness(_ readiness: Readiness) {
    var hasChanged = false
    reading: for _ in 0..<ReactorLimits.networkDatagramsPerTurnMax {
      switch monitor.receive() {
      case .nothing, .failed: break reading
      case .messages(let isRelevant): if isRelevant { hasChanged = true }
      case .overflow: hasChanged = true
      }
    }
    checkClocks()
    if hasChanged, registration != nil { onChange(.routesChanged) }
  }

  /// Stops watching.
  public func close() {
    if let registration { loop.deregister(registration) }
    registration = nil
    clock?.close()
    clock = nil
  }
}

/// Tells when the wall clock was set or the machine woke up.
private final class ClockWatcher: ReadinessHandler {
  private let loop: EventLoop
  private let descriptor: ClockChangeDescriptor
  private var registration: RegistrationID?
  private let onChange: () -> Void

  init(_ loop: EventLoop, onChange: @escaping () -> Void) throws(Errno) {
    self.loop = loop
    self.onChange = onChange
    descriptor = try ClockChangeDescriptor()
    registration = try loop.register(descriptor.rawValue, .readable, self)
  }

  func handleReadiness(_ readiness: Readiness) {
    descriptor.clear()
    onChange()
  }

  func close() {
    if let registration { loop.deregister(registration) }
    registration = nil
  }
}

/// Finds sleep in two clocks, of which one stands still while the machine sleeps.
struct SleepDetector {
  private var lead: Int64

  init(monotonic: Int64, boot: Int64) {
    lead = boot &- monotonic
  }

  /// How long the machine has slept since the last call, if that is long enough to count.
  mutating func check(monotonic: Int64, boot: Int64) -> Interval? {
    let current = boot &- monotonic
    let slept = Interval(nanoseconds: current &- lead)
    lead = current
    return slept >= ReactorLimits.sleepMin ? slept : nil
  }
}
