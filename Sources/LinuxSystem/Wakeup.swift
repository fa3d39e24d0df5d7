internal import CLinux
internal import Glibc

/// An eventfd: makes a loop on another thread turn.
public struct WakeupDescriptor: ~Copyable, Sendable {
  private let descriptor: FileDescriptor

  /// Opens one.
  public init() throws(Errno) {
    #if DEBUG
      if let kernel = Simulation.kernel {
        descriptor = FileDescriptor(owning: try kernel.makeFlag(.event))
        return
      }
    #endif
    let number = try throwing { eventfd(0, CInt(EFD_NONBLOCK) | CInt(EFD_CLOEXEC)) }
    descriptor = FileDescriptor(owning: number)
  }

  /// The number, for polling.
  public var rawValue: CInt { descriptor.rawValue }

  /// Makes the descriptor readable.
  public func signal() {
    #if DEBUG
      if let kernel = Simulation.kernel(of: descriptor.rawValue) {
        return kernel.raise(descriptor.rawValue)
      }
    #endif
    var one: UInt64 = 1
    // EAGAIN means that it is readable already.
    _ = write(descriptor.rawValue, &one, 8)
  }

  /// Makes the descriptor unreadable again.
  public func clear() {
    #if DEBUG
      if let kernel = Simulation.kernel(of: descriptor.rawValue) {
        _ = kernel.lower(descriptor.rawValue)
        return
      }
    #endif
    var count: UInt64 = 0
    _ = read(descriptor.rawValue, &count, 8)
  }
}

/// The signals that our programs handle.
public enum ProcessSignal: CInt, Sendable {
  /// SIGHUP.
  case hangup = 1
  /// SIGINT.
  case interrupt = 2
  /// SIGTERM.
  case terminate = 15
}

/// A signalfd. The signals are blocked for the thread that made it, and for threads that it starts
/// later.
public struct SignalDescriptor: ~Copyable {
  private let descriptor: FileDescriptor

  /// Blocks `signals` and opens a descriptor that reports them.
  public init(_ signals: [ProcessSignal]) throws(Errno) {
    let numbers = signals.map(\.rawValue) + [0]
    let number = try throwing { frp_signalfd(numbers) }
    descriptor = FileDescriptor(owning: number)
  }

  /// The number, for polling.
  public var rawValue: CInt { descriptor.rawValue }

  /// Takes the next signal that arrived.
  public func next() -> ProcessSignal? {
    var info = signalfd_siginfo()
    let size = MemoryLayout<signalfd_siginfo>.size
    while read(descriptor.rawValue, &info, size) == size {
      if let signal = ProcessSignal(rawValue: CInt(info.ssi_signo)) { return signal }
    }
    return nil
  }
}
