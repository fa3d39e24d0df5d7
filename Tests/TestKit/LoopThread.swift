internal import LinuxSystem
public import Reactor

/// An event loop on a thread of its own, driven synchronously from a test.
public final class LoopThread: Sendable {
  /// The loop's door.
  public let mailbox: Mailbox
  private let thread: OwnThread

  /// Starts a loop.
  public init() throws {
    let started = Promised<Result<Mailbox, any Error>>()
    thread = OwnThread {
      do {
        let loop = try EventLoop()
        started.fulfill(.success(loop.mailbox))
        loop.run()
      } catch {
        started.fulfill(.failure(error))
      }
    }
    mailbox = try started.wait().get()
  }

  /// Runs `body` on the loop's thread, waits for it, and returns what it returns.
  @discardableResult
  public func run<Value: Sendable>(
    _ body: @escaping @Sendable (EventLoop) throws -> Value
  ) throws -> Value {
    let outcome = Promised<Result<Value, any Error>>()
    mailbox.post { loop in outcome.fulfill(Result { try body(loop) }) }
    return try outcome.wait().get()
  }

  /// Runs `body` on the loop's thread and keeps what it makes there; later `run` bodies open it.
  public func make<Value>(
    _ body: @escaping @Sendable (EventLoop) throws -> Value
  ) throws -> LoopConfined<Value> {
    try run { loop in LoopConfined(try body(loop), loop.mailbox) }
  }

  /// Stops the loop and waits for its thread; the second call returns at once.
  public func stop() {
    mailbox.post { $0.stop() }
    thread.join()
  }

  deinit {
    mailbox.post { $0.stop() }
  }
}

// Unchecked: the value is opened only through the loop to which it belongs, and that is checked.
/// Something that lives on a loop's thread, for a test to name in `LoopThread.run` bodies.
public struct LoopConfined<Value>: @unchecked Sendable {
  private let stored: Value
  private let owner: Mailbox

  init(_ value: Value, _ owner: Mailbox) {
    stored = value
    self.owner = owner
  }

  /// The value, for whoever can show the loop: that is only code on its thread.
  public func on(_ loop: EventLoop) -> Value {
    precondition(loop.mailbox === owner, "opened on another loop")
    return stored
  }
}
