internal import Commands
internal import Configuration
internal import LinuxSystem

/// `frpc verify`: checks the file, or every file of a folder.
struct VerifyCommand {
  private let folder: String
  private let files: ClientFiles
  private let arguments: Arguments

  init(_ arguments: Arguments) throws(ExitCode) {
    folder = arguments.text(FrpcCommands.configDirectory)
    files = try ClientFiles(arguments)
    self.arguments = arguments
  }

  func run() throws(ExitCode) {
    if !folder.isEmpty { return try runFolder() }
    if files.path.isEmpty {
      return Console.writeLine("frpc: the configuration file is not specified")
    }
    try check(files)
  }

  /// All files are checked, whatever is wrong with the first.
  private func runFolder() throws(ExitCode) {
    var areAllGood = true
    for path in try ClientFiles.paths(below: folder) {
      do throws(ExitCode) {
        try check(try ClientFiles(path, arguments))
      } catch {
        areAllGood = false
      }
    }
    if !areAllGood { throw .failure }
  }

  private func check(_ files: ClientFiles) throws(ExitCode) {
    let loaded = try files.load()
    if arguments.boolean(ProgramFlags.dump) { return Console.writeLine(loaded.dump() ?? "") }
    Console.writeLine("frpc: the configuration file \(files.path) syntax is ok")
  }
}
