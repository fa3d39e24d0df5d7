internal import ArgumentParser
internal import Configuration
internal import Daemon
internal import LinuxSystem
internal import Logging
internal import Reactor
internal import TunnelClient

/// The version of this program; the protocol's version is another matter.
let productVersion = "0.1.0"

/// `frpc`: the tunnel client.
@main
struct Program: ParsableCommand {
  nonisolated static let configuration = CommandConfiguration(
    commandName: "frpc", abstract: "The client: publishes local services on a relay.",
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

  private func serve(_ configuration: ClientConfiguration) throws {
    var confinement = try Confinement(configuration.confinement, keeping: [])
    let file = options.configurationFile
    confinement.readFiles = options.files(of: configuration)
    let process = try ServiceProcess(log: configuration.log, confinement: confinement)
    let (loop, logger) = (process.loop, process.logger)
    logger.info("start frpc service for config file [\(file)] with aggregated configuration")
    let client = try TunnelClient(
      loop, configuration: configuration, logger: logger,
      isService: process.supervisor.isPresent)
    let reloader = Reloader(process, current: configuration) { new in
      new.reloadsOnChange
        ? WatchedFiles(
          files: options.files(of: new),
          folders: new.includedPaths.flatMap(HostSystem.folders(of:))) : nil
    } read: {
      options.read()
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
      throw ExitCode(1)
    }
  }
}

/// What running and checking need.
struct FileOptions: ParsableArguments {
  @Option(name: [.short, .customLong("config")], help: "The configuration file.")
  var configurationFile = "./frpc.ini"

  @Flag(name: [.short, .long], help: "Print the version and exit.")
  var version = false

  /// Reads the file, and what it takes from other files.
  func loadResolved() throws -> ClientConfiguration {
    guard var value = try load().value else { throw ExitCode(1) }
    do throws(ValueSourceError) {
      try value.authentication.resolveToken { try? Self.read($0) }
    } catch {
      Console.writeLine("failed to resolve auth.tokenSource: \(error)")
      throw ExitCode(1)
    }
    return value
  }

  /// Reads the file; prints what is wrong with it and fails.
  func load(
    _ loadOptions: LoadOptions = LoadOptions()
  ) throws -> LoadedConfiguration<ClientConfiguration> {
    if version {
      Console.writeLine(productVersion)
      throw ExitCode.success
    }
    let bytes: [UInt8]
    do throws(Errno) {
      bytes = try Self.read(configurationFile)
    } catch {
      Console.writeLine("open \(configurationFile): \(error)")
      throw ExitCode(1)
    }
    let loaded = parse(bytes, loadOptions)
    for issue in loaded.issues { Console.writeLine("\(issue)") }
    guard loaded.value != nil else { throw ExitCode(1) }
    return loaded
  }

  /// Reads the file, those that it includes, and what it takes from other files, for a reload.
  func read() -> ConfigurationReading<ClientConfiguration> {
    let bytes: [UInt8]
    do throws(Errno) {
      bytes = try Self.read(configurationFile)
    } catch {
      let issue = ConfigurationIssue(
        severity: .error, file: "open \(configurationFile)", message: "\(error)")
      return ConfigurationReading(value: nil, issues: [issue])
    }
    let loaded = parse(bytes, LoadOptions())
    var reading = ConfigurationReading(value: loaded.value, issues: loaded.issues)
    do throws(ValueSourceError) {
      try reading.value?.authentication.resolveToken { try? Self.read($0) }
    } catch {
      reading.value = nil
      reading.issues.append(
        ConfigurationIssue(
          severity: .error, file: configurationFile,
          message: "failed to resolve auth.tokenSource: \(error)"))
    }
    return reading
  }

  private func parse(_ bytes: [UInt8], _ loadOptions: LoadOptions)
    -> LoadedConfiguration<ClientConfiguration>
  {
    ConfigurationLoader.loadClient(
      bytes: bytes, file: configurationFile, environment: Console.environment,
      includes: IncludeReader(
        fileNames: { Console.fileNames(in: $0) }, readFile: { try? Self.read($0) }),
      options: loadOptions)
  }

  /// The files of a configuration, which are read again at a reload.
  func files(of configuration: ClientConfiguration) -> [String] {
    [configurationFile] + configuration.includedPaths + configuration.transport.tls.filePaths
  }

  private static func read(_ file: String) throws(Errno) -> [UInt8] {
    try HostSystem.readFile(file, byteCountMax: ConfigurationLimits.fileBytesMax)
  }
}

/// `frpc verify`: checks the file.
struct Verify: ParsableCommand {
  nonisolated static let configuration = CommandConfiguration(
    abstract: "Check the configuration file.")

  @OptionGroup var options: FileOptions

  @Flag(help: "Print the values that hold, as TOML, secrets masked.")
  var dump = false

  func run() throws {
    if !options.version, options.configurationFile.isEmpty {
      return Console.writeLine("frpc: the configuration file is not specified")
    }
    var loadOptions = LoadOptions()
    loadOptions.ignoresStore = true
    let loaded = try options.load(loadOptions)
    if dump { return Console.writeLine(loaded.dump() ?? "") }
    Console.writeLine("frpc: the configuration file \(options.configurationFile) syntax is ok")
  }
}
