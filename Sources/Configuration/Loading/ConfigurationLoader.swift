/// How included files are reached; the loader itself opens nothing.
public struct IncludeReader: Sendable {
  /// The names of the plain files in a directory; `nil` when it cannot be read.
  public var fileNames: @Sendable (_ directory: String) -> [String]?

  /// The content of a file; `nil` when it cannot be read.
  public var readFile: @Sendable (_ path: String) -> [UInt8]?

  /// Puts both together.
  public init(
    fileNames: @escaping @Sendable (_ directory: String) -> [String]?,
    readFile: @escaping @Sendable (_ path: String) -> [UInt8]?
  ) {
    self.fileNames = fileNames
    self.readFile = readFile
  }

  /// Finds no directory and no file.
  public static let none = IncludeReader(fileNames: { _ in nil }, readFile: { _ in nil })
}

/// Makes configurations of the text of configuration files, in frp's INI format or in TOML, YAML or
/// JSON (configuration.md 1). Opens no file, reads no clock, and takes any bytes.
public enum ConfigurationLoader {
  /// Reads frps' configuration.
  ///
  /// - Parameters:
  ///   - bytes: the content of the file.
  ///   - file: its path, for issues and for its extension.
  ///   - environment: what templates may refer to.
  ///   - options: what is allowed.
  public static func loadServer(
    bytes: [UInt8], file: String, environment: [String: String],
    options: LoadOptions = LoadOptions()
  ) -> LoadedConfiguration<ServerConfiguration> {
    var issues = IssueCollector(file: file)
    let loader = ServerLoader(environment: environment, options: options)
    let loaded = SourceFile(bytes, path: file, &issues).flatMap { loader.load($0, &issues) }
    return LoadedConfiguration(
      value: issues.hasErrors ? nil : loaded?.configuration, issues: issues.finish(),
      effective: issues.hasErrors ? nil : loaded.map { .server($0.draft) })
  }

  /// Reads frps' configuration from text.
  public static func loadServer(
    text: String, file: String, environment: [String: String] = [:],
    options: LoadOptions = LoadOptions()
  ) -> LoadedConfiguration<ServerConfiguration> {
    loadServer(bytes: Array(text.utf8), file: file, environment: environment, options: options)
  }

  /// Reads frpc's configuration, the files that it includes, and its store file.
  ///
  /// - Parameters:
  ///   - bytes: the content of the file.
  ///   - file: its path, for issues and for its extension.
  ///   - environment: what templates may refer to, and the default of `http_proxy`.
  ///   - includes: how included files and the store file are reached.
  ///   - options: what is allowed.
  public static func loadClient(
    bytes: [UInt8], file: String, environment: [String: String], includes: IncludeReader,
    options: LoadOptions = LoadOptions()
  ) -> LoadedConfiguration<ClientConfiguration> {
    var issues = IssueCollector(file: file)
    let loader = ClientLoader(environment: environment, includes: includes, options: options)
    let loaded = SourceFile(bytes, path: file, &issues).flatMap { loader.load($0, &issues) }
    return LoadedConfiguration(
      value: issues.hasErrors ? nil : loaded?.configuration, issues: issues.finish(),
      effective: issues.hasErrors
        ? nil : loaded.map { .client($0.draft, $0.proxyDrafts, $0.visitorDrafts) })
  }

  /// Where the store of a configuration is: a relative path begins where its file lies.
  ///
  /// - Parameters:
  ///   - path: the value of `store.path`.
  ///   - file: the path of the configuration file.
  public static func storeFile(_ path: String, of file: String) -> String {
    path.hasPrefix("/") ? path : ClientLoader.split(file).0 + path
  }

  /// Reads frpc's configuration from text.
  public static func loadClient(
    text: String, file: String, environment: [String: String] = [:],
    includes: IncludeReader = .none, options: LoadOptions = LoadOptions()
  ) -> LoadedConfiguration<ClientConfiguration> {
    loadClient(
      bytes: Array(text.utf8), file: file, environment: environment, includes: includes,
      options: options)
  }
}
