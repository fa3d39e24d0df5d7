public import Timekeeping

/// The maxima of this module.
public enum AdmissionLimits {
  /// Peers that have not logged in; the oldest goes first.
  public static let strangerCountMax = 4096
  /// Peers of one network that have not logged in; the oldest of them goes first.
  public static let strangersPerNetworkMax = 64
  /// Strangers that speak TLS, each of which costs some ten kilobytes; the oldest goes first.
  public static let strangersWithTLSMax = 1024
  /// Failed logins of a network that are answered at once.
  public static let freeFailureCountMax = 10
  /// The pause between answers to failed logins beyond those; doubled every
  /// `freeFailureCountMax` failures.
  public static let failurePauseMin = Interval.seconds(1)
  /// The longest such pause.
  public static let failurePauseMax = Interval.seconds(8)
  /// How long the answer to a failed login is held back; one that would wait longer gets none.
  public static let heldAnswerMax = Interval.seconds(8)
  /// How long a network's failures are remembered after the last one.
  public static let failureMemory = Interval.seconds(600)
  /// Networks whose failures are remembered; the one that failed longest ago is forgotten first.
  public static let failingNetworkCountMax = 65_536
  /// Networks of which it is remembered that somebody has logged in from there.
  public static let knownNetworkCountMax = 65_536
  /// How long a measurement of the memory in use is believed.
  public static let memorySampleTime = Interval.milliseconds(100)
  /// What the kernel keeps for an idle socket.
  public static let kernelBytesPerSocket = 4096
  /// What this process is expected to need for a new connection, until it is measured.
  public static let ownBytesPerConnection = 8192
}
