internal import CLinux
internal import Glibc

/// A non-blocking pipe, as `splice` needs one between two sockets.
public struct Pipe: ~Copyable {
  /// Where bytes come out.
  public let readEnd: FileDescriptor
  /// Where bytes go in.
  public let writeEnd: FileDescriptor
  /// How many bytes fit.
  public let capacity: Int

  /// Opens a pipe and asks for `capacity` bytes; the kernel may give less.
  public init(capacity: Int) throws(Errno) {
    #if DEBUG
      if let kernel = Simulation.kernel {
        let ends = try kernel.makePipe(capacity: capacity)
        readEnd = FileDescriptor(owning: ends.readEnd)
        writeEnd = FileDescriptor(owning: ends.writeEnd)
        self.capacity = capacity
        return
      }
    #endif
    var numbers: [CInt] = [-1, -1]
    try throwing { frp_pipe(&numbers) }
    readEnd = FileDescriptor(owning: numbers[0])
    writeEnd = FileDescriptor(owning: numbers[1])
    let granted = frp_set_pipe_size(numbers[1], CInt(clamping: capacity))
    self.capacity = granted > 0 ? Int(granted) : 65536
  }
}

/// Moves up to `byteCount` bytes between a pipe and a socket inside the kernel.
public func splice(
  from source: CInt, to destination: CInt, byteCount: Int, isMoreComing: Bool = false
) -> IOResult {
  #if DEBUG
    if let kernel = Simulation.kernel(of: source) {
      return kernel.splice(from: source, to: destination, byteCount: byteCount)
    }
  #endif
  return retryingTransfer { frp_splice(source, destination, byteCount, isMoreComing ? 1 : 0) }
}

#if DEBUG
  /// One call, for `FaultPlan`.
  func rawSplice(_ source: CInt, _ destination: CInt, _ byteCount: Int) -> Int {
    frp_splice(source, destination, byteCount, 0)
  }
#endif
