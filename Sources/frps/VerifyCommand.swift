internal import Commands
internal import Configuration
internal import LinuxSystem
internal import RelayServer

/// `frps verify`: checks the file.
struct VerifyCommand {
  private let files: ServerFiles
  private let dumps: Bool

  init(_ arguments: Arguments) throws(ExitCode) {
    files = try ServerFiles(arguments)
    dumps = arguments.boolean(ProgramFlags.dump)
  }

  func run() throws(ExitCode) {
    if files.path.isEmpty {
      return Console.writeLine("frps: the configuration file is not specified")
    }
    let loaded = try files.load()
    if dumps { return Console.writeLine(loaded.dump() ?? "") }
    let problems = loaded.value.map { RelayServer.hostCertificateProblems(of: $0) } ?? []
    for problem in problems { Console.writeLine("\(files.path): \(problem)") }
    guard problems.isEmpty else { throw .failure }
    Console.writeLine("frps: the configuration file \(files.path) syntax is ok")
  }
}
