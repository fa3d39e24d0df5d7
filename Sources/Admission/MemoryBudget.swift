public import Timekeeping

/// Keeps a process below a limit of memory, by saying when no more may come in.
///
/// What is in use is what was measured last, what the kernel keeps for the sockets, and an estimate
/// for whatever came since. The kernel's share counts because it does for those who kill: the limit
/// of a control group includes it.
public struct MemoryBudget {
  /// Who asks.
  public enum Applicant: Sendable {
    /// A user of a proxy.
    case user
    /// A peer on the bind port: it may be a client that comes back, so it has a reserve.
    case stranger
  }

  /// The limit in bytes.
  public let limitBytes: Int
  private var residentBytes = 0
  private var sampledSocketCount = 0
  private var sampledAt: Instant?

  /// Makes a budget that has not measured yet.
  public init(limitBytes: Int) {
    self.limitBytes = limitBytes
  }

  /// Whether the memory in use is to be measured before anybody is let in.
  public func isSampleDue(now: Instant) -> Bool {
    guard let sampledAt else { return true }
    return now - sampledAt >= AdmissionLimits.memorySampleTime
  }

  /// Notes what was measured.
  ///
  /// - Parameters:
  ///   - residentBytes: the memory of this process.
  ///   - socketCount: its sockets at that time.
  public mutating func note(residentBytes: Int, socketCount: Int, now: Instant) {
    self.residentBytes = residentBytes
    sampledSocketCount = socketCount
    sampledAt = now
  }

  /// What is in use, with what the kernel keeps for `socketCount` sockets.
  public func usedBytes(socketCount: Int) -> Int {
    let newcomers = max(0, socketCount - sampledSocketCount)
    return residentBytes + newcomers * AdmissionLimits.ownBytesPerConnection
      + socketCount * AdmissionLimits.kernelBytesPerSocket
  }

  /// Whether one more may come in: users up to seven eighths of the limit.
  public func mayAdmit(_ applicant: Applicant, socketCount: Int) -> Bool {
    let most =
      switch applicant {
      case .user: limitBytes - limitBytes / 8
      case .stranger: limitBytes
      }
    return usedBytes(socketCount: socketCount + 1) <= most
  }
}
