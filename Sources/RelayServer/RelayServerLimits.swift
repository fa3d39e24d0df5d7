public import Timekeeping

/// The maxima of this module.
public enum RelayServerLimits {
  /// From accept to a login, whatever the peer sends in between; also from the opening of any
  /// other logical connection to its first message (wire-protocol.md 1.7).
  public static let bringUpTimeout = Interval.seconds(10)
  /// Strangers of one address after which no more peers are accepted in a turn: fewer than may have
  /// come of one address and said nothing, so that who has just come is read from before others
  /// drive him out.
  public static let strangersPerTurnMax = 16
  /// Streams that a mux carrier may open before it has logged in.
  public static let unauthenticatedStreamMax = 4
  /// Bytes that a peer may send before it has logged in.
  public static let unauthenticatedByteCountMax = 64 * 1024
  /// Bytes of a TLS client's first record that are collected before there is a TLS session for
  /// them; a longer record begins one.
  public static let firstRecordByteCountMax = 8 * 1024
  /// How long a session that another client wants to take a proxy from may take to show that it is
  /// alive.
  public static let probeTimeout = Interval.milliseconds(1500)
  /// How often it is looked at meanwhile.
  public static let probeInterval = Interval.milliseconds(50)
  /// After how long at the latest it is looked whether users have expired, as clocks are set.
  public static let expiryCheckInterval = Interval.seconds(60)
  /// Bytes of the file that remembers ports.
  public static let portMemoryByteCountMax = 4 << 20
  /// How long after a change that file is written.
  public static let portMemoryDelay = Interval.seconds(1)
  /// Descriptors that users leave to clients and files, at most.
  public static let reservedDescriptorMax = 6144
  /// Log lines about one subject that one network causes in `complaintPeriod`.
  public static let complaintsPerNetworkMax = 5
  /// Log lines that strangers, users and clients cause in a second.
  public static let complaintsPerSecondMax = 100
  /// The time after which log lines that were left out are summed up.
  public static let complaintPeriod = Interval.seconds(10)
  /// Bytes of a work connection kept while it waits for a user.
  public static let idleWorkByteCountMax = 64 * 1024
  /// From accept to the first message that tells where a user wants to go: a PROXY header, a
  /// ClientHello, a CONNECT request.
  public static let arrivalTimeout = Interval.seconds(10)
  /// Users whose first bytes are awaited; the oldest goes first.
  public static let arrivalCountMax = 8192
  /// Those of one network; the oldest of them goes first.
  public static let arrivalsPerNetworkMax = 1024
  /// Bytes that a TLS client may send until its first request, where TLS ends at the relay.
  public static let secureArrivalByteCountMax = 64 * 1024
  /// Hosts whose TLS ends at the relay.
  public static let hostCertificateCountMax = 1024
  /// Bytes of the page for hosts that nobody serves.
  public static let notFoundPageByteCountMax = 256 * 1024
  /// How long that page is remembered before its file is read again.
  public static let notFoundPageMemory = Interval.seconds(1)
  /// Streams of one mux carrier.
  public static let streamCountMax = 32_768
  /// Bytes of lines of the access log for which room is kept from one turn to the next.
  public static let keptLogByteCount = 64 * 1024
}
