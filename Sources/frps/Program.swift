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

  private func serve(_ loaded: ServerConfiguration) throws {
    var configuration = loaded
    configuration.portMemoryPath =
      configuration.portMemoryPath ?? Console.stateFolder.map { "\($0)/ports" }
    var confinement = try Confinement(configuration.confinement, keeping: .bindLowPorts)
    confinement.readFiles = [options.configurationFile] + configuration.transport.tls.filePaths
    confinement.writtenFiles = [configuration.portMemoryPath].compactMap(\.self)
    let process = try ServiceProcess(log: configuration.log, confinement: confinement)
    let logger = process.logger
    logger.info("frps uses config file: \(options.configurationFile)")
    let server = try RelayServer(process.loop, configuration: configuration, logger: logger)
    let signals = try SignalWatcher(process.loop, [.interrupt, .terminate]) { signal in
      logger.info("frps stops after \(signal)")
      process.reports.stopping("waiting for running connections")
      server.stop()
    }
    server.onEnd = { process.loop.stop() }
    try server.start(listeningOn: process.supervisor.takeListener())
    let address = server.boundAddress.map { "\($0)" } ?? ""
    process.run(status: "listening on \(address)")
    signals.close()
  }
}

/// What running and checking need.
struct FileOptions: ParsableArguments {
  @Option(name: [.short, .customLong("config")], help: "The configuration file.")
  var configurationFile = ""

  @Flag(name: [.short, .long], help: "Print the version and exit.")
  var version = false

  /// Reads the file, and what it takes from other files.
  func loadResolved() throws -> ServerConfiguration {
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
  func load() throws -> LoadedConfiguration<ServerConfiguration> {
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
    let loaded = ConfigurationLoader.loadServer(
      bytes: bytes, file: configurationFile, environment: Console.environment)
    for issue in loaded.issues { Console.writeLine("\(issue)") }
    guard loaded.value != nil else { throw ExitCode(1) }
    return loaded
  }

  private static func read(_ file: String) throws(Errno) -> [UInt8] {
    try HostSystem.readFile(file, byteCountMax: ConfigurationLimits.fileBytesMax)
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
