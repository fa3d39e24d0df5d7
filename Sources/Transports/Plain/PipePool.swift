internal import LinuxSystem

/// A pipe of the pool, and how many bytes are in it.
final class PooledPipe {
  var byteCount = 0
  private let pipe: Pipe

  init(capacity: Int) throws(Errno) {
    pipe = try Pipe(capacity: capacity)
  }

  var readNumber: CInt { pipe.readEnd.rawValue }
  var writeNumber: CInt { pipe.writeEnd.rawValue }
}

/// Empty pipes for reuse; opening one costs three system calls.
final class PipePool {
  private var idle: [PooledPipe] = []

  /// An empty pipe; `nil` when no descriptor is left.
  func take() -> PooledPipe? {
    if let pipe = idle.popLast() { return pipe }
    return try? PooledPipe(capacity: TransportLimits.splicePipeBytes)
  }

  /// Takes an empty pipe back.
  func put(_ pipe: PooledPipe) {
    precondition(pipe.byteCount == 0, "a pipe with bytes of one pair returned")
    if idle.count < TransportLimits.idlePipeCountMax { idle.append(pipe) }
  }
}
