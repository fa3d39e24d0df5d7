internal import Configuration
internal import Daemon

/// Where a client's configuration comes from, and comes from again at a reload.
struct ClientSource {
  /// The files; `nil` for flags.
  let files: ClientFiles?

  /// Reads everything again.
  let read: () -> ConfigurationReading<ClientConfiguration>

  /// The files of a configuration, which are read again.
  let paths: (ClientConfiguration) -> [String]

  /// The file that names the others; `nil` for flags.
  var path: String? { files?.path }

  /// Flags, which cannot change.
  static var flags: ClientSource {
    ClientSource(files: nil) {
      let issue = ConfigurationIssue(
        severity: .error, file: ConfigurationLoader.commandLine,
        message: "there is no file to read again")
      return ConfigurationReading(value: nil, issues: [issue])
    } paths: {
      $0.transport.tls.filePaths
    }
  }
}
