public import Timekeeping

/// How clients and relay convince each other.
public struct AuthenticationConfiguration: Equatable, Sendable {
  /// How a client proves who it is.
  public enum Method: String, Sendable, CaseIterable {
    /// By a secret that both sides know.
    case token
    /// By a credential of an OpenID provider.
    case oidc
  }

  /// How a client proves who it is.
  public var method = Method.token

  /// The shared secret, which is also the key of all payload encryption.
  public var token = Secret("")

  /// Where the shared secret comes from; `nil` when `token` is it. Whoever starts the program
  /// resolves it, puts the result into `token` and sets this to `nil`.
  public var tokenSource: ValueSource?

  /// The file that `token` was read from; `nil` for none.
  public var tokenFile: String?

  /// Whether each heartbeat carries a proof too.
  public var authenticatesHeartbeats = false

  /// Whether each new work connection carries a proof too.
  public var authenticatesNewWorkConnections = false

  /// The defaults.
  public init() {}
}

/// Where log lines go and which are written.
public struct LogConfiguration: Equatable, Sendable {
  /// Where lines go.
  public enum Target: Equatable, Sendable {
    /// Standard output.
    case console
    /// A file, relative to the working directory.
    case file(path: String)
  }

  /// The least severe lines that are written.
  public enum Level: String, Sendable, CaseIterable {
    /// Everything.
    case trace
    /// What helps to find faults.
    case debug
    /// What an operator wants to see.
    case info
    /// What went wrong and was dealt with.
    case warn
    /// What went wrong.
    case error
  }

  /// Where lines go.
  public var target = Target.console

  /// The least severe lines that are written.
  public var level = Level.info

  /// For how many days old files are kept; `nil` for ever.
  public var daysMax: Int? = 3

  /// Whether the console shows no colour even on a terminal.
  public var isColorDisabled = false

  /// The defaults.
  public init() {}
}

/// What a program gives up once it runs.
public struct ConfinementConfiguration: Equatable, Sendable {
  /// Whether it gives up anything.
  public var isEnabled = true

  /// The user that root becomes; `nil` for `frp` or else `nobody`.
  public var userName: String?

  /// The defaults.
  public init() {}
}

/// Where a value comes from that does not stand in the configuration file.
public enum ValueSource: Hashable, Sendable {
  /// The content of a file, without white space around it.
  case file(path: String)
  /// What a program prints, without white space around it; the environment is added to ours.
  case program(command: String, arguments: [String], environment: [NamedValue])
}

/// Why a value could not be had from its source.
public enum ValueSourceError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file cannot be read.
  case fileUnreadable(path: String)
  /// What was read is no text.
  case notText
  /// The program did not print the value; why.
  case programFailed(command: String, String)

  /// What is wrong, in words.
  public var description: String {
    switch self {
    case .fileUnreadable(let path): "the file \(quoted(path)) cannot be read"
    case .notText: "expected text in UTF-8"
    case .programFailed(let command, let reason): "\(quoted(command)): \(reason)"
    }
  }
}

extension AuthenticationConfiguration {
  /// Puts what `tokenSource` names into `token`; nothing happens without a source.
  ///
  /// - Parameter runProgram: gives what the program of a source prints.
  public mutating func resolveToken(
    readFile: (_ path: String) -> [UInt8]?,
    runProgram: (_ source: ValueSource) throws(ValueSourceError) -> [UInt8]
  ) throws(ValueSourceError) {
    guard let source = tokenSource else { return }
    let bytes: [UInt8]
    switch source {
    case .program: bytes = try runProgram(source)
    case .file(let path):
      guard let content = readFile(path) else { throw .fileUnreadable(path: path) }
      bytes = content
      tokenFile = path
    }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .notText }
    token = Secret(trimmed(text))
    tokenSource = nil
  }
}

/// A name and a value, where their order matters or a name may come twice.
public struct NamedValue: Hashable, Sendable {
  /// The name.
  public var name: String

  /// The value.
  public var value: String

  /// Puts both together.
  public init(name: String, value: String) {
    self.name = name
    self.value = value
  }
}

/// How QUIC connections between the programs behave.
public struct QUICConfiguration: Equatable, Sendable {
  /// The pause between pings.
  public var keepalivePeriod = Interval.seconds(10)

  /// After how long without a byte a connection ends.
  public var idleTimeout = Interval.seconds(30)

  /// The most streams that the other side may have open.
  public var incomingStreamCountMax = 100_000

  /// The defaults.
  public init() {}
}

/// The web server of a program: frps' dashboard, frpc's admin server.
public struct WebServerConfiguration: Equatable, Sendable {
  /// The address to listen on.
  public var address = "127.0.0.1"

  /// The port to listen on.
  public var port: UInt16

  /// The user to ask for; empty together with an empty password for nobody.
  public var user = ""

  /// The user's password.
  public var password = Secret("")

  /// A folder whose files stand before the built-in ones; `nil` for none.
  public var assetsPath: String?

  /// Whether profiles are offered.
  public var offersProfiles = false

  /// The certificate with which TLS is spoken; `nil` for plain HTTP.
  public var certificate: CertificateFiles?

  /// A server on 127.0.0.1.
  public init(port: UInt16) { self.port = port }
}

/// A certificate with its key, both PEM files.
public struct CertificateFiles: Equatable, Sendable {
  /// The certificate, followed by those that link it to an authority.
  public var certificatePath: String

  /// The certificate's private key.
  public var keyPath: String

  /// Both paths.
  public var paths: [String] { [certificatePath, keyPath] }

  /// Puts both together.
  public init(certificatePath: String, keyPath: String) {
    self.certificatePath = certificatePath
    self.keyPath = keyPath
  }
}

/// Seconds of a key as an interval; `nil` when the key switches the thing off.
func intervalIfPositive(_ seconds: Int) -> Interval? { seconds > 0 ? .seconds(seconds) : nil }
