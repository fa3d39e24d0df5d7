internal import LinuxSystem

/// Where a socket's bytes go without a stop in this process: the output of a mux carrier.
///
/// The two ends know each other. The socket calls `receive` when it has something to read; an end
/// that has no room refuses, and calls `SocketStream.drain(upTo:)` when it has.
protocol SocketDrain: AnyObject {
  /// Reads from `socket` at most `byteCount` bytes.
  ///
  /// - Returns: `nil` when there is no room now.
  func receive(from socket: CInt, upTo byteCount: Int) -> Reception?

  /// The socket has nothing more for the drain.
  func sourceDidEnd()
}

/// What a read that went straight to a drain gave.
struct Reception {
  /// What the call said.
  let result: IOResult
  /// How many bytes it had asked for.
  let askedByteCount: Int
}
