internal import Commands
internal import Configuration
internal import Daemon
internal import LinuxSystem

/// The files of frps' configuration, or the flags in their place.
struct ServerFiles {
  /// The file that names the others; empty when the flags are the configuration.
  let path: String
  private let flags: [SettingValue]
  private let options: LoadOptions
  private let programs = TokenPrograms()

  init(_ arguments: Arguments) throws(ExitCode) {
    path = arguments.text(FrpsCommands.config)
    flags = arguments.values(of: SettingFlags.server)
    options = try LoadOptions(arguments)
    guard !path.isEmpty else { return }
    for value in flags {
      Console.writeLine("WARNING: --\(value.flag.name) has no effect beside --config")
    }
  }

  /// Reads the files; prints what is wrong with them and fails.
  func loadResolved() throws(ExitCode) -> ServerConfiguration {
    let reading = readAll(isResolving: true).reading
    programs.close()
    for issue in reading.issues { Console.writeLine("\(issue)") }
    guard let value = reading.value else { throw .failure }
    return value
  }

  /// Reads the files; prints what is wrong with them and fails. What comes from elsewhere is left
  /// alone.
  func load() throws(ExitCode) -> LoadedConfiguration<ServerConfiguration> {
    let (loaded, reading) = readAll(isResolving: false)
    for issue in reading.issues { Console.writeLine("\(issue)") }
    guard let loaded, reading.value != nil else { throw .failure }
    return loaded
  }

  /// Reads the file, the users file, and what it takes from other files.
  func read() -> ConfigurationReading<ServerConfiguration> { readAll(isResolving: true).reading }

  private func readAll(isResolving: Bool) -> (
    loaded: LoadedConfiguration<ServerConfiguration>?,
    reading: ConfigurationReading<ServerConfiguration>
  ) {
    let loaded: LoadedConfiguration<ServerConfiguration>
    do throws(Errno) {
      loaded = try loadFileOrFlags()
    } catch {
      let issues: [ConfigurationIssue] = [.unreadable(path, error)]
      return (nil, ConfigurationReading(value: nil, issues: issues))
    }
    var reading = ConfigurationReading(value: loaded.value, issues: loaded.issues)
    if loaded.value?.portMemoryPath == nil {
      reading.value?.portMemoryPath = Console.stateFolder.map { "\($0)/ports" }
    }
    if let path = loaded.value?.usersFilePath { readAccounts(path, into: &reading) }
    if isResolving, var value = reading.value {
      let file = path.isEmpty ? ConfigurationLoader.commandLine : path
      let issue = programs.resolve(&value.authentication, of: file)
      reading.value = issue == nil ? value : nil
      if let issue { reading.issues.append(issue) }
    }
    return (loaded, reading)
  }

  private func loadFileOrFlags() throws(Errno) -> LoadedConfiguration<ServerConfiguration> {
    if path.isEmpty { return ConfigurationLoader.loadServer(flags: flags, options: options) }
    return ConfigurationLoader.loadServer(
      bytes: try Self.readFile(path), file: path, environment: Console.environment,
      options: options)
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
  func paths(of configuration: ServerConfiguration) -> [String] {
    (path.isEmpty ? [] : [path]) + configuration.transport.tls.filePaths
      + configuration.hostCertificates.flatMap(\.files.paths)
      + [
        configuration.usersFilePath, configuration.notFoundPagePath,
        configuration.authentication.tokenFile,
      ].compactMap(\.self)
  }

  /// Folders of which every file counts, as above.
  func folders(of configuration: ServerConfiguration) -> [String] {
    [configuration.hostCertificateFolder].compactMap(\.self)
  }

  private static func readFile(_ path: String) throws(Errno) -> [UInt8] {
    try HostSystem.readFile(path, byteCountMax: ConfigurationLimits.fileBytesMax)
  }
}
