/// What versions we are.
public enum ProtocolVersion {
  /// The frp release whose protocol we speak; sent in `Login` and `LoginResp`, only logged there.
  public static let current = "0.70.0"
}

/// What two of our own programs can do beyond frp. Sent with the login and its answer, in a member
/// that frp ignores.
public struct WireExtensions: OptionSet, Equatable, Sendable {
  /// The bits as sent.
  public var rawValue: Int

  /// Wraps the bits as sent.
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// A FIN ends one direction only.
  public static let halfClose = WireExtensions(rawValue: 1)

  /// What we offer.
  public static let ours: WireExtensions = [.halfClose]
}
