internal import Commands
internal import Configuration
internal import Daemon
internal import LinuxSystem
internal import Logging
internal import Reactor
internal import RelayServer

/// `frps`: the relay runs until a signal ends it.
struct RunCommand {
  private let files: ServerFiles

  init(_ arguments: Arguments) throws(ExitCode) {
    files = try ServerFiles(arguments)
  }

  func run() throws(ExitCode) {
    let configuration = try files.loadResolved()
    do {
      try serve(configuration)
    } catch {
      throw ProgramStart.fail("\(error)")
    }
  }

  private func serve(_ configuration: ServerConfiguration) throws {
    var confinement = try Confinement(configuration.confinement, keeping: .bindLowPorts)
    confinement.readFiles = files.paths(of: configuration)
    confinement.readFolders = files.folders(of: configuration)
    confinement.writtenFiles = [configuration.portMemoryPath, configuration.accessLog.path]
      .compactMap(\.self)
    let process = try ServiceProcess(log: configuration.log, confinement: confinement)
    let logger = process.logger
    logger.info(
      files.path.isEmpty
        ? "frps uses command line arguments for config" : "frps uses config file: \(files.path)")
    let server = try RelayServer(process.loop, configuration: configuration, logger: logger)
    let reloader = Reloader(process, current: configuration) { new in
      guard new.reloadsOnChange else { return nil }
      return WatchedFiles(files: files.paths(of: new), folders: files.folders(of: new))
    } read: {
      files.read()
    } apply: { new in
      process.changeLog(to: new.log)
      server.reload(new)
    }
    let signals = try SignalWatcher(process.loop, [.interrupt, .terminate, .hangup]) { signal in
      switch signal {
      case .hangup: reloader.reload("\(signal)")
      case .interrupt, .terminate:
        logger.info("frps stops after \(signal)")
        process.reports.stopping("waiting for running connections")
        server.stop()
      }
    }
    server.onEnd = { process.loop.stop() }
    try server.start(listeningOn: process.supervisor.takeListener())
    let address = server.boundAddress.map { "\($0)" } ?? ""
    process.run(status: "listening on \(address)")
    signals.close()
    reloader.close()
  }
}
