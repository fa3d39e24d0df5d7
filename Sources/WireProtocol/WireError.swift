/// Why a connection's messages cannot be read any further; it has to be closed without an answer.
public enum WireError: Error, Equatable, Sendable {
  /// A frame that opens with a byte that names no message.
  case unknownType(UInt8)

  /// A frame whose length is negative or above `WireProtocolLimits.frameLengthMax`.
  case lengthOutOfRange(Int64)

  /// A frame whose body is not the JSON of the message that it is read as.
  case malformed(MessageType, JSONFault)
}

extension WireError: CustomStringConvertible {
  /// One log line; shows nothing of what the peer wrote into a message.
  public var description: String {
    switch self {
    case .unknownType(let byte):
      "unknown message type 0x\(byte < 16 ? "0" : "")\(String(byte, radix: 16))"
    case .lengthOutOfRange(let length):
      "message length \(length) is not within 0 to \(WireProtocolLimits.frameLengthMax)"
    case .malformed(let type, let fault):
      "malformed \(type.name) message: \(fault)"
    }
  }
}
