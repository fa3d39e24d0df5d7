internal import ClientAdmin
internal import Commands
internal import Configuration
internal import Daemon
internal import Diagnostics
internal import LinuxSystem
internal import Logging
internal import Reactor
internal import TunnelClient

/// The clients of this process, mostly one, until they have ended.
final class ClientService {
  /// One client.
  private struct Member {
    let source: ClientSource
    let client: TunnelClient
    let logger: Logger
    let reloader: Reloader<ClientConfiguration>
    let admin: AdminServer?
    let server: String
  }

  private let process: ServiceProcess
  private var members: [Member] = []
  private var runningCount = 0
  private var failure: String?

  /// Opens what the clients share: the loop, and the log and the confinement that the first one's
  /// configuration asks for.
  ///
  /// - Throws: what cannot be, which has been told.
  init(_ entries: [(source: ClientSource, configuration: ClientConfiguration)]) throws(ExitCode) {
    let first = entries[0].configuration
    do {
      var confinement = try Confinement(first.confinement, keeping: [])
      confinement.readFiles = entries.flatMap { $0.source.paths($0.configuration) }
      confinement.writtenFiles = entries.flatMap {
        $0.source.files?.writtenPaths(of: $0.configuration) ?? []
      }
      process = try ServiceProcess(log: first.log, confinement: confinement)
    } catch {
      throw ProgramStart.fail("\(error)")
    }
    for entry in entries {
      do {
        try add(entry.source, entry.configuration, isAlone: entries.count == 1)
      } catch {
        let failure = ProgramStart.fail("\(error)")
        // The clients of a folder do not depend on each other.
        guard entries.count > 1, let path = entry.source.path else { throw failure }
        Console.writeLine("frpc service error for config file [\(path)]")
      }
    }
    if members.isEmpty { throw .failure }
  }

  private func add(
    _ source: ClientSource, _ configuration: ClientConfiguration, isAlone: Bool
  ) throws {
    let logger = isAlone ? process.logger : process.logger.prefixed(by: source.path ?? "")
    if let path = source.path {
      logger.info("start frpc service for config file [\(path)] with aggregated configuration")
    }
    let client = try TunnelClient(
      process.loop, configuration: configuration, logger: logger,
      isService: process.supervisor.isPresent)
    let reloader = Reloader(process, current: configuration) { new in
      new.reloadsOnChange
        ? WatchedFiles(
          files: source.paths(new),
          folders: new.includedPaths.flatMap(HostSystem.folders(of:))) : nil
    } read: {
      source.read()
    } apply: { [process] new in
      if isAlone { process.changeLog(to: new.log) }
      client.reload(new)
    }
    let administered = AdministeredClient(source, configuration, client, reloader) {
      [unowned process] in
      // The loop of the process calls it.
      if isAlone { process.reports.stopping("waiting for running connections") }
    }
    let admin = try AdminServer.open(
      process.loop, configuration.webServer, administered, logger: logger)
    members.append(
      Member(
        source: source, client: client, logger: logger, reloader: reloader, admin: admin,
        server: "\(configuration.serverHost):\(configuration.serverPort)"))
  }

  /// Runs until every client has ended.
  ///
  /// - Returns: whether all were asked to.
  func run() -> Bool {
    do throws(Errno) {
      let signals = try SignalWatcher(process.loop, [.interrupt, .terminate, .hangup]) {
        [unowned self] signal in
        // Closed before `run` returns.
        handle(signal)
      }
      defer { signals.close() }
      runningCount = members.count
      for member in members { start(member) }
      process.run(status: status)
    } catch {
      Console.writeLine("\(error)")
      return false
    }
    for member in members {
      member.admin?.close()
      member.reloader.close()
    }
    if let failure {
      Console.writeLine(
        "login to the server failed: \(failure). "
          + "With loginFailExit enabled, no additional retries will be attempted")
    }
    return failure == nil
  }

  private func start(_ member: Member) {
    member.client.onEnd = { [unowned self] end in
      // The loop, which calls this, turns in `run`.
      if let path = member.source.path {
        member.logger.info("frpc service for config file [\(path)] stopped")
      }
      if case .firstLoginFailed(let reason) = end { failure = reason }
      runningCount -= 1
      if runningCount == 0 { process.loop.stop() }
    }
    member.client.onLoginChange = { [unowned self] _ in process.reports.status(status) }
    member.client.start()
  }

  private func handle(_ signal: ProcessSignal) {
    switch signal {
    case .hangup:
      for member in members { member.reloader.reload("\(signal)") }
    case .interrupt, .terminate:
      process.reports.stopping("waiting for running connections")
      for member in members { member.client.stop() }
    }
  }

  /// What the supervisor is told.
  private var status: String {
    let loggedIn = members.filter { $0.client.isLoggedIn }
    if members.count == 1 {
      return loggedIn.isEmpty
        ? "waiting for \(members[0].server)" : "logged in to \(members[0].server)"
    }
    return "\(loggedIn.count) of \(members.count) clients are logged in"
  }
}
