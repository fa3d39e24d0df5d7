import Timekeeping

/// How clients and relay convince each other.
public struct AuthenticationConfiguration: Equatable, Sendable {
  /// How a client proves who it is.
  public enum Method: String, Sendable, CaseIterable {
    /// By a secret that both sides know.
    case token
  }

  /// How a client proves who it is.
  public var method = Method.token

  /// The shared secret, which is also the key of all payload encryption.
  public var token = Secret("")

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

/// The keys that both programs have, gathered before rules across keys are applied.
struct SharedDraft {
  var authentication = AuthenticationConfiguration()
  var log = LogConfiguration()
  var confinement = ConfinementConfiguration()
  var certificatePath = ""
  var keyPath = ""
  var trustedAuthoritiesPath = ""
  var isMultiplexed = true
  var muxKeepaliveSeconds = 5
  var shutdownGraceSeconds = 5
  /// `nil` when the key is not set: the default depends on `isMultiplexed`.
  var heartbeatTimeoutSeconds: Int?

  /// Certificate and key, which come together or not at all.
  func certificateFiles(
    _ section: IniSection, _ document: IniDocument, _ issues: inout IssueCollector
  ) -> CertificateFiles? {
    if certificatePath.isEmpty, keyPath.isEmpty { return nil }
    for (path, name, other) in [
      (certificatePath, "tls_cert_file", "tls_key_file"),
      (keyPath, "tls_key_file", "tls_cert_file"),
    ] where path.isEmpty {
      let location = document.entry(other, in: section)?.location ?? section.location
      issues.add(.error, location, key: other, "expected \(name) beside it, which is not set")
      return nil
    }
    return CertificateFiles(certificatePath: certificatePath, keyPath: keyPath)
  }
}

/// Seconds of a key as an interval; `nil` when the key switches the thing off.
func intervalIfPositive(_ seconds: Int) -> Interval? { seconds > 0 ? .seconds(seconds) : nil }
