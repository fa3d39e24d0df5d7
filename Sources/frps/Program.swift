internal import ArgumentParser
internal import Configuration
internal import Daemon
internal import LinuxSystem
internal import Logging
internal import Reactor
internal import RelayServer

/// The version of this program; the protocol's version is another matter.
let productVersion = "0.1.0"

/// `frps`: the relay daemon.
@main
struct Program: ParsableCommand {
  nonisolated static let configuration = CommandConfiguration(
    commandName: "frps", abstract: "The relay: makes services behind it reachable.",
    subcommands: [Verify.self])

  @OptionGroup var options: FileOptions

  /// Usage errors end with 1, as frp's do.
  nonisolated static func main() {
    do {
      var command = try parseAsRoot(Console.arguments)
      try command.run()
    } catch {
      let isSuccess = exitCode(for: error) == .success
      let message = fullMessage(for: error)
      if !message.isEmpty {
        Console.writeLine(message, to: isSuccess ? .standardOutput : .standardError)
      }
      Console.exit(isSuccess ? 0 : 1)
    }
  }

  func run() throws {
    if !options.version, options.configurationFile.isEmpty {
      Console.writeLine("frps: the configuration file is not specified; use -c FILE")
      throw ExitCode(1)
    }
    let configuration = try options.loadResolved()
    do {
      try serve(configuration)
    } catch let error as ExitCode {
      throw error
    } catch {
      Console.writeLine("\(error)")
      throw ExitCode(1)
    }
  }

  private func serve(_ configuration: ServerConfiguration) throws {
    var confinement = try Confinement(configuration.confinement, keeping: .bindLowPorts)
    confinement.readFiles = options.files(of: configuration)
    confinement.writtenFiles = [configuration.portMemoryPath].compactMap(\.self)
    let process = try ServiceProcess(log: configuration.log, confinement: confinement)
    let logger = process.logger
    logger.info("frps uses config file: \(options.configurationFile)")
    let server = try RelayServer(process.loop, configuration: configuration, logger: logger)
    let reloader = Reloader(process, current: configuration) { new in
      new.reloadsOnChange ? WatchedFiles(files: options.files(of: new)) : nil
    } read: {
      options.read()
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

/// What running and checking need.
struct FileOptions: ParsableArguments {
  @Option(name: [.short, .customLong("config")], help: "The configuration file.")
  var configurationFile = ""

  @Flag(name: [.short, .long], help: "Print the version and exit.")
  var version = false

  /// Reads the files; prints what is wrong with them and fails.
  func loadResolved() throws -> ServerConfiguration {
    let reading = try printed(readAll(isResolving: true).reading)
    guard let value = reading.value else { throw ExitCode(1) }
    return value
  }

  /// Reads the files; prints what is wrong with them and fails. What comes from elsewhere is left
  /// alone.
  func load() throws -> LoadedConfiguration<ServerConfiguration> {
    if version { _ = try printed(ConfigurationReading(value: nil, issues: [])) }
    let (loaded, reading) = readAll(isResolving: false)
    _ = try printed(reading)
    guard let loaded, reading.value != nil else { throw ExitCode(1) }
    return loaded
  }

  private func printed(_ reading: ConfigurationReading<ServerConfiguration>) throws
    -> ConfigurationReading<ServerConfiguration>
  {
    if version {
      Console.writeLine(productVersion)
      throw ExitCode.success
    }
    for issue in reading.issues { Console.writeLine("\(issue)") }
    return reading
  }

  /// Reads the file, the users file, and what it takes from other files.
  func read() -> ConfigurationReading<ServerConfiguration> { readAll(isResolving: true).reading }

  private func readAll(isResolving: Bool) -> (
    loaded: LoadedConfiguration<ServerConfiguration>?,
    reading: ConfigurationReading<ServerConfiguration>
  ) {
    let bytes: [UInt8]
    do throws(Errno) {
      bytes = try Self.readFile(configurationFile)
    } catch {
      let issues: [ConfigurationIssue] = [.unreadable(configurationFile, error)]
      return (nil, ConfigurationReading(value: nil, issues: issues))
    }
    let loaded = ConfigurationLoader.loadServer(
      bytes: bytes, file: configurationFile, environment: Console.environment)
    var reading = ConfigurationReading(value: loaded.value, issues: loaded.issues)
    if loaded.value?.portMemoryPath == nil {
      reading.value?.portMemoryPath = Console.stateFolder.map { "\($0)/ports" }
    }
    if let path = loaded.value?.usersFilePath { readAccounts(path, into: &reading) }
    if isResolving { resolveToken(&reading) }
    return (loaded, reading)
  }

  private func resolveToken(_ reading: inout ConfigurationReading<ServerConfiguration>) {
    do throws(ValueSourceError) {
      try reading.value?.authentication.resolveToken { try? Self.readFile($0) }
    } catch {
      reading.value = nil
      reading.issues.append(
        ConfigurationIssue(
          severity: .error, file: configurationFile,
          message: "failed to resolve auth.tokenSource: \(error)"))
    }
  }

  private func readAccounts(
    _ path: String, into reading: inout ConfigurationReading<ServerConfiguration>
  ) {
    do throws(Errno) {
      let loaded = ConfigurationLoader.loadAccounts(bytes: try Self.readFile(path), file: path)
      reading.issues += loaded.issues
      if let accounts = loaded.accounts {
        reading.value?.accounts = accounts
      } else {
        reading.value = nil
      }
      if let issue = Self.permissionIssue(path) { reading.issues.append(issue) }
    } catch {
      reading.value = nil
      reading.issues.append(.unreadable(path, error))
    }
  }

  /// The file holds what clients log in with.
  private static func permissionIssue(_ path: String) -> ConfigurationIssue? {
    guard let permissions = FileIdentity(path)?.permissions, permissions & 0o027 != 0 else {
      return nil
    }
    return ConfigurationIssue(
      severity: .warning, file: path,
      message: "holds secrets, and others than its owner and group may read or its group may write "
        + "it; use chmod 640 or less")
  }

  /// The files of a configuration, which are read again at a reload.
  func files(of configuration: ServerConfiguration) -> [String] {
    [configurationFile] + configuration.transport.tls.filePaths
      + (configuration.usersFilePath.map { [$0] } ?? [])
  }

  private static func readFile(_ path: String) throws(Errno) -> [UInt8] {
    try HostSystem.readFile(path, byteCountMax: ConfigurationLimits.fileBytesMax)
  }
}

extension ConfigurationIssue {
  static func unreadable(_ file: String, _ error: Errno) -> ConfigurationIssue {
    ConfigurationIssue(severity: .error, file: "open \(file)", message: "\(error)")
  }
}

/// `frps verify`: checks the file.
struct Verify: ParsableCommand {
  nonisolated static let configuration = CommandConfiguration(
    abstract: "Check the configuration file.")

  @OptionGroup var options: FileOptions

  @Flag(help: "Print the values that hold, as TOML, secrets masked.")
  var dump = false

  func run() throws {
    if !options.version, options.configurationFile.isEmpty {
      return Console.writeLine("frps: the configuration file is not specified")
    }
    let loaded = try options.load()
    if dump { return Console.writeLine(loaded.dump() ?? "") }
    Console.writeLine("frps: the configuration file \(options.configurationFile) syntax is ok")
  }
}
