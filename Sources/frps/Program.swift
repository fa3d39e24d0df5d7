internal import Commands
internal import Daemon

/// `frps`: the relay daemon. Each command has a file of its own beside this one.
@main
enum Program {
  static func main() {
    ProgramStart.run(FrpsCommands.root, version: ProductVersion.text) {
      action, arguments throws(ExitCode) in
      switch action {
      case .run: try RunCommand(arguments).run()
      case .verify: try VerifyCommand(arguments).run()
      }
    }
  }
}
