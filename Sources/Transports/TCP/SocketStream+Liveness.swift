public import LinuxSystem
public import Timekeeping

extension SocketStream {
  /// Gives the connection up when the peer's host takes nothing for a while. Only where the peer's
  /// program always reads: a peer that does not read, however well its host is, looks the same.
  public func limitSilence(to timeout: Interval = TransportLimits.controlUserTimeout) {
    guard phase != .closed else { return }
    Socket.setUserTimeout(number, milliseconds: Int(timeout.nanoseconds / 1_000_000))
  }

  /// How many of our bytes the peer's host has acknowledged.
  public var acknowledgedByteCount: UInt64? {
    phase == .closed ? nil : Socket.acknowledgedByteCount(number)
  }
}

extension KeepaliveTiming {
  /// When carriers are probed: as the configuration says, but not later than the limits do.
  ///
  /// - Parameter idle: `nil` when the configuration wants no probes.
  public static func carrier(atMost idle: Interval?) -> KeepaliveTiming? {
    guard let idle else { return nil }
    return KeepaliveTiming(
      idleSeconds: Int(min(idle, TransportLimits.carrierKeepaliveIdle).inSeconds),
      probeSeconds: Int(TransportLimits.carrierKeepaliveInterval.inSeconds),
      probeCount: TransportLimits.carrierKeepaliveCountMax)
  }

  /// When the connections of users are probed: as the configuration says.
  public static func user(_ idle: Interval?) -> KeepaliveTiming? {
    idle.map { KeepaliveTiming(idleSeconds: Int($0.inSeconds)) }
  }
}
