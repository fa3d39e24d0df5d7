internal import Commands
internal import Configuration
internal import Daemon
internal import LinuxSystem
internal import Logging
internal import Reactor
internal import TunnelClient

/// `frpc`: the client runs until a signal ends it, or its first login fails.
struct RunCommand {
  private let files: ClientFiles

  init(_ arguments: Arguments) throws(ExitCode) {
    files = try ClientFiles(arguments)
  }

  func run() throws(ExitCode) {
    let configuration = try files.loadResolved()
    do {
      try serve(configuration)
    } catch let error as ExitCode {
      throw error
    } catch {
      throw ProgramStart.fail("\(error)")
    }
  }

  private func serve(_ configuration: ClientConfiguration) throws {
    var confinement = try Confinement(configuration.confinement, keeping: [])
    let file = files.path
    confinement.readFiles = files.paths(of: configuration)
    let process = try ServiceProcess(log: configuration.log, confinement: confinement)
    let (loop, logger) = (process.loop, process.logger)
    logger.info("start frpc service for config file [\(file)] with aggregated configuration")
    let client = try TunnelClient(
      loop, configuration: configuration, logger: logger,
      isService: process.supervisor.isPresent)
    let reloader = Reloader(process, current: configuration) { new in
      new.reloadsOnChange
        ? WatchedFiles(
          files: files.paths(of: new),
          folders: new.includedPaths.flatMap(HostSystem.folders(of:))) : nil
    } read: {
      files.read()
    } apply: { new in
      process.changeLog(to: new.log)
      client.reload(new)
    }
    let signals = try SignalWatcher(loop, [.interrupt, .terminate, .hangup]) { signal in
      switch signal {
      case .hangup: reloader.reload("\(signal)")
      case .interrupt, .terminate:
        process.reports.stopping("waiting for running connections")
        client.stop()
      }
    }
    var end = TunnelClientEnd.stopped
    client.onEnd = {
      end = $0
      loop.stop()
    }
    let server = "\(configuration.serverHost):\(configuration.serverPort)"
    client.onLoginChange = { isLoggedIn in
      process.reports.status(isLoggedIn ? "logged in to \(server)" : "waiting for \(server)")
    }
    client.start()
    process.run(status: "waiting for \(server)")
    signals.close()
    reloader.close()
    logger.info("frpc service for config file [\(file)] stopped")
    if case .firstLoginFailed(let reason) = end {
      Console.writeLine(
        "login to the server failed: \(reason). "
          + "With loginFailExit enabled, no additional retries will be attempted")
      throw ExitCode.failure
    }
  }
}
