internal import ClientAdmin
internal import Commands
internal import Configuration
internal import Daemon
internal import LinuxSystem
internal import Timekeeping

/// `frpc reload`, `frpc status`, `frpc stop`: what a running client is asked for.
struct AdminCommand {
  private let request: AdminRequest
  private let files: ClientFiles
  private let timeout: Interval

  init(_ request: AdminRequest, _ arguments: Arguments) throws(ExitCode) {
    self.request = request
    files = try ClientFiles(arguments)
    let text = arguments.text(FrpcCommands.apiTimeout)
    guard let timeout = Interval(duration: text), timeout > .zero else {
      throw ProgramStart.fail("--api-timeout: expected a time such as 30s or 1m30s")
    }
    self.timeout = timeout
  }

  func run() throws(ExitCode) {
    guard let configuration = try files.load().value else { throw .failure }
    let outcome = request.run(configuration, timeout: timeout)
    Console.writeLine(outcome.text)
    if !outcome.isSuccess { throw .failure }
  }
}
