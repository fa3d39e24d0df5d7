internal import Glibc

/// The process's standard streams and surroundings, for the programs' start.
public enum Console {
  /// Where a line goes.
  public enum Stream: Sendable {
    /// Descriptor 1.
    case standardOutput
    /// Descriptor 2.
    case standardError
  }

  /// Writes one line; a closed stream is nobody's problem.
  public static func writeLine(_ text: String, to stream: Stream = .standardOutput) {
    let number: CInt =
      switch stream {
      case .standardOutput: 1
      case .standardError: 2
      }
    var bytes = Array((text + "\n").utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { write(number, $0.baseAddress, $0.count) }
      guard written > 0 else { return }
      bytes = bytes.dropFirst(written)
    }
  }

  /// The words behind the program's name.
  public static var arguments: [String] { Array(CommandLine.arguments.dropFirst()) }

  /// Ends the process.
  public static func exit(_ code: Int32) -> Never {
    Glibc.exit(code)
  }

  /// The environment variables.
  public static var environment: [String: String] {
    var variables: [String: String] = [:]
    var entry: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> = environ
    while let text = entry.pointee {
      let parts = String(cString: text).split(
        separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
      entry += 1
    }
    return variables
  }

  /// The folder for what a service remembers, if its supervisor has made one (systemd.exec(5)).
  public static var stateFolder: String? {
    let folders = environment["STATE_DIRECTORY"]?.split(separator: ":") ?? []
    return folders.first.map(String.init)
  }
}
