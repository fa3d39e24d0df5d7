internal import Synchronization

/// What the threads that write to one sink share.
///
/// The atomic repeats what the mutex already guarantees: the thread sanitizer does not see how the
/// kernel hands over a contended `Mutex`, but it follows a release and an acquire.
struct SinkState<Value>: ~Copyable, Sendable {
  private let mutex: Mutex<Value>
  private let handover = Atomic<Bool>(false)

  init(_ value: sending Value) { mutex = Mutex(value) }

  borrowing func withLock<Result: Sendable>(
    _ body: (inout sending Value) -> sending Result
  ) -> Result {
    mutex.withLock { value in
      _ = handover.load(ordering: .acquiring)
      defer { handover.store(true, ordering: .releasing) }
      return body(&value)
    }
  }
}
