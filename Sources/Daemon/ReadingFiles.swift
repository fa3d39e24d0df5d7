public import Commands
public import Configuration
public import LinuxSystem

extension ConfigurationIssue {
  /// A file that cannot be read.
  public static func unreadable(_ file: String, _ error: Errno) -> ConfigurationIssue {
    ConfigurationIssue(severity: .error, file: "open \(file)", message: "\(error)")
  }
}

extension LoadOptions {
  /// What the command line allows.
  ///
  /// - Throws: it names something that there is not, which has been told.
  public init(_ arguments: Arguments) throws(ExitCode) {
    self.init()
    isStrict = arguments.boolean(ProgramFlags.strictConfig)
    for name in arguments.list(ProgramFlags.allowUnsafe) {
      guard name == ProgramFlags.tokenSourceExec else {
        throw ProgramStart.fail(
          "--allow-unsafe: expected \(ProgramFlags.tokenSourceExec), found \"\(name)\"")
      }
      allowsTokenPrograms = true
    }
  }
}
