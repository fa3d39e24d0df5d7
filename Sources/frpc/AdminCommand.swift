internal import Commands
internal import Daemon

/// `frpc reload`, `frpc status`, `frpc stop`: what a running client is asked for.
struct AdminCommand {
  private let action: FrpcAction
  private let files: ClientFiles

  init(_ action: FrpcAction, _ arguments: Arguments) throws(ExitCode) {
    self.action = action
    files = try ClientFiles(arguments)
  }

  func run() throws(ExitCode) {
    _ = try files.load()
    throw ProgramStart.fail("\(action): needs the admin server, which this version does not have")
  }
}
