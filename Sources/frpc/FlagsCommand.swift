internal import Commands
internal import Configuration
internal import Daemon
internal import LinuxSystem

/// `frpc tcp` and its like: a client with one proxy or visitor, which flags describe. No file is
/// read.
struct FlagsCommand {
  private let loaded: LoadedConfiguration<ClientConfiguration>

  init(proxy kind: ProxyKind, _ arguments: Arguments) throws(ExitCode) {
    loaded = ConfigurationLoader.loadClient(
      flags: arguments.values(
        of: SettingFlags.client + SettingFlags.everyProxy + SettingFlags.proxy(kind)), proxy: kind,
      environment: Console.environment, options: try LoadOptions(arguments))
  }

  init(visitor kind: VisitorKind, _ arguments: Arguments) throws(ExitCode) {
    loaded = ConfigurationLoader.loadClient(
      flags: arguments.values(of: SettingFlags.client + SettingFlags.visitor(kind)),
      visitor: kind, environment: Console.environment, options: try LoadOptions(arguments))
  }

  func run() throws(ExitCode) {
    for issue in loaded.issues { Console.writeLine("\(issue)") }
    guard let configuration = loaded.value else { throw .failure }
    let service = try ClientService([(.flags, configuration)])
    if !service.run() { throw .failure }
  }
}
