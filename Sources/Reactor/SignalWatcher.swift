public import LinuxSystem

/// Reports process signals on a loop.
public final class SignalWatcher: ReadinessHandler {
  private let loop: EventLoop
  private let descriptor: SignalDescriptor
  private var registration: RegistrationID?
  private let onSignal: (ProcessSignal) -> Void

  /// Blocks `signals` for this thread and calls `onSignal` for each that arrives.
  public init(
    _ loop: EventLoop, _ signals: [ProcessSignal], onSignal: @escaping (ProcessSignal) -> Void
  ) throws(Errno) {
    self.loop = loop
    self.onSignal = onSignal
    descriptor = try SignalDescriptor(signals)
    registration = try loop.register(descriptor.rawValue, .readable, self)
  }

  /// Delivers what arrived.
  public func handleReadiness(_ readiness: Readiness) {
    // The one who hears of a signal may close us.
    while registration != nil, let signal = descriptor.next() { onSignal(signal) }
  }

  /// Stops watching; the signals stay blocked.
  public func close() {
    if let registration { loop.deregister(registration) }
    registration = nil
  }
}
