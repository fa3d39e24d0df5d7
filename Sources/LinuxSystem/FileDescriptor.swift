internal import Glibc

/// An open file descriptor with exactly one owner; closed when the owner goes away.
public struct FileDescriptor: ~Copyable, Sendable {
  /// The number; valid as long as this value lives.
  public let rawValue: CInt

  /// Takes ownership of an open descriptor.
  public init(owning rawValue: CInt) {
    precondition(rawValue >= 0, "not a descriptor")
    self.rawValue = rawValue
  }

  deinit {
    #if DEBUG
      // One that outlives its simulation is nothing to the real kernel.
      if rawValue >= Simulation.firstDescriptor {
        Simulation.kernel?.close(rawValue)
        return
      }
    #endif
    // EINTR and EIO cannot be mended: on Linux the number is free again either way.
    _ = Glibc.close(rawValue)
  }

  /// Gives the descriptor away without closing it.
  public consuming func release() -> CInt {
    let number = rawValue
    discard self
    return number
  }
}
