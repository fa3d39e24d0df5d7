internal import Commands
internal import Configuration
internal import Daemon
internal import LinuxSystem

/// The files of frpc's configuration.
struct ClientFiles {
  /// The file that names the others.
  let path: String
  private let options: LoadOptions
  private let programs = TokenPrograms()

  /// The file that the command line names.
  init(_ arguments: Arguments) throws(ExitCode) {
    try self.init(arguments.text(FrpcCommands.config), arguments)
  }

  /// Another file.
  init(_ path: String, _ arguments: Arguments) throws(ExitCode) {
    self.path = path
    options = try LoadOptions(arguments)
  }

  /// The files below a folder, in the order of their names.
  static func paths(below folder: String) throws(ExitCode) -> [String] {
    do throws(Errno) {
      return try HostSystem.plainFiles(below: folder)
    } catch {
      throw ProgramStart.fail("open \(folder): \(error)")
    }
  }

  /// What a running client goes back to.
  var source: ClientSource {
    ClientSource(files: self, read: { read() }, paths: { paths(of: $0) })
  }

  /// Reads the file, and what it takes from other files.
  func loadResolved() throws(ExitCode) -> ClientConfiguration {
    let reading = read()
    programs.close()
    for issue in reading.issues { Console.writeLine("\(issue)") }
    guard let value = reading.value else { throw .failure }
    return value
  }

  /// Reads the file; prints what is wrong with it and fails. What comes from elsewhere is left
  /// alone.
  func load() throws(ExitCode) -> LoadedConfiguration<ClientConfiguration> {
    var options = options
    options.ignoresStore = true
    let loaded: LoadedConfiguration<ClientConfiguration>
    do throws(Errno) {
      loaded = parse(try Self.read(path), options)
    } catch {
      throw ProgramStart.fail("\(ConfigurationIssue.unreadable(path, error))")
    }
    for issue in loaded.issues { Console.writeLine("\(issue)") }
    guard loaded.value != nil else { throw .failure }
    return loaded
  }

  /// Reads the file, those that it includes, and what it takes from other files, for a reload.
  ///
  /// - Parameter isStrict: `nil` for as strict as the command line says.
  func read(isStrict: Bool? = nil) -> ConfigurationReading<ClientConfiguration> {
    let (loaded, issues) = reload(isStrict: isStrict)
    var reading = ConfigurationReading(value: loaded?.value, issues: issues)
    if var value = reading.value {
      let issue = programs.resolve(&value.authentication, of: path)
      reading.value = issue == nil ? value : nil
      if let issue { reading.issues.append(issue) }
    }
    return reading
  }

  /// What is read in the place of a file.
  struct Replacement {
    var path: String
    var content: [UInt8]
  }

  /// Reads the file and those that it includes, one of them with other content.
  func reload(
    isStrict: Bool? = nil, replacing replacement: Replacement? = nil
  ) -> (loaded: LoadedConfiguration<ClientConfiguration>?, issues: [ConfigurationIssue]) {
    var options = options
    options.isStrict = isStrict ?? options.isStrict
    do throws(Errno) {
      let loaded = parse(try Self.read(path), options, replacement)
      return (loaded, loaded.issues)
    } catch {
      return (nil, [.unreadable(path, error)])
    }
  }

  private func parse(
    _ bytes: [UInt8], _ loadOptions: LoadOptions, _ replacement: Replacement? = nil
  ) -> LoadedConfiguration<ClientConfiguration> {
    let (replaced, content) = (replacement?.path, replacement?.content)
    return ConfigurationLoader.loadClient(
      bytes: bytes, file: path, environment: Console.environment,
      includes: IncludeReader(
        fileNames: { Console.fileNames(in: $0) },
        readFile: { $0 == replaced ? content : try? Self.read($0) }),
      options: loadOptions)
  }

  /// The files of a configuration, which are read again at a reload.
  func paths(of configuration: ClientConfiguration) -> [String] {
    [path] + configuration.includedPaths + configuration.transport.tls.filePaths
      + [configuration.authentication.tokenFile].compactMap(\.self)
  }

  /// The store of a configuration, if it has one.
  func storePath(of configuration: ClientConfiguration) -> String? {
    configuration.storePath.map { ConfigurationLoader.storeFile($0, of: path) }
  }

  /// The files that the admin server writes.
  func writtenPaths(of configuration: ClientConfiguration) -> [String] {
    guard configuration.webServer != nil else { return [] }
    return [path] + [storePath(of: configuration)].compactMap(\.self)
  }

  private static func read(_ file: String) throws(Errno) -> [UInt8] {
    try HostSystem.readFile(file, byteCountMax: ConfigurationLimits.fileBytesMax)
  }
}
