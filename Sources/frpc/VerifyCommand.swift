internal import Commands
internal import Configuration
internal import LinuxSystem

/// `frpc verify`: checks the file.
struct VerifyCommand {
  private let files: ClientFiles
  private let dumps: Bool

  init(_ arguments: Arguments) throws(ExitCode) {
    files = try ClientFiles(arguments)
    dumps = arguments.boolean(ProgramFlags.dump)
  }

  func run() throws(ExitCode) {
    if files.path.isEmpty {
      return Console.writeLine("frpc: the configuration file is not specified")
    }
    let loaded = try files.load()
    if dumps { return Console.writeLine(loaded.dump() ?? "") }
    Console.writeLine("frpc: the configuration file \(files.path) syntax is ok")
  }
}
