public import Reactor
internal import Timekeeping

/// The local service of one proxy, with the streams to it that nobody uses at the moment.
///
/// The one that was used last is taken first, so that the others grow old and are closed.
public final class GatewayService {
  /// The proxy's name.
  public let name: String
  /// What the host knows it by.
  public let tag: UInt64

  private let loop: EventLoop
  private let times: GatewayTimes
  private var idle: [ServiceStream] = []
  private var expiryTimer: TimerID?
  private var isClosed = false

  /// A service without streams.
  public init(
    _ loop: EventLoop, name: String, tag: UInt64, times: GatewayTimes = GatewayTimes()
  ) {
    self.loop = loop
    self.times = times
    self.name = name
    self.tag = tag
  }

  deinit {
    if let expiryTimer { loop.cancel(expiryTimer) }
  }

  /// The streams that nobody uses.
  public var idleStreamCount: Int { idle.count }

  /// The proxy is gone: closes the streams that nobody uses, and those in use when their request is
  /// over.
  public func close() {
    isClosed = true
    if let expiryTimer { loop.cancel(expiryTimer) }
    expiryTimer = nil
    let idle = self.idle
    self.idle = []
    for stream in idle { stream.end() }
  }

  /// A stream that has served before.
  ///
  /// - Parameters:
  ///   - isRepeatable: whether the request may be sent again on another stream if the local
  ///   service closes this one at the same moment.
  ///   - isHTTP2: whether it has to speak HTTP/2.
  func take(isRepeatable: Bool, isHTTP2: Bool) -> ServiceStream? {
    guard let newest = idle.lastIndex(where: { $0.isHTTP2 == isHTTP2 }) else { return nil }
    if !isRepeatable, loop.now - idle[newest].idleSince > times.unrepeatableIdle { return nil }
    return idle.remove(at: newest)
  }

  /// Keeps a stream whose request is over.
  func keep(_ stream: ServiceStream) {
    guard !isClosed, idle.count < GatewayLimits.idleStreamCountMax else { return stream.end() }
    stream.idleSince = loop.now
    idle.append(stream)
    if expiryTimer == nil { armExpiry() }
  }

  /// An idle stream ended, or said something that nobody had asked for.
  func forget(_ stream: ServiceStream) {
    if let index = idle.firstIndex(where: { $0 === stream }) { idle.remove(at: index) }
  }

  private func armExpiry() {
    guard let oldest = idle.first else { return }
    let deadline = oldest.idleSince + times.idleStream
    expiryTimer = loop.schedule(at: deadline) { [unowned self] in
      // Cancelled in `close` and `deinit`.
      expiryTimer = nil
      let now = loop.now
      while let oldest = idle.first, oldest.idleSince + times.idleStream <= now {
        idle.removeFirst()
        oldest.end()
      }
      armExpiry()
    }
  }
}
