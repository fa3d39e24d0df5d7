internal import ClientAdmin
internal import Commands
internal import Daemon

/// `frpc`: the tunnel client. Each command has a file of its own beside this one.
@main
enum Program {
  static func main() {
    ProgramStart.run(FrpcCommands.root, version: ProductVersion.text) {
      action, arguments throws(ExitCode) in
      switch action {
      case .run: try RunCommand(arguments).run()
      case .verify: try VerifyCommand(arguments).run()
      case .doctor: try DoctorCommand(arguments).run()
      case .reload:
        let isStrict = arguments.boolean(ProgramFlags.strictConfig)
        try AdminCommand(.reload(isStrict: isStrict), arguments).run()
      case .status: try AdminCommand(.status, arguments).run()
      case .stop: try AdminCommand(.stop, arguments).run()
      case .proxy(let kind): try FlagsCommand(proxy: kind, arguments).run()
      case .visitor(let kind): try FlagsCommand(visitor: kind, arguments).run()
      case .discoverNAT:
        throw ProgramStart.fail(
          "nathole discover needs hole punching, which this version does not have")
      }
    }
  }
}
