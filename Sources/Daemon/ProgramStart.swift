public import Commands
internal import LinuxSystem

/// The start of a program: its command line, and the code that it ends with.
public enum ProgramStart {
  /// Does what the process's command line asks for, and ends the process.
  ///
  /// - Parameters:
  ///   - root: the program's commands.
  ///   - version: what `--version` prints.
  ///   - run: does what a command is to do; it has told about its own errors.
  public static func run<Action: Sendable>(
    _ root: Command<Action>, version: String,
    _ run: (Action, Arguments) throws(ExitCode) -> Void
  ) -> Never {
    do throws(UsageError) {
      let invocation = try CommandParser(root).parse(Console.arguments)
      switch invocation {
      case .version: Console.writeLine(version)
      case .show(let text): Console.writeLine(text)
      case .run(let action, let arguments):
        do throws(ExitCode) {
          try run(action, arguments)
        } catch {
          Console.exit(error.value)
        }
      }
    } catch {
      // Usage errors end with 1, as frp's do.
      Console.writeLine("\(error)", to: .standardError)
      Console.exit(1)
    }
    Console.exit(0)
  }

  /// Writes what went wrong, for a command that ends here.
  public static func fail(_ message: String) -> ExitCode {
    Console.writeLine(message)
    return .failure
  }
}
