internal import Foundation

// Unchecked: the value is reached only under the lock. Not `Mutex`, as the thread sanitizer does
// not see how the kernel hands that over between threads.
/// A value that several threads of a test use by turns.
public final class Locked<Value>: @unchecked Sendable {
  private let lock = NSLock()
  private var value: Value

  /// Begins with `value`.
  public init(_ value: Value) { self.value = value }

  /// Lends the value to `body` and to nobody else meanwhile.
  public func withLock<R>(_ body: (inout Value) throws -> R) rethrows -> R {
    lock.lock()
    defer { lock.unlock() }
    return try body(&value)
  }
}
