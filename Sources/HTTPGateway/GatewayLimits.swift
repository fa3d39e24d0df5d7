public import Timekeeping

/// The maxima of this module.
public enum GatewayLimits {
  /// Visitors' connections to one gateway; one more is closed at once.
  public static let connectionCountMax = 65_536
  /// Connections that are looked at for one without a request, to make room for another one.
  public static let emptySearchCountMax = 32
  /// How long a visitor's connection may be without a request.
  public static let idleTimeout = Interval.seconds(60)
  /// How long a visitor may take from the first byte of a head to its last one.
  public static let headTimeout = Interval.seconds(30)
  /// How long a visitor may be silent inside of a head.
  public static let headSilenceMax = Interval.seconds(10)
  /// How long a body, or a visitor who takes his answer, may stand still.
  public static let stalledTimeMax = Interval.seconds(300)
  /// How long an answer may stand still after the visitor has ended his direction.
  public static let halfClosedTimeMax = Interval.seconds(10)
  /// Bytes of a visitor that wait while his request cannot be read on; then he is not read from.
  public static let waitingByteCountMax = 32 * 1024
  /// Bytes of answers that a visitor has not taken when his next request is begun.
  public static let unsentAnswerByteCountMax = 64 * 1024
  /// Bytes of a body that are read and dropped so that the connection can go on after an answer
  /// of our own.
  public static let discardedByteCountMax = 64 * 1024
  /// Idle streams to the local service of one proxy; more are closed.
  public static let idleStreamCountMax = 64
  /// How long such a stream is kept.
  public static let idleStreamTimeout = Interval.seconds(60)
  /// How long a stream may have been idle that carries a request which cannot be repeated: local
  /// services close idle connections without notice.
  public static let unrepeatableIdleMax = Interval.seconds(1)
  /// Bytes of a body from which on they are not put into one write with what is before them.
  public static let joinedWriteByteCountMax = 16 * 1024
  /// Bytes of HTTP/2 that are written at a time.
  public static let sessionWriteByteCountMax = 64 * 1024
  /// Bytes of a connection of HTTP/2 that the visitor has not taken, beyond which no more frames
  /// are made.
  public static let unsentFrameByteCountMax = 64 * 1024
  /// Requests of one connection of HTTP/2 that may be refused, or given up before their answers are
  /// complete, at once; beyond that the connection ends.
  public static let brokenStreamCountMax = 500
  /// How many more of them each second.
  public static let brokenStreamsPerSecond = 50
}

/// How long things may take. The maxima of this module, unless a test has less patience.
public struct GatewayTimes: Sendable {
  /// A visitor's connection without a request.
  public var idle = GatewayLimits.idleTimeout
  /// A head, from its first byte to its last one.
  public var head = GatewayLimits.headTimeout
  /// Silence inside of a head.
  public var headSilence = GatewayLimits.headSilenceMax
  /// A body, or an answer that is not taken, without a byte moving.
  public var stalled = GatewayLimits.stalledTimeMax
  /// An answer without a byte moving, for a visitor who has ended his direction.
  public var halfClosed = GatewayLimits.halfClosedTimeMax
  /// A stream to a local service without a request.
  public var idleStream = GatewayLimits.idleStreamTimeout
  /// The same before a request that cannot be repeated.
  public var unrepeatableIdle = GatewayLimits.unrepeatableIdleMax

  /// The maxima of this module.
  public init() {}
}
