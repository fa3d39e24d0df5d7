public import LinuxSystem
public import Timekeeping

/// One address that could not be reached.
public struct ConnectFailure: Hashable, Sendable, CustomStringConvertible {
  /// The address.
  public let address: SocketAddress
  /// What the kernel said; `.timedOut` when it said nothing in time.
  public let error: Errno

  /// Says that `address` failed with `error`.
  public init(address: SocketAddress, error: Errno) {
    self.address = address
    self.error = error
  }

  /// For example `127.0.0.1:80: connection refused`.
  public var description: String { "\(address): \(error)" }
}

/// Why there is no connection.
public enum ConnectError: Error, Hashable, Sendable, CustomStringConvertible {
  /// There was nothing to try.
  case noAddresses
  /// The name has no addresses.
  case unresolved(ResolveError)
  /// No address answered well; in the order in which they failed.
  case failed([ConnectFailure])
  /// The time was over; what had failed until then, and what had not answered.
  case timedOut(after: Interval, [ConnectFailure])

  /// One line for a log, with every address that was tried.
  public var description: String {
    switch self {
    case .noAddresses: "no address to connect to"
    case .unresolved(let error): error.description
    case .failed(let failures): Self.list(failures)
    case .timedOut(let limit, let failures):
      failures.isEmpty ? "not connected within \(limit.inSeconds) s" : Self.list(failures)
    }
  }

  /// Whether somebody at one of the addresses took the connection, and dropped it at once.
  public var isReset: Bool {
    switch self {
    case .noAddresses, .unresolved: false
    case .failed(let failures), .timedOut(_, let failures):
      failures.contains { $0.error == .connectionReset }
    }
  }

  private static func list(_ failures: [ConnectFailure]) -> String {
    failures.map(\.description).joined(separator: "; ")
  }
}
