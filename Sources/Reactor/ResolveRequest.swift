internal import CCares
internal import LinuxSystem
internal import Timekeeping

/// One name that is being resolved.
///
/// States: asked (the answer is awaited), answered (it is delivered in a moment, never from within
/// the call that brought it), done (delivered or cancelled).
public final class ResolveRequest {
  // In a struct so that it is stored without a reabstraction thunk.
  private struct Completion {
    let body: (Result<[SocketAddress], ResolveError>) -> Void
  }

  let host: String
  private let loop: EventLoop
  private var completion: Completion?
  private var timer: TimerID?

  init(
    _ loop: EventLoop, host: String,
    completion: @escaping (Result<[SocketAddress], ResolveError>) -> Void
  ) {
    self.loop = loop
    self.host = host
    self.completion = Completion(body: completion)
  }

  /// Forgets the request: its completion is not called any more.
  public func cancel() {
    completion = nil
    disarm()
  }

  func arm(_ timeout: Interval) {
    timer = loop.schedule(after: timeout) { [self] in
      timer = nil
      deliver(.failure(.timedOut(host, after: timeout)))
    }
  }

  /// Delivers soon, from the loop and not from the caller's frame: c-ares answers some names within
  /// the call that asks, and must not be called or destroyed from its own callbacks.
  func finish(_ result: Result<[SocketAddress], ResolveError>) {
    guard completion != nil else { return }
    disarm()
    timer = loop.schedule(after: .zero) { [self] in
      timer = nil
      deliver(result)
    }
  }

  private func deliver(_ result: Result<[SocketAddress], ResolveError>) {
    guard let completion else { return }
    self.completion = nil
    completion.body(result)
  }

  private func disarm() {
    if let timer { loop.cancel(timer) }
    timer = nil
  }
}

@available(*, unavailable)
extension ResolveRequest: Sendable {}
