public import Configuration
internal import Diagnostics
public import LinuxSystem
public import Logging
public import Reactor

/// What both programs are around their work: a process with a loop, a log, perhaps a supervisor,
/// and rights that it gives up.
public final class ServiceProcess {
  /// The loop, which `run` turns.
  public let loop: EventLoop
  /// The log that the configuration asks for.
  public let logger: Logger
  /// Who started the process.
  public let supervisor: Supervisor
  /// What the supervisor is told.
  public let reports: SupervisorReports

  private let confinement: Confinement
  private let logSwitch: LogSwitch

  /// Opens log and loop.
  ///
  /// - Throws: a log file that cannot be opened, or what the kernel said.
  public init(log: LogConfiguration, confinement: Confinement) throws {
    HostSystem.ignoreBrokenPipeSignal()
    HostSystem.raiseDescriptorLimit()
    var confinement = confinement
    switch log.target {
    case .console: break
    case .file(let path): confinement.logFile = path
    }
    self.confinement = confinement
    logSwitch = try LogSwitch(log.settings)
    logger = Logs.makeLogger(logSwitch)
    loop = try EventLoop()
    supervisor = Supervisor.fromEnvironment()
    reports = SupervisorReports(loop, supervisor)
    if let error = supervisor.notificationError {
      logger.warning("the supervisor cannot be told anything, NOTIFY_SOCKET: \(error)")
    }
  }

  /// Goes on with other settings of the log. A file is opened anew if it has been moved away. One
  /// that cannot be opened is reported, and lines go where they went before.
  public func changeLog(to log: LogConfiguration) {
    do throws(LogError) {
      try logSwitch.change(to: log.settings)
    } catch {
      logger.error("the former log stays in use: \(error)")
    }
  }

  /// Gives up what is not needed any more, tells the supervisor that the start is over, and turns
  /// the loop until it is stopped.
  public func run(status: String) {
    confinement.apply(logger)
    reports.ready(status)
    loop.keepMemorySmall()
    loop.run()
    reports.close()
  }
}

@available(*, unavailable)
extension ServiceProcess: Sendable {}

extension LogConfiguration {
  /// The same in the words of the log.
  fileprivate var settings: LogSettings {
    let target: LogSettings.Target =
      switch self.target {
      case .console: .console
      case .file(let path): .file(path: path)
      }
    let level: Logger.Level =
      switch self.level {
      case .trace: .trace
      case .debug: .debug
      case .info: .info
      case .warn: .warning
      case .error: .error
      }
    return LogSettings(
      target: target, level: level, daysMax: daysMax, isColorDisabled: isColorDisabled)
  }
}
