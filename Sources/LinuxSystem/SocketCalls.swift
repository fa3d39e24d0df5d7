/// The calls that move bytes or connections, as one loop makes them.
///
/// Empty in release builds. In debug builds a test may give a loop a `FaultPlan`, and the calls of
/// that loop then behave as the kernel may at its worst.
public struct SocketCalls {
  #if DEBUG
    /// What goes wrong; `nil` for nothing.
    public var faults: FaultPlan?
  #endif

  /// Calls that go straight to the kernel.
  public init() {}

  /// `Socket.receive`.
  @inline(__always)
  public func receive(_ descriptor: CInt, into buffer: UnsafeMutableRawBufferPointer) -> IOResult {
    #if DEBUG
      if let faults { return faults.receive(descriptor, into: buffer) }
    #endif
    return Socket.receive(descriptor, into: buffer)
  }

  /// `Socket.send` of one block.
  @inline(__always)
  public func send(
    _ descriptor: CInt, _ bytes: UnsafeRawBufferPointer, isMoreComing: Bool = false
  ) -> IOResult {
    #if DEBUG
      if let faults { return faults.send(descriptor, bytes, isMoreComing: isMoreComing) }
    #endif
    return Socket.send(descriptor, bytes, isMoreComing: isMoreComing)
  }

  /// `Socket.send` of two blocks.
  @inline(__always)
  public func send(
    _ descriptor: CInt, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
  ) -> IOResult {
    #if DEBUG
      if let faults { return faults.send(descriptor, first, second) }
    #endif
    return Socket.send(descriptor, first, second)
  }

  /// Moves bytes from a socket into a pipe.
  @inline(__always)
  public func splice(fromSocket socket: CInt, toPipe pipe: CInt, byteCount: Int) -> IOResult {
    #if DEBUG
      if let faults { return faults.splice(fromSocket: socket, toPipe: pipe, byteCount: byteCount) }
    #endif
    return LinuxSystem.splice(from: socket, to: pipe, byteCount: byteCount)
  }

  /// Moves bytes from a pipe into a socket.
  @inline(__always)
  public func splice(fromPipe pipe: CInt, toSocket socket: CInt, byteCount: Int) -> IOResult {
    #if DEBUG
      if let faults { return faults.splice(fromPipe: pipe, toSocket: socket, byteCount: byteCount) }
    #endif
    return LinuxSystem.splice(from: pipe, to: socket, byteCount: byteCount)
  }

  /// `Socket.accept`.
  @inline(__always)
  public func accept(_ listener: CInt) -> Socket.Accepted {
    #if DEBUG
      if let faults { return faults.accept(listener) }
    #endif
    return Socket.accept(listener)
  }

  /// `Socket.connect`.
  @inline(__always)
  public func connect(_ descriptor: CInt, to address: SocketAddress) throws(Errno) {
    #if DEBUG
      if let faults { return try faults.connect(descriptor, to: address) }
    #endif
    try Socket.connect(descriptor, to: address)
  }
}
