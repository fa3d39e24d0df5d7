internal import Commands
internal import Configuration
internal import Daemon
internal import LinuxSystem

/// `frpc`: the client of one file runs until a signal ends it, or its first login fails; those of a
/// folder run in one process, whatever becomes of some of them.
struct RunCommand {
  private let folder: String
  private let files: ClientFiles
  private let arguments: Arguments

  init(_ arguments: Arguments) throws(ExitCode) {
    folder = arguments.text(FrpcCommands.configDirectory)
    files = try ClientFiles(arguments)
    self.arguments = arguments
  }

  func run() throws(ExitCode) {
    if !folder.isEmpty { return runFolder() }
    let configuration = try files.loadResolved()
    let service = try ClientService([(files.source, configuration)])
    if !service.run() { throw .failure }
  }

  /// As in frp the exit code is 0 whatever happens; the reasons are told.
  private func runFolder() {
    guard let paths = try? ClientFiles.paths(below: folder) else { return }
    if paths.isEmpty { Console.writeLine("there is no file in \(folder)") }
    var entries: [(ClientSource, ClientConfiguration)] = []
    for path in paths {
      do throws(ExitCode) {
        let files = try ClientFiles(path, arguments)
        entries.append((files.source, try files.loadResolved()))
      } catch {
        Console.writeLine("frpc service error for config file [\(path)]")
      }
    }
    guard !entries.isEmpty, let service = try? ClientService(entries) else { return }
    _ = service.run()
  }
}
