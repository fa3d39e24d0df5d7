public import LinuxSystem

/// Why a stream ended before we closed it.
public enum CloseReason: Equatable, Sendable, CustomStringConvertible {
  /// The peer aborted the stream.
  case reset
  /// The kernel reported an error.
  case failed(Errno)
  /// TLS could not be set up or was violated.
  case tlsFailed(String)
  /// The mux session below was violated.
  case muxFailed(String)
  /// The payload cannot be decoded.
  case codingFailed(String)
  /// What carried the stream is gone.
  case carrierLost
  /// Bytes could not be written out in time.
  case drainTimedOut
  /// A stranger sent more than strangers may.
  case tooManyBytesOfStranger

  /// A short text for one log line.
  public var description: String {
    switch self {
    case .reset: "connection reset by peer"
    case .failed(let error): error.description
    case .tlsFailed(let text): "TLS: \(text)"
    case .muxFailed(let text): "mux: \(text)"
    case .codingFailed(let text): "payload: \(text)"
    case .carrierLost: "the carrying connection is lost"
    case .drainTimedOut: "the peer did not read in time"
    case .tooManyBytesOfStranger: "more bytes than a login needs"
    }
  }
}

/// An ordered byte stream in both directions: a socket, TLS over one, or one stream of a mux.
///
/// Everything written is accepted; `unsentByteCount` tells the writer when to stop reading from
/// its own source. Calls after `close()` or `abort()` do nothing.
public protocol ByteStream: AnyObject {
  /// Who gets bytes and events; dropped by `close()` and `abort()`.
  var receiver: (any ByteStreamReceiver)? { get set }
  /// Queues or sends all of `bytes`.
  func write(_ bytes: UnsafeRawBufferPointer)
  /// Bytes accepted that the layer below has not taken yet.
  var unsentByteCount: Int { get }
  /// Ends our direction, behind everything written.
  func finish()
  /// Writes out what was accepted, then closes both directions; no event comes any more.
  func close()
  /// Aborts both directions at once, seen by the peer as a reset; no event comes any more.
  func abort()
  /// Asks the stream to stop delivering; bytes read already may still come.
  func pauseReading()
  /// Undoes `pauseReading()`.
  func resumeReading()
  /// Says that the receiver is done with so many delivered bytes; gives the peer credit where the
  /// layer has credit.
  func consume(_ byteCount: Int)
  /// Our end of the connection below.
  var localAddress: SocketAddress? { get }
  /// The peer's end of the connection below.
  var peerAddress: SocketAddress? { get }
}

extension ByteStream {
  /// Writes the bytes of an array.
  public func write(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { write($0) }
  }
}

/// Gets what a stream reads, and its events. All calls come from the loop.
public protocol ByteStreamReceiver: AnyObject {
  /// Bytes arrived; valid during the call only.
  func streamDidReceive(_ stream: any ByteStream, _ bytes: UnsafeRawBufferPointer)
  /// The peer ended its direction; no more bytes come.
  func streamDidEnd(_ stream: any ByteStream)
  /// Bytes that had to wait were sent; `unsentByteCount` has become smaller.
  func streamDidProgress(_ stream: any ByteStream)
  /// The stream is dead in both directions. The last event.
  func streamDidFail(_ stream: any ByteStream, _ reason: CloseReason)
}
