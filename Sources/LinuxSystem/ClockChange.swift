internal import CLinux
internal import Glibc

/// A timer that becomes readable when the wall clock is set, which the kernel also does when the
/// machine wakes up (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET).
public struct ClockChangeDescriptor: ~Copyable {
  // Some 285 years, the most that the kernel's nanoseconds can hold.
  private static let neverSeconds = 9_000_000_000

  private let descriptor: FileDescriptor

  /// Opens one.
  public init() throws(Errno) {
    #if DEBUG
      if let kernel = Simulation.kernel {
        descriptor = FileDescriptor(owning: try kernel.makeFlag(.clockChange))
        return
      }
    #endif
    let flags = CInt(TFD_NONBLOCK) | CInt(TFD_CLOEXEC)
    let number = try throwing { timerfd_create(CLOCK_REALTIME, flags) }
    let timer = FileDescriptor(owning: number)
    try Self.arm(number)
    descriptor = timer
  }

  /// The number, for polling.
  public var rawValue: CInt { descriptor.rawValue }

  /// Makes the descriptor unreadable until the next change.
  public func clear() {
    #if DEBUG
      if let kernel = Simulation.kernel(of: descriptor.rawValue) {
        _ = kernel.lower(descriptor.rawValue)
        return
      }
    #endif
    var count: UInt64 = 0
    _ = read(descriptor.rawValue, &count, 8)
    // ECANCELED from the read; the timer itself runs on.
    try? Self.arm(descriptor.rawValue)
  }

  private static func arm(_ number: CInt) throws(Errno) {
    var time = itimerspec()
    time.it_value.tv_sec = neverSeconds
    let flags = CInt(TFD_TIMER_ABSTIME) | CInt(TFD_TIMER_CANCEL_ON_SET)
    try throwing { timerfd_settime(number, flags, &time, nil) }
  }
}
