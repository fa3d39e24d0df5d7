internal import Foundation
internal import Glibc
internal import Synchronization

/// A thread of the operating system with a join, for work that blocks.
///
/// Swift Testing runs tests on a pool with one thread a core: whoever blocks for what another test
/// must do would stop it.
public final class OwnThread: Sendable {
  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  private let thread: pthread_t
  private let isJoined = Atomic<Bool>(false)

  /// Starts `body` on a new thread.
  public init(_ body: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    let result = pthread_create(
      &thread, nil,
      { context in
        // The reference was handed over below, exactly once.
        if let context { Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() }
        return nil
      }, Unmanaged.passRetained(Body(body)).toOpaque())
    precondition(result == 0, "no thread: error \(result)")
    self.thread = thread
  }

  /// Waits until the body has returned; the second call returns at once.
  public func join() {
    if !isJoined.exchange(true, ordering: .acquiringAndReleasing) { pthread_join(thread, nil) }
  }

  deinit {
    if !isJoined.load(ordering: .acquiring) { pthread_detach(thread) }
  }
}

/// Runs `body` on a thread of its own, so that it may block, and returns what it returns.
public func onOwnThread<Value: Sendable>(
  _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    _ = OwnThread { continuation.resume(with: Result { try body() }) }
  }
}

/// A value that one thread leaves and another waits for.
public final class Promised<Value: Sendable>: Sendable {
  private let condition = NSCondition()
  private let value = Locked<Value?>(nil)

  /// Makes an empty one.
  public init() {}

  /// Leaves `newValue`; a second call is ignored.
  public func fulfill(_ newValue: Value) {
    condition.lock()
    value.withLock { if $0 == nil { $0 = newValue } }
    condition.broadcast()
    condition.unlock()
  }

  /// The value, once somebody has left it.
  ///
  /// - Throws: `WaitError.timedOut` when nobody did in time.
  public func wait(seconds: Double = 20) throws -> Value {
    let deadline = Date().addingTimeInterval(seconds)
    condition.lock()
    defer { condition.unlock() }
    while true {
      if let value = value.withLock({ $0 }) { return value }
      if !condition.wait(until: deadline) { throw WaitError.timedOut(seconds: seconds) }
    }
  }
}

/// A wait that did not end.
public enum WaitError: Error, Hashable {
  /// Nothing happened for so long.
  case timedOut(seconds: Double)
}
