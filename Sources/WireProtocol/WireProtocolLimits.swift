/// The maxima of this module.
public enum WireProtocolLimits {
  /// Bytes of JSON in one frame, both ways (wire-protocol.md 2.1).
  public static let frameLengthMax = 10_240
  /// Bytes of a frame's head: type and length.
  public static let frameHeadLength = 9
  /// Nested arrays and objects.
  public static let depthMax = 32
}

/// What versions we are.
public enum ProtocolVersion {
  /// The frp release whose protocol we speak; sent in `Login` and `LoginResp`, only logged there.
  public static let current = "0.70.0"
}

/// What two of our own programs can do beyond frp. Sent in a member that frp ignores.
public struct WireExtension: OptionSet, Equatable, Sendable {
  /// The bits as sent.
  public let rawValue: Int

  /// Wraps the bits as sent.
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// A FIN ends one direction only.
  public static let halfClose = WireExtension(rawValue: 1)

  /// What we offer.
  public static let ours: WireExtension = [.halfClose]
}

/// A peer broke the protocol. The texts hold no content, so no secret.
public enum WireError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The type byte is none of frp's.
  case unknownType(UInt8)
  /// The length is negative or above the limit.
  case lengthOutOfRange(Int64)
  /// The JSON text is broken at this byte.
  case malformedJSON(offset: Int)
  /// The JSON text is nested too deeply.
  case nestedTooDeeply
  /// A message is no JSON object.
  case notAnObject
  /// A member has the wrong type, or a number does not fit.
  case wrongType(member: String, expected: String)

  /// A short text for one log line.
  public var description: String {
    switch self {
    case .unknownType(let byte): "unknown message type \(byte)"
    case .lengthOutOfRange(let length): "message length \(length) is out of range"
    case .malformedJSON(let offset): "malformed JSON at byte \(offset)"
    case .nestedTooDeeply: "JSON is nested too deeply"
    case .notAnObject: "a message is not a JSON object"
    case .wrongType(let member, let expected): "member \(member) is not \(expected)"
    }
  }
}
