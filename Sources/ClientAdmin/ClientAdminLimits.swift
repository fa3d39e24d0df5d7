public import Timekeeping

/// The maxima of this module.
public enum ClientAdminLimits {
  /// How long the answer to a request to stop may travel before the client begins to stop
  /// (http-api.md 4).
  public static let stopDelay = Interval.milliseconds(100)
  /// The most bytes of an answer that the commands read: a status of 65,535 proxies has less.
  public static let answerByteCountMax = 32 << 20
  /// The most proxies and visitors in the store.
  public static let storedEntryCountMax = 4096
}
