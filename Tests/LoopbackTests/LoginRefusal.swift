import Transports
import WireProtocol

/// What a relay answers that lets nobody in.
enum LoginRefusal {
  static func bytes(_ text: String) -> [UInt8] {
    MessageChannel.frame(.loginResponse(LoginResponse(version: "0.70.0", error: text)))
  }
}
