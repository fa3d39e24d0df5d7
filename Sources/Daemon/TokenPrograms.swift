public import Configuration
internal import LinuxSystem

/// What the programs of token sources print.
///
/// Each is run once, at the start: a confined program can run no other one, so that a reload goes
/// on with what was printed then.
public final class TokenPrograms {
  private var outputs: [ValueSource: [UInt8]] = [:]
  private var isOpen = true

  /// Has run none yet.
  public init() {}

  /// No program is run from here on.
  public func close() { isOpen = false }

  /// Puts the token from where it comes from into a configuration.
  ///
  /// - Parameter file: what the configuration was read from.
  /// - Returns: what is wrong; `nil` when nothing is.
  public func resolve(
    _ authentication: inout AuthenticationConfiguration, of file: String
  ) -> ConfigurationIssue? {
    do throws(ValueSourceError) {
      try authentication.resolveToken {
        try? HostSystem.readFile($0, byteCountMax: ConfigurationLimits.fileBytesMax)
      } runProgram: { source throws(ValueSourceError) in
        try output(of: source)
      }
      return nil
    } catch {
      return ConfigurationIssue(
        severity: .error, file: file, message: "failed to resolve auth.tokenSource: \(error)")
    }
  }

  /// What the program of a source prints, or has printed before.
  private func output(of source: ValueSource) throws(ValueSourceError) -> [UInt8] {
    guard case .program(let command, let arguments, let additions) = source else { return [] }
    if let output = outputs[source] { return output }
    guard isOpen else {
      throw .programFailed(command: command, "a running program runs no others; restart it")
    }
    var environment = Console.environment
    for addition in additions { environment[addition.name] = addition.value }
    do throws(ProgramRunError) {
      let output = try HostSystem.output(
        ofProgram: command, arguments, environment: environment,
        byteCountMax: DaemonLimits.tokenByteCountMax)
      outputs[source] = output
      return output
    } catch {
      throw .programFailed(command: command, "\(error)")
    }
  }
}
