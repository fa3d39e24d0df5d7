public import LinuxSystem

/// What became of a connect.
public enum ConnectOutcome: ~Copyable {
  /// Connected.
  case connected(ConnectedSocket)
  /// There is no connection.
  case failed(ConnectError)
}

/// A connected, non-blocking socket with TCP_NODELAY that the loop watches already
/// (`Readiness.stream`): who takes it over saves two system calls.
public struct ConnectedSocket: ~Copyable {
  /// The address that answered.
  public let peer: SocketAddress
  /// The descriptor's registration, which `EventLoop.transfer` hands to a handler.
  public let registration: RegistrationID
  /// What the edge that told of the connection said besides; it does not come again.
  public let readiness: Readiness
  private let descriptor: FileDescriptor

  init(
    _ descriptor: consuming FileDescriptor, peer: SocketAddress, _ registration: RegistrationID,
    _ readiness: Readiness
  ) {
    self.peer = peer
    self.readiness = readiness
    self.registration = registration
    self.descriptor = descriptor
  }

  /// The descriptor's number.
  public var number: CInt { descriptor.rawValue }

  /// Gives the descriptor away, watched as it is.
  public consuming func takeDescriptor() -> FileDescriptor { descriptor }
}
