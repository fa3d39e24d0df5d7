public import Timekeeping

/// How long the doctor waits.
public struct DoctorTimes: Sendable {
  /// For everything together.
  public var total = Interval.seconds(20)
  /// For name servers.
  public var name = Interval.seconds(5)
  /// For one connection to the relay.
  public var connect = Interval.seconds(5)
  /// For the answer to one login, the connection included.
  public var login = Interval.seconds(5)
  /// For the answer to a login in a manner that is not configured.
  public var otherLogin = Interval.seconds(2)
  /// For a stranger's first words.
  public var words = Interval.seconds(1)
  /// For one local service.
  public var service = Interval.seconds(3)

  /// What the program does.
  public init() {}
}

/// The maxima of the doctor.
enum DoctorLimits {
  /// Connections to local services at the same time, and to public ports.
  static let probeCountMax = 32

  /// Public ports that are looked at.
  static let publicPortCountMax = 64

  /// Bytes of a stranger's words that are read.
  static let wordByteCountMax = 512

  /// Characters of a stranger's words that are shown.
  static let wordCharacterCountMax = 60

  /// How far the clock may be behind the configuration's file, in seconds.
  static let clockLagMax: Int64 = 3600
}
