internal import LinuxSystem
internal import Reactor
internal import Timekeeping
internal import Transports

/// Connects to many places, some at a time, and hangs up at once.
final class ConnectBatch {
  /// A place.
  struct Target {
    var host: String
    var port: UInt16
  }

  /// What came of one.
  enum Outcome {
    case connected
    case failed(ConnectError)
  }

  private let context: TransportContext
  private let resolver: Resolver
  private let timeout: Interval
  private let targets: [Target]
  private var next = 0
  private var running: [Int: Connector] = [:]
  private var completion: (() -> Void)?
  /// What came of each; `nil` while nothing has.
  private(set) var outcomes: [Outcome?]

  init(_ context: TransportContext, resolver: Resolver, _ targets: [Target], timeout: Interval) {
    self.context = context
    self.resolver = resolver
    self.targets = targets
    self.timeout = timeout
    outcomes = targets.map { _ in nil }
  }

  /// Starts; `completion` comes once, unless `cancel` comes before.
  func start(_ completion: @escaping () -> Void) {
    self.completion = completion
    proceed()
  }

  /// Gives up; what came of some stays.
  func cancel() {
    completion = nil
    for connector in running.values { connector.cancel() }
    running = [:]
  }

  private func proceed() {
    while next < targets.count, running.count < DoctorLimits.probeCountMax {
      connect(next)
      next += 1
    }
    guard running.isEmpty, next == targets.count, let completion else { return }
    self.completion = nil
    completion()
  }

  private func connect(_ position: Int) {
    let target = targets[position]
    running[position] = Connector.connect(
      loop: context.loop, resolver: resolver, host: target.host, port: target.port,
      timeout: timeout
    ) { [unowned self] outcome in
      // Cancelled in `cancel`.
      running[position] = nil
      switch consume outcome {
      case .connected(let socket):
        SocketStream(context, owning: socket).close()
        outcomes[position] = .connected
      case .failed(let error): outcomes[position] = .failed(error)
      }
      proceed()
    }
  }
}

/// Why there is no connection, as far as it matters for what to do.
enum ConnectFaultKind {
  case name
  case refused
  case silent
  case unreachable

  init(_ error: ConnectError) {
    switch error {
    case .noAddresses, .unresolved: self = .name
    case .failed(let failures): self = Self.worst(failures) ?? .unreachable
    case .timedOut(after: _, let failures): self = Self.worst(failures) ?? .silent
    }
  }

  /// A refusal tells most: somebody was there to refuse.
  private static func worst(_ failures: [ConnectFailure]) -> ConnectFaultKind? {
    if failures.contains(where: { $0.error == .connectionRefused }) { return .refused }
    if failures.contains(where: { $0.error == .timedOut }) { return .silent }
    return failures.isEmpty ? nil : .unreachable
  }
}
